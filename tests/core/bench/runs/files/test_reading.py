import json
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bench.runs.errors import RunError
from core.bench.runs.files import layout, list_runs, load_run, reading, save_run, writing
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from tests.support.run_files import (
    OF_6,
    changed,
    equal,
    metadata_entries,
    refused,
    rewrite,
    with_second,
)
from tests.support.strategies import METADATA, patient, runs
from tools.doubles.synthetic import looked_again, synthetic_run

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pc = pytest.importorskip("pyarrow.compute")


@patient
@given(run=runs())
def test_a_run_comes_back_as_it_was_saved(tmp_path, run):
    save_run(run, tmp_path / "run.parquet")
    assert equal(load_run(tmp_path / "run.parquet"), run)


def test_a_run_of_several_row_groups_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "ROWS_PER_GROUP", 7)
    run = synthetic_run(40)
    save_run(run, tmp_path / "run.parquet")
    assert pq.ParquetFile(tmp_path / "run.parquet").num_row_groups == 6
    assert equal(load_run(tmp_path / "run.parquet"), run)


def test_an_empty_run_and_one_of_failures_come_back(tmp_path):
    failed = Record("x", "i", "?", "?", "[]", error="It failed.")
    for rows in ([], [failed]):
        run = Run.from_records(rows, METADATA)
        save_run(run, tmp_path / "run.parquet")
        assert equal(load_run(tmp_path / "run.parquet"), run)


def test_texts_of_every_script_come_back_and_lone_surrogates_as_question_marks(tmp_path):
    row = replace(
        synthetic_run(1).record(0),
        question="Wie groß? 大きさ\0 \U0001f50e",
        first_answer="a\ud800b",
    )
    save_run(Run.from_records([row], METADATA), tmp_path / "run.parquet")
    again = load_run(tmp_path / "run.parquet").record(0)
    assert (again.question, again.first_answer) == (row.question, "a?b")


def test_a_run_of_several_rounds_comes_back_and_counts_its_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "ROWS_PER_GROUP", 7)
    run, path = looked_again(synthetic_run(40), 3), tmp_path / "run.parquet"
    save_run(run, path)
    again = load_run(path)
    assert equal(again, run) and len(again.later) == 2
    assert all(equal(a, b) for a, b in zip(again.later, run.later, strict=True))
    (listed,) = list_runs(tmp_path)
    rows = 40 + sum(map(len, run.later))
    assert listed.samples == 40 and pq.ParquetFile(path).metadata.num_rows == rows
    frame, own = pd.read_parquet(path), again.to_frame()
    assert len(frame) == len(own) == rows and (frame["round"] == 1).sum() == 40
    assert own["round"].tolist()[:4] == [1, 2, 3, 1] and own["id"].tolist()[:4] == ["0"] * 3 + ["1"]
    monkeypatch.setattr(reading, "MAX_HELD", 0)  # token scores stay in the file
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
        rewrite(path, change)
        refused(path, match)
    save_run(run, path)
    rewrite(path, entries=metadata_entries(path, rounds=2))
    refused(path, "A run of 2 rounds can't have 3")
    rewrite(path, entries=metadata_entries(path, rounds=0))
    refused(path, "rounds must be 1 to 64, not 0")


def test_a_file_that_another_writer_wrote_again_is_still_a_run(saved):
    run, path = saved
    rewrite(path, compression="snappy", use_dictionary=False)
    assert equal(load_run(path), run)


def test_a_file_from_before_some_columns_knows_nothing_of_them(saved):
    run, path = saved
    rewrite(path, lambda table: table.drop_columns(sorted(layout.ADDED & {*table.schema.names})))
    assert equal(load_run(path), run)  # an invented run knows nothing of them either


def test_second_answers_scores_that_are_text_are_read_as_lists(tmp_path):
    """Until schema 3 they were JSON, of every metric, in one column."""
    run = with_second(20)
    path = tmp_path / "run.parquet"
    save_run(run, path)
    texts = [json.dumps(run.record(i).second_scores) for i in range(len(run))]
    lists = [name for name in pq.read_schema(path).names if name.startswith("second_tokens_")]
    assert len(lists) == len(run.metrics)

    def older(*texts):
        def change(table):
            return table.drop_columns(lists).append_column("second_scores", pa.array(texts))

        return change

    rewrite(path, older(*texts), entries=metadata_entries(path, cropper=..., **OF_6, schema=3))
    assert equal(load_run(path), run)
    for text in ("{", "[]", '{"min_entropy": [1]}', '{"min_entropy": ["x"]}', "[" * 9999):
        save_run(run, path)
        rewrite(path, older(text, *texts[1:]))
        refused(path, "Column second_scores of 'run.parquet' must have as many values")
    save_run(run, path)
    rewrite(path, older("", *texts[1:]))  # a sample that failed
    assert load_run(path).record(0).second_scores is None


def test_a_file_of_schema_4_was_looked_at_by_eq_22(saved):
    run, path = saved
    new = ["box_fallback", "box_contrast"] + [name for name in layout.ADDED if "search" in name]
    entries = metadata_entries(path, cropper=..., **OF_6, schema=4)
    rewrite(path, lambda table: table.drop_columns(new), entries=entries)
    again = load_run(path)
    assert again.metadata.cropper == "relative" and equal(again, run)
    assert (again.second_message_bytes == run.second_message_bytes).all()


def test_a_file_of_schema_5_had_one_look(saved):
    run, path = saved
    entries = metadata_entries(path, **OF_6, schema=5)
    rewrite(path, lambda table: table.drop_columns(["round"]), entries=entries)
    again = load_run(path)
    assert equal(again, run) and again.metadata.rounds == 1 and not again.metadata.keeps
    assert (again.round == 1).all() and again.later == ()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (changed("first_score", lambda c: pa.array([2.0] * len(c))), "valid run file: .* 0 to 1"),
        (changed("id", lambda c: pa.array(["a"] * len(c))), "an id that no other sample has"),
        (changed("id", lambda c: pa.array([None] * len(c), "string")), "a value in every row"),
        (changed("global_bytes", lambda c: pa.array([None] * len(c), "int64")), "in every row"),
        (changed("box_left", lambda c: pa.array([None] * len(c), "int64")), "must have a box"),
        (changed("tokens_min_entropy", lambda c: pa.array([None] * len(c), c.type)), "every row"),
        (changed("tokens_min_entropy", lambda c: pa.array([[None]] * len(c), c.type)), "empty val"),
        (changed("tokens_shannon_entropy", lambda c: pa.array([[0.1] * 30] * len(c), c.type)),
         "as many values as the other"),
        (changed("question", lambda c: pa.array(["x" * 100_001] * len(c))), "over 100,000 char"),
        (lambda t: t.rename_columns([n.replace("min_entropy", "guess") for n in t.column_names]),
         "metric 'guess'"),
    ],
)  # fmt: skip
def test_values_that_are_not_those_of_a_run(saved, change, match):
    _, path = saved
    rewrite(path, change)
    refused(path, match)


def test_a_truncated_file(saved):
    _, path = saved
    whole = path.read_bytes()
    for size in (4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refused(path, "damaged")


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
        assert equal(again, run)


def _small_file(tmp_path_factory, cache=[]):  # noqa: B006 - one file for all examples
    if not cache:
        run = synthetic_run(5, max_tokens=3)
        path = tmp_path_factory.mktemp("whole") / "run.parquet"
        save_run(run, path)
        cache.append((run, path.read_bytes()))
    return cache[0]


# Sizes: a stranger's file takes no more than it is allowed.


def test_limits_are_the_callers(saved):
    _, path = saved
    refused(path, "holds 40 rows; at most 39 are read", max_rows=39)
    refused(path, "takes over 1,000 bytes unpacked", max_bytes=1_000)


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
    constant = changed("tokens_min_entropy", lambda c: pa.array([[0.5] * 50_000] * len(c), c.type))
    rewrite(path, constant)
    assert path.stat().st_size < 1_000_000
    refused(path, "takes over 10,000,000 bytes unpacked", max_bytes=10_000_000)
