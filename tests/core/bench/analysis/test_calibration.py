from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench.analysis.calibration import (
    UnreachableError,
    always_or_never,
    halves,
    threshold_for_accuracy,
    threshold_for_budget,
    threshold_for_wrong_and_sure,
)
from core.bench.analysis.curves import COSTS, full, initial, operating_point, tradeoff
from core.bench.analysis.goals import keeps, reaches
from core.bench.analysis.rounds import folded
from core.bench.analysis.sureness import wrong_and_sure
from core.bench.runs.run import Run
from core.uncertainty import METRICS, Gate
from tests.support.seconds import with_second_scores
from tests.support.strategies import METADATA, patient, runs
from tools.doubles.synthetic import looked_again, synthetic_run

metrics = st.sampled_from(sorted(METRICS))


@patient
@given(run=runs(), metric=metrics, cost=st.sampled_from(sorted(COSTS)), share=st.floats(0, 1))
def test_no_threshold_spends_more_of_the_budget(run, metric, cost, share):
    curve = tradeoff(run, metric)
    budget = float((1 - share) * curve.cost(cost)[0] + share * curve.cost(cost)[-1])
    budget = max(budget, float(curve.cost(cost)[0]))
    found = threshold_for_budget(run, budget, metric, cost=cost)
    assert getattr(found.expected, cost) == max(c for c in curve.cost(cost) if keeps(c, budget))
    expected = asdict(found.expected) | {"threshold": found.gate.threshold}
    assert asdict(found.on(run)) == pytest.approx(expected)  # but for the order of summing


@patient
@given(run=runs(), metric=metrics, target=st.floats(0, 1))
def test_no_cheaper_threshold_reaches_the_accuracy(run, metric, target):
    curve = tradeoff(run, metric)
    if not reaches(curve.accuracy.max(), target):
        with pytest.raises(ValueError, match="No threshold reaches an accuracy"):
            threshold_for_accuracy(run, target, metric)
        return
    found = threshold_for_accuracy(run, target, metric)
    assert reaches(found.expected.accuracy, target)
    cheaper = curve.additional_cost < found.expected.additional_cost
    assert not reaches(curve.accuracy[cheaper], target).any()


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_no_cheaper_threshold_leaves_so_few_wrong_and_sure(metric):
    run = with_second_scores(synthetic_run(500))
    found = threshold_for_wrong_and_sure(run, 0.05, metric)
    curve = tradeoff(run, metric)
    cheaper = curve.additional_cost < found.expected.additional_cost
    assert (
        cheaper.any()
        and not keeps(wrong_and_sure(run, metric, curve.threshold), 0.05)[cheaper].any()
    )
    assert keeps(wrong_and_sure(run, metric, [found.gate.threshold]), 0.05)
    right = replace(run, first_score=np.ones(500), second_score=np.ones(500))
    assert always_or_never(threshold_for_wrong_and_sure(right, 0, metric).gate) == "never ask"


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
def test_below_all_first_answers_more_of_the_second_are_doubted(metric):
    run = with_second_scores(synthetic_run(50))
    # Surer of the second answers, all wrong, than of any first one.
    tokens = np.linspace(-2, -1, run.second_offsets[-1])
    tokens = tokens if METRICS[metric].higher_is_uncertain else -tokens
    wrong = replace(run, second_score=np.zeros(50), second_scores=dict.fromkeys(METRICS, tokens))
    for share in (0.4, 0):
        found = threshold_for_wrong_and_sure(wrong, share, metric)
        assert found.expected.retransmitted == found.on(wrong).retransmitted == 1
        [left] = wrong_and_sure(wrong, metric, [found.gate.threshold])
        assert share - 0.02 <= left <= share
    with pytest.raises(ValueError, match="between 0 and 1, not 1.5"):
        threshold_for_wrong_and_sure(wrong, 1.5)


@pytest.mark.parametrize("metric", sorted(METRICS))
@pytest.mark.parametrize("first_tokens", [None, 2])
def test_a_budget_of_40_percent_set_on_one_split_is_kept_on_another(metric, first_tokens):
    validation, test = synthetic_run(4_000, seed=1), synthetic_run(4_000, seed=2)
    found = threshold_for_budget(validation, 0.4, metric, first_tokens)
    assert found.gate.metric == metric and found.gate.first_tokens == first_tokens
    assert found.expected.additional_cost == pytest.approx(0.4, abs=1e-3)
    spent = found.on(test)
    assert 0.37 <= spent.additional_cost <= 0.43
    assert spent.accuracy == pytest.approx(found.expected.accuracy, abs=0.03)
    assert spent == operating_point(test, found.gate)


def test_a_budget_in_bytes_set_on_one_split_is_kept_on_another():
    validation, test = synthetic_run(4_000, seed=1), synthetic_run(4_000, seed=2)
    found = threshold_for_budget(validation, 8_000, cost="bytes")
    assert 7_990 < found.expected.bytes <= 8_000
    assert found.on(test).bytes == pytest.approx(8_000, rel=0.02)
    assert found.cost == "bytes"


def test_a_target_accuracy_set_on_one_half_holds_on_the_other():
    run = synthetic_run(8_000)
    first, second = halves(run)
    target = float((run.first_score.mean() + run.second_score.mean()) / 2)
    found = threshold_for_accuracy(first, target)
    assert found.expected.accuracy >= target
    assert found.on(second).accuracy == pytest.approx(target, abs=0.02)
    assert found.on(second).additional_cost < 0.45


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_a_budget_for_everything_always_asks_and_one_for_nothing_never(metric):
    run, other = synthetic_run(50, seed=1), synthetic_run(5_000, seed=2)
    everything = threshold_for_budget(run, 1.0, metric)
    assert everything.on(other).retransmitted == 1
    assert everything.expected.accuracy == full(run).accuracy
    nothing = threshold_for_budget(run, 0.0, metric)
    assert nothing.on(other).retransmitted == 0
    assert nothing.expected.accuracy == initial(run).accuracy
    assert threshold_for_accuracy(run, 0.0, metric).gate == nothing.gate


def test_a_budget_is_never_overspent_where_samples_tie():
    row = synthetic_run(1).record(0)
    tied = [
        replace(row, id=str(i), scores={"min_entropy": (0.2 if i < 3 else 0.1,)}) for i in range(10)
    ]
    found = threshold_for_budget(Run.from_records(tied, METADATA), 0.9)
    assert found.expected.retransmitted == 0.3
    assert found.gate == Gate("min_entropy", 0.2)


def test_budgets_and_targets_that_cannot_be_met_say_what_can():
    run = synthetic_run(100)
    with pytest.raises(ValueError, match=r"The first stage alone costs \d+.* \(bytes\)"):
        threshold_for_budget(run, 10, cost="bytes")
    with pytest.raises(ValueError, match="can't be kept"):
        threshold_for_budget(run, float("nan"))
    with pytest.raises(ValueError, match=r"the best is 0\.\d+"):
        threshold_for_accuracy(run, 0.999)
    with pytest.raises(ValueError, match="must be one of"):
        threshold_for_budget(run, 0.5, cost="money")
    with pytest.raises(ValueError, match="must be one of"):
        threshold_for_accuracy(run, 0.5, cost="money")


def test_halves_share_no_image_and_lose_no_sample():
    run = synthetic_run(90)
    run = replace(run, image_id=np.array([f"{i // 3}" for i in range(90)], dtype=object))
    first, second = halves(run, seed=5)
    assert not set(first.image_id) & set(second.image_id)
    assert sorted([*first.id, *second.id]) == sorted(run.id)
    assert len(first) == len(second) == 45
    assert halves(run, seed=5)[0].id.tolist() == first.id.tolist()
    assert halves(run, seed=6)[0].id.tolist() != first.id.tolist()
    with pytest.raises(ValueError, match="one image"):
        halves(run.select(np.arange(3)))


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
def test_extremes_are_said_in_words(metric):
    run = synthetic_run(50)
    assert always_or_never(threshold_for_budget(run, 0.0, metric).gate) == "never ask"
    assert always_or_never(threshold_for_budget(run, 1.0, metric).gate) == "always ask"
    assert always_or_never(threshold_for_budget(run, 0.5, metric).gate) == ""


def test_a_goal_that_cannot_be_met_knows_one_that_can():
    run = synthetic_run(100)
    for cost in sorted(COSTS):
        with pytest.raises(UnreachableError) as refused:
            threshold_for_budget(run, -1.0, cost=cost)
        found = threshold_for_budget(run, refused.value.nearest, cost=cost)
        assert found.expected.retransmitted == 0
    with pytest.raises(UnreachableError) as refused:
        threshold_for_accuracy(run, 1.0)
    assert threshold_for_accuracy(run, refused.value.nearest)


@pytest.fixture(scope="module")
def searched():
    return looked_again(synthetic_run(120, seed=3), 3)


def pairs(run, goal):
    """What each η of a second round makes of a goal for the first, by plain trial."""
    for eta in (np.inf, *np.unique(run.later[0].uncertainty("min_entropy"))):
        try:
            found = goal(folded(run, Gate(rounds=(float(eta),))))
        except UnreachableError:
            continue
        yield found.expected


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_budget_for_two_rounds_is_spent_as_well_as_on_any_pair_tried(searched, share):
    ends = initial(searched).bytes, full(searched).bytes
    budget = ends[0] + share * (ends[1] - ends[0])
    one = threshold_for_budget(searched, budget, cost="bytes")
    two = threshold_for_budget(searched, budget, cost="bytes", rounds=2)
    three = threshold_for_budget(searched, budget, cost="bytes", rounds=3)
    best = max(
        point.accuracy
        for point in pairs(searched, lambda r: threshold_for_budget(r, budget, cost="bytes"))
    )
    assert best >= two.expected.accuracy >= one.expected.accuracy
    assert two.expected.accuracy >= best - 0.01  # every η, beside 33 of them
    assert three.expected.accuracy >= two.expected.accuracy - 1e-9
    for found in (two, three):
        assert keeps(found.expected.bytes, budget) and np.isfinite(found.gate.rounds).all()
        expected = asdict(found.expected) | {"threshold": found.gate.threshold}
        assert asdict(found.on(searched)) == pytest.approx(expected)


def test_an_accuracy_that_one_look_misses_is_reached_with_two(searched):
    most = [
        max(found.accuracy for found in pairs(searched, lambda r: threshold_for_budget(r, 9.0))),
        tradeoff(searched).accuracy.max(),
    ]
    assert most[0] > most[1]
    with pytest.raises(UnreachableError):
        threshold_for_accuracy(searched, most[0])
    found = threshold_for_accuracy(searched, most[0], rounds=2)
    assert reaches(found.expected.accuracy, most[0]) and len(found.gate.rounds) == 1
    cheap = threshold_for_accuracy(searched, initial(searched).accuracy, rounds=2)
    assert cheap.gate.rounds == ()  # nothing to be gained by looking again
    with pytest.raises(UnreachableError):
        threshold_for_accuracy(searched, 1.1, rounds=3)
    with pytest.raises(ValueError, match="record it anew with --rounds 4"):
        threshold_for_accuracy(searched, 0.5, rounds=4)
