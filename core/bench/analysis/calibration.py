"""The η to set: a threshold for a budget or for an accuracy, set on one run, checked on another.

On the run it was set on, any threshold looks a little better than it is. So set it on a validation
split, or on one half of a run (`halves`), and ask `Calibration.on` what it does on the rest.
"""

from dataclasses import dataclass

import numpy as np

from core.bench.analysis.curves import Curve, Point, operating_point, tradeoff
from core.bench.analysis.goals import keeps, reaches
from core.bench.runs.run import Run
from core.uncertainty import METRICS, Gate

__all__ = [
    "Calibration",
    "UnreachableError",
    "always_or_never",
    "halves",
    "threshold_for_accuracy",
    "threshold_for_budget",
]


class UnreachableError(ValueError):
    """No threshold meets the goal. nearest: the goal that can be met, in the same unit."""

    def __init__(self, sentence: str, nearest: float):
        super().__init__(sentence)
        self.nearest = nearest


@dataclass(frozen=True)
class Calibration:
    """A gate, and what it does on the run it was set on."""

    gate: Gate
    cost: str  # the one of COSTS that was asked about
    expected: Point

    def on(self, run: Run) -> Point:
        """Return what the gate does on another run. Raises ValueError as `operating_point` does."""
        return operating_point(run, self.gate)


def always_or_never(gate: Gate) -> str:
    """Return "always ask" or "never ask" of a gate that does, whatever the answer; else ""."""
    if np.isfinite(gate.threshold):
        return ""
    never = (gate.threshold > 0) == METRICS[gate.metric].higher_is_uncertain
    return "never ask" if never else "always ask"


def threshold_for_budget(
    run: Run,
    budget: float,
    metric: str = "min_entropy",
    first_tokens: int | None = None,
    cost: str = "additional_cost",
) -> Calibration:
    """The gate that spends as much of a budget per question as it can, and no more.

    budget: in the unit of `cost`, one of `COSTS`: a share for "additional_cost", bytes of a
    question for "bytes". A budget for everything gives a gate that always asks, not one that just
    so catches the most certain sample of this run.
    Raises UnreachableError for a budget that doesn't pay for the first stage, ValueError for a cost
    that isn't known of this run, and as `tradeoff` does.
    """
    curve = tradeoff(run, metric, first_tokens)
    costs = curve.cost(cost)
    if np.isnan(costs).all():
        raise ValueError(
            f"What a question costs in {cost} isn't known of {run.metadata.model!r}: set a budget"
            " of another cost."
        )
    kept = np.flatnonzero(keeps(costs, budget))
    if not kept.size:
        raise UnreachableError(
            f"The first stage alone costs {costs[0]:.6g} ({cost}), so a budget of {budget:.6g} "
            "can't be kept.",
            float(costs[0]),
        )
    return _calibration(curve, int(kept[-1]), cost)


def threshold_for_accuracy(
    run: Run,
    accuracy: float,
    metric: str = "min_entropy",
    first_tokens: int | None = None,
    cost: str = "additional_cost",
) -> Calibration:
    """The cheapest gate that reaches an accuracy (mean score, 0..1).

    Raises UnreachableError for an accuracy that no threshold reaches, and ValueError as `tradeoff`
    does.
    """
    curve = tradeoff(run, metric, first_tokens)
    curve.cost(cost)  # costs rise along the curve, whichever it is: the first point is cheapest
    there = np.flatnonzero(reaches(curve.accuracy, accuracy))
    if not there.size:
        best = float(curve.accuracy.max())
        raise UnreachableError(
            f"No threshold reaches an accuracy of {accuracy:.6g}; the best is {best:.6g}.", best
        )
    return _calibration(curve, int(there[0]), cost)


def halves(run: Run, seed: int = 0) -> tuple[Run, Run]:
    """Two runs to calibrate and to verify on, from one: half of the images each, at random.

    Questions about one image stay together, so that neither half knows the other's.
    Raises ValueError for a run of fewer than two images.
    """
    images, image = np.unique(run.image_id.astype(str), return_inverse=True)
    if len(images) < 2:
        raise ValueError("A run of one image can't be split into two.")
    chosen = np.random.default_rng(seed).permutation(len(images))[: len(images) // 2]
    first = np.isin(image, chosen)
    return run.select(first), run.select(~first)


def _calibration(curve: Curve, index: int, cost: str) -> Calibration:
    point = curve.point(index)
    threshold = point.threshold
    if index == len(curve) - 1:
        threshold = -np.inf if METRICS[curve.name].higher_is_uncertain else np.inf
    return Calibration(Gate(curve.name, threshold, curve.first_tokens), cost, point)
