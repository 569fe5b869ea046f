from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench.analysis.curves import operating_point
from core.bench.analysis.promises.bounds import (
    Betting,
    Binomial,
    HoeffdingBentkus,
    OnAverage,
    Plainly,
    needed,
)
from core.bench.analysis.promises.guarantee import (
    ASKED,
    LOST,
    SPENT,
    WRONG,
    Goal,
    PromiseError,
    Questions,
    keeps,
    measured,
    promise,
    settle,
)
from core.bench.runs.run import Run
from core.uncertainty import METRICS
from tests.support.strategies import METADATA, patient, runs
from tools.doubles.synthetic import synthetic_run


def binary(run: Run) -> Run:
    """The same with scores of 0 and 1 only."""
    return replace(
        run, first_score=run.first_score.round() * 1.0, second_score=run.second_score.round() * 1.0
    )


def invented(n: int, seed: int = 0, images: int | None = None) -> Questions:
    """Questions of which the uncertain ones gain; about as many images, or fewer."""
    rng = np.random.default_rng(seed)
    ranked = rng.random(n).round(3)
    first = (rng.random(n) > ranked).astype(float)
    second = np.maximum(first, rng.random(n) < 0.9)
    image = np.arange(n) if images is None else rng.integers(0, images, n)
    return Questions(ranked, image, first, second, {ASKED: (np.zeros(n), np.ones(n))})


rules = st.sampled_from([Plainly(), OnAverage(), Betting(0.5), HoeffdingBentkus(0.5)])


def brute(questions: Questions, goal: Goal, rule) -> list[bool]:
    """Which candidates keep a monotone goal, from the definition, image by image."""
    names = np.unique(questions.image)
    names = names[np.argsort(np.random.default_rng(0).permutation(len(names)))]
    first, added = questions.costs.get(goal.what, (np.zeros(0), np.zeros(0)))
    largest = max((first + added).max(initial=0.0), 1e-300) if goal.what in SPENT else 1.0
    most = max((questions.image == name).sum() for name in names)
    kept = []
    for eta in questions.candidates:
        total, weight = [], []
        for name in names:
            own = [i for i in range(len(questions)) if questions.image[i] == name]
            sums = 0.0
            for i in own:
                asked = questions.ranked[i] >= eta
                if goal.what == LOST:
                    gain = questions.second_score[i] - questions.first_score[i]
                    sums += 0 if asked else max(gain, 0)
                else:
                    sums += (first[i] + (added[i] if asked else 0)) / largest
            total.append(sums)
            weight.append(len(own))
        share = goal.at_most / largest
        kept.append(share >= 1 or rule(np.array(total), np.array(weight), int(most), share))
    if goal.what in SPENT:
        kept.reverse()
    kept = np.cumprod(kept).astype(bool).tolist()
    return kept[::-1] if goal.what in SPENT else kept


@patient
@given(
    run=runs(12), metric=st.sampled_from(sorted(METRICS)), rule=rules, share=st.floats(0.05, 0.95),
    what=st.sampled_from([LOST, *SPENT]),
)  # fmt: skip
def test_a_goal_is_kept_where_every_threshold_before_keeps_it(run, metric, rule, share, what):
    questions = Questions.of(run, metric)
    limit = share if what in (LOST, ASKED) else share * 100 + 1e-9
    goal = Goal(what, limit)
    expected = brute(questions, goal, rule)
    if not any(expected):
        with pytest.raises(PromiseError):
            keeps(questions, goal, rule)
    else:
        assert keeps(questions, goal, rule).tolist() == expected


@patient
@given(run=runs(12), share=st.floats(0.05, 0.95), level=st.floats(0.1, 0.9))
def test_the_exact_bound_is_kept_where_every_threshold_before_keeps_it(run, share, level):
    """All candidates at once are what they are one by one."""
    run = run.answered
    single = binary(replace(run, image_id=np.array([f"{i}" for i in range(len(run))], object)))
    questions = Questions.of(single, "min_entropy")
    for what in (LOST, ASKED):
        expected = brute(questions, Goal(what, share), Binomial(level))
        if any(expected):
            kept = keeps(questions, Goal(what, share), Binomial(level))
            assert kept.tolist() == expected


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


def test_what_cannot_be_kept_together_says_what_could_be():
    run = binary(synthetic_run(1_000))
    with pytest.raises(PromiseError, match="No η keeps at most 2 % lost and at most 20 % asked"):
        promise(run, [Goal(LOST, 0.02), Goal(ASKED, 0.2)])
    with pytest.raises(PromiseError, match=r"at most 20 % asked again, about at most [\d.]+ % los"):
        promise(run, [Goal(LOST, 0.02), Goal(ASKED, 0.2)])
    with pytest.raises(PromiseError, match=r"at most 2 % lost, about at most [\d.]+ % asked"):
        promise(run, [Goal(LOST, 0.02), Goal(ASKED, 0.2)])
    with pytest.raises(PromiseError, match=r"The first stage alone costs \d+.* \(bytes\)"):
        promise(run, [Goal("bytes", 100)])


def test_too_few_questions_are_said_before_anything_is_promised():
    run = binary(synthetic_run(113))
    enough = r"takes questions about at least 114 different images; here are 113\."
    with pytest.raises(PromiseError, match=enough):
        promise(run, [Goal(LOST, 0.02)])
    with pytest.raises(PromiseError, match="at least 49 different images; here are 48"):
        promise(run.select(np.arange(48)), [Goal(LOST, 0.02)], None)
    with pytest.raises(PromiseError, match="at least 57"):  # a fifth only lays out the sequence
        promise(run.select(np.arange(50)), [Goal(WRONG, 0.05)])
    one_image = replace(run, image_id=np.full(113, "the same", object))
    with pytest.raises(PromiseError, match="here are 1"):
        promise(one_image, [Goal(LOST, 0.5)])


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


def test_what_is_wrong_among_the_rest_is_tested_in_sequence():
    questions = invented(2_000)
    goal = Goal(WRONG, 0.1)
    kept = keeps(questions, goal, Binomial(0.1))
    etas = questions.candidates[kept]
    assert 0.02 < etas[0] < etas[-1] < 0.2  # the rate of those below η is η / 2
    assert measured(questions, goal, etas[-1]) < 0.1
    assert np.isnan(measured(questions, goal, -np.inf))


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


@pytest.mark.parametrize("confidence", [0, 1, -0.5, float("nan")])
def test_a_confidence_lies_between_0_and_1(confidence):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        promise(synthetic_run(10), [Goal(LOST, 0.1)], confidence)


def test_what_makes_no_sense_as_a_goal_is_refused():
    for limit in (0, 1, -0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="must be between 0 and 1"):
            Goal(LOST, limit)
    with pytest.raises(ValueError, match="must be positive"):
        Goal("bytes", 0)
    with pytest.raises(ValueError, match="must be one of lost"):
        Goal("relative_cost", 0.3)
    with pytest.raises(ValueError, match="with confidence only"):
        promise(synthetic_run(10), [Goal(WRONG, 0.1)], None)
    assert needed(0.5, 0.5) == 1
