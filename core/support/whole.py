"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["NotWritten", "write_whole", "written_whole"]


class NotWritten(OSError):
    """A file couldn't be written; the text is one sentence, and `errno` says why."""

    def __str__(self) -> str:
        return f"{str(self.filename)!r} can't be written: {self.strerror}."


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a file to write to, which takes the place of the one at `path` when the block ends.

    If the block raises, or the process or the machine dies in it, what was at `path` is there
    still. A link stays one: the file that it leads to is replaced. Raises NotWritten if the file
    can't be written, and whatever the block raises for other reasons.
    """
    path = Path(path).resolve()
    # In the same folder, since a rename is atomic within one file system only.
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        # What goes wrong with another file, which the block reads, names that one.
        if isinstance(error, OSError) and error.filename in (None, str(unfinished)):
            raise NotWritten(error.errno, error.strerror or str(error), str(path)) from error
        raise


def write_whole(path: str | os.PathLike[str], data: str | bytes) -> None:
    """Write a file of these bytes, or of this text in UTF-8, as `written_whole` does."""
    with written_whole(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)
