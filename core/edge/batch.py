"""Many questions, one after the other, into a file that a second start continues.

The output has one JSON object a line, written through to the disk before the next question is
asked. So whatever is cut short (the server, the network, this program, the power), starting the
same command again asks what is left: nothing twice, nothing lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import tables
from core.edge.client import Client, EdgeError, Refused, Result, Unreachable
from core.imaging import ImageError
from core.messages import ProtocolError

IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff")


class BatchError(ValueError):
    """A list of questions, or an output, that can't be used; the text is one sentence."""


@dataclass(frozen=True)
class Row:
    """One question of a batch."""

    id: str
    image: str  # as it was listed
    path: Path
    question: str


def read_csv(path: Path) -> list[Row]:
    """The questions of a CSV file with the columns image and question, and id where it has one.

    Images are looked for beside the file. `core.tables` says which spellings are understood.
    Raises BatchError.
    """
    try:
        lines = [cells for _, cells in tables.rows(tables.decode(path.read_bytes()))]
    except (OSError, tables.TableError) as error:
        raise BatchError(f"{path.name} can't be read as a CSV file: {error}.") from None
    missing = {"image", "question"} - set(lines[0] if lines else ())
    if missing:
        raise BatchError(f"{path.name} needs a column {' and '.join(sorted(missing))}.")
    rows = [
        Row(line.get("id", "").strip() or str(number), line["image"],
            tables.find_file(path.parent, line["image"]) or path.parent / line["image"],
            line["question"])
        for number, line in enumerate(lines, start=1)
    ]  # fmt: skip
    if len({row.id for row in rows}) < len(rows):
        raise BatchError(f"{path.name} has an id twice: give each row its own.")
    return rows


def read_folder(path: Path, question: str) -> list[Row]:
    """One question about every image in a folder. Raises BatchError if there are none."""
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGES)
    if not files:
        raise BatchError(f"{path} holds no images.")
    return [Row(file.name, file.name, file, question) for file in files]


def run(
    client: Client,
    rows: Iterable[Row],
    output: Path,
    progress: Callable[[Row, dict[str, Any]], None] = lambda row, record: None,
    force: bool = False,
) -> int:
    """Ask what `output` doesn't hold yet; returns how many rows were answered with an error.

    A row whose image or question can't be used gets its error as the record, and the next one is
    asked. Raises BatchError if `output` belongs to another list, Unreachable if the server is
    gone, and Refused if it wants another token: start again to go on.
    """
    done = _read_output(output)
    failed = 0
    with open(output, "ab") as file:
        for row in rows:
            if (held := done.get(row.id)) is not None:
                if (held.get("image"), held.get("question")) != (row.image, row.question):
                    raise BatchError(
                        f"{output.name} holds another question under {row.id}: choose a new file."
                    )
                continue
            record = _record(client, row, force)
            failed += "error" in record
            file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            progress(row, record)
    return failed


def _record(client: Client, row: Row, force: bool) -> dict[str, Any]:
    record: dict[str, Any] = {"id": row.id, "image": row.image, "question": row.question}
    try:
        return record | as_json(client.ask(row.path, row.question, force))
    except Unreachable:
        raise
    except Refused as error:
        if error.status == 401:
            raise
        return record | {"error": str(error)}
    except (EdgeError, ImageError, ProtocolError) as error:
        return record | {"error": str(error)}


def as_json(result: Result) -> dict[str, Any]:
    """What a line of output says of an answer."""
    return {
        "answer": result.answer,
        "first_answer": result.first_answer,
        "uncertainty": result.uncertainty,
        "retransmitted": result.retransmitted,
        "box": result.box and list(result.box.as_tuple()),
        "bytes_up": result.bytes_up,
        "bytes_down": result.bytes_down,
        "seconds": round(result.seconds, 4),
        "attempts": sum(exchange.attempts for exchange in result.exchanges),
        "restarts": result.restarts,
    }


def _read_output(path: Path) -> dict[str, dict[str, Any]]:
    """The records written so far; a last line that was cut short is cut off."""
    if not path.exists():
        return {}
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    try:
        records = [json.loads(line) for line in whole.splitlines()]
        done = {record["id"]: record for record in records}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BatchError(f"{path.name} wasn't written by a batch: choose a new file.") from None
    if len(whole) < len(data):
        with open(path, "r+b") as file:
            file.truncate(len(whole))
    return done
