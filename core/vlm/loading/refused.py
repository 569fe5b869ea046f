"""What people have in place of a checkpoint that can be read, told from it in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BINARY_OR_JSON = (".json", ".model", ".safetensors")  # an empty template or list may be meant

_OWN_CODE = (
    "is in the layout of its authors' own code, which is not run here: take the checkpoint in the "
    "layout of transformers, {}."
)
_INTERNVL = _OWN_CODE.format("whose name ends in -hf or -HF")
_LLAVA = _OWN_CODE.format("of the owner llava-hf, whose name ends in -hf")
_PIXTRAL = (
    "is a Pixtral model, whose rows of tokens end in tokens of their own, which can't be followed "
    "here: take LLaVA-1.5, Qwen2.5-VL or SmolVLM."
)
_LAYOUTS = {
    "internvl_chat": _INTERNVL,
    "llava_llama": _LLAVA,
    "llava_mistral": _LLAVA,
    "llava_qwen": _LLAVA,
    "pixtral": _PIXTRAL,
}


def wrong_layout(config: Mapping[str, Any]) -> str | None:
    """Return why a model of this config.json can't be used, to follow its name; None if it may."""
    family, vision = config.get("model_type"), config.get("vision_config")
    if family == "llava" and "mm_vision_tower" in config:
        return _LLAVA
    if family == "llava" and isinstance(vision, Mapping) and vision.get("model_type") == "pixtral":
        return _PIXTRAL
    return _LAYOUTS.get(family) if isinstance(family, str) else None


def wrong_file(folder: Path) -> str | None:
    """Return a sentence about the first file that is something else than its name says, if any."""
    for path in sorted(folder.iterdir()):
        if path.suffix not in _BINARY_OR_JSON or not path.is_file():
            continue
        with path.open("rb") as file:
            start = file.read(64).lstrip().lower()
        if not start:
            return f"{path.name} is empty: download it again."
        if start.startswith(b"version https://git-lfs"):
            return (
                f"{path.name} is a Git LFS pointer, not the file itself: run 'git lfs pull' there."
            )
        if start.startswith((b"<!doctype", b"<html")):
            return (
                f"{path.name} is a page of HTML, as a site sends it in place of a file that it "
                "doesn't give: download it again."
            )
    return None
