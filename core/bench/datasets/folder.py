"""People's own questions: a JSON-lines or CSV file beside their images.

    {"image": "photos/shop.jpg", "question": "What is it called?", "answers": ["Corner Shop"],
     "boxes": [[120, 40, 260, 90]]}

    image,question,answers,boxes
    photos/shop.jpg,What is it called?,Corner Shop|The Corner Shop,120 40 260 90

Images are given relative to the file and must lie in its folder, or below it. Several right
answers are a list, in CSV separated by `|`; an `id` may be given, else it is the line's number.
`boxes`, where the answer lies, may be given too (left, top, right, bottom in pixels of the image;
in CSV with spaces between, and `|` between several): `core.vlm tune` needs them.
Other fields are ignored, and so is letter case in the names of fields. `core/support/tables.py`
says which spellings of CSV and of file names are understood.

`folder` counts an answer if it equals any of these, `folder+vqa` by soft agreement with ten
annotators, `folder+yes-no` as POPE.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PureWindowsPath

from core.bench.datasets.base import Entry, Loaded, Place, Sample, collect, register
from core.bench.datasets.records import (
    Corners,
    DatasetError,
    Record,
    csv_rows,
    fingerprints,
    json_lines,
)
from core.bench.datasets.scoring import read_label
from core.support.tables import find_file

WANTED = "questions with the fields image, question, answers"
READERS = {".jsonl": json_lines, ".ndjson": json_lines, ".csv": csv_rows, ".tsv": csv_rows}


def load(place: Place, split: str, answers: str = "any") -> Loaded:
    path = _file(place.files)
    root = path.parent.resolve()
    samples = collect(_samples(path, root, ANSWERS[answers]), path)
    return samples, {"kind": "files", "files": fingerprints(path)}


def _file(path: Path) -> Path:
    """The file itself, or the only one of its kind in a folder."""
    if path.is_dir():
        found = sorted(item for item in path.iterdir() if item.suffix.lower() in READERS)
        if len(found) != 1:
            what = ", ".join(item.name for item in found) or "none"
            raise DatasetError(
                f"{path}: expected one file of type {', '.join(READERS)} in the folder, "
                f"found {what}; name the file."
            )
        return found[0]
    if path.suffix.lower() not in READERS:
        raise DatasetError(f"{path}: expected a file of type {', '.join(READERS)}.")
    return path


def _samples(
    path: Path, root: Path, read_answers: Callable[[Record], tuple[str, ...]]
) -> Iterator[Sample]:
    for record in READERS[path.suffix.lower()](path, WANTED):
        question = record.text("question")
        yield Sample(
            id=str(record.number) if _is_blank(record.values.get("id")) else record.name("id"),
            image_id=record.text("image"),
            question=question,
            prompt=question,
            answers=read_answers(_unpacked(record)),
            boxes=_boxes(record),
            opener=partial(inside, root, record),
        )
        inside(root, record)  # a missing image should show now, with its line


def _unpacked(record: Record) -> Record:
    """The record with the answers of a CSV cell as a list."""
    answers = record.values.get("answers")
    if not isinstance(answers, str):
        return record
    answers = [answer.strip() for answer in answers.split("|") if answer.strip()]
    return Record(record.where, {**record.values, "answers": answers})


def _boxes(record: Record) -> tuple[Corners, ...]:
    """The boxes, of a cell of a table too."""
    cell = record.values.get("boxes")
    if not isinstance(cell, str):
        return record.boxes("boxes")
    try:
        boxes = [[int(number) for number in box.replace(",", " ").split()]
                 for box in cell.split("|") if box.strip()]  # fmt: skip
    except ValueError:
        raise record.wrong("boxes", "four whole numbers with spaces between") from None
    return Record(record.where, {"boxes": boxes}).boxes("boxes")


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _yes_or_no(record: Record) -> tuple[str, ...]:
    answers = record.texts("answers")
    label = read_label(answers[0]) if len(answers) == 1 else None
    if label is None:
        raise record.wrong("answers", "yes or no")
    return (label,)


ANSWERS = {
    "any": lambda record: record.texts("answers"),
    "ten": lambda record: record.texts("answers", 10),
    "yes-no": _yes_or_no,
}


def inside(root: Path, record: Record) -> Path:
    """The record's image, links followed, which must be a file in the folder `root` or below.

    Such files are passed around, so a path in one may not reach whatever else the disk holds.
    """
    name = record.text("image")
    if not (os.path.isabs(name) or PureWindowsPath(name).anchor or "\0" in name):
        found = find_file(root, name)
        path = (found or root / name.replace("\\", "/")).resolve()
        if path.is_relative_to(root):
            if not found:
                raise record.wrong("image", f"the path of an image that exists in {root}")
            return path
    raise record.wrong("image", "a path inside the folder of the file")


def _entry(name: str, label: str, scoring: str, answers: str) -> Entry:
    return Entry(name, label, ("all",), scoring, partial(load, answers=answers), ("folder",))


register(
    _entry("folder", "Own questions", "exact", "any"),
    _entry("folder+vqa", "Own questions, ten annotators", "textvqa", "ten"),
    _entry("folder+yes-no", "Own questions, yes or no", "pope", "yes-no"),
)
