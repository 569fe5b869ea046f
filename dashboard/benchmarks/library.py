"""The runs there are to look at: those of a folder, and those that a user brought."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from core.bench import Metadata, Run, RunError, RunFile, list_runs, load_run, load_upload
from core.bench.analysis.links import over_link
from core.bench.analysis.looking import label
from core.bench.datasets import DATASETS
from core.bench.runs.files import SUFFIX
from core.bench.runs.kept import kept
from core.bench.runs.series import QUALITY, codec_name, kind, rank
from core.bench.runs.uploads import MAX_ROWS, MAX_UNPACKED
from core.channel import PRESETS
from core.croppers import DEFAULT
from core.imaging import Codec
from core.support.bundled import CONTROLS, RUNS
from dashboard.eta.recorded import Recorded

UPLOAD = "upload-"  # begins the key of an upload
HELD = 12  # runs kept in memory, whoever looks at them


@dataclass(frozen=True)
class Choice:
    """One run file that can be looked at."""

    key: str  # in a link, and as the value of a choice: the file's name, or upload-1, upload-2, ...
    path: Path
    metadata: Metadata = field(compare=False)
    samples: int

    @property
    def title(self) -> str:
        """Return model, data set and split."""
        of = self.metadata
        dataset = DATASETS[of.dataset].label if of.dataset in DATASETS else of.dataset
        brought = " (yours)" if self.key.startswith(UPLOAD) else ""
        looked = f" · {label(of.cropper)}" if of.cropper != DEFAULT else ""
        return f"{of.model} · {dataset} · {of.split}{looked}{brought}"

    @property
    def codec(self) -> str:
        """Return what its images were encoded with, for people."""
        return codec_name(self.metadata)

    @property
    def name(self) -> str:
        """Return title and codec."""
        return f"{self.title}, {self.codec}"

    @property
    def rank(self) -> int:
        """Return its place in its series."""
        return rank(self.metadata)

    @property
    def kind(self) -> tuple[str, bool]:
        """Return what a series has in common: uploads don't mix with the folder's."""
        return kind(self.metadata, self.samples), self.key.startswith(UPLOAD)


@dataclass(frozen=True)
class Series:
    """Runs that differ in their quality only, from the lowest up."""

    title: str
    choices: tuple[Choice, ...]

    @property
    def key(self) -> str:
        """Return the key of its first choice."""
        return self.choices[0].key

    def nearest(self, quality: int | None) -> Choice:
        """Return the choice of this quality, or of the one nearest to it."""
        wanted = QUALITY if quality is None else quality
        return min(self.choices, key=lambda choice: abs(choice.rank - wanted))


class Library:
    """Reads run files once, and keeps the last few. Users share it; their uploads are theirs."""

    def __init__(self, folder: Path = RUNS):
        self.folder = folder

    def listed(self) -> tuple[tuple[Choice, ...], tuple[RunFile, ...]]:
        """Return the runs of the folder, and its other files; both empty without a folder."""
        return _listed_now(self.folder)

    def controls(self) -> tuple[Choice, ...]:
        """Return what lies beside the runs of the folder, and isn't looked at alone."""
        return _listed_now(self.folder / CONTROLS)[0]

    def choices(self, uploads: Sequence[Choice] = ()) -> tuple[Choice, ...]:
        """Return all that one user can look at."""
        return (*self.listed()[0], *uploads)

    def bring(self, path: str, uploads: Sequence[Choice]) -> Choice:
        """Return a run file that a user uploaded. Raises RunError, one sentence."""
        run = load_upload(path)
        number = 1 + (int(uploads[-1].key.removeprefix(UPLOAD)) if uploads else 0)
        return Choice(f"{UPLOAD}{number}", Path(path), run.metadata, len(run))

    def of_weights(self, revision: str) -> Iterator[tuple[str, Run]]:
        """Yield the folder's runs of these weights, by their names, the largest first."""
        for choice in self.choices():
            if choice.metadata.revision == revision and choice.metadata.cropper == DEFAULT:
                with suppress(RunError):  # it has gone meanwhile
                    yield choice.name, self.load(choice)

    def fitting(self, revision: str, codec: Codec) -> Recorded | None:
        """Return the run of these weights and this format whose quality is nearest to a codec's.

        Of several, the largest. None: nobody has recorded one, or it has gone meanwhile.
        """
        same = [
            choice
            for choice in self.choices()
            if (choice.metadata.revision, choice.metadata.codec) == (revision, codec.format)
            and choice.metadata.cropper == DEFAULT
        ]

        def away(choice: Choice) -> int:
            quality = choice.metadata.quality
            return 0 if quality is None else abs(quality - codec.quality)

        nearest = min(same, key=away, default=None)
        if nearest is None:
            return None
        with suppress(RunError):
            return Recorded(nearest.key, nearest.name, self.load(nearest), not away(nearest))
        return None

    def load(self, choice: Choice) -> Run:
        """Return a run. Raises RunError, one sentence, also for an upload that has been deleted."""
        changed = _changed(choice.path)
        if changed is None:
            raise RunError("The run file is no longer here: choose another, or upload it again.")
        return _load(choice.path, changed, choice.key.startswith(UPLOAD))


def series(choices: Iterable[Choice]) -> tuple[Series, ...]:
    """Return choices grouped into series, in their order. No series has a quality twice."""
    groups: list[list[Choice]] = []
    for choice in choices:
        for group in groups:
            if group[0].kind == choice.kind and all(c.rank != choice.rank for c in group):
                group.append(choice)
                break
        else:
            groups.append([choice])
    return tuple(
        Series(title, tuple(sorted(group, key=lambda choice: choice.rank)))
        for title, group in zip(_titles([group[0] for group in groups]), groups, strict=True)
    )


def _titles(choices: Sequence[Choice]) -> list[str]:
    """Return what tells them apart: as little as is needed, in the end the file's name."""
    for name in (
        lambda choice: choice.title,
        lambda choice: f"{choice.title} · {choice.samples:,} questions",
        lambda choice: f"{choice.title} · {choice.path.stem}",
    ):
        titles = [name(choice) for choice in choices]
        if len(set(titles)) == len(titles):
            break
    return titles


def find(choices: Iterable[Choice], key: str | None) -> Choice | None:
    """Return the choice with this key; None if there is none."""
    return next((choice for choice in choices if choice.key == key), None)


def _listed_now(folder: Path) -> tuple[tuple[Choice, ...], tuple[RunFile, ...]]:
    if not folder.is_dir():
        return (), ()
    found = sorted(folder.glob(f"*{SUFFIX}"))
    return _listed(folder, tuple((path.name, _changed(path)) for path in found))


@lru_cache(2)
def _listed(
    folder: Path, files: tuple[tuple[str, int | None], ...]
) -> tuple[tuple[Choice, ...], tuple[RunFile, ...]]:
    """Return the runs of a folder, and what else it holds.

    files: names, and when they were changed, so that the folder is read again if any was.
    """
    found = list_runs(folder)
    # The one with the most samples is shown first: its curve has the narrowest intervals. Of
    # several, the one with the most recorded of each.
    good = sorted(
        (file for file in found if not file.problem),
        key=lambda file: (-file.samples, -_size(file.path)),
    )
    choices = (Choice(file.path.stem, file.path, file.metadata, file.samples) for file in good)
    return tuple(choices), tuple(file for file in found if file.problem)


def _changed(path: Path) -> int | None:
    """Return when a file was changed; None if there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def _size(path: Path) -> int:
    """Return the bytes of a file; 0 if it has gone meanwhile."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def timed(run: Run, link: str | None) -> Run:
    """Return the run over a link, a key of PRESETS; itself without one."""
    return _over(run, link) if link in PRESETS else run


@kept(2)  # each keeps what is computed of it, too
def _over(run: Run, link: str) -> Run:
    return over_link(run, PRESETS[link])


@lru_cache(HELD)
def _load(path: Path, changed: int, brought: bool) -> Run:
    """Return a run. changed: when, so that a file that was replaced is read again."""
    limits = (MAX_ROWS, MAX_UNPACKED) if brought else ()
    return load_run(path, *limits).answered
