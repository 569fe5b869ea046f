"""Which layer's attention chooses the box: where that is published, and a guess elsewhere."""

from __future__ import annotations

_VICROP = "ViCrop (arXiv 2502.17422)"
_PROFILE = "not ViCrop's; within a published profile of its layers, {}"

# (config.model_type, layers of the language model) -> 0-based layer, who says so.
_PUBLISHED = {
    ("llava", 32): (14, f"{_VICROP}, LLaVA-1.5-7B"),
    ("llava", 40): (14, _PROFILE.format("13 to 16")),
    ("instructblip", 32): (15, f"{_VICROP}, InstructBLIP with Vicuna-7B"),
    # ViCrop's own list of models names the 3B.
    ("qwen2_5_vl", 36): (22, f"{_VICROP}, Qwen2.5-VL-3B"),
    ("qwen2_5_vl", 28): (22, _PROFILE.format("18, 22 and 24")),
}
# Elsewhere the relative depth of the nearest published model, and of a family's elder sister the
# same layer.
_DEPTHS = {"instructblip": 15 / 32, "qwen2_5_vl": 22 / 36}
_ELDER = {"qwen3_vl": "qwen2_5_vl"}


def attention_layer(family: str, layers: int) -> tuple[int, str]:
    """Return the 0-based layer of a language model of ``layers`` layers, and its source."""
    if (family, layers) in _PUBLISHED:
        return _PUBLISHED[family, layers]
    if family in _ELDER:
        layer, _ = attention_layer(_ELDER[family], layers)
    else:
        layer = int(_DEPTHS.get(family, 14 / 32) * layers)  # LLaVA-1.5-7B's
    return layer, "not published: a guess"
