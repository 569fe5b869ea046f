from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench.analysis.promises.bounds import (
    Betting,
    Binomial,
    HoeffdingBentkus,
    OnAverage,
    Plainly,
)
from core.bench.analysis.promises.goal import ASKED, LOST, SPENT, WRONG, Goal
from core.bench.analysis.promises.questions import Questions
from core.bench.analysis.promises.ratio import measured
from core.bench.analysis.promises.refusals import PromiseError
from core.bench.analysis.promises.thresholds import keeps
from core.uncertainty import METRICS
from tests.support.promises import binary, invented
from tests.support.strategies import patient, runs

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


def test_what_is_wrong_among_the_rest_is_tested_in_sequence():
    questions = invented(2_000)
    goal = Goal(WRONG, 0.1)
    kept = keeps(questions, goal, Binomial(0.1))
    etas = questions.candidates[kept]
    assert 0.02 < etas[0] < etas[-1] < 0.2  # the rate of those below η is η / 2
    assert measured(questions, goal, etas[-1]) < 0.1
    assert np.isnan(measured(questions, goal, -np.inf))
