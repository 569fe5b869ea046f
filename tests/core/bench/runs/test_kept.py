import gc
import weakref

import numpy as np
import pytest

from core.bench.plots.measures import separability_of
from core.bench.plots.tradeoff import band_of, curve_of
from core.bench.runs.kept import Keeper, kept
from core.bench.runs.run import Run
from tools.doubles.synthetic import synthetic_run


class Thing(Keeper):
    pass


@pytest.fixture
def counted():
    calls = []

    @kept(2)
    def compute(thing, *others):
        calls.append(others)
        return np.zeros(3)

    return compute, calls


def test_a_result_is_computed_once_and_those_used_last_are_kept(counted):
    compute, calls = counted
    thing, other = Thing(), Thing()
    assert compute(thing, 1) is compute(thing, 1)
    assert compute(thing, 1) is not compute(other, 1)
    compute(thing, 2), compute(thing, 1), compute(thing, 3)
    assert calls == [(1,), (1,), (2,), (3,)]
    compute(thing, 1)
    assert calls == [(1,), (1,), (2,), (3,)]
    compute(thing, 2)
    assert calls[4:] == [(2,)]


def test_what_is_kept_goes_with_what_it_is_kept_on():
    """At once: nothing waits for the garbage collector."""
    compute = kept(2)(lambda *_: np.zeros(3))
    thing, other = Thing(), Thing()
    gc.disable()
    try:
        result = weakref.ref(compute(thing, other, "more"))
        seen = weakref.ref(other)
        del other
        assert seen() is None and result() is not None
        del thing
        assert result() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("failed", [False, True])
def test_a_run_goes_with_all_that_was_computed_of_it(failed):
    run = synthetic_run(60)
    if failed:
        rows = [run.record(i) for i in range(59)]
        run = Run.from_records([*rows, type(rows[0])("x", "", "", "", "", error="!")], run.metadata)
    curve = weakref.ref(curve_of(run, "min_entropy", None))
    assert curve() is curve_of(run, "min_entropy", None)
    separability_of(run, "min_entropy", 1), band_of(run, "min_entropy", None)
    run.ranked("probability_margin"), run.answered.gain
    gone = weakref.ref(run)
    gc.disable()
    try:
        del run
        assert gone() is None and curve() is None
    finally:
        gc.enable()


def test_uncertainty_is_computed_block_by_block_and_can_not_be_written_to(monkeypatch):
    whole, blocks = synthetic_run(50), synthetic_run(50)
    monkeypatch.setattr("core.bench.runs.tokens.BLOCK", 7)
    for metric in whole.metrics:
        for first in (None, 1, 3):
            values = blocks.uncertainty(metric, first)
            assert np.array_equal(
                values[:7], blocks.select(np.arange(7)).uncertainty(metric, first)
            )
            with pytest.raises(ValueError, match="read-only"):
                values[0] = 0.0
    monkeypatch.undo()
    for metric in whole.metrics:
        assert np.array_equal(whole.uncertainty(metric), blocks.uncertainty(metric))
