"""A run file as it is opened: its size and its footer are looked at before it is unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core.bench.runs.errors import RunError
from core.bench.runs.files.footer import read_metadata
from core.bench.runs.files.layout import ROWS_PER_GROUP
from core.bench.runs.files.refusals import explained, name_of, too_large
from core.bench.runs.metadata import Metadata

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAX_FOOTER = 4 << 20  # bytes, of a file that is read under limits


@contextmanager
def opened(
    path: str | os.PathLike[str], max_bytes: int | None = None
) -> Iterator[tuple[pq.ParquetFile, BinaryIO, Metadata, int]]:
    """Yield the file, what it is read from, its metadata, and how many samples it says it holds.

    What pyarrow raises, of what is done with the file too, becomes a RunError.

    max_bytes: of the file itself, too; None: it is one's own.
    """
    import pyarrow.parquet as pq

    path = Path(path)
    if not path.is_file():
        raise RunError(f"There is no run file {name_of(path)}.")
    with explained(path):
        if max_bytes is not None and path.stat().st_size > max_bytes:
            raise too_large(path, max_bytes)
        limit = None if max_bytes is None else MAX_FOOTER
        with path.open("rb") as stream:
            if stream.read(4) != b"PAR1":
                raise RunError(f"{name_of(path)} is not a run file: it isn't Parquet.")
            file = pq.ParquetFile(
                stream, thrift_string_size_limit=limit, thrift_container_size_limit=limit
            )
            yield file, stream, *read_metadata(file, path)


def claimed_bytes(file: pq.ParquetFile) -> int:
    """Return what a file says that it takes unpacked."""
    # Row groups only: asked for a column of a damaged footer, pyarrow ends the whole process.
    groups = range(file.metadata.num_row_groups)
    return sum(file.metadata.row_group(i).total_byte_size for i in groups)


def batches(
    file: pq.ParquetFile,
    columns: Sequence[str] | None = None,
    groups: Sequence[int] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file, or of some of its groups, some at a time.

    Asked for all groups at once, pyarrow would hold all.
    """
    for group in range(file.num_row_groups) if groups is None else groups:
        yield from file.iter_batches(
            ROWS_PER_GROUP, row_groups=[group], columns=columns, use_threads=False
        )
