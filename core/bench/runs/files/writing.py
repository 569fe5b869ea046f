"""Writing a run file: whole or not at all, and nothing that would not be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.bench.runs.errors import RunError
from core.bench.runs.files.footer import entries_of
from core.bench.runs.files.layout import LENGTHS, MAX_TEXT, ROWS_PER_GROUP, schema_of
from core.bench.runs.metadata import Metadata
from core.bench.runs.record import BOX, COUNTS, MEASURES, PREFIX, SECOND_PREFIX, TEXTS
from core.bench.runs.run import Run
from core.bench.runs.tokens import part
from core.support.whole import written_whole

if TYPE_CHECKING:
    import pyarrow as pa


def save_run(run: Run, path: str | os.PathLike[str]) -> None:
    """Write a run file, whole or not at all: a file of that name is replaced in one step.

    Raises RunError for what `load_run` would refuse: a text, or metadata, that are too long. Raises
    OSError if the file can't be written; one of that name is then still there.
    """
    save_pieces([run], run.metadata, run.metrics, path)


def save_pieces(
    pieces: Iterable[Run], metadata: Metadata, metrics: Sequence[str], path: str | os.PathLike[str]
) -> None:
    """Write one run file of pieces of a run, in their order, as `save_run` does.

    No more than two of them are needed in memory at once. metrics: of those pieces that have
    tokens. Raises RunError also for pieces that make no run: an id that is there twice, or
    different metrics.
    """
    import pyarrow.parquet as pq

    path, samples = Path(path), 0
    entries_of(metadata, samples)  # raises for what is too long, before anything is written
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        written_whole(path) as file,
        pq.ParquetWriter(
            file,
            schema_of(metrics),
            compression="zstd",
            use_dictionary=list(TEXTS),
            use_byte_stream_split=[f"{p}{m}.list.element" for p in LENGTHS for m in metrics],
            write_statistics=False,
            write_page_checksum=True,
            store_schema=False,  # Parquet's own types suffice, and name nothing to be loaded
        ) as writer,
    ):
        for table in _tables(pieces, metrics):
            writer.write_table(table, ROWS_PER_GROUP)
            samples += int((table["round"].to_numpy() == 1).sum())
        writer.add_key_value_metadata(entries_of(metadata, samples))


def _tables(pieces: Iterable[Run], metrics: Sequence[str]) -> Iterator[pa.Table]:
    """The pieces of a run as tables of `ROWS_PER_GROUP` rows; the last one has what is left.

    Raises RunError for pieces that make no run.
    """
    import pyarrow as pa

    seen: set[str] = set()
    waiting = schema_of(metrics).empty_table()
    for run in pieces:
        if repeated := seen.intersection(run.id):
            raise RunError(f"Sample {min(repeated)!r:.80} is there twice.")
        seen.update(run.id)
        looks = (run, *run.later)
        held_scores = [held for one in looks for held in (one.scores, one.second_scores)]
        if any(held and set(held) != set(metrics) for held in held_scores):
            raise RunError("Runs can only be joined if they hold the same metrics.")
        for look, start in [(p, i) for p in looks for i in range(0, len(p), ROWS_PER_GROUP)]:
            rows = slice(start, min(start + ROWS_PER_GROUP, len(look)))
            waiting = pa.concat_tables([waiting, _to_table(look, rows, metrics)])
            if len(waiting) >= ROWS_PER_GROUP:
                yield waiting.slice(0, ROWS_PER_GROUP)
                waiting = waiting.slice(ROWS_PER_GROUP)
    if len(waiting):
        yield waiting


def _to_table(run: Run, rows: slice, metrics: Sequence[str]) -> pa.Table:
    """Some rows of a run, which stand side by side, as they are written."""
    import pyarrow as pa

    ids = run.id[rows]
    columns = {}
    for name in TEXTS:
        texts = getattr(run, name)[rows]
        for sample, text in zip(ids, texts, strict=True):
            if len(text) > MAX_TEXT:
                raise RunError(
                    f"{name} of sample {sample!r:.80} is longer than {MAX_TEXT:,} characters."
                )
        # A lone surrogate, which a model's decoder may leave, has no UTF-8 form.
        encoded = (text.encode("utf-8", "replace").decode() for text in texts)
        columns[name] = pa.array(encoded, pa.string())
    for name in COUNTS:
        columns[name] = pa.array(getattr(run, name)[rows])
    for name in MEASURES:
        values = getattr(run, name)[rows]
        columns[name] = pa.array(values, mask=np.isnan(values))  # not known is null
    columns["box_hit"] = columns["box_hit"].cast(pa.bool_())
    box = run.box[rows]
    for name, edge in zip(BOX, box.T, strict=True):
        columns[name] = pa.array(edge, pa.int64(), mask=box[:, 0] < 0)
    for prefix, scores, of in (
        (PREFIX, run.scores, run.offsets),
        (SECOND_PREFIX, run.second_scores, run.second_offsets),
    ):
        offsets = pa.array(of[rows.start : rows.stop + 1] - of[rows.start], pa.int32())
        for metric in metrics:
            values = part(scores, of, metric, rows.start, rows.stop) if scores else np.empty(0)
            columns[prefix + metric] = pa.ListArray.from_arrays(offsets, pa.array(values))
    return pa.table(columns, schema=schema_of(metrics))
