"""Tables that people make by hand, in whatever program they have, and the files they name in them.

Excel writes `;` between cells where the comma is the decimal mark, tabs and UTF-16 as "Unicode
text", and a first line `sep=;`; Windows writes `\\` between folders; macOS splits é into two
characters. Read with the standard library alone: an edge reads such tables, too.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

DELIMITERS = ",;\t"


class TableError(ValueError):
    """A table can't be read. The text says what is wrong, and on which line; it has no full stop
    and doesn't name the file, which only the caller knows."""


def decode(data: bytes) -> str:
    """Return the text of a file: UTF-8, or UTF-16 that says so in its first two bytes.

    Raises TableError for anything else; nothing is guessed.
    """
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
        wrong = text.find("\0")  # UTF-16 or UTF-32 that doesn't say so, or no text at all
    except UnicodeDecodeError as error:
        wrong = error.start
    if wrong >= 0:
        raise TableError(
            f"expected UTF-8 text, found other bytes at {wrong} "
            '(a spreadsheet saves it as "CSV UTF-8")'
        )
    return text


def fold(name: str) -> str:
    """Return a name such that two spellings of one name are equal: letter case, Unicode form."""
    return unicodedata.normalize("NFC", name.strip().casefold())


def rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a table in CSV: the line on which each ends, and its cells by column.

    The first line names the columns; names are folded, so `Image` is `image`. Cells are divided by
    `,`, `;` or tab, whichever makes most columns of the first line. Empty rows and columns without
    a name are left out. Raises TableError for a name that stands twice, for a row that has more or
    fewer cells than there are columns, and for quotes that don't match.
    """
    told = re.match(r'\s*"?sep=([^\r\n])"?\r?\n', text)
    start = told.end() if told else 0
    above = text.count("\n", 0, start)
    delimiter = told[1] if told else _delimiter(text)
    reader = csv.reader(
        io.StringIO(text[start:], newline=""),
        delimiter=delimiter,
        skipinitialspace=True,
        strict=True,
    )
    header: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise TableError(f"line {above + reader.line_num}: not valid CSV ({error})") from None
        if cells is None:
            return
        line = above + reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = [fold(cell) for cell in cells]
            name, times = Counter(filter(None, header)).most_common(1)[0]
            if times > 1:
                raise TableError(f"line {line}: the column {name!r} stands twice")
        elif len(cells) != len(header):
            raise TableError(
                f"line {line}: expected {len(header)} columns ({', '.join(header)}), found "
                f"{len(cells)}; a cell that holds {delimiter!r} needs quotes around it"
            )
        else:
            named = zip(header, cells, strict=True)
            yield line, {name: cell for name, cell in named if name}


def _delimiter(text: str) -> str:
    """The one that makes most columns of the first line that isn't empty."""
    first = text.lstrip()

    def columns(delimiter: str) -> int:
        reader = csv.reader(io.StringIO(first, newline=""), delimiter=delimiter)
        try:
            return len(next(reader, ()))
        except csv.Error:
            return 0

    return max(DELIMITERS, key=columns)


def find_file(folder: Path, name: str) -> Path | None:
    """Return the path of the file in `folder` that somebody listed as `name`; None if it has none.

    `name` may lead through folders, divided by `/` or `\\`. A file spelt exactly so comes first;
    else one whose name differs in its Unicode form only, or, if there is but one such, in letter
    case. Whether the path leads out of `folder` is for the caller to check.
    """
    try:
        if (folder / name).is_file():
            return folder / name
        path = folder
        for part in PurePosixPath(name.strip().replace("\\", "/")).parts:
            path = path / _spelt(path, part)
        return path if path.is_file() else None
    except (OSError, ValueError):  # no such folder; a name that no file system takes
        return None


def _spelt(folder: Path, name: str) -> str:
    """`name` as the folder spells it; `name` itself where nothing in the folder is like it."""
    if (folder / name).exists():
        return name
    alike = _names(folder, os.stat(folder).st_mtime_ns).get(fold(name), [])
    same = [other for other in alike if _nfc(other) == _nfc(name)]
    found = same if len(same) == 1 else alike
    return found[0] if len(found) == 1 else name


@lru_cache(maxsize=32)
def _names(folder: Path, changed: int) -> dict[str, list[str]]:
    """Return what a folder holds, by folded name. `changed` is when: a later look reads it anew."""
    names: dict[str, list[str]] = {}
    for name in os.listdir(folder):
        names.setdefault(fold(name), []).append(name)
    return names


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)
