"""Whether a model fits into memory, known before it is loaded and without loading it."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path

import torch


def weight_bytes(folder: Path, dtype: torch.dtype, bits: int | None = None) -> int:
    """Return what the weights of a checkpoint take once they are loaded, from the headers of its
    files.

    bits: of each number of a matrix, where it is quantised; the rest stays in `dtype`.
    """
    total = 0
    for path in weight_files(folder):
        with path.open("rb") as file:
            # The layout of safetensors: the length of the header, eight bytes; the header, JSON.
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        for name, tensor in header.items():
            if name != "__metadata__":
                quantised = bits is not None and len(tensor["shape"]) == 2
                size = bits if quantised else 8 * dtype.itemsize
                total += prod(tensor["shape"]) * size // 8
    return total


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint; none if it has no such."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
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
