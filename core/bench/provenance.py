"""What it takes to repeat a run, as far as this machine can tell."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.vlm.base import VLM

PACKAGES = ("second-look", "torch", "transformers", "tokenizers", "numpy", "pillow")
PARTS = (".json", ".jinja", ".safetensors", ".txt", ".model")  # of a checkpoint that count


def versions() -> dict[str, str]:
    """Of Python and of the packages that a result depends on; what isn't installed is left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from a clone that was never installed
            continue
    return found


def machine() -> str:
    """Processor, threads and GPU; no name of the computer."""
    facts = [f"{platform.system()} {platform.machine()}", _processor(), f"{os.cpu_count()} cores"]
    if torch := sys.modules.get("torch"):  # not imported for this: a model has done so, or none is
        facts.append(f"{torch.get_num_threads()} threads")
        if torch.cuda.is_available():
            facts.append(torch.cuda.get_device_name())
    return ", ".join(facts)


def revision(vlm: VLM) -> str | None:
    """The commit of a hub model; of a local one, a digest of its files."""
    if vlm.info.revision is not None:
        return vlm.info.revision
    from core.vlm.loading import find_checkpoint  # here: it imports torch

    checkpoint = find_checkpoint(vlm.info.name)
    return directory_digest(Path(checkpoint.location)) if checkpoint.local else None


@lru_cache
def directory_digest(folder: Path) -> str:
    """The first digits of a SHA-256 over names and contents of a checkpoint's files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in PARTS):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256")
        digest.update(f"{path.name} {content.hexdigest()}\n".encode())
    return f"sha256:{digest.hexdigest()[:16]}"


def today() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")
