"""What people have in place of a checkpoint that can be read, told from it in one sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BINARY_OR_JSON = (".json", ".model", ".safetensors")  # an empty template or list may be meant
_READ = (*_BINARY_OR_JSON, ".txt", ".jinja")
_OBJECTS = (
    "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json",
    "tokenizer.json", "tokenizer_config.json",
)  # fmt: skip
_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
_PREPARATIONS = ("preprocessor_config.json", "processor_config.json")
_AGAIN = "download it again."
INDEX = "model.safetensors.index.json"

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
    if config.get("quantization_config") and packed_by(config) is None:
        return "has a quantization_config without a quant_method in its config.json: add it."
    return _LAYOUTS.get(family) if isinstance(family, str) else None


def packed_by(config: Mapping[str, Any]) -> str | None:
    """Return what packed the weights of this config.json into fewer bits, as "awq"; None: nothing,
    or it isn't said."""
    said = config.get("quantization_config")
    method = said.get("quant_method") if isinstance(said, Mapping) else None
    return method if isinstance(method, str) else None


def wrong_file(folder: Path) -> str | None:
    """Return a sentence about the first file that is something else than its name says, or about
    the tokenizer if there is none; None if all may be read."""
    paths = [*folder.iterdir(), *folder.glob("*tokenizer*/*")]  # InstructBLIP has a second one
    for path in sorted(path for path in paths if path.suffix in _READ and path.is_file()):
        with path.open("rb") as file:
            start = file.read(64)
        if (why := _wrong(path, start)) is not None:
            return f"{path.relative_to(folder)} {why}"
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        return f"there is no {_VOCABULARIES[0]} in it, so the download is not complete: {_AGAIN}"
    return None


def broken_file(folder: Path) -> str | None:
    """Return a sentence about the first file that isn't whole or isn't there, for whoever found
    that a checkpoint can't be read and not why; None if nothing is seen.

    Every file is read, which takes too long where all is well.
    """
    for path in sorted(folder.rglob("*.json")):
        try:
            found = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return f"{path.relative_to(folder)} isn't whole JSON, so it was cut off: {_AGAIN}"
        if path.name == INDEX and not isinstance(_files_of(found), dict):
            return f"{path.name} doesn't say which weights are in which file: {_AGAIN}"
    for path in sorted(folder.glob("*.safetensors")):
        if path.stat().st_size < _end(path):
            return f"{path.name} was cut off: {_AGAIN}"
    if not any((folder / name).is_file() for name in _PREPARATIONS):
        return (
            f"there is no {' or '.join(_PREPARATIONS)} in it, so "
            f"the download is not complete: {_AGAIN}"
        )
    return None


def _files_of(index: Any) -> Any:
    return index.get("weight_map") if isinstance(index, dict) else None


def _end(path: Path) -> int:
    """Return where a file of safetensors ends, as its header says."""
    with path.open("rb") as file:
        header = json.loads(file.read(length := int.from_bytes(file.read(8), "little")))
    ends = [one["data_offsets"][1] for name, one in header.items() if name != "__metadata__"]
    return 8 + length + max(ends, default=0)


def _wrong(path: Path, start: bytes) -> str | None:
    """Why a file that begins so isn't what its name says."""
    text = start.lstrip().lower()
    if not text:
        return f"is empty: {_AGAIN}" if path.suffix in _BINARY_OR_JSON else None
    if text.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the file itself: run 'git lfs pull' there."
    if text.startswith((b"<!doctype", b"<html")):
        return f"is a page of HTML, as a site sends it in place of a file it doesn't give: {_AGAIN}"
    if path.name in _OBJECTS and not text.startswith(b"{"):
        return f"isn't an object of JSON: {_AGAIN}"
    if path.suffix == ".safetensors":
        # Eight bytes say how long the header is, which is JSON.
        length = int.from_bytes(start[:8], "little")
        if start[8:9] != b"{" or 8 + length > path.stat().st_size:
            return f"isn't a file of safetensors, or was cut off: {_AGAIN}"
    return None
