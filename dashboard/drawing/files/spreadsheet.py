"""Tables as text for spreadsheets, which must not run what a stranger wrote."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

# What a formula begins with, also in full width, as Japanese keyboards have them.
FORMULA = "=+-@\t\r\n＝＋－＠"


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as comma-separated text, in full precision.

    A text that a spreadsheet would run is quoted for it.
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(_harmless(cell) for cell in row)
    return file.getvalue()


def _harmless(cell: Any) -> Any:
    """Return a cell, a text that begins as a formula, after spaces or not, behind a quote."""
    if isinstance(cell, str) and (cell[:1] in FORMULA or cell.lstrip()[:1] in FORMULA) and cell:
        return "'" + cell
    return cell
