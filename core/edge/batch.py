"""Many questions, one after the other, into a file that a second start continues.

The output has one JSON object a line, written through to the disk before the next question is
asked. So whatever is cut short (the server, the network, this program, the power), starting the
same command again asks what is left: nothing twice, nothing lost.

A row is done when it has its answer. What is wrong with the row itself (an image that can't be
read, a question that is refused) is written down in place of an answer, and tried again by the next
start. What is wrong on the way (address, network, proxy, token, server) says nothing about the row:
it ends the batch, and nothing is written.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from core.edge.client import Client, Refused, Result
from core.imaging import ImageError
from core.messages import QuestionError
from core.support import tables
from core.support.whole import NotWritten, write_whole

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

    Images are looked for beside the file. `core.support.tables` says which spellings are
    understood. Raises BatchError.
    """
    try:
        lines = [cells for _, cells in tables.rows(tables.decode(path.read_bytes()))]
    except (OSError, tables.TableError) as error:
        raise BatchError(f"{path.name} can't be read as a CSV file: {error}.") from None
    if not lines:
        raise BatchError(f"{path.name} holds no questions below a line with image, question.")
    missing = {"image", "question"} - set(lines[0])
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


@dataclass(frozen=True)
class Tally:
    """How many rows of a list an output holds."""

    answered: int
    images: int  # that can't be used
    questions: int  # that are refused
    left: int  # to be asked

    @property
    def complete(self) -> bool:
        """Return whether every row has its answer."""
        return not (self.images or self.questions or self.left)

    def __str__(self) -> str:
        return (
            f"answered: {self.answered}, images that can't be used: {self.images}, "
            f"questions refused: {self.questions}, left to ask: {self.left}"
        )


def tally(rows: Sequence[Row], output: Path) -> Tally:
    """Return what `output` holds of these rows. Raises BatchError if no batch has written it."""
    done = _read_output(output)
    of = Counter(_state(done.get(row.id)) for row in rows)
    return Tally(of["answer"], of["image"], of["question"], of["left"])


def run(
    client: Client,
    rows: Sequence[Row],
    output: Path,
    progress: Callable[[Row, dict[str, Any]], None] = lambda row, record: None,
    force: bool = False,
) -> None:
    """Ask every row that has no answer in `output` yet, and write down what comes of it.

    progress: called with each row and its answer or error. Raises BatchError if `output` belongs to
    another list or can't be written, and EdgeError for what is wrong on the way. A status of 500
    may come of one image only: its row is left for the next start, and the next one asked; if that
    fails in the same way, the batch ends.
    """
    done = _read_output(output)
    answered = {id: record for id, record in done.items() if _state(record) == "answer"}
    for row in rows:
        held = answered.get(row.id)
        if held and (held.get("image"), held.get("question")) != (row.image, row.question):
            raise BatchError(
                f"{output.name} holds another question under {row.id}: choose a new file."
            )
    left = [row for row in rows if row.id not in answered]
    _forget(output, done, {row.id for row in left})
    failed = False
    with _opened(output) as file:
        for row in left:
            try:
                record = _record(client, row, force)
            except Refused as error:
                if error.status != 500 or failed:
                    raise
                failed = True
                progress(row, {"error": str(error)})
                continue
            failed = failed and "answer" not in record
            _write(file, record)
            progress(row, record)


def _state(record: dict[str, Any] | None) -> Literal["answer", "image", "question", "left"]:
    """Return what a row has. An error that says nothing of what it is about counts as nothing."""
    if record is None:
        return "left"
    if "answer" in record:
        return "answer"
    failed = record.get("failed")
    return failed if failed in ("image", "question") else "left"


def _record(client: Client, row: Row, force: bool) -> dict[str, Any]:
    """A line of output. Raises EdgeError for what is wrong on the way."""
    record: dict[str, Any] = {"id": row.id, "image": row.image, "question": row.question}
    try:
        return record | as_json(client.ask(row.path, row.question, force))
    except ImageError as error:
        return record | {"error": str(error), "failed": "image"}
    except QuestionError as error:
        return record | {"error": str(error), "failed": "question"}
    except Refused as error:
        if not error.is_of_question:
            raise
        return record | {"error": str(error), "failed": "question"}


def as_json(result: Result) -> dict[str, Any]:
    """Return what a line of output says of an answer."""
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
        "skipped": result.skipped,
        "late": result.late,
    }


def _read_output(path: Path) -> dict[str, dict[str, Any]]:
    """The records written so far; a last line that was cut short is cut off."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BatchError(f"{path} can't be read: {error.strerror}.") from None
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


def _forget(output: Path, done: dict[str, dict[str, Any]], ids: set[str]) -> None:
    """Take the records with these ids out of an output: all of them or none."""
    if ids.isdisjoint(done):
        return
    kept = [_line(record) for record in done.values() if record["id"] not in ids]
    try:
        write_whole(output, b"".join(kept))
    except NotWritten as error:
        raise BatchError(str(error)) from None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, to add lines to. Raises BatchError if that can't be done."""
    try:
        with open(path, "ab") as file:
            yield file
    except OSError as error:
        raise BatchError(f"{path} can't be written: {error.strerror}.") from None


def _write(file: BinaryIO, record: dict[str, Any]) -> None:
    """Write one line, through to the disk."""
    file.write(_line(record))
    file.flush()
    os.fsync(file.fileno())


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"
