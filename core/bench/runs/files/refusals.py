"""What a file is refused with: one sentence that names it, whatever pyarrow or the system raise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.bench.runs.errors import DamagedError, RunError


@contextmanager
def explained(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a RunError."""
    import pyarrow as pa

    try:
        yield
    except RunError:
        raise
    except PermissionError as error:
        raise RunError(
            f"{name_of(path)} can't be opened: its permissions don't allow it."
        ) from error
    except MemoryError as error:
        raise RunError(f"{name_of(path)} takes more memory than there is.") from error
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno:  # of the system: pyarrow gives none
            why = os.strerror(error.errno)
            raise RunError(f"{name_of(path)} can't be read: {why}.") from error
        raise DamagedError(
            f"{name_of(path)} is damaged and can't be read: copy or make it again."
        ) from error


def too_large(path: str | os.PathLike[str], max_bytes: int) -> RunError:
    """Return the error of a file that takes more than its reader allows."""
    return RunError(f"{name_of(path)} takes over {max_bytes:,} bytes unpacked, more than are read.")


def name_of(path: str | os.PathLike[str]) -> str:
    """Return what a message calls a file: its folder is none of a visitor's business."""
    return repr(Path(path).name)
