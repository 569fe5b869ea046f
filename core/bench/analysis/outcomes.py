"""What a second look would do to each answer, and what the gate makes of that: its confusion.

Every sample takes one of four ways from its first answer to its second, right or wrong each, and
the gate either asks for the second or doesn't. So there are eight kinds of samples at any η:

    second look    stays right   broken     mended     stays wrong
    asked for      needless      harmful    useful     hopeless
    not asked for  spared        averted    missed     resigned

An answer counts as right from a score of `RIGHT_FROM` on, as in `core.bench.analysis.separability`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.bench.analysis.curves import Curve, asked_by
from core.bench.analysis.ranking import by_uncertainty
from core.bench.analysis.separability import RIGHT_FROM
from core.bench.runs.run import Run
from core.uncertainty import Gate

__all__ = [
    "ASKED",
    "NOT_ASKED",
    "WAYS",
    "Confusion",
    "confusion",
    "samples_near",
    "samples_of_kind",
    "ways",
]

WAYS = ("stays right", "broken", "mended", "stays wrong")
ASKED = ("needless", "harmful", "useful", "hopeless")
NOT_ASKED = ("spared", "averted", "missed", "resigned")


@dataclass(frozen=True, eq=False)
class Confusion:
    """How many samples take each of the four `WAYS`, at P operating points of a gate."""

    asked: np.ndarray  # (P, 4) int64: of those whose local image is sent
    not_asked: np.ndarray  # (P, 4)


def ways(run: Run, right_from: float = RIGHT_FROM) -> np.ndarray:
    """Return which of the `WAYS` each answered sample takes, (N,) int: an index.

    Raises ValueError for a run in which no sample was answered.
    """
    run = run.answered
    right, still_right = run.first_score >= right_from, run.second_score >= right_from
    return np.where(right, np.where(still_right, 0, 1), np.where(still_right, 2, 3))


def confusion(run: Run, curve: Curve, right_from: float = RIGHT_FROM) -> Confusion:
    """The confusion of a gate at every point of its curve, one of `tradeoff(run, …)`.

    Raises ValueError for a curve that isn't one of a metric of this run.
    """
    run = run.answered
    order, ends = by_uncertainty(run.ranked(curve.name, curve.first_tokens))
    if len(curve) != len(ends) + 1:
        raise ValueError("The curve must be one of this run.")
    one_hot = np.eye(len(WAYS), dtype=np.int64)[ways(run, right_from)]
    asked = np.cumsum(one_hot[order], axis=0)[ends - 1]
    asked = np.concatenate((np.zeros((1, len(WAYS)), np.int64), asked))
    return Confusion(asked, asked[-1] - asked)


def samples_of_kind(run: Run, gate: Gate, kind: str, right_from: float = RIGHT_FROM) -> np.ndarray:
    """The answered samples of one of the eight kinds, the nearest to η first: indices (M,).

    Raises ValueError for another kind, or a metric that the run doesn't hold.
    """
    if kind not in (*ASKED, *NOT_ASKED):
        raise ValueError(
            f"The kind must be one of {', '.join((*ASKED, *NOT_ASKED))}, not {kind!r}."
        )
    asked = kind in ASKED
    way = (ASKED if asked else NOT_ASKED).index(kind)
    wanted = (asked_by(run, gate) == asked) & (ways(run, right_from) == way)
    order = samples_near(run, gate)
    return order[wanted[order]]


def samples_near(run: Run, gate: Gate) -> np.ndarray:
    """All answered samples, those whose uncertainty is nearest to η first: indices (N,).

    They are the ones that the gate decides otherwise about when η moves a little.
    Raises ValueError for a metric that the run doesn't hold.
    """
    uncertainty = run.answered.uncertainty(gate.metric, gate.first_tokens)
    if np.isinf(gate.threshold):  # all are infinitely far: the extreme one is first
        return np.argsort(-np.sign(gate.threshold) * uncertainty, kind="stable")
    return np.argsort(np.abs(uncertainty - gate.threshold), kind="stable")
