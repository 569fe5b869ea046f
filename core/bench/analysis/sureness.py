"""How sure the last answer of a question is: the first one below η, or the one after a second look.

The gate asks again at and above η, and has nothing more to ask once the second answer is there. An
answer whose own uncertainty is below η is one that the system stands by. What of these is wrong is
what nobody is warned of.
"""

import numpy as np
from numpy.typing import ArrayLike

from core.bench.analysis.curves import asked_by
from core.bench.analysis.rounds import reached
from core.bench.runs.run import Run
from core.uncertainty import METRICS, Gate

__all__ = ["last_answers", "wrong_and_sure"]


def last_answers(run: Run, gate: Gate) -> tuple[np.ndarray, np.ndarray]:
    """Return the score of each answered sample's last answer, (N,), and whether it is sure, (N,).

    Raises ValueError for a run without scores of second answers, as `Run.second_uncertainty` does,
    and for a gate of several rounds or of an answer's first tokens.
    """
    if gate.rounds or gate.first_tokens is not None:
        raise ValueError("Last answers are judged by all of their tokens, after one second look.")
    run = run.answered
    again = asked_by(run, gate)
    doubted = reached(gate, gate.threshold, run.second_uncertainty(gate.metric))
    return np.where(again, run.second_score, run.first_score), ~(again & doubted)


def wrong_and_sure(run: Run, metric: str, thresholds: ArrayLike) -> np.ndarray:
    """Return the share of the answered samples whose last answer is wrong and sure, (P,).

    thresholds: (P,), η of a gate each. A score of 0.7 is 0.3 wrong. Raises ValueError as
    `last_answers` does.
    """
    run = run.answered
    sign = 1.0 if METRICS[metric].higher_is_uncertain else -1.0
    first, second = (sign * one(metric) for one in (run.uncertainty, run.second_uncertainty))
    eta = sign * np.asarray(thresholds, dtype=np.float64)

    def below(values: np.ndarray, wrong: np.ndarray) -> np.ndarray:
        order = np.argsort(values)
        upto = np.append(0.0, np.cumsum(wrong[order]))
        return upto[np.searchsorted(values[order], eta)]

    # second < η <= first: asked again, and sure then.
    surer = second < first
    wrong = 1 - run.second_score[surer]
    total = below(first, 1 - run.first_score)
    total += below(second[surer], wrong) - below(first[surer], wrong)
    return total / len(run)
