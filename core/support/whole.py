"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = [
    "NotWritten",
    "check_writable",
    "file_to_write",
    "folder_to_write",
    "write_whole",
    "written_whole",
]


class NotWritten(OSError):
    """A file couldn't be written; the text is one sentence, and `errno` says why."""

    def __str__(self) -> str:
        return f"{str(self.filename)!r} can't be written: {self.strerror}."


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a file to write to, which takes the place of the one at `path` when the block ends.

    Folders that aren't there are made. If the block raises, or the process or the machine dies in
    it, what was at `path` is there still. A link stays one: the file that it leads to is replaced.
    What is no file, such as /dev/null, stays what it is, and gets the bytes. Raises NotWritten if
    the file can't be written, and whatever the block raises for other reasons.
    """
    path = Path(path).resolve()
    unfinished = _beside(path)
    try:
        if _is_device(path):
            with path.open("wb") as file:
                yield file
            return
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException as error:
        with suppress(OSError):  # it was never there, or its name is too long for any file
            unfinished.unlink()
        # What goes wrong with another file, which the block reads, names that one.
        ours = (None, *map(str, (unfinished, path, *path.parents)))
        if isinstance(error, OSError) and error.filename in ours:
            raise _not_written(path, error) from error
        raise


def write_whole(path: str | os.PathLike[str], data: str | bytes) -> None:
    """Write a file of these bytes, or of this text in UTF-8, as `written_whole` does."""
    with written_whole(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise NotWritten if `written_whole` couldn't write that file; nothing is left behind.

    What is worth knowing before the hours of work whose result goes there. It is tried in earnest,
    in the nearest folder that is there: what rights, mounts and file systems allow isn't told
    from their bits.
    """
    path = Path(path).resolve()
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if _is_device(path):
            path.open("ab").close()
            return
        unfinished = _beside(_nearest(path.parent) / path.name)
        unfinished.open("xb").close()
        unfinished.unlink()
    except OSError as error:
        raise _not_written(path, error) from None


def file_to_write(text: str) -> Path:
    """Return the file that an option names: a type for argparse.

    Raises ArgumentTypeError, one sentence, if nothing can be written there.
    """
    path = Path(text).expanduser()
    try:
        check_writable(path)
    except NotWritten as error:
        raise ArgumentTypeError(str(error)) from None
    return path


def folder_to_write(text: str) -> Path:
    """Return the folder that an option names, there already or to be made: a type for argparse.

    Raises ArgumentTypeError, one sentence, if no file can be written into it.
    """
    path = Path(text).expanduser()
    try:
        check_writable(path / "_")
    except NotWritten as error:
        raise ArgumentTypeError(
            f"nothing can be written into the folder {str(path.resolve())!r}: {error.strerror}."
        ) from None
    return path


def _beside(path: Path) -> Path:
    # In the same folder, since a rename is atomic within one file system only.
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def _nearest(folder: Path) -> Path:
    """Return the folder itself, or of those above it the first that is there."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _not_written(path: Path, error: OSError) -> NotWritten:
    return NotWritten(error.errno, error.strerror or str(error), str(path))
