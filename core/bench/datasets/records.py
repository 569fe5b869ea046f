"""Entries of files that somebody else made: read with care, and checked field by field.

Every error is one sentence that names the file, the line or entry, and what was expected there.
"""

import hashlib
import json
import math
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from core.bench.datasets.scoring import read_label
from core.support import tables

Corners = tuple[int, int, int, int]  # left, top, right, bottom


class DatasetError(ValueError):
    """A data set can't be used. One sentence: which file and entry, and what was expected."""


@dataclass(frozen=True)
class Record:
    """One entry of a file. `where` names both: "questions.csv, line 3"."""

    where: str
    values: Mapping[str, Any]
    number: int = 0  # of the line or entry, from 1

    def text(self, key: str) -> str:
        """A text that isn't empty."""
        return self._checked(key, "a text", lambda v: isinstance(v, str) and v.strip())

    def name(self, key: str) -> str:
        """An identifier, which may be a text or a whole number, as a text."""
        wanted = "a text or a whole number"
        return str(self._checked(key, wanted, lambda v: _is_whole(v) or _is_name(v)))

    def whole(self, key: str) -> int:
        return self._checked(key, "a whole number from 0", lambda v: _is_whole(v) and v >= 0)

    def whole_numbers(self, key: str, count: int) -> tuple[int, ...]:
        """Return that many numbers of at least 0, rounded to whole ones."""

        def holds(value: Any) -> bool:
            numbers = isinstance(value, list | tuple) and len(value) == count
            return numbers and all(_is_number(item) and item >= 0 for item in value)

        return tuple(round(item) for item in self._checked(key, f"{count} numbers from 0", holds))

    def flag(self, key: str) -> bool:
        return self._checked(key, "true or false", lambda v: isinstance(v, bool))

    def label(self, key: str) -> str:
        """yes or no, whatever the letter case in the file."""
        value = self._checked(key, "'yes' or 'no'", lambda v: isinstance(v, str) and read_label(v))
        return read_label(value) or ""

    def texts(self, key: str, count: int | None = None) -> tuple[str, ...]:
        """A list of texts: exactly `count` of them, or at least one."""
        wanted = f"a list of {count} texts" if count else "a list of texts, not empty"
        return tuple(self._checked(key, wanted, lambda v: _are_texts(v, count)))

    def boxes(self, key: str) -> tuple[Corners, ...]:
        """One or more boxes, each left, top, right, bottom in whole pixels from 0; () for none."""
        value = self.values.get(key)
        if value is None or value == []:
            return ()
        given = [value] if _is_box(value) else value
        wanted = "a box [left, top, right, bottom] in whole pixels, or a list of such"
        if not (isinstance(given, list | tuple) and all(_is_box(box) for box in given)):
            raise self.wrong(key, wanted)
        return tuple((box[0], box[1], box[2], box[3]) for box in given)

    def wrong(self, key: str, wanted: str) -> DatasetError:
        """The error to raise where `key` should be something else."""
        if key in self.values:
            found = f"not {reprlib.repr(self.values[key])}"
        else:
            found = f"but is missing among {', '.join(map(str, self.values))[:200] or 'no fields'}"
        return DatasetError(f"{self.where}: {key!r} should be {wanted}, {found}.")

    def _checked(self, key: str, wanted: str, holds: Callable[[Any], Any]) -> Any:
        if key not in self.values or not holds(self.values[key]):
            raise self.wrong(key, wanted)
        return self.values[key]


def _is_box(value: Any) -> bool:
    if not (isinstance(value, list | tuple) and len(value) == 4 and all(map(_is_whole, value))):
        return False
    left, top, right, bottom = value
    return 0 <= left < right and 0 <= top < bottom


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_texts(value: Any, count: int | None) -> bool:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        return False
    return len(value) == count if count else bool(value)


# --- files ---------------------------------------------------------------------------------


def read_json(path: Path, wanted: str) -> Any:
    """The content of a JSON file; `wanted` says what it should be ("the questions of GQA")."""
    text = read_text(path, wanted)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"{path}, line {error.lineno}: expected {wanted} as JSON, but it isn't valid there "
            f"(column {error.colno}: {error.msg}); download the file again."
        ) from None
    except (RecursionError, ValueError) as error:  # nested without end; a number without end
        raise DatasetError(
            f"{path}: expected {wanted} as JSON that can be read ({error})."
        ) from None


def entries(path: Path, key: str | None, wanted: str) -> Iterator[Record]:
    """The entries of a JSON file that is a list, or an object with a list under `key`."""
    content = read_json(path, wanted)
    if key is not None:
        if not isinstance(content, Mapping):
            raise DatasetError(f"{path}: expected {wanted}, an object with a list {key!r}.")
        content = content.get(key)
    if not isinstance(content, list):
        place = f"a list under {key!r}" if key else "a list"
        raise DatasetError(f"{path}: expected {wanted}, {place}, found {reprlib.repr(content)}.")
    return _records(content, f"{path}, entry", wanted)


def json_lines(path: Path, wanted: str) -> Iterator[Record]:
    """The objects of a JSON-lines file; empty lines are skipped. Letter case of keys is ignored."""
    for number, line in enumerate(read_text(path, wanted).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, object_pairs_hook=_folded)
        except (ValueError, RecursionError) as error:
            raise DatasetError(
                f"{path}, line {number}: expected one JSON object a line, for {wanted} ({error})."
            ) from None
        yield from _records([value], f"{path}, line", wanted, first=number)


def _folded(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = {tables.fold(key): value for key, value in pairs}
    if len(values) < len(pairs):
        raise ValueError(f"a key stands twice among {', '.join(key for key, _ in pairs)}")
    return values


def csv_rows(path: Path, wanted: str) -> Iterator[Record]:
    """The rows of a CSV file whose first line names the columns; cells are texts."""
    try:
        for line, cells in tables.rows(read_text(path, wanted)):
            yield Record(f"{path}, line {line}", cells, line)
    except tables.TableError as error:
        raise DatasetError(f"{path}, {error}: expected {wanted}.") from None


def read_text(path: Path, wanted: str) -> str:
    try:
        return tables.decode(path.read_bytes())
    except FileNotFoundError:
        raise DatasetError(f"There is no file {path}; expected {wanted} there.") from None
    except tables.TableError as error:
        raise DatasetError(f"{path} should hold {wanted}: {error}.") from None
    except OSError as error:
        raise DatasetError(
            f"{path} can't be read ({error.strerror}); expected {wanted} there."
        ) from None


def fingerprints(*paths: Path) -> list[dict[str, Any]]:
    """Name, size in bytes and SHA-256 of each file, for a run's metadata."""
    described = []
    for path in paths:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        described.append({"name": path.name, "bytes": path.stat().st_size, "sha256": digest})
    return described


def _records(values: Iterable[Any], where: str, wanted: str, first: int = 1) -> Iterator[Record]:
    for number, value in enumerate(values, start=first):
        if not isinstance(value, Mapping):
            raise DatasetError(
                f"{where} {number}: expected an object, for {wanted}, found {reprlib.repr(value)}."
            )
        yield Record(f"{where} {number}", value, number)


# --- images --------------------------------------------------------------------------------


def image_folder(path: Path, wanted: str) -> Path:
    if not path.is_dir():
        raise DatasetError(f"There is no folder {path}; expected {wanted} there.")
    return path


def image_file(folder: Path, name: str, record: Record, key: str) -> partial[Path]:
    """Return a function that gives the path of an image in `folder` when it is called.

    Not every image need be there. `name`, made from `record[key]`, may lead nowhere else.
    """
    if not name.strip(". ") or any(mark in name for mark in "/\\\0:"):
        raise record.wrong(key, "the name of an image, without folders")
    return partial(_existing, folder / name)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise DatasetError(
            f"There is no image {path.name} in {path.parent}; put it there, or name the folder "
            "of the images."
        )
    return path
