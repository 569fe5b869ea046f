"""Token scores left in their file, which stays open, until they are asked for."""

from __future__ import annotations

import os
import threading
import weakref
from typing import BinaryIO

import numpy as np

from core.bench.runs.errors import DamagedError
from core.bench.runs.files.opening import batches
from core.bench.runs.files.refusals import explained, name_of
from core.bench.runs.tokens import StoredScores


def stored_scores(
    stream: BinaryIO,
    path: str | os.PathLike[str],
    metrics: tuple[str, ...],
    prefix: str,
    offsets: np.ndarray,
) -> StoredScores:
    """Return the token scores of a file, checked already, to be read when they are asked for.

    The file stays open, so it may be replaced or deleted meanwhile.
    """
    import pyarrow.parquet as pq

    own, lock = open(os.dup(stream.fileno()), "rb"), threading.Lock()  # noqa: SIM115 - kept open

    def read(metric: str, first: int, last: int) -> np.ndarray:
        values, end = np.empty(last - first), 0
        with lock, explained(path):
            file = pq.ParquetFile(own, page_checksum_verification=True)
            groups = range(file.num_row_groups)
            rows = np.append(0, np.cumsum([file.metadata.row_group(i).num_rows for i in groups]))
            begins = offsets[rows]  # of the tokens of each group
            wanted = [i for i in groups if begins[i] < last and first < begins[i + 1]]
            at = begins[wanted[0]] if wanted else 0
            for batch in batches(file, [prefix + metric], wanted):
                tokens = batch.column(0).flatten().to_numpy(zero_copy_only=False)
                taken = tokens[max(0, first - at) : max(0, last - at)]
                values[end : end + len(taken)] = taken
                at, end = at + len(tokens), end + len(taken)
            if end != last - first:
                raise DamagedError(f"{name_of(path)} is damaged: it lacks token scores.")
        return values

    weakref.finalize(read, own.close)
    return StoredScores(metrics, read, offsets)
