"""Vision-language models behind one small interface, one file per family."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from core.vlm.base import VLM, Generation, Look, ModelInfo, Request, VLMError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

__all__ = ["FAMILIES", "VLM", "Generation", "Look", "ModelInfo", "Request", "VLMError", "load_vlm"]

FAMILIES = {  # config.model_type -> module with load(checkpoint, options)
    "idefics3": "core.vlm.idefics",
    "instructblip": "core.vlm.instructblip",
    "internvl": "core.vlm.internvl",
    "llava": "core.vlm.llava",
    "llava_next": "core.vlm.llava_next",
    "qwen2_5_vl": "core.vlm.qwen",
    "qwen3_vl": "core.vlm.qwen",
    "smolvlm": "core.vlm.idefics",
}


def load_vlm(
    name_or_path: str | Path = "pocket",
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    *,
    resolution: int | None = None,
) -> VLM:
    """Load a model: ``"pocket"`` (the bundled one), a local directory, or a hub id.

    ``device`` defaults to CUDA if there is one, ``dtype`` to float32 on the CPU and to bfloat16 or
    float16 on CUDA. Raises VLMError, one sentence, if the model can't be had or is of no known
    family.
    """
    # Here, not above: they import torch and transformers, which takes seconds.
    from core.vlm.loading import Options, find_checkpoint, placement

    device, dtype = placement(device, dtype)
    checkpoint = find_checkpoint(name_or_path)
    family = checkpoint.config.get("model_type")
    if family not in FAMILIES:
        raise VLMError(
            f"{checkpoint.name!r} is of the family {family!r}, which can't be used here; "
            f"the families that can: {', '.join(sorted(FAMILIES))}."
        )
    return import_module(FAMILIES[family]).load(checkpoint, Options(device, dtype, resolution))
