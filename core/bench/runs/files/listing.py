"""Run files of a folder, by what their metadata say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.bench.runs.errors import RunError
from core.bench.runs.files.layout import SUFFIX, metrics_of
from core.bench.runs.files.opening import opened
from core.bench.runs.files.refusals import name_of
from core.bench.runs.metadata import Metadata


@dataclass(frozen=True)
class RunFile:
    """A file that `list_runs` found: what it holds, or the sentence that says why it can't be."""

    path: Path
    metadata: Metadata | None = None
    samples: int = 0
    metrics: tuple[str, ...] = ()
    problem: str | None = None


def list_runs(folder: str | os.PathLike[str]) -> list[RunFile]:
    """The run files of a folder by name, from their metadata alone.

    One that can't be read is listed with its `problem`, and doesn't hide the others.
    Raises RunError if there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"There is no folder {name_of(folder)} to look for run files in.")
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            with opened(path) as (file, _, metadata, samples):
                found.append(RunFile(path, metadata, samples, metrics_of(file)))
        except RunError as error:
            found.append(RunFile(path, problem=str(error)))
    return found
