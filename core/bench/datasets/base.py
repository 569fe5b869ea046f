"""What a data set is: samples by index, each with an image that is opened only when asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, overload

from PIL import Image

from core.bench.datasets.records import DatasetError


@dataclass(frozen=True)
class Sample:
    """One question about one image. Two are equal if all but the images' openers are."""

    id: str  # unique in its data set
    image_id: str
    question: str  # as published
    prompt: str  # what the model is asked: with options, OCR tokens; a model adds its instruction
    answers: tuple[str, ...]  # of the annotators; the right ones where any of them will do
    opener: Callable[[], os.PathLike | bytes | Image.Image] = field(repr=False, compare=False)
    choices: tuple[str, ...] = ()  # the options, where the question has any
    choice: int | None = None  # index of the right option
    boxes: tuple[tuple[int, int, int, int], ...] = ()  # of what has to be seen, where known:
    # (left, top, right, bottom) in original pixels, right and bottom exclusive
    group: str = ""  # the data set's own class of question (VQAv2: yes/no, number, other)
    letter_height: float = 0  # of a capital that has to be read, original pixels; 0: not known

    @property
    def image(self) -> os.PathLike | bytes | Image.Image:
        """Something `Edge` takes: the path or the bytes of a published image, read anew each
        time, or a rendered scene, which has no file."""
        return self.opener()


@dataclass(frozen=True)
class Place:
    """Where a data set lies: in a folder, or in a mirror on the hub."""

    folder: Path | None = None  # the official files; for own questions, their file
    images: Path | None = None  # folder of the images, where it isn't inside `folder`
    mirror: str | None = None  # a data set of the hub, or a local copy of one
    revision: str | None = None  # branch, tag or commit of the mirror

    @property
    def files(self) -> Path:
        """The folder, where it is what `load_dataset` was given, and not a mirror."""
        assert self.folder is not None
        return self.folder

    @property
    def hub(self) -> str:
        """The mirror, where it is what `load_dataset` was given, and not a folder."""
        assert self.mirror is not None
        return self.mirror


Loaded = tuple[Sequence[Sample], dict[str, Any]]  # samples, source


@dataclass(frozen=True)
class Entry:
    """One line of the registry."""

    name: str
    label: str
    splits: tuple[str, ...]  # the first is the default
    scoring: str  # key of SCORERS
    load: Callable[..., Loaded]  # (Place, split, and its options by name)
    takes: tuple[str, ...] = ()  # fields of Place; of folder and mirror, one is needed
    mirror: str | None = None  # a mirror that is known to exist; never used unasked
    # Options of its own: name -> what it can be, the first being the default. `load` takes them as
    # keyword arguments.
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


DATASETS: dict[str, Entry] = {}

HUB_SPLITS = {"val": "validation", "train": "train"}  # as most mirrors call them


def published(
    name: str,
    label: str,
    from_files: Callable[..., Loaded],
    from_hub: Callable[..., Loaded],
    *,
    splits: tuple[str, ...] = tuple(HUB_SPLITS),
    scoring: str,
    mirror: str,
    **settings: Any,
) -> Entry:
    """A data set that is read from its official files or from a mirror on the hub, each by a
    function of its own, (Place, split, and `settings` by name)."""

    def load(place: Place, split: str) -> Loaded:
        return (from_hub if place.mirror else from_files)(place, split, **settings)

    takes = ("folder", "images", "mirror", "revision")
    return Entry(name, label, splits, scoring, load, takes, mirror)


def register(*entries: Entry) -> None:
    DATASETS.update({entry.name: entry for entry in entries})


@dataclass(frozen=True)
class Dataset(Sequence[Sample]):
    """Samples in a fixed order. Length, iteration and slicing open no image."""

    name: str
    label: str
    split: str
    scoring: str  # key of core.bench.datasets.scoring.SCORERS
    samples: Sequence[Sample] = field(repr=False)
    source: dict[str, Any]  # what it takes to get the same samples again; fits into JSON

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Dataset: ...
    def __getitem__(self, index):
        if isinstance(index, slice):
            return replace(self, samples=self.samples[index])
        return self.samples[index]


def load_dataset(
    name: str,
    split: str | None = None,
    folder: str | os.PathLike | None = None,
    images: str | os.PathLike | None = None,
    mirror: str | None = None,
    revision: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Dataset:
    """A data set by its name in `DATASETS`.

    The published ones are read from their official files in `folder` (and their images from
    `images`, where they are kept elsewhere), or from a `mirror` on the hub at a `revision`; the
    hub is reached only if a mirror is named. For people's own questions (`folder`, `folder+vqa`,
    `folder+yes-no`), `folder` is a JSON-lines or CSV file. The `signs-*` sets are rendered.
    `options` are the data set's own, as its entry lists them.

    Raises DatasetError for an unknown name or split, for options that don't fit the data set, and
    for files that are missing or malformed.
    """
    if name not in DATASETS:
        raise DatasetError(f"Unknown data set {name!r}; choose one of {', '.join(DATASETS)}.")
    entry = DATASETS[name]
    split = entry.splits[0] if split is None else split
    if split not in entry.splits:
        raise DatasetError(f"{name} has no split {split!r}; choose {' or '.join(entry.splits)}.")
    place = Place(_path(folder), _path(images), mirror, revision)
    _check_place(entry, place)
    samples, source = entry.load(place, split, **_options(entry, options or {}))
    return Dataset(name, entry.label, split, entry.scoring, samples, source)


def _options(entry: Entry, given: Mapping[str, str]) -> dict[str, str]:
    for name, value in given.items():
        if name not in entry.options:
            known = ", ".join(entry.options) or "none"
            raise DatasetError(f"{entry.name} has no option {name!r}; its options: {known}.")
        if value not in entry.options[name]:
            choices = " or ".join(entry.options[name])
            raise DatasetError(f"{entry.name}: {name} can be {choices}, not {value!r}.")
    return {name: given.get(name, choices[0]) for name, choices in entry.options.items()}


def _path(path: str | os.PathLike | None) -> Path | None:
    return None if path is None else Path(path)


def _check_place(entry: Entry, place: Place) -> None:
    given = [item.name for item in fields(Place) if getattr(place, item.name) is not None]
    if extra := [name for name in given if name not in entry.takes]:
        raise DatasetError(f"The data set {entry.name} takes no {extra[0]}.")
    ways = [way for way in ("folder", "mirror") if way in entry.takes]
    if ways and sum(way in given for way in ways) != 1:
        hub = f', or a mirror on the hub (mirror="{entry.mirror}")' if entry.mirror else ""
        raise DatasetError(f"{entry.name} needs either its files (folder=…){hub}.")
    for needed, option in (("mirror", "revision"), ("folder", "images")):
        if option in given and needed not in given:
            raise DatasetError(f"{entry.name}: {option} goes with a {needed} only.")


def collect(samples: Iterable[Sample], where: object) -> tuple[Sample, ...]:
    """The samples, read to the end so that a malformed one shows now and not hours into a run.

    `where` they come from. Raises DatasetError if there are none, or if two have the same id:
    a run could not be resumed then.
    """
    collected: dict[str, Sample] = {}
    for sample in samples:
        if sample.id in collected:
            raise DatasetError(
                f"{where}: expected every question once, but {sample.id!r} is twice."
            )
        collected[sample.id] = sample
    if not collected:
        raise DatasetError(f"{where}: expected questions, found none.")
    return tuple(collected.values())


def with_options(question: str, choices: Sequence[str]) -> str:
    """The question with its lettered options, one a line: `A. train`."""
    lines = [f"{chr(ord('A') + index)}. {choice}" for index, choice in enumerate(choices)]
    return "\n".join([question, *lines])
