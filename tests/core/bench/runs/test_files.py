import errno
import hashlib
import json
import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bench.runs import files
from core.bench.runs.errors import DamagedError, RunError
from core.bench.runs.files import DIGEST_KEY, KEY, list_runs, load_run, save_pieces, save_run
from core.bench.runs.metadata import Code
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from core.bench.runs.tokens import StoredScores
from tests.support.strategies import METADATA, patient, runs
from tools.doubles.synthetic import looked_again, synthetic_run

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pc = pytest.importorskip("pyarrow.compute")


def _equal(a: Run, b: Run) -> bool:
    """To the last bit; NaN is NaN."""
    return (
        a.metadata == b.metadata
        and _same_tokens(a.scores, b.scores, a.offsets, b.offsets)
        and _same_tokens(a.second_scores, b.second_scores, a.second_offsets, b.second_offsets)
        and np.array_equal(a.box, b.box)
        and all(
            np.array_equal(x, y, equal_nan=x.dtype == float)
            for x, y in (
                (getattr(a, f.name), getattr(b, f.name))
                for f in fields(Record)
                if f.name not in ("scores", "second_scores", "box")
            )
        )
    )


def _same_tokens(a, b, offsets_a, offsets_b) -> bool:
    same = a.keys() == b.keys() and np.array_equal(offsets_a, offsets_b)
    return same and all(np.array_equal(a[metric], b[metric]) for metric in a)


@pytest.fixture
def saved(tmp_path):
    run = synthetic_run(40)
    save_run(run, tmp_path / "run.parquet")
    return run, tmp_path / "run.parquet"


def _rewrite(path, change=None, entries=None, **options):
    """The file again, as an ordinary Parquet writer would write it, its table changed."""
    file = pq.ParquetFile(path)
    table = file.read()
    table = change(table) if change else table
    kept = {KEY: file.metadata.metadata[KEY], DIGEST_KEY: file.metadata.metadata[DIGEST_KEY]}
    with pq.ParquetWriter(path, table.schema, **{"store_schema": False} | options) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(kept | (entries or {}))


OF_6 = {"rounds": ..., "keeps": ..., "samples": ...}  # what files before schema 6 lack


def _metadata_entries(path, **changes):
    text = pq.ParquetFile(path).metadata.metadata[KEY]
    values = json.loads(text) | changes
    text = json.dumps({k: v for k, v in values.items() if v is not ...}).encode()
    return {KEY: text, DIGEST_KEY: hashlib.sha256(text).hexdigest().encode()}


@patient
@given(run=runs())
def test_a_run_comes_back_as_it_was_saved(tmp_path, run):
    save_run(run, tmp_path / "run.parquet")
    assert _equal(load_run(tmp_path / "run.parquet"), run)


def test_a_run_of_several_row_groups_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROWS_PER_GROUP", 7)
    run = synthetic_run(40)
    save_run(run, tmp_path / "run.parquet")
    assert pq.ParquetFile(tmp_path / "run.parquet").num_row_groups == 6
    assert _equal(load_run(tmp_path / "run.parquet"), run)


def test_an_empty_run_and_one_of_failures_come_back(tmp_path):
    failed = Record("x", "i", "?", "?", "[]", error="It failed.")
    for rows in ([], [failed]):
        run = Run.from_records(rows, METADATA)
        save_run(run, tmp_path / "run.parquet")
        assert _equal(load_run(tmp_path / "run.parquet"), run)


def test_texts_of_every_script_come_back_and_lone_surrogates_as_question_marks(tmp_path):
    row = replace(
        synthetic_run(1).record(0),
        question="Wie groß? 大きさ\0 \U0001f50e",
        first_answer="a\ud800b",
    )
    save_run(Run.from_records([row], METADATA), tmp_path / "run.parquet")
    again = load_run(tmp_path / "run.parquet").record(0)
    assert (again.question, again.first_answer) == (row.question, "a?b")


def test_any_parquet_reader_reads_it(saved):
    run, path = saved
    frame = pd.read_parquet(path)
    assert frame["first_score"].tolist() == run.first_score.tolist()
    assert frame["question"].tolist() == run.question.tolist()
    assert list(frame["tokens_min_entropy"][3]) == list(run.record(3).scores["min_entropy"])
    assert frame["first_flops_exact"].isna().all()


def test_a_file_that_another_writer_wrote_again_is_still_a_run(saved):
    run, path = saved
    _rewrite(path, compression="snappy", use_dictionary=False)
    assert _equal(load_run(path), run)


def test_a_file_from_before_some_columns_knows_nothing_of_them(saved):
    run, path = saved
    _rewrite(path, lambda table: table.drop_columns(sorted(files.ADDED & {*table.schema.names})))
    assert _equal(load_run(path), run)  # an invented run knows nothing of them either


def test_second_answers_scores_that_are_text_are_read_as_lists(tmp_path):
    """Until schema 3 they were JSON, of every metric, in one column."""
    run = _with_second(20)
    path = tmp_path / "run.parquet"
    save_run(run, path)
    texts = [json.dumps(run.record(i).second_scores) for i in range(len(run))]
    lists = [name for name in pq.read_schema(path).names if name.startswith("second_tokens_")]
    assert len(lists) == len(run.metrics)

    def older(*texts):
        def change(table):
            return table.drop_columns(lists).append_column("second_scores", pa.array(texts))

        return change

    _rewrite(path, older(*texts), entries=_metadata_entries(path, cropper=..., **OF_6, schema=3))
    assert _equal(load_run(path), run)
    for text in ("{", "[]", '{"min_entropy": [1]}', '{"min_entropy": ["x"]}', "[" * 9999):
        save_run(run, path)
        _rewrite(path, older(text, *texts[1:]))
        _refused(path, "Column second_scores of 'run.parquet' must have as many values")
    save_run(run, path)
    _rewrite(path, older("", *texts[1:]))  # a sample that failed
    assert load_run(path).record(0).second_scores is None


def _with_second(samples: int) -> Run:
    """A run whose second answers are as sure as the first ones of another."""
    run, other = synthetic_run(samples), synthetic_run(samples, seed=1)
    return replace(run, second_scores=other.scores, second_offsets=other.offsets)


def test_a_file_of_the_first_schema_knows_neither_options_nor_code(saved):
    run, path = saved
    entries = _metadata_entries(path, load=..., code=..., cropper=..., **OF_6, schema=1)
    _rewrite(path, entries=_metadata_entries(path, **OF_6, schema=1))
    _refused(path, "lack a field or have one too many: code, cropper, load")
    _rewrite(path, entries=entries)
    assert _equal(load_run(path), run)  # an invented run knows nothing of them either


def test_a_file_of_schema_4_was_looked_at_by_eq_22(saved):
    run, path = saved
    new = ["box_fallback", "box_contrast"] + [name for name in files.ADDED if "search" in name]
    entries = _metadata_entries(path, cropper=..., **OF_6, schema=4)
    _rewrite(path, lambda table: table.drop_columns(new), entries=entries)
    again = load_run(path)
    assert again.metadata.cropper == "relative" and _equal(again, run)
    assert (again.second_message_bytes == run.second_message_bytes).all()


def test_options_and_code_come_back(tmp_path):
    code = (Code("a" * 40, True, None), Code(None, None, "0.1"))
    run = synthetic_run(2)
    run = replace(
        run, metadata=replace(run.metadata, load={"resolution": 224}, code=code, cropper="blank")
    )
    save_run(run, tmp_path / "run.parquet")
    assert load_run(tmp_path / "run.parquet").metadata == run.metadata


def test_saving_replaces_the_file_in_one_step_or_leaves_it(saved, monkeypatch):
    _, path = saved
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            save_run(synthetic_run(3), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]  # nothing half written lies about
    save_run(synthetic_run(3), path)
    assert len(load_run(path)) == 3
    assert os.listdir(path.parent) == [path.name]


def test_a_new_file_is_as_readable_as_any_other(saved):
    _, path = saved
    (path.parent / "other").touch()
    assert path.stat().st_mode == (path.parent / "other").stat().st_mode


def test_runs_are_listed_by_name_and_a_damaged_one_does_not_hide_the_others(tmp_path):
    save_run(synthetic_run(3), tmp_path / "b.parquet")
    save_run(synthetic_run(2), tmp_path / "a.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and nothing else")
    (tmp_path / "notes.txt").write_text("no run")
    a, b, c = list_runs(tmp_path)
    assert [(f.path.name, f.samples, f.problem) for f in (a, b)] == [
        ("a.parquet", 2, None), ("b.parquet", 3, None),
    ]  # fmt: skip
    assert a.metadata.model == "synthetic"
    assert c.metadata is None and "'c.parquet' is damaged" in c.problem
    with pytest.raises(RunError, match="no folder 'nowhere'"):
        list_runs(tmp_path / "nowhere")


# What is wrong with a file is said in one sentence that names the file, but not its folder.


def _refused(path, match, **limits):
    with pytest.raises(RunError, match=match) as caught:
        load_run(path, **limits)
    text = str(caught.value)
    assert path.name in text and str(path.parent) not in text
    assert text.endswith(".") and "\n" not in text
    assert len(text) < 400


def test_a_file_that_is_no_run(tmp_path):
    path = tmp_path / "x.parquet"
    _refused(path, "There is no run file")
    for content in (b"", b"PA", b"id,answer\n1,a\n", b"\x80\x04K\x01."):
        path.write_bytes(content)
        _refused(path, "it isn't Parquet")
    pd.DataFrame({"a": [1]}).to_parquet(path)
    _refused(path, "a Parquet file, but not a run file")
    path.unlink()
    path.mkdir()
    _refused(path, "There is no run file")


def test_a_truncated_file(saved):
    _, path = saved
    whole = path.read_bytes()
    for size in (4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        _refused(path, "damaged")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(saved):
    _, path = saved
    path.chmod(0)
    _refused(path, "permissions")


@settings(patient, max_examples=300)
@given(data=st.data())
def test_a_flipped_bit_is_found_or_harmless(tmp_path_factory, data):
    """Never another exception, and never other numbers than were saved."""
    run, whole = _small_file(tmp_path_factory)
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    path = tmp_path_factory.getbasetemp() / "flipped.parquet"
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
    try:
        again = load_run(path)
    except RunError as error:
        assert "\n" not in str(error)
    else:
        assert _equal(again, run)


def _small_file(tmp_path_factory, cache=[]):  # noqa: B006 - one file for all examples
    if not cache:
        run = synthetic_run(5, max_tokens=3)
        path = tmp_path_factory.mktemp("whole") / "run.parquet"
        save_run(run, path)
        cache.append((run, path.read_bytes()))
    return cache[0]


def test_a_newer_schema(saved):
    _, path = saved
    _rewrite(path, entries=_metadata_entries(path, schema=files.SCHEMA + 1))
    _refused(path, "written by a newer version .* update Second Look")


@pytest.mark.parametrize("schema", [0, -1, "1", True, None, 1.0])
def test_a_schema_that_never_was(saved, schema):
    _, path = saved
    _rewrite(path, entries=_metadata_entries(path, schema=schema))
    _refused(path, "metadata of .* are damaged")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model": ...}, "lack a field or have one too many: model"),
        ({"extra": 1}, "lack a field or have one too many: extra"),
        ({"model": 3}, "model must be a text"),
        ({"versions": {"a": []}}, "versions must map"),
        ({"load": []}, "load must be an object"),
        ({"code": {}}, "code must be a list of clean, commit, version"),
        ({"code": ["abc"]}, "code must be a list of clean, commit, version"),
        ({"code": [{"commit": "a"}]}, "code must be a list of clean, commit, version"),
        ({"code": [{"commit": 7, "clean": None, "version": None}]}, "commit .* can't be 7"),
        ({"code": [{"commit": "a", "clean": 1, "version": None}]}, "clean .* can't be 1"),
        ({"schema": ...}, "damaged"),
    ],
)
def test_metadata_that_are_not_those_of_a_run(saved, changes, match):
    _, path = saved
    _rewrite(path, entries=_metadata_entries(path, **changes))
    _refused(path, match)


@pytest.mark.parametrize("text", [b"[]", b"{", b"\xff", b"[" * 100_000, b"1", b'{"schema": 1' * 9])
def test_metadata_that_are_no_json_object(saved, text):
    _, path = saved
    digest = hashlib.sha256(text).hexdigest().encode()
    _rewrite(path, entries={KEY: text, DIGEST_KEY: digest})
    _refused(path, "metadata of .* are damaged")


def test_metadata_that_were_changed_by_accident(saved):
    _, path = saved
    _rewrite(path, entries={DIGEST_KEY: b"0" * 64})
    _refused(path, "metadata of .* are damaged")


def _with(name, values):
    def change(table):
        return table.set_column(table.schema.get_field_index(name), name, values(table[name]))

    return change


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.drop_columns(["box_left"]), "lacks a column or has one too many: box_left"),
        (lambda t: t.append_column("more", t["id"]), "one too many: more"),
        (lambda t: t.append_column("id", t["id"]), "one that is there twice"),
        (_with("id", lambda c: c.cast("binary")), "Column id .* must be"),
        (_with("first_score", lambda c: c.cast("float32")), "first_score .* must be double"),
        (_with("local_bytes", lambda c: c.cast("int32")), "local_bytes .* must be int64"),
        (_with("tokens_min_entropy", lambda c: c.cast(pa.list_(pa.float32()))), "tokens_min_ent"),
        (_with("first_score", lambda c: pa.array([2.0] * len(c))), "valid run file: .* 0 to 1"),
        (_with("id", lambda c: pa.array(["a"] * len(c))), "an id that no other sample has"),
        (_with("id", lambda c: pa.array([None] * len(c), "string")), "a value in every row"),
        (_with("global_bytes", lambda c: pa.array([None] * len(c), "int64")), "in every row"),
        (_with("box_left", lambda c: pa.array([None] * len(c), "int64")), "must have a box"),
        (_with("tokens_min_entropy", lambda c: pa.array([None] * len(c), c.type)), "every row"),
        (_with("tokens_min_entropy", lambda c: pa.array([[None]] * len(c), c.type)), "empty val"),
        (_with("tokens_shannon_entropy", lambda c: pa.array([[0.1] * 30] * len(c), c.type)),
         "as many values as the other"),
        (_with("question", lambda c: pa.array(["x" * 100_001] * len(c))), "over 100,000 char"),
        (lambda t: t.rename_columns([n.replace("min_entropy", "guess") for n in t.column_names]),
         "metric 'guess'"),
    ],
)  # fmt: skip
def test_columns_that_are_not_those_of_a_run(saved, change, match):
    _, path = saved
    _rewrite(path, change)
    _refused(path, match)


@pytest.mark.parametrize("text", ["large_string", "string_view", "dictionary"])
def test_columns_may_be_as_other_writers_lay_them_out_in_memory(saved, text):
    """pandas and polars write large types; the file says so, and pyarrow brings them back."""
    run, path = saved

    def other(table):
        for index, column in enumerate(table.columns):
            if pa.types.is_string(column.type):
                column = column.dictionary_encode() if text == "dictionary" else column.cast(text)
            elif pa.types.is_list(column.type):
                column = column.cast(pa.large_list(pa.float64()))
            table = table.set_column(index, table.schema.names[index], column)
        return table

    _rewrite(path, other, store_schema=True)
    kinds = {str(kind) for kind in pq.ParquetFile(path).schema_arrow.types}
    assert "string" not in kinds and "large_list<element: double>" in kinds
    assert _equal(load_run(path), run)


def test_a_run_that_pandas_wrote_again_is_still_a_run(saved):
    run, path = saved
    entries = pq.ParquetFile(path).metadata.metadata
    table = pa.Table.from_pandas(pq.read_table(path).to_pandas(), preserve_index=False)
    pq.write_table(table.replace_schema_metadata(entries), path)
    assert _equal(load_run(path), run)


# Sizes: a stranger's file takes no more than it is allowed.


def test_limits_are_the_callers(saved):
    _, path = saved
    _refused(path, "holds 40 rows; at most 39 are read", max_rows=39)
    _refused(path, "takes over 1,000 bytes unpacked", max_bytes=1_000)


def test_a_text_that_is_long_and_repeated_stays_small(saved):
    """A dictionary bomb: written once in the file, it would be 110 megabytes row by row."""
    _, path = saved
    row = synthetic_run(1).record(0)
    rows = [replace(row, id=str(i), question="x" * 90_000) for i in range(1_200)]
    save_run(Run.from_records(rows, METADATA), path)
    assert path.stat().st_size < 1_000_000
    run = load_run(path, max_bytes=10_000_000)
    assert len(run) == 1_200
    assert len({id(text) for text in run.question}) == 1


def test_numbers_that_are_repeated_count_as_what_they_unpack_to(saved):
    _, path = saved
    constant = _with("tokens_min_entropy", lambda c: pa.array([[0.5] * 50_000] * len(c), c.type))
    _rewrite(path, constant)
    assert path.stat().st_size < 1_000_000
    _refused(path, "takes over 10,000,000 bytes unpacked", max_bytes=10_000_000)


def test_a_strangers_file_too_large_to_be_looked_at_is_not_opened(saved, monkeypatch):
    _, path = saved
    monkeypatch.setattr(pq, "ParquetFile", None)
    _refused(path, "takes over 100 bytes", max_bytes=100)


def test_a_file_of_ones_own_has_no_limits(tmp_path, monkeypatch):
    """Nor has its footer, which grows with the row groups."""
    monkeypatch.setattr(files, "MAX_FOOTER", 10)
    monkeypatch.setattr(files, "ROWS_PER_GROUP", 1)
    run = synthetic_run(40)
    save_run(run, tmp_path / "run.parquet")
    assert _equal(load_run(tmp_path / "run.parquet"), run)
    assert list_runs(tmp_path)[0].problem is None
    _refused(tmp_path / "run.parquet", "damaged", max_bytes=2**30)


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A run with a failure, and the file of it, which is too large to be held."""
    monkeypatch.setattr(files, "MAX_HELD", 0)
    monkeypatch.setattr(files, "ROWS_PER_GROUP", 16)
    failed = Record("x", "i", "?", "?", "[]", error="It failed.")
    rows = [_with_second(50).record(i) for i in range(50)]
    run = Run.from_records([*rows[:20], failed, *rows[20:]], METADATA)
    save_run(run, tmp_path / "run.parquet")
    return run, tmp_path / "run.parquet"


def test_token_scores_of_a_large_file_are_read_when_they_are_asked_for(large):
    run, path = large
    again = load_run(path)
    assert isinstance(again.scores, StoredScores) and isinstance(
        again.answered.scores, StoredScores
    )
    assert _equal(again, run) and _equal(again.answered, run.answered)
    assert repr(again.record(30)) == repr(run.record(30))
    some = np.array([40, 3, 20, 7])
    assert _equal(again.select(some), run.select(some))
    for metric in run.metrics:
        assert np.array_equal(again.uncertainty(metric), run.uncertainty(metric), equal_nan=True)
        second = [one.second_uncertainty(metric) for one in (again, run)]
        assert np.array_equal(*second, equal_nan=True)
        with pytest.raises(ValueError, match="read-only"):
            again.scores[metric][0] = 0.0
    with pytest.raises(ValueError, match="no 'guess'"):
        again.uncertainty("guess")
    save_run(again, path)  # over the very file that it is read from
    assert _equal(load_run(path), run) and _equal(again, run)


def test_a_large_run_is_written_and_looked_at_without_reading_what_is_not_wanted(large, tmp_path):
    """Each row group of each metric is read once by a save, one by a look at one sample."""
    _, path = large
    again = load_run(path)
    batches, read = files._batches, []

    def counted(file, columns=None, groups=None):
        read.extend((columns[0], group) for group in groups)
        return batches(file, columns, groups)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "_batches", counted)
        again.record(30)
        assert len(read) == len(set(read)) == 2 * len(again.metrics)
        read.clear()
        save_run(again, tmp_path / "copy.parquet")
    assert len(read) == len(set(read)) == 2 * len(again.metrics) * 4  # groups of 16 rows
    assert _equal(load_run(tmp_path / "copy.parquet"), load_run(path))


def test_a_large_file_may_go_and_is_closed_with_its_run(large):
    run, path = large
    again = load_run(path)
    path.unlink()
    assert np.array_equal(again.answered.scores["min_entropy"], run.answered.scores["min_entropy"])
    descriptors = Path("/proc/self/fd")
    if descriptors.is_dir():
        opened = len(list(descriptors.iterdir()))
        del again
        assert len(list(descriptors.iterdir())) == opened - 2  # of first and of second answers


def test_a_large_file_that_is_written_over_in_place_is_damaged(large):
    _, path = large
    again = load_run(path)
    content = bytearray(path.read_bytes())
    content[100 : len(content) // 2] = bytes(len(content) // 2 - 100)
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="'run.parquet' is damaged"):
        _ = [again.scores[metric] for metric in again.metrics]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9])
def test_token_scores_that_are_no_numbers_are_refused_in_a_large_file_too(large, value):
    _, path = large
    lengths = pq.ParquetFile(path).read()["tokens_energy"].combine_chunks().value_lengths()
    values = [[value] * count for count in lengths.to_pylist()]
    _rewrite(path, _with("tokens_energy", lambda c: pa.array(values, c.type)))
    _refused(path, "Column tokens_energy .* must have finite values")


def test_pieces_are_written_as_the_run_that_they_make(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROWS_PER_GROUP", 16)
    run = synthetic_run(50)
    failed = Record("x", "i", "?", "?", "[]", error="It failed.")
    whole = [failed, *(run.record(i) for i in range(50))]
    pieces = (Run.from_records(part, METADATA) for part in (whole[:1], whole[1:41], [], whole[41:]))
    save_pieces(pieces, METADATA, run.metrics, tmp_path / "run.parquet")
    assert _equal(load_run(tmp_path / "run.parquet"), Run.from_records(whole, METADATA))
    assert pq.ParquetFile(tmp_path / "run.parquet").num_row_groups == 4


@pytest.mark.parametrize(
    ("second", "match"),
    [
        (synthetic_run(1), "'0' is there twice"),
        (replace(synthetic_run(1), id=["b"], scores={"min_entropy": synthetic_run(1).scores[
            "min_entropy"]}), "the same metrics"),
    ],
)  # fmt: skip
def test_pieces_that_make_no_run_are_not_written(tmp_path, second, match):
    first = synthetic_run(3)
    with pytest.raises(RunError, match=match):
        save_pieces([first, second], METADATA, first.metrics, tmp_path / "run.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "match"),
    [
        (MemoryError(), "takes more memory than there is"),
        (OSError(errno.EIO, "Input/output error"), "can't be read: Input/output error"),
        (OSError(errno.EMFILE, "Too many open files"), "can't be read: Too many open files"),
    ],
)
def test_what_the_machine_lacks_is_no_damage_to_the_file(saved, monkeypatch, error, match):
    def fail(*_, **__):
        raise error

    _, path = saved
    monkeypatch.setattr(files, "_read_columns", fail)
    with pytest.raises(RunError, match=match) as caught:
        load_run(path)
    assert not isinstance(caught.value, DamagedError)


def test_what_would_not_be_read_is_not_written(tmp_path):
    path = tmp_path / "run.parquet"
    row = synthetic_run(1).record(0)
    with pytest.raises(RunError, match="question of sample '0' is longer"):
        save_run(Run.from_records([replace(row, question="x" * 100_001)], METADATA), path)
    with pytest.raises(RunError, match="metadata of a run take at most"):
        save_run(replace(synthetic_run(1), metadata=replace(METADATA, command="x" * 2**20)), path)
    assert not path.exists()


def test_a_pickle_in_the_file_is_never_opened(saved, tmp_path):
    """Arrow can carry a Python type as a pickle in its own schema: it must stay text."""
    _, path = saved
    trap = b"cos\nsystem\n(S'touch " + str(tmp_path / "sprung").encode() + b"'\ntR."
    field = pa.field("more", pa.string(), metadata={
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": trap,
    })  # fmt: skip
    table = pq.ParquetFile(path).read()
    table = table.append_column(field, pa.array(["a"] * len(table)))
    entries = pq.ParquetFile(path).metadata.metadata
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({KEY: entries[KEY], DIGEST_KEY: entries[DIGEST_KEY]})
    _refused(path, "one too many: more")
    assert not (tmp_path / "sprung").exists()


def test_a_run_of_several_rounds_comes_back_and_counts_its_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROWS_PER_GROUP", 7)
    run, path = looked_again(synthetic_run(40), 3), tmp_path / "run.parquet"
    save_run(run, path)
    again = load_run(path)
    assert _equal(again, run) and len(again.later) == 2
    assert all(_equal(a, b) for a, b in zip(again.later, run.later, strict=True))
    (listed,) = list_runs(tmp_path)
    rows = 40 + sum(map(len, run.later))
    assert listed.samples == 40 and pq.ParquetFile(path).metadata.num_rows == rows
    frame, own = pd.read_parquet(path), again.to_frame()
    assert len(frame) == len(own) == rows and (frame["round"] == 1).sum() == 40
    assert own["round"].tolist()[:4] == [1, 2, 3, 1] and own["id"].tolist()[:4] == ["0"] * 3 + ["1"]
    monkeypatch.setattr(files, "MAX_HELD", 0)  # token scores stay in the file
    stored = load_run(path)
    assert (stored.later[1].uncertainty() == run.later[1].uncertainty()).all()
    with pytest.raises(RunError, match=f"holds {rows} rows; at most 50 are read"):
        load_run(path, max_rows=50)


def test_rounds_that_do_not_belong_together_are_refused(tmp_path):
    run, path = looked_again(synthetic_run(12), 3), tmp_path / "run.parquet"
    rounds = pc.field("round")
    for change, match in (
        (lambda t: t.filter(rounds != 2), "rows of round 2|round 3 must be of samples"),
        (lambda t: t.filter((rounds != 1) | (pc.field("id") != "3")), "must be of samples"),
        (lambda t: t.filter((rounds != 1) | (pc.field("id") != "11")), "it lacks rows"),
        (lambda t: t.set_column(t.schema.get_field_index("round"), "round",
                                pa.array([1] * 12 + [99] * (len(t) - 12))), "a round from 1 to 64"),
    ):  # fmt: skip
        save_run(run, path)
        _rewrite(path, change)
        _refused(path, match)
    save_run(run, path)
    _rewrite(path, entries=_metadata_entries(path, rounds=2))
    _refused(path, "A run of 2 rounds can't have 3")
    _rewrite(path, entries=_metadata_entries(path, rounds=0))
    _refused(path, "rounds must be 1 to 64, not 0")


def test_a_file_of_schema_5_had_one_look(saved):
    run, path = saved
    entries = _metadata_entries(path, **OF_6, schema=5)
    _rewrite(path, lambda table: table.drop_columns(["round"]), entries=entries)
    again = load_run(path)
    assert _equal(again, run) and again.metadata.rounds == 1 and not again.metadata.keeps
    assert (again.round == 1).all() and again.later == ()
