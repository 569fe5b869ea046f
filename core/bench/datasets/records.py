"""Entries of files that somebody else made: read with care, and checked field by field.

Every error is one sentence that names the file, the line or entry, and what was expected there.
"""

import csv
import hashlib
import io
import json
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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

    def flag(self, key: str) -> bool:
        return self._checked(key, "true or false", lambda v: isinstance(v, bool))

    def one_of(self, key: str, options: tuple[str, ...]) -> str:
        return self._checked(key, " or ".join(map(repr, options)), lambda v: v in options)

    def texts(self, key: str, count: int | None = None) -> tuple[str, ...]:
        """A list of texts: exactly `count` of them, or at least one."""
        wanted = f"a list of {count} texts" if count else "a list of texts, not empty"
        return tuple(self._checked(key, wanted, lambda v: _are_texts(v, count)))

    def wrong(self, key: str, wanted: str) -> DatasetError:
        """The error to raise where `key` should be something else."""
        found = f"not {reprlib.repr(self.values[key])}" if key in self.values else "but is missing"
        return DatasetError(f"{self.where}: {key!r} should be {wanted}, {found}.")

    def _checked(self, key: str, wanted: str, holds: Callable[[Any], Any]) -> Any:
        if key not in self.values or not holds(self.values[key]):
            raise self.wrong(key, wanted)
        return self.values[key]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


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
    except RecursionError:
        raise DatasetError(f"{path}: expected {wanted}, found endlessly nested JSON.") from None


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
    """The objects of a JSON-lines file; empty lines are skipped."""
    for number, line in enumerate(read_text(path, wanted).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise DatasetError(
                f"{path}, line {number}: expected one JSON object a line, for {wanted} ({error})."
            ) from None
        yield from _records([value], f"{path}, line", wanted, first=number)


def csv_rows(path: Path, wanted: str) -> Iterator[Record]:
    """The rows of a CSV file whose first line names the columns; cells are texts."""
    reader = csv.reader(io.StringIO(read_text(path, wanted), newline=""), strict=True)
    header: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DatasetError(
                f"{path}, line {reader.line_num}: expected {wanted} as CSV ({error})."
            ) from None
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = [cell.strip() for cell in cells]
        elif len(cells) != len(header):
            raise DatasetError(
                f"{path}, line {reader.line_num}: expected {len(header)} columns "
                f"({', '.join(header)}), found {len(cells)}."
            )
        else:
            # The line on which the row ends; a quoted cell may have begun on an earlier one.
            where = f"{path}, line {reader.line_num}"
            yield Record(where, dict(zip(header, cells, strict=True)), reader.line_num)


def read_text(path: Path, wanted: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(f"There is no file {path}; expected {wanted} there.") from None
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path}: expected {wanted} as UTF-8 text, found other bytes at {error.start}."
        ) from None
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


def image_file(folder: Path, name: str, record: Record, key: str) -> Path:
    """The path of an image in `folder`; `name`, made from `record[key]`, may lead nowhere else."""
    if not name.strip(". ") or any(mark in name for mark in "/\\\0:"):
        raise record.wrong(key, "the name of an image, without folders")
    return folder / name
