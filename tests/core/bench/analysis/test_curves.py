import json
from dataclasses import fields, replace
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.bench.analysis.calibration import threshold_for_budget
from core.bench.analysis.curves import (
    COSTS,
    Point,
    frontier,
    full,
    high_resolution,
    initial,
    operating_point,
    oracle_curve,
    random_curve,
    tradeoff,
)
from core.bench.analysis.findings import computation
from core.bench.analysis.goals import exceeds, reaches
from core.bench.analysis.looking import looking
from core.bench.plots.several import runs_figure
from core.bench.plots.tradeoff import tradeoff_figure
from core.bench.report import looking_row
from core.bench.runs.errors import RunError
from core.bench.runs.run import Run
from core.cost import additional_communication_cost, relative_communication_cost
from core.uncertainty import METRICS, Gate
from tests.support.strategies import METADATA, patient, runs
from tools.doubles.synthetic import synthetic_run
from tools.timing.curve import VQAV2_VAL, least_seconds

close = dict(rel=1e-12, abs=1e-12)


def _by_hand(run: Run, sent: np.ndarray) -> dict[str, float]:
    """What a mask over the answered samples gives, sample by sample, with the paper's costs."""
    run, n = run.answered, len(run.answered)

    def mean(first, second):
        return sum(first[i] + (second[i] if sent[i] else 0) for i in range(n)) / n

    right = [run.second_score[i] if sent[i] else run.first_score[i] for i in range(n)]
    flops = mean(run.first_flops, run.second_flops)
    images = run.global_bytes, run.local_bytes
    return {
        "retransmitted": sum(sent) / n,
        "additional_cost": additional_communication_cost(sent),
        "accuracy": sum(right) / n,
        "bytes": mean(run.first_message_bytes, run.second_message_bytes),
        "additional_bytes": additional_communication_cost(sent, *images),
        "relative_cost": relative_communication_cost(sent, *images, run.reference_bytes),
        "flops": flops,
        "relative_flops": flops / (sum(run.first_flops) / n),
        "seconds": mean(run.first_seconds, run.second_seconds),
    }


@patient
@given(run=runs(), metric=st.sampled_from(sorted(METRICS)), first=st.none() | st.integers(1, 4))
def test_the_curve_is_that_of_a_loop_over_thresholds(run, metric, first):
    """Every distinct threshold once, decided sample by sample by the gate itself."""
    curve = tradeoff(run, metric, first)
    held = [run.record(i).scores[metric] for i in np.flatnonzero(~run.failed)]
    sign = 1 if METRICS[metric].higher_is_uncertain else -1
    distinct = sorted({sign * Gate(metric, 0.0, first).uncertainty(s) for s in held}, reverse=True)
    assert curve.threshold.tolist() == [sign * value for value in (np.inf, *distinct)]
    for k, threshold in enumerate(curve.threshold):
        gate = Gate(metric, threshold, first)
        expected = _by_hand(run, np.array([gate.retransmit(scores) for scores in held]))
        for point in (curve.point(k), operating_point(run, gate)):
            assert {name: getattr(point, name) for name in expected} == pytest.approx(
                expected, **close
            )


@patient
@given(run=runs(max_size=12))
def test_both_ends_are_exact_and_costs_never_fall(run):
    right = run.answered
    for curve in (*(tradeoff(run, metric) for metric in METRICS), random_curve(run)):
        assert curve.accuracy[0] == right.first_score.mean() == initial(run).accuracy
        assert curve.accuracy[-1] == right.second_score.mean() == full(run).accuracy
        assert curve.retransmitted[0] == 0 and curve.retransmitted[-1] == 1
        assert curve.additional_bytes[0] == 0
        assert curve.relative_flops[0] == 1
        for name in COSTS:
            assert (np.diff(curve.cost(name)) >= 0).all()


@patient
@given(runs(), st.sampled_from(sorted(METRICS)), st.sampled_from([None, 1, 2]), st.data())
def test_the_point_at_a_threshold_is_that_of_its_gate(run, metric, first, data):
    curve = tradeoff(run, metric, first)
    observed = st.sampled_from(curve.threshold.tolist())
    etas = data.draw(st.lists(st.floats(allow_nan=False) | observed, max_size=5))
    for eta, index in zip(etas, curve.at(etas), strict=True):
        point = operating_point(run, Gate(metric, eta, first))
        assert curve.retransmitted[index] == point.retransmitted
        assert curve.accuracy[index] == pytest.approx(point.accuracy, **close)
    with pytest.raises(ValueError, match="no thresholds"):
        random_curve(run).at([0.5])


def test_a_margin_is_retransmitted_from_below():
    base = synthetic_run(2)
    rows = [
        replace(base.record(0), scores={"probability_margin": (0.1,)}),
        replace(base.record(1), scores={"probability_margin": (0.9,)}),
    ]
    curve = tradeoff(Run.from_records(rows, METADATA), "probability_margin")
    assert curve.threshold.tolist() == [-np.inf, 0.1, 0.9]
    assert curve.retransmitted.tolist() == [0, 0.5, 1]


def test_the_published_points_of_the_cost_axes():
    """Section VII-A and eq. 18-20: nothing sent again costs 0, everything 1; FLOPs 1 to 4.046."""
    from core.cost import first_stage_flops, second_stage_flops

    run = synthetic_run(10)
    run = replace(
        run,
        local_bytes=run.global_bytes,
        first_flops=np.full(10, first_stage_flops(576, 4096, 32)),
        second_flops=np.full(10, second_stage_flops(576, 4096, 32)),
    )
    curve = tradeoff(run)
    assert curve.additional_cost[[0, -1]].tolist() == [0, 1]
    assert curve.additional_bytes[[0, -1]] == pytest.approx([0, 1])
    assert curve.relative_flops[[0, -1]] == pytest.approx([1, 4.046], abs=5e-4)


@patient
@given(run=runs(max_size=5))
def test_random_is_the_expectation_over_all_choices_of_that_many(run):
    n = len(run.answered)
    curve = random_curve(run, points=n + 1)
    for k in range(n + 1):
        choices = [np.isin(np.arange(n), chosen) for chosen in combinations(range(n), k)]
        points = [operating_point(run, mask) for mask in choices]
        for name in ("accuracy", "bytes", "additional_bytes", "relative_cost", "seconds"):
            expected = np.mean([getattr(point, name) for point in points])
            assert getattr(curve, name)[k] == pytest.approx(expected, **close)


def test_random_is_a_straight_line_that_closes_half_the_gap():
    run = synthetic_run(2_000)
    curve = random_curve(run)
    start, end = run.first_score.mean(), run.second_score.mean()
    assert curve.accuracy == pytest.approx(start + np.linspace(0, 1, 101) * (end - start))
    assert curve.apgr() == pytest.approx(0.5)
    for name in COSTS:
        assert curve.apgr(name=name) == pytest.approx(0.5)
    for share in (0.5, 0.8, 0.95, 1.0):
        assert curve.cost_to_reach(share) == pytest.approx(share)
    assert np.isnan(curve.threshold).all()


def test_a_run_without_flops_has_every_other_cost():
    run = replace(synthetic_run(5), first_flops=np.zeros(5), second_flops=np.zeros(5))
    curve = tradeoff(run)
    assert np.isnan(curve.relative_flops).all() and np.isnan(curve.flops).all()
    assert curve.bytes[0] == run.first_message_bytes.mean()
    with pytest.raises(ValueError, match="in flops isn't known of"):
        threshold_for_budget(run, 1e9, cost="flops")
    assert "isn't known" in computation(run).text
    assert "not known" in looking_row(looking(run))
    figure = tradeoff_figure(run, "min_entropy", None, "flops", ("random", "oracle", "full"))
    assert "not known" in json.dumps(figure) and "NaN" not in json.dumps(figure)
    both = runs_figure({"known": synthetic_run(5), "not": run}, "min_entropy", None, "flops")
    assert "NaN" not in json.dumps(both)


@patient
@given(run=runs(max_size=5))
def test_no_choice_of_samples_beats_the_oracle(run):
    run = run.answered
    n, curve = len(run), oracle_curve(run)
    best = curve.accuracy_at(1.0)
    assert best == pytest.approx(np.maximum(run.first_score, run.second_score).mean(), **close)
    for k in range(n + 1):
        reachable = max(
            operating_point(run, np.isin(np.arange(n), chosen)).accuracy
            for size in range(k + 1)
            for chosen in combinations(range(n), size)
        )
        assert curve.accuracy_at(k / n) == pytest.approx(reachable, **close)


@patient
@given(run=runs(max_size=5), cost=st.sampled_from(["bytes", "seconds", "additional_bytes"]))
def test_the_oracle_gains_most_per_cost_first(run, cost):
    """No other order of the gaining samples lies above it anywhere."""
    run = run.answered
    curve = oracle_curve(run, cost)
    gaining = np.flatnonzero(run.gain > 0)
    for order in permutations(gaining):
        for k in range(len(order) + 1):
            point = operating_point(run, np.isin(np.arange(len(run)), order[:k]))
            assert point.accuracy <= curve.accuracy_at(getattr(point, cost) + 1e-9, cost) + 1e-9


def test_the_oracle_of_a_run_that_gains_nothing_is_a_point():
    run = synthetic_run(5)
    run = replace(run, second_score=np.zeros(5))
    assert len(oracle_curve(run)) == 1
    assert oracle_curve(run).bytes[0] == initial(run).bytes
    assert oracle_curve(run).accuracy_at(0.7) == run.first_score.mean()


def _curve(accuracy, cost=None):
    """A curve of these points, everything but accuracy and additional cost left as it was."""
    n = len(accuracy)
    cost = np.linspace(0, 1, n) if cost is None else np.array(cost)
    base = random_curve(synthetic_run(10), points=n)
    return replace(base, accuracy=np.array(accuracy), additional_cost=cost)


def test_cost_to_reach_takes_the_first_crossing_of_a_curve_that_is_not_monotone():
    curve = _curve([0.4, 0.7, 0.5, 0.8, 0.6])
    assert curve.cost_to_reach(0.5) == pytest.approx(0.25 / 3)  # 0.5, on the way from 0.4 to 0.7
    assert curve.cost_to_reach(1.0) == pytest.approx(0.25 * 2 / 3)  # 0.6, long before the end
    assert curve.cost_to_reach(0.0) == 0
    assert curve.cost_to_reach(1.0, full=0.75) == pytest.approx(0.5 + 0.25 * 5 / 6)
    assert np.isnan(curve.cost_to_reach(1.0, full=0.9))  # never
    assert np.isnan(_curve([0.6, 0.7, 0.5]).cost_to_reach(0.5))  # no gap to close


def test_accuracy_at_a_cost():
    curve = _curve([0.4, 0.7, 0.5], [0, 0.5, 0.75])
    assert curve.accuracy_at(0.25) == pytest.approx(0.55)
    assert curve.accuracy_at(0.5) == 0.7
    assert curve.accuracy_at(2.0) == 0.5  # nobody has to spend the rest
    assert np.isnan(curve.accuracy_at(-0.1))


def test_apgr_of_known_areas():
    assert _curve([0.4, 0.6, 0.6]).apgr() == pytest.approx(0.75)
    assert _curve([0.4, 0.6, 0.6], [0, 0, 1]).apgr() == pytest.approx(1)
    assert np.isnan(_curve([0.6, 0.7, 0.6]).apgr())
    straight = _curve([0.4, 0.6])
    short = _curve([0.4, 0.6], [0, 0.5])  # as an oracle's: it stops before the end
    assert short.apgr(full=straight) == pytest.approx(0.75)


def test_the_oracle_closes_more_of_the_gap_than_a_gate_and_a_gate_more_than_chance():
    run = synthetic_run(3_000)
    gate, end = tradeoff(run), random_curve(run)
    assert oracle_curve(run).apgr(full=end) > gate.apgr() > 0.5
    assert oracle_curve(run).cost_to_reach(1, end.accuracy[-1]) < gate.cost_to_reach(1) <= 1


@patient
@given(runs=st.lists(runs(max_size=5), min_size=1, max_size=3))
def test_the_frontier_is_what_no_point_beats(runs):
    curves = [tradeoff(run) for run in runs]
    edge = frontier(curves)
    points = [(c.relative_cost[k], c.accuracy[k]) for c in curves for k in range(len(c))]
    kept = {
        (x, y) for x, y in points
        if not any((u <= x and exceeds(v, y)) or (u < x and reaches(v, y)) for u, v in points)
    }  # fmt: skip
    # Of those at one cost whose accuracies differ by rounding, one.
    found = list(zip(edge.cost, edge.accuracy, strict=True))
    assert set(found) <= kept and {x for x, _ in found} == {x for x, _ in kept}
    for x, y, c, k in zip(edge.cost, edge.accuracy, edge.curve, edge.point, strict=True):
        assert (curves[c].relative_cost[k], curves[c].accuracy[k]) == (x, y)
    assert all(a < b for a, b in pairwise(edge.accuracy))


def test_high_resolution_is_a_point_if_every_sample_has_it():
    run = synthetic_run(40)
    assert high_resolution(run) is None
    measured = replace(
        run,
        hd_score=np.full(40, 0.75),
        hd_bytes=3.0 * run.global_bytes,
        hd_question_message_bytes=3.0 * run.global_bytes + 80,
        hd_answer_message_bytes=np.full(40, 70.0),
        hd_flops=4 * run.first_flops,
        hd_seconds=np.full(40, 0.5),
    )
    point = high_resolution(measured)
    assert point.accuracy == 0.75 and point.seconds == 0.5 and np.isnan(point.additional_cost)
    assert point.additional_bytes == pytest.approx(2) and point.relative_flops == pytest.approx(4)
    assert point.relative_cost == pytest.approx(3 / 4)  # the reference weighs four global images
    assert point.bytes == pytest.approx(3 * run.global_bytes.mean() + 150)


def test_samples_that_failed_count_nowhere():
    run = synthetic_run(20)
    failed = replace(run.record(3), error="no", first_score=float("nan"))
    rows = [failed if i == 3 else run.record(i) for i in range(20)]
    with_failure, without = Run.from_records(rows, METADATA), run.select(np.arange(20) != 3)
    assert tradeoff(with_failure).samples == 19
    assert tradeoff(with_failure).accuracy.tolist() == tradeoff(without).accuracy.tolist()
    assert oracle_curve(with_failure).samples == random_curve(with_failure).samples == 19


def test_what_cannot_be_drawn_is_refused():
    run = synthetic_run(3)
    with pytest.raises(ValueError, match="must be one of additional_cost"):
        tradeoff(run).cost("money")
    with pytest.raises(ValueError, match="must be one of additional_cost"):
        oracle_curve(run, "money")
    with pytest.raises(ValueError, match="at least 2"):
        random_curve(run, points=1)
    with pytest.raises(ValueError, match=r"must be \(3,\) bool"):
        operating_point(run, np.ones(2, dtype=bool))
    with pytest.raises(ValueError, match=r"must be \(3,\) bool"):
        operating_point(run, np.ones(3))
    with pytest.raises(ValueError, match="at least one curve"):
        frontier([])
    with pytest.raises(ValueError, match="holds no 'guess'"):
        tradeoff(run, "guess")
    with pytest.raises(RunError, match="no sample"):
        tradeoff(Run.from_records([], METADATA))


@pytest.mark.timing
def test_a_curve_of_vqav2_takes_50_milliseconds():
    run = synthetic_run(VQAV2_VAL)
    for metric in METRICS:
        # Tried again while other work drives this one's data out of the processor's cache.
        tries = (least_seconds(lambda m=metric: tradeoff(run, m), repeats=4) for _ in range(8))
        assert any(seconds <= 0.05 for seconds in tries), metric


@patient
@given(run=runs())
def test_points_name_what_they_are(run):
    curve = tradeoff(run)
    assume(len(curve) > 1)
    point = curve.point(1)
    assert point.threshold == curve.threshold[1]
    assert point.additional_cost == point.retransmitted == curve.additional_cost[1]


def test_as_a_table_a_curve_has_a_row_for_each_point():
    curve = tradeoff(synthetic_run(20))
    frame = curve.to_frame()
    assert list(frame.columns) == [f.name for f in fields(Point)]
    assert len(frame) == len(curve) and (frame.dtypes == np.float64).all()
    assert [Point(**row) for row in frame.to_dict("records")] == [
        curve.point(i) for i in range(len(curve))
    ]
