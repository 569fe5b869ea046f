"""Reading a run file, of anyone: every column is checked before it is part of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from core.bench.runs import old_runs
from core.bench.runs.errors import DamagedError, RunError
from core.bench.runs.files.layout import (
    ADDED,
    LENGTHS,
    MAX_TEXT,
    check_columns,
    is_old,
    metrics_of,
    number_columns,
)
from core.bench.runs.files.opening import batches, claimed_bytes, opened
from core.bench.runs.files.refusals import name_of, too_large
from core.bench.runs.files.stored import stored_scores
from core.bench.runs.record import BOX, COUNTS, MEASURES, NO_BOX, SECOND_PREFIX, TEXTS
from core.bench.runs.run import Run
from core.bench.runs.tokens import not_finite

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAX_HELD = 512 << 20  # bytes unpacked; of a larger file, token scores are read when asked for


def load_run(path: str | os.PathLike[str], max_rows: int | None = None,
             max_bytes: int | None = None) -> Run:  # fmt: skip
    """Read a run file, trusting nothing in it.

    max_rows, max_bytes: for a file from a stranger; refuse one with more samples, or with more
    bytes once unpacked. Raises RunError, in one sentence, for a file that is missing, damaged (a
    DamagedError), too large, no run file, or of a newer schema.
    """
    with opened(path, max_bytes) as (file, stream, metadata, samples):
        if max_rows is not None and file.metadata.num_rows > max_rows:
            raise RunError(
                f"{name_of(path)} holds {file.metadata.num_rows:,} rows; "
                f"at most {max_rows:,} are read."
            )
        check_columns(file, path)
        if max_bytes is not None and claimed_bytes(file) > max_bytes:
            raise too_large(path, max_bytes)
        columns = _read_columns(file, stream, path, max_bytes)
        try:
            run = Run.from_rows(metadata, columns)
        except RunError as error:
            raise DamagedError(f"{name_of(path)} is not a valid run file: {error}") from None
        if len(run) != samples:
            raise DamagedError(f"{name_of(path)} is damaged: it lacks rows.")
        return run


def _read_columns(file: pq.ParquetFile, stream: BinaryIO, path: str | os.PathLike[str],
                  max_bytes: int | None) -> dict[str, Any]:  # fmt: skip
    """The keyword arguments of `Run`, read batch by batch and stopped at `max_bytes`."""
    import pyarrow.parquet as pq

    names = file.schema_arrow.names
    file = pq.ParquetFile(
        stream,
        metadata=file.metadata,
        # A text repeated a million times stays one text.
        read_dictionary=[name for name in TEXTS if name in names],
        page_checksum_verification=True,
    )
    old, metrics = is_old(file), metrics_of(file)
    counts, measures = number_columns(old)
    parts: dict[str, list[np.ndarray]] = {
        name: [np.empty(0, dtype)]
        for names, dtype in (
            (TEXTS, object), ((*counts, *BOX), np.int64), (measures, np.float64),
            ((p + m for p in LENGTHS for m in metrics), np.float64),
            (LENGTHS.values(), np.int64),
        )
        for name in names
    }  # fmt: skip
    held = claimed_bytes(file) <= MAX_HELD
    rows = unpacked = 0
    for batch in batches(file):
        batch.validate(full=True)  # UTF-8, and texts that are there: pyarrow takes both on trust
        rows += len(batch)
        unpacked += batch.nbytes
        if max_bytes is not None and unpacked > max_bytes:
            raise too_large(path, max_bytes)
        for name, values in _read_batch(batch, (*measures, *BOX), metrics, path).items():
            if held or not name.startswith(tuple(LENGTHS)):
                parts[name].append(values)
            elif len(not_finite(values)):
                raise RunError(f"Column {name} of {name_of(path)} must have finite values.")
    if rows != file.metadata.num_rows:
        raise DamagedError(f"{name_of(path)} is damaged: it lacks rows.")
    for name in ADDED - set(file.schema_arrow.names):
        if name in parts:
            missing = 1 if name == "round" else "" if name in TEXTS else np.nan
            parts[name].append(np.full(rows, missing, parts[name][0].dtype))
    columns = {name: np.concatenate(parts.pop(name)) for name in list(parts)}
    columns["box"] = np.stack([columns[name] for name in BOX], axis=1)
    if old:
        columns |= old_runs.message_sizes(columns)
    found: dict[str, Any] = {name: columns[name] for name in (*TEXTS, *COUNTS, *MEASURES, "box")}
    for of, (prefix, lengths) in zip(("", "second_"), LENGTHS.items(), strict=True):
        offsets = found[f"{of}offsets"] = np.append(0, np.cumsum(columns[lengths]))
        if of and not offsets[-1]:
            found[f"{of}scores"] = {}
        elif held:
            found[f"{of}scores"] = {m: columns[prefix + m] for m in metrics}
        else:
            found[f"{of}scores"] = stored_scores(stream, path, metrics, prefix, offsets)
    return found


def _read_batch(
    batch: pa.RecordBatch,
    may_lack: Sequence[str],
    metrics: Sequence[str],
    path: str | os.PathLike[str],
) -> dict[str, np.ndarray]:
    """Return the columns of some rows as arrays, and `LENGTHS`."""
    arrays: dict[str, np.ndarray] = {}
    for name in batch.schema.names:
        column = batch.column(name)
        if column.null_count and name not in may_lack:
            raise RunError(f"Column {name} of {name_of(path)} must have a value in every row.")
        if name in TEXTS:
            arrays[name] = _read_texts(column, name, path)
        elif name == old_runs.SECOND_SCORES:
            arrays |= _read_second_scores(column, metrics, path)
        elif name.startswith(tuple(LENGTHS)):
            if column.values.null_count:
                raise RunError(f"Column {name} of {name_of(path)} must have no empty values.")
            lengths = np.diff(column.offsets.to_numpy())
            of = next(of for prefix, of in LENGTHS.items() if name.startswith(prefix))
            if not np.array_equal(lengths, arrays.setdefault(of, lengths)):
                raise RunError(
                    f"Column {name} of {name_of(path)} must have as many values as the other "
                    "metrics."
                )
            arrays[name] = column.flatten().to_numpy(zero_copy_only=False)
        else:
            if name == "box_hit":
                column = column.cast("float64")
            if column.null_count:
                column = column.fill_null(NO_BOX[0] if name in BOX else np.nan)
            arrays[name] = column.to_numpy(zero_copy_only=False)
    return {name: np.zeros(len(batch), np.int64) for name in LENGTHS.values()} | arrays


def _read_second_scores(
    column: pa.Array, metrics: Sequence[str], path: str | os.PathLike[str]
) -> dict[str, np.ndarray]:
    """Return what files before schema 4 hold as text, as `_read_batch` returns it."""
    try:
        values, lengths = old_runs.second_scores(column.to_pylist(), metrics)
    except ValueError as error:
        raise RunError(f"Column {old_runs.SECOND_SCORES} of {name_of(path)} {error}.") from None
    named = {SECOND_PREFIX + metric: row for metric, row in values.items()}
    return named | {LENGTHS[SECOND_PREFIX]: lengths}


def _read_texts(column: pa.Array, name: str, path: str | os.PathLike[str]) -> np.ndarray:
    """(N,) object; a text that stands in many rows is one object."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    longest = pc.max(pc.utf8_length(column.dictionary)).as_py() or 0
    if longest > MAX_TEXT:
        raise RunError(
            f"Column {name} of {name_of(path)} holds a text of over {MAX_TEXT:,} characters."
        )
    texts = np.array(column.dictionary.to_pylist(), dtype=object)
    return texts[column.indices.to_numpy()]
