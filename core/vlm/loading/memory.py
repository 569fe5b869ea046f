"""Whether a model fits into memory, known before it is loaded and without loading it.

Weights are counted from the files' headers. What answering takes beside them is an estimate, from
the shapes that config.json says: it was held against what was measured on the CPU.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedConfig

from core.vlm.loading.refused import INDEX

__all__ = [
    "BITS",
    "cache_bytes",
    "free_bytes",
    "image_tokens",
    "weight_bytes",
    "weight_files",
    "weight_numbers",
    "working_bytes",
]

_TEXT = 256  # tokens of a prompt beside its images, and of the answer
_SOME = 576  # visual tokens of an image, where config.json doesn't say (LLaVA-1.5's)
# Of a quantised matrix bitsandbytes also keeps a factor: in 4 bits one float32 for 64 numbers.
BITS = {8: 8.0, 4: 4.5}
_WHOLE = re.compile(
    r"(^|\.)(lm_head|\w*embed\w*)\."
)  # never quantised: what words go in and out by


def weight_bytes(folder: Path, dtype: torch.dtype, bits: int | None = None) -> int:
    """Return what the weights of a checkpoint take once they are loaded.

    bits: of each number of a matrix, where it is quantised; embeddings, head and whatever is no
    matrix stay in `dtype`.
    """
    total = 0.0
    for name, shape in _shapes(folder):
        quantised = bits and len(shape) == 2 and not _WHOLE.search(name)
        size = BITS[bits] if bits and quantised else 8 * dtype.itemsize
        total += prod(shape) * size / 8
    return int(total)


def weight_numbers(folder: Path) -> int:
    """Return how many numbers the weights of a checkpoint are."""
    return sum(prod(shape) for _, shape in _shapes(folder))


def _shapes(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Yield name and shape of every weight of a checkpoint."""
    for path in weight_files(folder):
        with path.open("rb") as file:
            # The layout of safetensors: the length of the header, eight bytes; the header, JSON.
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        for name, tensor in header.items():
            if name != "__metadata__":
                yield name, tensor["shape"]


def working_bytes(config: PreTrainedConfig, dtype: torch.dtype, attention: str = "sdpa") -> int:
    """Return an estimate of what answering takes beside the weights.

    The look that is kept, the cache of a second stage with two images, and the largest layer's
    activations while they are read.
    """
    text: Any = config.get_text_config()
    image = image_tokens(config)
    tokens = 2 * image + _TEXT
    width = 8 * text.hidden_size + 3 * text.intermediate_size
    read = (image + _TEXT) * width * dtype.itemsize  # all but the global image, which is kept
    if attention == "eager":
        read += 2 * text.num_attention_heads * (image + _TEXT) * tokens * 4
    return cache_bytes(text, image, dtype) + cache_bytes(text, tokens, dtype) + read


def cache_bytes(text: Any, tokens: int, dtype: torch.dtype) -> int:
    """Return what keys and values of so many tokens take; text: config of the language model."""
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return 2 * text.num_hidden_layers * heads * width * tokens * dtype.itemsize


def image_tokens(config: PreTrainedConfig) -> int:
    """Return how many tokens one image in one piece is, as far as config.json says."""
    said: Any = config
    for name in ("image_seq_length", "num_query_tokens"):
        if isinstance(count := getattr(said, name, None), int):
            return count
    vision = getattr(said, "vision_config", None)
    side, patch = (getattr(vision, name, None) for name in ("image_size", "patch_size"))
    if not isinstance(side, int) or not isinstance(patch, int):
        return _SOME
    merge = getattr(said, "scale_factor", 1)
    return max(int((side // patch / merge) ** 2), 1)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint; none if it has no such."""
    index = folder / INDEX
    if index.is_file():
        names = sorted(set(json.loads(index.read_text()).get("weight_map", {}).values()))
        return [folder / name for name in names]
    return [path for path in [folder / "model.safetensors"] if path.is_file()]


def free_bytes(device: torch.device) -> int | None:
    """Memory that can still be had on a device; None where there is no telling."""
    if device.type == "cuda":
        try:
            return torch.cuda.mem_get_info(device)[0]
        except (RuntimeError, AssertionError):  # no such device, which loading will say
            return None
    if device.type != "cpu":
        return None
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()  # Linux
        values = dict(line.split(":") for line in lines)
        free = int(values["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    return min([free, *_left_in_container()])


def _left_in_container() -> list[int]:
    """Return what a limited container may still take: a Space has less than its machine."""
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = ((group / f"memory.{name}").read_text() for name in ("max", "current"))
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        # Files that were read are counted as used, and given back when there is need.
        return [int(limit) - int(used) + int(statistics["inactive_file"])]
    except (OSError, KeyError, ValueError):  # not in one, or "max": without a limit
        return []
