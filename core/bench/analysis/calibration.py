"""The η to set: for a budget, an accuracy or few errors that nobody is warned of.

Set on one run, it is checked on another.

On the run it was set on, any threshold looks a little better than it is. So set it on a validation
split, or on one half of a run (`halves`), and ask `Calibration.on` what it does on the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from core.bench.analysis.curves import Curve, Point, operating_point, tradeoff
from core.bench.analysis.goals import keeps, reaches
from core.bench.analysis.rounds import folded, looks_of
from core.bench.analysis.sureness import wrong_and_sure
from core.bench.runs.run import Run
from core.uncertainty import METRICS, Gate

__all__ = [
    "Calibration",
    "UnreachableError",
    "always_or_never",
    "halves",
    "threshold_for_accuracy",
    "threshold_for_budget",
    "threshold_for_wrong_and_sure",
]


PLACES = 33  # ηs that are tried for a further round: quantiles of its answers' uncertainty


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
    rounds: int = 1,
) -> Calibration:
    """The gate that spends as much of a budget per question as it can, and no more.

    budget: in the unit of `cost`, one of `COSTS`: local images a question for "additional_cost",
    bytes of a question for "bytes". A budget for everything gives a gate that always asks, not one
    that just so catches the most certain sample of this run. rounds: local images of a question at
    most, each round with an η of its own: of those tried, the ones with which most is right.
    Raises UnreachableError for a budget that doesn't pay for the first stage, ValueError for a cost
    that isn't known of this run, for more rounds than it holds, and as `tradeoff` does.
    """
    if rounds > 1:
        return _of_each_round(
            run, Gate(metric, first_tokens=first_tokens), rounds,
            lambda one: threshold_for_budget(one, budget, metric, first_tokens, cost),
            lambda found: found.expected.accuracy,
        )  # fmt: skip
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
    rounds: int = 1,
) -> Calibration:
    """The cheapest gate that reaches an accuracy (mean score, 0..1).

    rounds: local images of a question at most, each round with an η of its own: of those tried, the
    cheapest. Raises UnreachableError for an accuracy that no threshold reaches, and ValueError as
    `tradeoff` does, and for more rounds than the run holds.
    """
    if rounds > 1:
        return _of_each_round(
            run, Gate(metric, first_tokens=first_tokens), rounds,
            lambda one: threshold_for_accuracy(one, accuracy, metric, first_tokens, cost),
            lambda found: -getattr(found.expected, cost),
        )  # fmt: skip
    curve = tradeoff(run, metric, first_tokens)
    curve.cost(cost)  # costs rise along the curve, whichever it is: the first point is cheapest
    there = np.flatnonzero(reaches(curve.accuracy, accuracy))
    if not there.size:
        best = float(curve.accuracy.max())
        raise UnreachableError(
            f"No threshold reaches an accuracy of {accuracy:.6g}; the best is {best:.6g}.", best
        )
    return _calibration(curve, int(there[0]), cost)


def threshold_for_wrong_and_sure(
    run: Run, share: float, metric: str = "min_entropy"
) -> Calibration:
    """The cheapest gate with which at most this share of the questions ends wrong and sure.

    share: 0..1, of last answers that are wrong and below η (`core.bench.analysis.sureness`). There
    always is one: where everything is asked again, a lower η still doubts more second answers.
    Raises ValueError for another share, for a run without scores of second answers, and as
    `tradeoff` does.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"A share must be between 0 and 1, not {share:.6g}.")
    curve = tradeoff(run, metric)
    sign = 1.0 if METRICS[metric].higher_is_uncertain else -1.0
    second = np.unique(sign * run.answered.second_uncertainty(metric))[::-1]
    lower = second[second < sign * curve.threshold[-1]]
    etas = np.append(curve.threshold, sign * lower)
    index = int(np.flatnonzero(keeps(wrong_and_sure(run, metric, etas), share))[0])
    point = replace(curve.point(min(index, len(curve) - 1)), threshold=float(etas[index]))
    return Calibration(Gate(metric, point.threshold), "additional_cost", point)


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


def _of_each_round(
    run: Run,
    gate: Gate,
    rounds: int,
    choose: Callable[[Run], Calibration],
    worth: Callable[[Calibration], float],
) -> Calibration:
    """Return the best gate with an η of each round, found by changing one of them at a time.

    choose: sets the first η, the others given. The search begins with no further look at all, and
    goes through the later rounds as often as there are, the last one first. Of equals, the one that
    was tried first is kept, so a round that gains nothing is never taken.
    """
    ways: dict[tuple[float, ...], Calibration | UnreachableError] = {}

    def found(etas: tuple[float, ...]) -> Calibration | UnreachableError:
        if etas not in ways:
            try:
                ways[etas] = choose(folded(run, replace(gate, rounds=etas)))
            except UnreachableError as error:
                ways[etas] = error
        return ways[etas]

    def worthy(etas: tuple[float, ...]) -> float:
        way = found(etas)
        return worth(way) if isinstance(way, Calibration) else -np.inf

    tried = [_places(one, gate) for one in looks_of(run, rounds)[1:]]
    best = tuple(places[0] for places in tried)
    for _ in tried:
        for index in reversed(range(len(tried))):
            others = [(*best[:index], eta, *best[index + 1 :]) for eta in tried[index]]
            best = max([best, *others], key=worthy)
    way = found(best)
    if isinstance(way, UnreachableError):
        way = max((one for one in ways.values() if isinstance(one, UnreachableError)),
                  key=lambda error: error.nearest)  # fmt: skip
        raise way
    never = best.index(tried[0][0]) if tried[0][0] in best else len(best)
    return replace(way, gate=replace(way.gate, rounds=best[:never]))


def _places(run: Run, gate: Gate) -> list[float]:
    """Return the ηs that are tried for a round: the first of them asks for no look, the others for
    more or fewer.
    """
    never = np.inf if METRICS[gate.metric].higher_is_uncertain else -np.inf
    uncertainty = run.uncertainty(gate.metric, gate.first_tokens)
    between = np.unique(np.quantile(uncertainty, np.linspace(0, 1, PLACES), method="nearest"))
    return [never, *map(float, between)]


def _calibration(curve: Curve, index: int, cost: str) -> Calibration:
    point = curve.point(index)
    threshold = point.threshold
    if index == len(curve) - 1:
        threshold = -np.inf if METRICS[curve.name].higher_is_uncertain else np.inf
    return Calibration(Gate(curve.name, threshold, curve.first_tokens), cost, point)
