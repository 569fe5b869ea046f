"""What could have been had: the best use of the link's bytes, had everybody known what comes."""

from __future__ import annotations

import numpy as np

from core.channel import Link
from core.policies.expectation import Expectation
from core.sharing.demand import Arrivals, Questions
from core.sharing.simulation import Scenario

__all__ = ["optimum"]


def optimum(
    questions: Questions, arrivals: Arrivals, scenario: Scenario, expectation: Expectation
) -> float:
    """Return the accuracy of the offline optimum, 0..1, in expectation of the isotonic fit.

    Σ s₁ + max Σ xᵢ ĝᵢ subject to Σ xᵢ bᵢ ≤ C, 0 ≤ xᵢ ≤ 1: a fractional knapsack, solved by the
    largest ĝ/b first (Dantzig, Operations Research 5(2), 1957). C is what the link carries from
    the first question to the last one's deadline, less the questions. Nobody waits in it and no
    answer is late, so a policy that knows no more of an answer than its uncertainty can't be
    expected to do better; what is returned is what was really gained.
    """
    link: Link = scenario.link
    took, crops = (
        link.airtime(b, "up") / link.duty_cycle
        for b in (questions.question_bytes, questions.crop_bytes)
    )
    times = arrivals.seconds
    room = times[-1] - times[0] + scenario.deadline
    if took.sum() > room:  # not even all questions get through: the first ones do
        through = np.cumsum(took) <= room
        return float((questions.first_score * through).mean())
    gain = np.array([expectation.gain(u) for u in questions.uncertainty.tolist()])
    order = np.argsort(-gain / crops, kind="stable")
    order = order[gain[order] > 0]
    left = np.clip((room - took.sum() - np.cumsum(crops[order])) / crops[order] + 1, 0, 1)
    added = (questions.second_score - questions.first_score)[order]
    return float(questions.first_score.mean() + (left * added).sum() / len(questions))
