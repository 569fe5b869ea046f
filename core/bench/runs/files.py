"""Run files: one run is one Parquet file, with its metadata as JSON in the file's own footer.

One row per sample, or per look of it, where a run has several rounds; columns are named as in
`core.bench.runs.record.Record`; the box is four columns, and
each metric is a list of one number per token, `tokens_<metric>` of the first answer and
`second_tokens_<metric>` of the second. Any Parquet reader reads them.

A file may come from a stranger. Nothing in it is ever executed. Who reads such a file gives limits:
its size, its rows and what it claims to unpack to are looked at before it is unpacked, then again
piece by piece. What this module writes it also reads, however large.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from core.bench.runs import old_runs
from core.bench.runs.errors import DamagedError, RunError
from core.bench.runs.metadata import Metadata
from core.bench.runs.record import (
    BOX,
    COUNTS,
    MEASURES,
    MESSAGES,
    NO_BOX,
    OPTIONAL,
    PREFIX,
    SECOND_PREFIX,
    TEXTS,
)
from core.bench.runs.run import Run
from core.bench.runs.tokens import StoredScores, not_finite, part
from core.support.whole import written_whole

if TYPE_CHECKING:  # pyarrow itself is imported where a file is touched: analysis needs none
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["SUFFIX", "RunFile", "list_runs", "load_run", "save_pieces", "save_run"]

SCHEMA = 6
SUFFIX = ".parquet"
KEY, DIGEST_KEY = b"second_look", b"second_look_sha256"
ROWS_PER_GROUP = 16_384
# Columns that a file may lack, written before there were any: nothing of theirs is known then.
ADDED_METADATA = {"load": 2, "code": 2, "cropper": 5, "rounds": 6, "keeps": 6}  # name -> schema
HD_MESSAGES = ("hd_question_message_bytes", "hd_answer_message_bytes")
ADDED = {"group", "round", "guided_answer", "hd_answer", "box_fallback", *OPTIONAL}
ADDED |= {*old_runs.MEASURES}
ADDED -= {"box_hit"}
LENGTHS = {PREFIX: "lengths", SECOND_PREFIX: "second_lengths"}  # tokens of each row's answers

MAX_TEXT = 100_000  # characters of one text
MAX_HELD = 512 << 20  # bytes unpacked; of a larger file, token scores are read when asked for
MAX_FOOTER = 4 << 20  # bytes, of a file that is read under limits
MAX_METADATA = 1 << 20  # bytes


@dataclass(frozen=True)
class RunFile:
    """A file that `list_runs` found: what it holds, or the sentence that says why it can't be."""

    path: Path
    metadata: Metadata | None = None
    samples: int = 0
    metrics: tuple[str, ...] = ()
    problem: str | None = None


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
    _metadata_entries(metadata, samples)  # raises for what is too long, before anything is written
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        written_whole(path) as file,
        pq.ParquetWriter(
            file,
            _schema(metrics),
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
        writer.add_key_value_metadata(_metadata_entries(metadata, samples))


def load_run(path: str | os.PathLike[str], max_rows: int | None = None,
             max_bytes: int | None = None) -> Run:  # fmt: skip
    """Read a run file, trusting nothing in it.

    max_rows, max_bytes: for a file from a stranger; refuse one with more samples, or with more
    bytes once unpacked. Raises RunError, in one sentence, for a file that is missing, damaged (a
    DamagedError), too large, no run file, or of a newer schema.
    """
    with _opened(path, max_bytes) as (file, stream, metadata, samples):
        if max_rows is not None and file.metadata.num_rows > max_rows:
            raise RunError(
                f"{_name(path)} holds {file.metadata.num_rows:,} rows; "
                f"at most {max_rows:,} are read."
            )
        _check_columns(file, path)
        if max_bytes is not None and _claimed_bytes(file) > max_bytes:
            raise _too_large(path, max_bytes)
        columns = _read_columns(file, stream, path, max_bytes)
        try:
            run = Run.from_rows(metadata, columns)
        except RunError as error:
            raise DamagedError(f"{_name(path)} is not a valid run file: {error}") from None
        if len(run) != samples:
            raise DamagedError(f"{_name(path)} is damaged: it lacks rows.")
        return run


def list_runs(folder: str | os.PathLike[str]) -> list[RunFile]:
    """The run files of a folder by name, from their metadata alone.

    One that can't be read is listed with its `problem`, and doesn't hide the others.
    Raises RunError if there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"There is no folder {_name(folder)} to look for run files in.")
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            with _opened(path) as (file, _, metadata, samples):
                found.append(RunFile(path, metadata, samples, _metrics(file)))
        except RunError as error:
            found.append(RunFile(path, problem=str(error)))
    return found


def _metrics(file: pq.ParquetFile) -> tuple[str, ...]:
    names = file.schema_arrow.names
    return tuple(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))


def _names(old: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of whole numbers and of measures; old: as in files of schema 1 and 2."""
    if not old:
        return COUNTS, MEASURES
    kept = tuple(name for name in COUNTS if name not in MESSAGES)
    measures = tuple(name for name in MEASURES if name not in HD_MESSAGES)
    return (*kept, *old_runs.COUNTS), (*measures, *old_runs.MEASURES)


def _has_second(file: pq.ParquetFile) -> bool:
    return any(name.startswith(SECOND_PREFIX) for name in file.schema_arrow.names)


def _is_old(file: pq.ParquetFile) -> bool:
    return old_runs.COUNTS[0] in file.schema_arrow.names


def _schema(metrics: Sequence[str], old: bool = False) -> pa.Schema:
    """The columns that a file with these metrics is written with; old: was, before schema 3."""
    import pyarrow as pa

    counts, measures = _names(old)
    kinds = dict.fromkeys(TEXTS, pa.string()) | dict.fromkeys(counts, pa.int64())
    kinds |= dict.fromkeys(measures, pa.float64()) | {"box_hit": pa.bool_()}
    kinds |= dict.fromkeys(BOX, pa.int64())
    kinds |= {p + metric: pa.list_(pa.float64()) for p in LENGTHS for metric in metrics}
    return pa.schema(kinds)


def _tables(pieces: Iterable[Run], metrics: Sequence[str]) -> Iterator[pa.Table]:
    """The pieces of a run as tables of `ROWS_PER_GROUP` rows; the last one has what is left.

    Raises RunError for pieces that make no run.
    """
    import pyarrow as pa

    seen: set[str] = set()
    waiting = _schema(metrics).empty_table()
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
    return pa.table(columns, schema=_schema(metrics))


def _metadata_entries(metadata: Metadata, samples: int) -> dict[bytes, bytes]:
    """Parquet has no checksum over its footer, so the metadata bring their own."""
    text = json.dumps({"schema": SCHEMA, "samples": samples, **asdict(metadata)}).encode()
    if len(text) > MAX_METADATA:
        raise RunError(f"The metadata of a run take at most {MAX_METADATA:,} bytes.")
    return {KEY: text, DIGEST_KEY: hashlib.sha256(text).hexdigest().encode()}


@contextmanager
def _opened(
    path: str | os.PathLike[str], max_bytes: int | None = None
) -> Iterator[tuple[pq.ParquetFile, BinaryIO, Metadata, int]]:
    """The file, what it is read from, its metadata, and how many samples it says it holds. What
    pyarrow raises becomes a RunError.

    max_bytes: of the file itself, too; None: it is one's own.
    """
    import pyarrow.parquet as pq

    path = Path(path)
    if not path.is_file():
        raise RunError(f"There is no run file {_name(path)}.")
    with _explained(path):
        if max_bytes is not None and path.stat().st_size > max_bytes:
            raise _too_large(path, max_bytes)
        limit = None if max_bytes is None else MAX_FOOTER
        with path.open("rb") as stream:
            if stream.read(4) != b"PAR1":
                raise RunError(f"{_name(path)} is not a run file: it isn't Parquet.")
            file = pq.ParquetFile(
                stream, thrift_string_size_limit=limit, thrift_container_size_limit=limit
            )
            yield file, stream, *_read_metadata(file, path)


@contextmanager
def _explained(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a RunError."""
    import pyarrow as pa

    try:
        yield
    except RunError:
        raise
    except PermissionError as error:
        raise RunError(f"{_name(path)} can't be opened: its permissions don't allow it.") from error
    except MemoryError as error:
        raise RunError(f"{_name(path)} takes more memory than there is.") from error
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno:  # of the system: pyarrow gives none
            why = os.strerror(error.errno)
            raise RunError(f"{_name(path)} can't be read: {why}.") from error
        raise DamagedError(
            f"{_name(path)} is damaged and can't be read: copy or make it again."
        ) from error


def _read_metadata(file: pq.ParquetFile, path: Path) -> tuple[Metadata, int]:
    """Return the metadata, and how many samples there are.

    Raises RunError if this isn't the metadata of a run that this version can read.
    """
    entries = file.metadata.metadata or {}
    text = entries.get(KEY)
    if text is None:
        raise RunError(f"{_name(path)} is a Parquet file, but not a run file of Second Look.")
    damaged = DamagedError(
        f"The metadata of {_name(path)} are damaged: copy or make the file again."
    )
    digest = hashlib.sha256(text).hexdigest().encode()
    if len(text) > MAX_METADATA or entries.get(DIGEST_KEY) != digest:
        raise damaged
    try:
        values: dict[str, Any] = json.loads(text)
        schema = values.pop("schema")
    except (ValueError, RecursionError, KeyError, AttributeError, TypeError):
        raise damaged from None
    if type(schema) is not int or schema < 1:
        raise damaged
    samples = values.pop("samples", None) if schema >= 6 else file.metadata.num_rows
    if schema > SCHEMA:
        raise RunError(
            f"{_name(path)} was written by a newer version (schema {schema}; this one reads up to "
            f"{SCHEMA}): update Second Look."
        )
    names = {f.name for f in fields(Metadata) if ADDED_METADATA.get(f.name, 1) <= schema}
    if values.keys() != names:
        odd = ", ".join(sorted(values.keys() ^ names))
        raise RunError(
            f"The metadata of {_name(path)} lack a field or have one too many: {odd:.200}."
        )
    if type(samples) is not int:
        raise damaged
    try:
        return Metadata.from_json(values), samples
    except RunError as error:
        raise DamagedError(f"{_name(path)} is not a valid run file: {error}") from None


def _check_columns(file: pq.ParquetFile, path: str | os.PathLike[str]) -> None:
    import pyarrow as pa

    schema = file.schema_arrow
    wanted = _schema(_metrics(file), _is_old(file))
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
        raise RunError(f"{_name(path)} lacks a column or has one too many: {what:.200}.")
    for name, kind in expected.items():
        found = schema.field(name).type
        if not _plain(found).equals(kind):
            raise RunError(f"Column {name} of {_name(path)} must be {kind}, not {found!s:.80}.")


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type as this module writes it, for those that differ in their layout in memory only.

    pandas writes large_string, polars large_list as well; Arrow has views and dictionaries, too.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return pa.list_(kind.value_field) if pa.types.is_large_list(kind) else kind


def _claimed_bytes(file: pq.ParquetFile) -> int:
    # Row groups only: asked for a column of a damaged footer, pyarrow ends the whole process.
    groups = range(file.metadata.num_row_groups)
    return sum(file.metadata.row_group(i).total_byte_size for i in groups)


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
    old, metrics = _is_old(file), _metrics(file)
    counts, measures = _names(old)
    parts: dict[str, list[np.ndarray]] = {
        name: [np.empty(0, dtype)]
        for names, dtype in (
            (TEXTS, object), ((*counts, *BOX), np.int64), (measures, np.float64),
            ((p + m for p in LENGTHS for m in metrics), np.float64),
            (LENGTHS.values(), np.int64),
        )
        for name in names
    }  # fmt: skip
    held = _claimed_bytes(file) <= MAX_HELD
    rows = unpacked = 0
    for batch in _batches(file):
        batch.validate(full=True)  # UTF-8, and texts that are there: pyarrow takes both on trust
        rows += len(batch)
        unpacked += batch.nbytes
        if max_bytes is not None and unpacked > max_bytes:
            raise _too_large(path, max_bytes)
        for name, values in _read_batch(batch, (*measures, *BOX), metrics, path).items():
            if held or not name.startswith(tuple(LENGTHS)):
                parts[name].append(values)
            elif len(not_finite(values)):
                raise RunError(f"Column {name} of {_name(path)} must have finite values.")
    if rows != file.metadata.num_rows:
        raise DamagedError(f"{_name(path)} is damaged: it lacks rows.")
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
            found[f"{of}scores"] = _stored(stream, path, metrics, prefix, offsets)
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
            raise RunError(f"Column {name} of {_name(path)} must have a value in every row.")
        if name in TEXTS:
            arrays[name] = _read_texts(column, name, path)
        elif name == old_runs.SECOND_SCORES:
            arrays |= _read_second_scores(column, metrics, path)
        elif name.startswith(tuple(LENGTHS)):
            if column.values.null_count:
                raise RunError(f"Column {name} of {_name(path)} must have no empty values.")
            lengths = np.diff(column.offsets.to_numpy())
            of = next(of for prefix, of in LENGTHS.items() if name.startswith(prefix))
            if not np.array_equal(lengths, arrays.setdefault(of, lengths)):
                raise RunError(
                    f"Column {name} of {_name(path)} must have as many values as the other metrics."
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
        raise RunError(f"Column {old_runs.SECOND_SCORES} of {_name(path)} {error}.") from None
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
            f"Column {name} of {_name(path)} holds a text of over {MAX_TEXT:,} characters."
        )
    texts = np.array(column.dictionary.to_pylist(), dtype=object)
    return texts[column.indices.to_numpy()]


def _batches(
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


def _stored(
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
        with lock, _explained(path):
            file = pq.ParquetFile(own, page_checksum_verification=True)
            groups = range(file.num_row_groups)
            rows = np.append(0, np.cumsum([file.metadata.row_group(i).num_rows for i in groups]))
            begins = offsets[rows]  # of the tokens of each group
            wanted = [i for i in groups if begins[i] < last and first < begins[i + 1]]
            at = begins[wanted[0]] if wanted else 0
            for batch in _batches(file, [prefix + metric], wanted):
                tokens = batch.column(0).flatten().to_numpy(zero_copy_only=False)
                taken = tokens[max(0, first - at) : max(0, last - at)]
                values[end : end + len(taken)] = taken
                at, end = at + len(tokens), end + len(taken)
            if end != last - first:
                raise DamagedError(f"{_name(path)} is damaged: it lacks token scores.")
        return values

    weakref.finalize(read, own.close)
    return StoredScores(metrics, read, offsets)


def _too_large(path: str | os.PathLike[str], max_bytes: int) -> RunError:
    return RunError(f"{_name(path)} takes over {max_bytes:,} bytes unpacked, more than are read.")


def _name(path: str | os.PathLike[str]) -> str:
    """Return what a message calls a file: its folder is none of a visitor's business."""
    return repr(Path(path).name)
