"""What a run file looks like: its columns by name and type, and those that an older one lacks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.bench.runs import old_runs
from core.bench.runs.errors import RunError
from core.bench.runs.files.refusals import name_of
from core.bench.runs.record import (
    BOX,
    COUNTS,
    MEASURES,
    MESSAGES,
    OPTIONAL,
    PREFIX,
    SECOND_PREFIX,
    TEXTS,
)

if TYPE_CHECKING:  # pyarrow itself is imported where a file is touched: analysis needs none
    import pyarrow as pa
    import pyarrow.parquet as pq

SUFFIX = ".parquet"
ROWS_PER_GROUP = 16_384
MAX_TEXT = 100_000  # characters of one text
# Columns that a file may lack, written before there were any: nothing of theirs is known then.
ADDED = {"group", "round", "guided_answer", "hd_answer", "box_fallback", *OPTIONAL}
ADDED |= {*old_runs.MEASURES}
ADDED -= {"box_hit"}
HD_MESSAGES = ("hd_question_message_bytes", "hd_answer_message_bytes")
LENGTHS = {PREFIX: "lengths", SECOND_PREFIX: "second_lengths"}  # tokens of each row's answers


def schema_of(metrics: Sequence[str], old: bool = False) -> pa.Schema:
    """Return the columns of a file of these metrics; old: as it was written before schema 3."""
    import pyarrow as pa

    counts, measures = number_columns(old)
    kinds = dict.fromkeys(TEXTS, pa.string()) | dict.fromkeys(counts, pa.int64())
    kinds |= dict.fromkeys(measures, pa.float64()) | {"box_hit": pa.bool_()}
    kinds |= dict.fromkeys(BOX, pa.int64())
    kinds |= {p + metric: pa.list_(pa.float64()) for p in LENGTHS for metric in metrics}
    return pa.schema(kinds)


def number_columns(old: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns of whole numbers, and of measures; old: as in files of schema 1 and 2."""
    if not old:
        return COUNTS, MEASURES
    kept = tuple(name for name in COUNTS if name not in MESSAGES)
    measures = tuple(name for name in MEASURES if name not in HD_MESSAGES)
    return (*kept, *old_runs.COUNTS), (*measures, *old_runs.MEASURES)


def metrics_of(file: pq.ParquetFile) -> tuple[str, ...]:
    """Return the metrics that a file has token scores of."""
    names = file.schema_arrow.names
    return tuple(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))


def is_old(file: pq.ParquetFile) -> bool:
    """Return whether a file was written before schema 3."""
    return old_runs.COUNTS[0] in file.schema_arrow.names


def check_columns(file: pq.ParquetFile, path: str | os.PathLike[str]) -> None:
    """Raise RunError for a file whose columns are not those of a run, by name and type."""
    import pyarrow as pa

    schema = file.schema_arrow
    wanted = schema_of(metrics_of(file), is_old(file))
    expected = {name: wanted.field(name).type for name in wanted.names}
    tokens = [name for name in wanted.names if name.startswith(tuple(LENGTHS))]
    expected |= dict.fromkeys(tokens, pa.list_(pa.field("element", pa.float64())))
    if not _has_second(file):
        tokens = [name for name in tokens if name.startswith(SECOND_PREFIX)]
        for name in tokens:
            del expected[name]
        expected[old_runs.SECOND_SCORES] = pa.string()
    for name in {*ADDED, old_runs.SECOND_SCORES} - set(schema.names):
        expected.pop(name, None)
    odd = sorted(expected.keys() ^ set(schema.names))
    if odd or len(schema.names) != len(expected):
        what = ", ".join(odd) or "one that is there twice"
        raise RunError(f"{name_of(path)} lacks a column or has one too many: {what:.200}.")
    for name, kind in expected.items():
        found = schema.field(name).type
        if not _plain(found).equals(kind):
            raise RunError(f"Column {name} of {name_of(path)} must be {kind}, not {found!s:.80}.")


def _has_second(file: pq.ParquetFile) -> bool:
    return any(name.startswith(SECOND_PREFIX) for name in file.schema_arrow.names)


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type as a run file has it, for those that differ in their layout in memory only.

    pandas writes large_string, polars large_list as well; Arrow has views and dictionaries, too.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return pa.list_(kind.value_field) if pa.types.is_large_list(kind) else kind
