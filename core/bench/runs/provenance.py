"""What it takes to repeat a run, as far as this machine can tell."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.bench.runs.metadata import Code

CORE = Path(__file__).resolve().parents[2]  # what makes a run: the package `core`
PACKAGE = "second-look"
PACKAGES = (PACKAGE, "torch", "transformers", "tokenizers", "numpy", "pillow")


def code(package: Path = CORE) -> Code:
    """Return the state of the code of a package, this one's by default.

    The code is clean if it is the commit's: no file that git knows differs, and none is new in the
    package. A run file that lies beside them changes no code.
    """
    try:
        installed = version(PACKAGE)
    except PackageNotFoundError:
        installed = None
    # A package that lies in a checkout of something else, in its virtual environment say, isn't
    # known to that git.
    known = _git(package, "ls-files", "--error-unmatch", "--", "__init__.py")
    commit = known and _git(package, "rev-parse", "--verify", "HEAD")
    if not commit:
        return Code(None, None, installed)
    changed = _git(package, "status", "--porcelain", "--untracked-files=no")
    new = _git(package, "ls-files", "--others", "--exclude-standard", "--", ".")
    clean = None if changed is None or new is None else not changed + new
    return Code(commit, clean, installed)


def _git(folder: Path, *words: str) -> str | None:
    """Return what git says of a folder; None if it can't, or isn't there."""
    # Of a hook, git's own variables would lead to the repository that the hook is of.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", "-C", folder, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            check=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def versions() -> dict[str, str]:
    """Return those of Python and of the packages that a result depends on, of what is installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from a clone that was never installed
            continue
    return found


def machine() -> str:
    """Return processor, instruction set, threads and GPU, without the computer's name."""
    facts = [f"{platform.system()} {platform.machine()}", _processor(), f"{os.cpu_count()} cores"]
    if torch := sys.modules.get("torch"):  # not imported for this: a model has done so, or none is
        facts.append(torch.backends.cpu.get_cpu_capability())  # what its kernels use, e.g. AVX2
        facts.append(f"{torch.get_num_threads()} threads")
        if torch.cuda.is_available():
            facts.append(torch.cuda.get_device_name())
    return ", ".join(facts)


def today() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")
