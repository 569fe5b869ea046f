"""Figures against goals: rounding decides nothing. The truth is counted in fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from core.bench.analysis.calibration import threshold_for_accuracy, threshold_for_budget
from core.bench.analysis.curves import asked_by, frontier, tradeoff
from core.bench.analysis.goals import exceeds, keeps, reaches
from core.uncertainty import METRICS, Gate
from tests.support.strategies import patient, runs
from tools.doubles.synthetic import synthetic_run

metrics = st.sampled_from(sorted(METRICS))
COSTS = {
    "additional_cost": (None, lambda run, i: 1),
    "bytes": ("first_message_bytes", lambda run, i: run.second_message_bytes[i]),
    "flops": ("first_flops", lambda run, i: run.second_flops[i]),
    "seconds": ("first_seconds", lambda run, i: run.second_seconds[i]),
}


def decimal(value) -> Fraction:
    """The number that was meant: 0.3 is three tenths."""
    return Fraction(str(value))


def exact(run, metric, cost="additional_cost"):
    """Every gate's cost and accuracy from the least asked to everything, in fractions, and what
    it asks for."""
    run = run.answered
    first, second = COSTS[cost]
    points = []
    for threshold in tradeoff(run, metric).threshold:
        asked = asked_by(run, Gate(metric, threshold))
        right = spent = Fraction(0)
        for i in range(len(run)):
            right += decimal(run.second_score[i] if asked[i] else run.first_score[i])
            spent += Fraction(getattr(run, first)[i].item()) if first else 0
            spent += Fraction(np.asarray(second(run, i)).item()) if asked[i] else 0
        points.append((spent / len(run), right / len(run), asked))
    return points


def asked_after(run, metric, found):
    assert found.gate.metric == metric
    return asked_by(run.answered, found.gate).tolist()


def test_the_best_that_is_named_is_reached():
    run = synthetic_run(10, seed=4, max_tokens=3)
    assert tradeoff(run).accuracy.max() < 0.91  # as floats add up
    found = threshold_for_accuracy(run, 0.91)
    assert found.expected.accuracy == pytest.approx(0.91)
    assert found.expected.retransmitted == pytest.approx(0.4)


def test_the_cost_of_the_whole_gap_is_the_first_that_closes_it():
    run = synthetic_run(60, 1127, 3)
    assert tradeoff(run).cost_to_reach(1.0) == pytest.approx(52 / 60)


@patient
@given(run=runs(), metric=metrics, tenths=st.integers(0, 1000), known=st.integers(0, 99))
def test_the_cheapest_gate_of_an_accuracy_is_the_one_counted_in_fractions(
    run, metric, tenths, known
):
    points = exact(run, metric)
    # An accuracy of this run, which is where rounding decides; or any.
    goal = points[known % len(points)][1] if known < 80 else Fraction(tenths, 1000)
    there = [asked for _, right, asked in points if right >= goal]
    if not there:
        with pytest.raises(ValueError, match="No threshold reaches"):
            threshold_for_accuracy(run, float(goal), metric)
        return
    found = threshold_for_accuracy(run, float(goal), metric)
    assert asked_after(run, metric, found) == there[0].tolist()


@patient
@given(run=runs(), metric=metrics, cost=st.sampled_from(sorted(COSTS)), known=st.integers(0, 9),
       more=st.sampled_from([0, 0, 0, Fraction(1, 1000)]))  # fmt: skip
def test_the_budget_of_a_gate_pays_for_that_gate(run, metric, cost, known, more):
    points = exact(run, metric, cost)
    budget = points[known % len(points)][0] + more
    paid = [asked for spent, _, asked in points if spent <= budget]
    found = threshold_for_budget(run, float(budget), metric, cost=cost)
    assert asked_after(run, metric, found) == paid[-1].tolist()
    # And what the budget buys is what the curve says at it.
    if not more:
        right = [right for spent, right, _ in points if spent <= budget][-1]
        assert tradeoff(run, metric).accuracy_at(float(budget), cost) == pytest.approx(float(right))


@patient
@given(run=runs(), metric=metrics, share=st.integers(0, 20).map(lambda n: Fraction(n, 20)))
@example(synthetic_run(60, 1127, 3), "min_entropy", Fraction(1))
def test_the_cost_to_close_a_share_of_the_gap_is_the_one_counted_in_fractions(run, metric, share):
    points = exact(run, metric)
    first, full = points[0][1], points[-1][1]
    found = tradeoff(run, metric).cost_to_reach(float(share))
    if not full > first:
        assert np.isnan(found)
        return
    target = (1 - share) * first + share * full
    k = next(k for k, (_, right, _) in enumerate(points) if right >= target)
    expected = points[k][0]
    if k:
        (x, y, _), (to_x, to_y, _) = points[k - 1], points[k]
        expected = x + (target - y) / (to_y - y) * (to_x - x)
    assert found == pytest.approx(float(expected))


@patient
@given(several=st.lists(runs(max_size=5), min_size=1, max_size=3))
def test_no_point_of_the_frontier_is_there_by_rounding(several):
    curves = [tradeoff(run) for run in several]
    edge = frontier(curves, "additional_cost")
    points = [(cost, right) for run in several for cost, right, _ in exact(run, "min_entropy")]
    kept = {
        (x, y) for x, y in points
        if not any((u <= x and v > y) or (u < x and v >= y) for u, v in points)
    }  # fmt: skip
    expected = [(float(x), float(y)) for x, y in sorted(kept)]
    assert list(zip(edge.cost, edge.accuracy, strict=True)) == [
        pytest.approx(point) for point in expected
    ]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=400), st.integers(-2, 2))
def test_a_sum_meets_exactly_the_goals_that_it_meets_in_fractions(thousandths, off):
    values = np.array(thousandths) / 1000
    goal = Fraction(sum(thousandths) + off, 1000 * len(values))
    mean = np.cumsum(values)[-1] / len(values)
    assert bool(reaches(mean, float(goal))) == (off <= 0)
    assert bool(keeps(mean, float(goal))) == (off >= 0)
    assert bool(exceeds(mean, float(goal))) == (off < 0)


@given(st.floats(1e-3, 1e30), st.floats(1e-8, 1))
def test_what_is_more_than_rounding_decides(value, share):
    assume(value * share > 1e-8)
    more = value * (1 + share)
    assert reaches(more, value) and exceeds(more, value) and not keeps(more, value)
    assert not reaches(value, more) and keeps(value, more)


def test_nothing_meets_what_is_not_a_number_and_everything_an_infinite_budget():
    for compare in (reaches, keeps, exceeds):
        assert not compare(np.nan, 0.5) and not compare(0.5, np.nan)
    assert keeps(1e300, np.inf) and not keeps(0, -np.inf) and reaches(np.inf, np.inf)
