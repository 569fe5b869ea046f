from dataclasses import replace

import numpy as np
import pytest

from core.bench.analysis.curves import operating_point
from core.bench.analysis.promises.bounds import (
    Plainly,
)
from core.bench.analysis.promises.goal import ASKED, LOST, WRONG, Goal
from core.bench.analysis.promises.guarantee import promise, settle
from core.bench.analysis.promises.questions import Questions
from core.bench.analysis.promises.refusals import PromiseError
from core.bench.analysis.promises.thresholds import keeps
from core.bench.runs.run import Run
from tests.support.promises import binary, invented
from tests.support.strategies import METADATA
from tools.doubles.synthetic import synthetic_run


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
@pytest.mark.parametrize("first_tokens", [None, 2])
@pytest.mark.parametrize("confidence", [None, 0.9])
def test_the_gate_does_on_the_run_what_the_promise_says(metric, first_tokens, confidence):
    run = binary(synthetic_run(2_000))
    goals = [Goal(LOST, 0.1), Goal(ASKED, 0.7)]
    found = promise(run, goals, confidence, [metric], first_tokens)
    point = operating_point(run, found.gate)
    assert found.asked == round(point.retransmitted * 2_000)
    lost, asked = found.kept
    assert asked.measured == point.retransmitted
    assert asked.measured < asked.bound <= 0.7
    missed = np.maximum(run.gain, 0)[~np.array(
        [found.gate.retransmit(run.record(i).scores[metric]) for i in range(2_000)]
    )].sum() / 2_000  # fmt: skip
    assert lost.measured == pytest.approx(missed, abs=1e-12)
    assert lost.measured < lost.bound <= 0.1
    assert (found.questions, found.images, found.confidence) == (2_000, 2_000, confidence)


def test_more_is_asked_for_the_surer_the_promise():
    run, goal = binary(synthetic_run(1_000)), [Goal(LOST, 0.1)]
    asked = [promise(run, goal, confidence).asked for confidence in (None, 0.8, 0.9, 0.99)]
    assert asked == sorted(set(asked))
    questions = Questions.of(run, "min_entropy")
    plain = np.flatnonzero(keeps(questions, goal[0], Plainly()))[-1]
    assert (questions.ranked >= questions.candidates[plain]).sum() <= asked[0]


def test_a_budget_alone_is_spent_as_far_as_it_can_be():
    run = binary(synthetic_run(1_000))
    found = promise(run, [Goal(ASKED, 0.4)])
    assert 0.35 < found.asked / 1_000 < 0.4
    kilobytes = promise(run, [Goal("bytes", 8_000)])
    assert kilobytes.kept[0].largest == (run.first_message_bytes + run.second_message_bytes).max()
    assert 7_000 < kilobytes.kept[0].measured < kilobytes.kept[0].bound <= 8_000
    assert promise(run, [Goal("bytes", 1e9)]).asked == 1_000


def test_a_second_metric_shares_the_level():
    run = binary(synthetic_run(1_000))
    both = promise(run, [Goal(LOST, 0.1)], 0.9, ["min_entropy", "shannon_entropy"])
    single = [promise(run, [Goal(LOST, 0.1)], 0.95, [name]) for name in both.metrics]
    assert both.asked == min(one.asked for one in single)
    assert both.gate in [one.gate for one in single]
    assert promise(run, [Goal(LOST, 0.1)], None, ["min_entropy"] * 2).gate == (
        promise(run, [Goal(LOST, 0.05)], None).gate
    )


def test_all_right_and_all_wrong():
    run = binary(synthetic_run(400))
    right = replace(run, first_score=np.ones(400), second_score=np.ones(400))
    assert promise(right, [Goal(LOST, 0.02)]).asked == 0
    assert promise(right, [Goal(WRONG, 0.05)]).asked == 0
    mended = replace(run, first_score=np.zeros(400), second_score=np.ones(400))
    assert promise(mended, [Goal(LOST, 0.02)]).asked > 390
    wrong = replace(run, first_score=np.zeros(400), second_score=np.zeros(400))
    assert promise(wrong, [Goal(LOST, 0.02)]).asked == 0  # a second look loses nothing of it
    with pytest.raises(PromiseError, match="No η keeps at most 5 % wrong among those not asked"):
        promise(wrong, [Goal(WRONG, 0.05)])


def test_where_all_samples_tie_all_or_none_is_asked():
    row = synthetic_run(1).record(0)

    def tied(gain: float) -> Run:
        scores = {"first_score": 0.0, "second_score": gain, "scores": {"min_entropy": (0.2,)}}
        rows = [replace(row, id=f"{i}", image_id=f"{i}", **scores) for i in range(200)]
        return Run.from_records(rows, METADATA)

    assert promise(tied(1.0), [Goal(LOST, 0.05)]).gate.threshold == -np.inf
    assert promise(tied(0.0), [Goal(LOST, 0.05)]).gate.threshold == np.inf


def test_a_promise_for_each_group_is_that_of_the_hardest():
    run = binary(synthetic_run(3_000))
    hard = np.arange(3_000) % 3 == 0
    run = replace(
        run,
        group=np.where(hard, "hard", "easy").astype(object),
        second_score=np.where(hard, 1.0, np.maximum(run.first_score, run.second_score)),
    )
    goal = [Goal(LOST, 0.05)]
    each = promise(run, goal, group="group")
    alone = [promise(run.select(part), goal) for part in (hard, ~hard)]
    assert each.gate == min((one.gate for one in alone), key=lambda gate: gate.threshold)
    assert each.asked > promise(run, goal).asked
    assert [kept.group for kept in each.kept] == ["easy", "hard"]
    assert all(kept.bound <= 0.05 for kept in each.kept)
    few = run.select(np.append(np.flatnonzero(~hard), np.flatnonzero(hard)[:20]))
    with pytest.raises(PromiseError, match="at least 45 different images of the group 'hard'; her"):
        promise(few, goal, group="group")
    with pytest.raises(ValueError, match="no column of texts called 'first_score'"):
        promise(run, goal, group="first_score")
    with pytest.raises(ValueError, match="no column of texts called 'camera'"):
        promise(run, goal, group="camera")


def test_questions_about_one_image_stand_together():
    """Each image asked about ten times says no more than once."""
    few = invented(500)
    many = few.take(np.repeat(np.arange(500), 10))
    goal = [Goal(LOST, 0.05)]
    index, (kept,) = settle(many, goal, 0.9)
    assert (kept.questions, kept.images) == (5_000, 500)
    apart = replace(many, image=np.arange(5_000))
    bold, _ = settle(apart, goal, 0.9)
    exact, _ = settle(few, goal, 0.9)
    etas = [q.candidates[i] for q, i in ((many, index), (few, exact), (apart, bold))]
    assert etas[0] <= etas[1] * 1.05 and etas[1] < etas[2]


def test_a_large_run_takes_a_moment():
    """Bytes, or soft scores, of 60,000 questions: betting on each threshold would take minutes."""
    questions = invented(60_000)
    soft = replace(
        questions, second_score=questions.second_score * 0.6,
        costs=questions.costs | {"bytes": (np.full(60_000, 10.0), questions.ranked + 1)},
    )  # fmt: skip
    _, kept = settle(soft, [Goal(LOST, 0.05), Goal("bytes", 11.5)], 0.9)
    for one in kept:
        assert 0.95 * one.goal.at_most < one.measured < one.bound <= one.goal.at_most * 1.000001


def test_it_is_wrong_in_at_most_as_many_draws_as_promised():
    broken = refused = 0
    for seed in range(60):
        questions = invented(1_000, seed)
        try:
            index, _ = settle(questions, [Goal(WRONG, 0.2)], 0.9)
        except PromiseError:
            refused += 1
            continue
        broken += questions.candidates[index] / 2 > 0.2
    assert broken / 60 <= 0.1 + 3 * np.sqrt(0.09 / 60)
    assert refused < 12


@pytest.mark.parametrize("goals", [[], [Goal(LOST, 0.1), Goal(LOST, 0.2)]])
def test_goals_are_named_once_each(goals):
    with pytest.raises(ValueError, match="each of them once"):
        promise(synthetic_run(10), goals)


def test_what_is_wrong_among_the_rest_is_not_promised_on_average():
    with pytest.raises(ValueError, match="with confidence only"):
        promise(synthetic_run(10), [Goal(WRONG, 0.1)], None)


@pytest.mark.parametrize("confidence", [0, 1, -0.5, float("nan")])
def test_a_confidence_lies_between_0_and_1(confidence):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        promise(synthetic_run(10), [Goal(LOST, 0.1)], confidence)
