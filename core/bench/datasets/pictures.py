"""Tables with a picture in every row, as VLMEvalKit has them: base64 between tabs.

Such a file takes gigabytes, so its pictures stay where they are: what is read of a row is where its
picture begins, and how long it is.
"""

from __future__ import annotations

import base64
import binascii
import csv
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from core.bench.datasets.records import DatasetError, Record

# No word is so long; a picture that is shorter stays in its cell.
_PICTURE = re.compile(rb"[A-Za-z0-9+/]{512,}={0,2}")
_PLACE = re.compile(r"@(\d{1,15}):(\d{1,15})")
SHORTEST = 64  # characters of a picture: what is no longer names the row that has it


def read_table(path: Path, wanted: str) -> list[tuple[Record, partial[bytes]]]:
    """Return the rows of a table, each with what gives its picture when it is called.

    wanted: what the file should be, for errors. Raises DatasetError for a file that isn't there or
    isn't such a table.
    """
    try:
        with path.open("rb") as file:
            rows = csv.DictReader(_lines(file), delimiter="\t", strict=True)
            found = [(number, row) for number, row in enumerate(rows, start=1)]
    except FileNotFoundError:
        raise DatasetError(f"There is no file {path}; expected {wanted} there.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{path}: expected {wanted}, tab-separated in UTF-8 ({error})."
        ) from None
    cells = {row.get("index"): row.get("image") for _, row in found}
    read = []
    for number, row in found:
        given = {key: value for key, value in row.items() if key and value not in (None, "")}
        record = Record(f"{path}, row {number}", given, number)
        cell = record.text("image")
        if len(cell) <= SHORTEST and not _PLACE.fullmatch(cell):
            cell = cells.get(cell) or ""
            if len(cell) <= SHORTEST and not _PLACE.fullmatch(cell):
                raise record.wrong("image", "a picture in base64, or the index of a row with one")
        read.append((record, partial(_picture, path, cell, record.where)))
    return read


def _lines(file) -> Iterator[str]:
    """Yield the lines of a table, with `@offset:length` where a picture is."""
    offset = 0
    for line in file:
        at = offset

        def place(found: re.Match[bytes], at: int = at) -> bytes:
            return b"@%d:%d" % (at + found.start(), len(found[0]))

        yield _PICTURE.sub(place, line).decode("utf-8-sig" if offset == 0 else "utf-8")
        offset += len(line)


def _picture(path: Path, cell: str, where: str) -> bytes:
    if place := _PLACE.fullmatch(cell):
        with path.open("rb") as file:
            file.seek(int(place[1]))
            return decoded(file.read(min(int(place[2]), path.stat().st_size)), where)
    return decoded(cell, where)


def decoded(text: str | bytes, where: str) -> bytes:
    """Return the bytes that base64 stands for. where: which row it is of, for the error."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DatasetError(f"{where}: 'image' should be a picture in base64.") from None
