"""What a model of the hub will take, said before anything is downloaded."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import constants, snapshot_download

from core.vlm.base import VLMError
from core.vlm.loading.checkpoint import FILES, OTHER_LAYOUTS, Checkpoint, Options
from core.vlm.loading.memory import BITS, free_bytes


def announce(
    checkpoint: Checkpoint,
    options: Options,
    say: Callable[[str], object] = lambda text: print(text, file=sys.stderr),
) -> None:
    """Say how much is to be downloaded, and about how much memory the weights will take.

    Nothing is said of a directory, of a model that is there already, or where the hub can't be
    asked. Raises VLMError if there is no room on the disk, or by far not enough memory.
    """
    if checkpoint.local:
        return
    try:
        files = snapshot_download(
            checkpoint.location, revision=checkpoint.revision, dry_run=True,
            allow_patterns=FILES, ignore_patterns=OTHER_LAYOUTS,
        )  # fmt: skip
    except Exception:  # the download itself will say why not; or all of it is in the cache
        return
    missing = sum(file.file_size or 0 for file in files if file.will_download)
    if not missing:
        return
    weights = sum(one.file_size or 0 for one in files if one.filename.endswith(".safetensors"))
    needed = int(weights / _itemsize(checkpoint.config) * _wanted(options))
    name, device = checkpoint.name, str(options.device)
    if missing > (room := _free_disk(Path(constants.HF_HUB_CACHE))):
        raise VLMError(
            f"{name!r} is {missing / 1e9:.1f} GB to download, and {room / 1e9:.1f} GB are free on "
            "the disk: make room, or set HF_HOME to a folder on another."
        )
    if (free := free_bytes(options.device)) is not None and needed > free:
        raise VLMError(
            f"{name!r} would take about {needed / 1e9:.1f} GB, and of the memory of {device!r} "
            f"{free / 1e9:.1f} GB are free: it is not downloaded. Load it in fewer bits, or take a "
            "smaller model."
        )
    say(
        f"{name}: {missing / 1e9:.1f} GB are downloaded now; loaded, its weights take about "
        f"{needed / 1e9:.1f} GB of the memory of {device!r}."
    )


def _wanted(options: Options) -> float:
    """Bytes for each number of the weights, once they are loaded."""
    return BITS[options.bits] / 8 if options.bits else options.dtype.itemsize


def _itemsize(config: dict[str, Any]) -> int:
    """Bytes for each number of the weights, in the files."""
    said = config.get("dtype") or config.get("torch_dtype") or "float32"
    dtype = getattr(torch, said, None) if isinstance(said, str) else None
    return dtype.itemsize if isinstance(dtype, torch.dtype) else 2


def _free_disk(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
