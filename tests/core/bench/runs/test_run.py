import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench.runs.errors import RunError
from core.bench.runs.files import save_run
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from core.uncertainty import METRICS, aggregate
from tests.support.strategies import METADATA, patient, runs
from tools.doubles.synthetic import looked_again, synthetic_run

RECORD = synthetic_run(1).record(0)
first_tokens = st.none() | st.integers(1, 15)


def _same(a: Record, b: Record) -> bool:
    pairs = [(getattr(a, f.name), getattr(b, f.name)) for f in fields(Record)]
    return all(x == y or (x != x and y != y) for x, y in pairs)  # NaN is NaN


@patient
@given(run=runs(max_size=12), first=first_tokens)
def test_uncertainty_is_what_the_gate_sees_to_the_last_bit(run, first):
    for metric in METRICS:
        found = run.uncertainty(metric, first)
        for i in range(len(run)):
            scores = (run.record(i).scores or {}).get(metric)
            how = METRICS[metric].aggregation
            expected = np.nan if scores is None else aggregate(scores, first, how)
            assert found[i] == expected or (scores is None and np.isnan(found[i]))


def test_uncertainty_of_long_answers_is_what_the_gate_sees_to_the_last_bit():
    run = synthetic_run(500, max_tokens=300)  # numpy sums eight and more numbers in another order
    for first in (None, 1, 7, 8, 9, 130):
        expected = [aggregate(run.record(i).scores["min_entropy"], first) for i in range(len(run))]
        assert run.uncertainty("min_entropy", first).tolist() == expected


@patient
@given(run=runs())
def test_records_make_the_run_they_come_from(run):
    again = Run.from_records([run.record(i) for i in range(len(run))], run.metadata)
    assert all(_same(again.record(i), run.record(i)) for i in range(len(run)))


@patient
@given(run=runs(), data=st.data())
def test_a_selection_holds_the_samples_chosen_in_their_order(run, data):
    chosen = data.draw(st.lists(st.integers(0, len(run) - 1), unique=True))
    part = run.select(np.array(chosen, dtype=int))
    assert len(part) == len(chosen)
    assert all(_same(part.record(k), run.record(i)) for k, i in enumerate(chosen))


def test_part_of_a_run_has_the_later_looks_of_its_samples():
    run = looked_again(synthetic_run(12), 3)
    part = run.select([9, 2, 0, 5])
    assert [one.id.tolist() for one in part.later] == [["2", "0", "5"], ["2", "0", "5"]]
    assert repr(part.later[1].record(0)) == repr(run.later[1].record(2))


def test_a_mask_selects_and_what_failed_is_left_out():
    run = Run.from_records([RECORD, Record("x", "i", "?", "?", "[]", error="no")], METADATA)
    assert run.failed.tolist() == [False, True]
    assert run.answered.id.tolist() == [RECORD.id]
    assert run.select(run.failed).id.tolist() == ["x"]
    with pytest.raises(RunError, match="no sample that was answered"):
        _ = run.select(run.failed).answered


def test_an_empty_run_is_a_run_but_nothing_to_analyse():
    run = Run.from_records([], METADATA)
    assert len(run) == 0 and run.metrics == ()
    with pytest.raises(RunError, match="no sample that was answered"):
        _ = run.answered


def test_columns_are_those_of_the_record():
    assert {f.name for f in fields(Run)} == {f.name for f in fields(Record)} | {
        "metadata", "offsets", "second_offsets", "later",
    }  # fmt: skip


def test_columns_cannot_be_written_to():
    run = synthetic_run(3)
    for values in (run.first_score, run.id, run.box, run.offsets, run.scores["min_entropy"]):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = values[1]


def test_record_counts_from_either_end():
    run = synthetic_run(3)
    assert run.record(-1).id == "2"
    with pytest.raises(IndexError):
        run.record(3)


def test_a_metric_that_is_not_held_is_named():
    run = replace(synthetic_run(3), scores={"min_entropy": synthetic_run(3).scores["min_entropy"]})
    with pytest.raises(ValueError, match="no 'shannon_entropy'; its metrics: min_entropy"):
        run.uncertainty("shannon_entropy")
    with pytest.raises(ValueError, match="at least 1, not 0"):
        run.uncertainty("min_entropy", 0)


def test_as_a_table_a_run_has_a_row_for_each_sample(tmp_path):
    """What pandas reads from the file, and what the gate sees."""
    failed = Record("x", "i", "?", "?", "[]", error="It failed.")
    run = Run.from_records([RECORD, failed, replace(RECORD, id="b", box_hit=None)], METADATA)
    frame = run.to_frame()
    save_run(run, tmp_path / "run.parquet")
    file = pd.read_parquet(tmp_path / "run.parquet")
    for name in file.columns:
        ours, theirs = (list(map(repr, table[name].tolist())) for table in (frame, file))
        if name.startswith(("tokens_", "second_tokens_")):
            theirs = [repr(list(map(float, values))) for values in file[name]]
        missing = file[name].isna()
        assert frame[name].isna().tolist() == missing.tolist()
        assert [a for a, no in zip(ours, missing, strict=True) if not no] == [
            b.removesuffix(".0") if name.startswith("box_") else b
            for b, no in zip(theirs, missing, strict=True)
            if not no
        ]
    assert sorted(set(frame.columns) - set(file.columns)) == sorted([*METRICS, "tokens"])
    for metric in METRICS:
        assert np.array_equal(frame[metric], run.uncertainty(metric), equal_nan=True)
    assert frame["tokens"].tolist() == run.lengths.tolist()
    assert frame[frame.error == ""].id.tolist() == [RECORD.id, "b"]


def test_the_table_of_a_run_without_samples_is_empty():
    frame = Run.from_records([], METADATA).to_frame()
    assert len(frame) == 0 and "first_score" in frame.columns


def test_nobody_pays_for_pandas_who_asks_for_no_table():
    code = "import sys, core.bench; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
