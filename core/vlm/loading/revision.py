"""Which weights a loaded model has: the commit on the hub, or a digest of its files."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.vlm.base import VLM, ModelInfo

if TYPE_CHECKING:
    from core.vlm.loading.checkpoint import Checkpoint

__all__ = ["directory_digest", "revision", "revision_named", "revision_of"]

PARTS = (".json", ".jinja", ".safetensors", ".txt", ".model")  # of a checkpoint that count


def revision(vlm: VLM) -> str | None:
    """Return the commit of a hub model; of a local one, a digest of its files."""
    return revision_named(vlm.info)


def revision_named(info: ModelInfo) -> str | None:
    """Return `revision` of the model with these facts."""
    if info.revision is not None or info.likeliest is not None:  # an engine's weights aren't here
        return info.revision
    from core.vlm.loading.checkpoint import find_checkpoint  # here: it imports torch

    return revision_of(find_checkpoint(info.name))


def revision_of(checkpoint: Checkpoint) -> str | None:
    """Return the commit of a hub model; of a local one, a digest of its files."""
    if checkpoint.local:
        return directory_digest(Path(checkpoint.location))
    return checkpoint.revision


@lru_cache
def directory_digest(folder: Path) -> str:
    """Return the first digits of a SHA-256 over names and contents of a checkpoint's files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in PARTS):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256")
        digest.update(f"{path.name} {content.hexdigest()}\n".encode())
    return f"sha256:{digest.hexdigest()[:16]}"
