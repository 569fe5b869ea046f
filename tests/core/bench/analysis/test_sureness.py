"""Last answers that are wrong and sure: counted at once for many η as one by one."""

from dataclasses import replace

import numpy as np
import pytest

from core.bench.analysis.sureness import last_answers, wrong_and_sure
from core.uncertainty import METRICS, Gate
from tests.support.seconds import with_second_scores
from tools.doubles.synthetic import synthetic_run

RUN = with_second_scores(synthetic_run(400))


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_the_shares_are_those_of_every_sample_by_itself(metric):
    values = np.concatenate([RUN.uncertainty(metric), RUN.second_uncertainty(metric)])
    sign = 1 if METRICS[metric].higher_is_uncertain else -1
    etas = [-np.inf, *np.quantile(values, [0.0, 0.1, 0.5, 0.9, 1.0]), np.inf]
    found = wrong_and_sure(RUN, metric, etas)
    for eta, share in zip(etas, found, strict=True):
        gate, total = Gate(metric, eta), 0.0
        for i in range(len(RUN)):
            first, second = RUN.uncertainty(metric)[i], RUN.second_uncertainty(metric)[i]
            if sign * first < sign * eta:
                total += 1 - RUN.first_score[i]
            elif sign * second < sign * eta:
                total += 1 - RUN.second_score[i]
        assert share == pytest.approx(total / len(RUN))
        scores, sure = last_answers(RUN, gate)
        assert share == pytest.approx(((1 - scores) * sure).mean())


def test_an_answer_that_was_asked_again_is_judged_by_the_second():
    scores, sure = last_answers(RUN, Gate("min_entropy", 0.3))
    again = RUN.uncertainty("min_entropy") >= 0.3
    assert (scores == np.where(again, RUN.second_score, RUN.first_score)).all()
    assert sure[~again].all()
    assert (sure[again] == (RUN.second_uncertainty("min_entropy")[again] < 0.3)).all()


def test_what_cannot_be_judged_is_one_sentence():
    with pytest.raises(ValueError, match="after one second look"):
        last_answers(RUN, Gate("min_entropy", 0.3, first_tokens=2))
    with pytest.raises(ValueError, match="record it anew"):
        wrong_and_sure(synthetic_run(20), "min_entropy", [0.3])


def test_failed_samples_count_for_nothing():
    error = RUN.error.copy()
    error[:100] = "timed out"
    left = RUN.select(np.arange(100, len(RUN)))
    some = replace(RUN, error=error)
    etas = [0.2, 0.6]
    assert wrong_and_sure(some, "min_entropy", etas) == pytest.approx(
        wrong_and_sure(left, "min_entropy", etas)
    )
