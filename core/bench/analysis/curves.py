"""The tradeoff between what is sent and how well it is answered (section VII, Fig. 4-6, 8-10, 12).

A curve is drawn from a run in one pass: samples are sorted from the most to the least uncertain,
and lowering the threshold past each distinct value adds its samples to those retransmitted.
`python -m tools.timing.curve` prints how long that takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from core.bench.analysis.goals import exceeds, keeps, reaches
from core.bench.analysis.links import over_link
from core.bench.analysis.ranking import by_uncertainty
from core.bench.analysis.rounds import chained, folded, looks_of, reached
from core.bench.runs.run import Run
from core.channel import Link
from core.uncertainty import METRICS, Gate

if TYPE_CHECKING:  # pandas itself is imported where a frame is asked for: curves need none
    import pandas as pd

# What can stand on the cost axis: name -> (first, second, per). It is what all first stages take,
# plus what the second stages that are run add, over the sum of `per`; each a column of a run, or
# 0 or 1 for every sample alike.
COSTS: dict[str, tuple[str | int, str | int, str | int]] = {
    # Of images that all cost the same: local images a question, so the share retransmitted where
    # each is looked at once.
    "additional_cost": (0, "local_images", 1),
    "additional_bytes": (0, "local_bytes", "global_bytes"),
    "relative_cost": ("global_bytes", "local_bytes", "reference_bytes"),
    "bytes": ("first_message_bytes", "second_message_bytes", 1),
    "flops": ("first_flops", "second_flops", 1),  # eq. 20
    "relative_flops": ("first_flops", "second_flops", "first_flops"),
    "seconds": ("first_seconds", "second_seconds", 1),
}


# A gate, a mask of the samples to retransmit, or the name of one that needs neither.
Strategy = Gate | np.ndarray | Literal["initial", "full", "high_resolution"]


@dataclass(frozen=True)
class Point:
    """One operating point: what a question costs on average, and how many are answered right."""

    threshold: float  # η in the metric's unit; infinite where it is never met, NaN without a metric
    retransmitted: float  # share of the samples that get a second stage
    accuracy: float  # mean score, 0..1
    bytes: float  # all messages of a question
    additional_bytes: float  # local images as a share of the global ones, measured
    relative_cost: float  # both images as a share of the global ones at JPEG 100 (section VII-F)
    flops: float  # of a question, as the paper counts them (eq. 20); NaN: not known
    relative_flops: float  # as a multiple of the first stage's (Fig. 5)
    seconds: float  # of computation for a question, both stages
    additional_cost: float  # section VII-A, every image costs the same: local images a question


@dataclass(frozen=True, eq=False)
class Curve:
    """P operating points, from nothing retransmitted upwards; every array is (P,).

    The names are those of `Point`. Costs never fall along the curve; accuracy may, since a second
    look also breaks answers that were right.
    """

    name: str  # a metric, "random" or "oracle"
    first_tokens: int | None  # tokens averaged over; None: all
    samples: int  # answered samples it is drawn from
    threshold: np.ndarray
    retransmitted: np.ndarray
    accuracy: np.ndarray
    bytes: np.ndarray
    additional_bytes: np.ndarray
    relative_cost: np.ndarray
    flops: np.ndarray
    relative_flops: np.ndarray
    seconds: np.ndarray
    additional_cost: np.ndarray

    def __len__(self) -> int:
        return len(self.retransmitted)

    def cost(self, name: str = "additional_cost") -> np.ndarray:
        """One of the `COSTS` by name, (P,). Raises ValueError for another name."""
        check_cost(name)
        return getattr(self, name)

    def point(self, index: int) -> Point:
        return Point(**{f.name: float(getattr(self, f.name)[index]) for f in fields(Point)})

    def to_frame(self) -> pd.DataFrame:
        """Return the points as a table, (P, 10): one row a point, float64 columns named as in
        `Point`."""
        import pandas as pd

        return pd.DataFrame({f.name: getattr(self, f.name) for f in fields(Point)})

    def at(self, thresholds: ArrayLike) -> np.ndarray:
        """Return which of the points a gate with each of these thresholds (…) is at: indices (…).

        Raises ValueError for a curve that isn't one of a metric.
        """
        if self.name not in METRICS:
            raise ValueError(f"A curve of {self.name!r} has no thresholds.")
        # Thresholds fall along the curve, or rise for a margin: turned, both rise.
        sign = -1.0 if METRICS[self.name].higher_is_uncertain else 1.0
        eta = sign * np.asarray(thresholds, dtype=np.float64)
        return np.searchsorted(sign * self.threshold, eta, side="right").clip(1) - 1

    def accuracy_at(self, cost: float, name: str = "additional_cost") -> float:
        """Accuracy that a budget buys.

        Between two points it is that of deciding by chance which of the two thresholds to apply,
        in the proportion that spends the budget: a straight line. Beyond the last point it stays:
        nobody has to spend a budget. NaN below the cost of the first point.
        """
        costs = self.cost(name)
        last = np.flatnonzero(keeps(costs, cost))[-1:]
        if last.size and reaches(costs[last[0]], cost):  # this point is meant
            return float(self.accuracy[last[0]])
        return float(np.interp(cost, costs, self.accuracy, left=np.nan))

    def cost_to_reach(self, share: float, full: float | None = None,
                      name: str = "additional_cost") -> float:  # fmt: skip
        """The least cost at which `share` of the gap from initial to full accuracy is closed.

        full: accuracy of retransmitting everything; None: that of the curve's last point. (The
        last point of the oracle's curve is not full retransmission.)
        Accuracy isn't monotone, so this is where the curve first gets there, on the straight line
        between two points. NaN if it never does, or if there is no gap to close.
        """
        accuracy, costs = self.accuracy, self.cost(name)
        full = accuracy[-1] if full is None else full
        if not exceeds(full, accuracy[0]):
            return float("nan")
        target = (1 - share) * accuracy[0] + share * full
        there = np.flatnonzero(reaches(accuracy, target))
        if not there.size:
            return float("nan")
        if (k := there[0]) == 0:
            return float(costs[0])
        step = min(1.0, (target - accuracy[k - 1]) / (accuracy[k] - accuracy[k - 1]))
        return float(costs[k - 1] + step * (costs[k] - costs[k - 1]))

    def apgr(self, full: Curve | None = None, name: str = "additional_cost") -> float:
        """Average share of the gap from initial to full accuracy that is closed, over all budgets.

        (AUC - initial) / (full - initial), AUC being the mean accuracy over costs from those of
        the first stage to those of full retransmission: 0.5 for random, 1 for closing it at once.
        full: a curve that ends at full retransmission; None: this one does. NaN without a gap.
        """
        end = self if full is None else full
        costs, limit = self.cost(name), end.cost(name)[-1]
        initial, best = self.accuracy[0], end.accuracy[-1]
        if not (exceeds(best, initial) and exceeds(limit, costs[0])):
            return float("nan")
        accuracy = self.accuracy
        if costs[-1] < limit:  # nobody has to spend the rest
            costs, accuracy = np.append(costs, limit), np.append(accuracy, accuracy[-1])
        # From the differences: exact for a straight line of any number of points.
        gained = (accuracy[1:] + accuracy[:-1]) / 2 - initial
        return float((gained * np.diff(costs)).sum() / (limit - costs[0]) / (best - initial))


def tradeoff(
    run: Run, metric: str = "min_entropy", first_tokens: int | None = None, rounds: int = 1
) -> Curve:
    """Every operating point of the gate on this metric, one per distinct threshold (Fig. 6, 8).

    metric: one of `run.metrics`. first_tokens: tokens averaged over (None: all). rounds: looks at
    most, with the same η for each; `core.bench.analysis.rounds.folded` fixes others for the later.
    Its first point retransmits nothing: an η that is never met. The others retransmit at and above
    their η (for a margin: at and below), as `Gate` does; the last one everything.
    Raises ValueError for a metric the run doesn't hold, `first_tokens` below 1, more rounds than
    were recorded, or a run in which no sample was answered.
    """
    looks = looks_of(run, rounds)
    ranked = chained(looks, metric, first_tokens)
    order, ends = by_uncertainty(ranked)
    values = np.append(np.inf, ranked[order[ends - 1]])
    threshold = values if METRICS[metric].higher_is_uncertain else -values
    return _curve(looks, metric, first_tokens, threshold, order, np.append(0, ends))


def random_curve(run: Run, points: int = 101) -> Curve:
    """Retransmitting at random, in expectation (Fig. 4-6).

    Each of the N samples is as likely to be among the k retransmitted as any other, so a share
    k / N of every sum is expected to come from the second stage: a straight line, drawn at
    `points` equally spaced shares. Exact, not one shuffle.
    Raises ValueError for a run in which no sample was answered, or fewer than 2 points.
    """
    if points < 2:
        raise ValueError(f"points must be at least 2, not {points}.")
    ends = [initial(run), full(run)]
    share = np.linspace(0, 1, points)
    along = {
        f.name: np.interp(share, [0, 1], [getattr(end, f.name) for end in ends])
        for f in fields(Point)
    }
    along["threshold"] = np.full(points, np.nan)
    return Curve("random", None, len(run.answered), **along)


def oracle_curve(run: Run, cost: str = "additional_cost") -> Curve:
    """The best that any gate could do, knowing both answers' scores.

    It retransmits exactly where that gains, the largest gain per `cost` (one of `COSTS`) first,
    and stops there: its last point is less than full retransmission, and better.
    Raises ValueError for another cost, or a run in which no sample was answered.
    """
    check_cost(cost)
    run = run.answered
    gains = np.flatnonzero(run.gain > 0)
    with np.errstate(divide="ignore"):  # gained for nothing: first of all
        worth = run.gain[gains] / column(run, COSTS[cost][1])[gains]
    order = gains[np.argsort(-worth, kind="stable")]
    sent = np.arange(len(order) + 1)
    return _curve((run,), "oracle", None, np.full(len(sent), np.nan), order, sent)


def operating_point(run: Run, strategy: Strategy, link: Link | None = None) -> Point:
    """Return what a question costs on every axis, and how many are answered right, by one strategy.

    strategy: a gate, whose rounds are part of it; a mask (N,) bool of the answered samples to
    retransmit; "initial", nothing retransmitted, or "full", everything; or "high_resolution": every
    image sent once, at twice the side (Fig. 4 and 5). Of that, nothing is retransmitted and nothing
    is in units of equal images, so that `threshold`, `retransmitted` and `additional_cost` are NaN;
    `additional_bytes` is what its images weigh beyond the global ones, as a share of these. All is
    NaN if the run hasn't measured it for every sample.
    link: what `seconds` are over; None: they are those of the computation alone, or those that the
    run holds already (`core.bench.analysis.links.over_link`).
    Raises ValueError for another strategy, a gate on a metric the run doesn't hold, a mask of
    another shape or type, or a run in which no sample was answered.
    """
    run = over_link(run, link) if link else run.answered
    threshold = np.nan
    if isinstance(strategy, Gate):
        run = folded(run, strategy) if strategy.rounds else run
        threshold, asked = strategy.threshold, asked_by(run, strategy)
    elif isinstance(strategy, str):
        if strategy == "high_resolution":
            return _high_resolution(run)
        if strategy not in ("initial", "full"):
            raise ValueError(
                f"The strategy must be initial, full or high_resolution, not {strategy!r}."
            )
        asked = np.full(len(run), strategy == "full")
    else:
        asked = strategy
    if asked.shape != (len(run),) or asked.dtype != bool:
        raise ValueError(f"The mask must be ({len(run)},) bool.")
    order = np.flatnonzero(asked)
    curve = _curve((run,), "", None, np.array([threshold]), order, np.array([len(order)]))
    return curve.point(0)


def initial(run: Run) -> Point:
    """Nothing retransmitted: global images only."""
    return operating_point(run, "initial")


def full(run: Run) -> Point:
    """Everything retransmitted."""
    return operating_point(run, "full")


def high_resolution(run: Run) -> Point | None:
    """Every image sent once, in high resolution; None if the run hasn't measured it."""
    point = operating_point(run, "high_resolution")
    return None if np.isnan(point.accuracy) else point


def _high_resolution(run: Run) -> Point:
    with np.errstate(invalid="ignore", divide="ignore"):  # a run without FLOPs: x / 0
        return Point(
            threshold=np.nan,
            retransmitted=np.nan,
            additional_cost=np.nan,
            accuracy=float(run.hd_score.mean()),
            bytes=float(run.hd_message_bytes.mean()),
            additional_bytes=float(run.hd_bytes.sum() / run.global_bytes.sum() - 1),
            relative_cost=float(run.hd_bytes.sum() / run.reference_bytes.sum()),
            flops=float(run.hd_flops.mean()),
            relative_flops=float(run.hd_flops.sum() / run.first_flops.sum()),
            seconds=float(run.hd_seconds.mean()),
        )


def asked_by(run: Run, gate: Gate) -> np.ndarray:
    """Return which of the answered samples the gate retransmits, (N,) bool.

    Raises ValueError as `operating_point` does.
    """
    uncertainty = run.answered.uncertainty(gate.metric, gate.first_tokens)
    return reached(gate, gate.threshold, uncertainty)


@dataclass(frozen=True, eq=False)
class Frontier:
    """The points of several curves that no other point beats, by rising cost; arrays are (P,)."""

    cost: np.ndarray
    accuracy: np.ndarray
    curve: np.ndarray  # index of the curve each point is on
    point: np.ndarray  # index of the point on that curve


def frontier(curves: Sequence[Curve], cost: str = "relative_cost") -> Frontier:
    """Return which of several curves to be on at each cost, for instance of runs per quality (Fig.
    12).

    A point is kept if no other is both as cheap and, but for rounding, as accurate. It is the best
    in hindsight: on fresh data the same thresholds do a little worse.
    Raises ValueError for no curves, or a cost that isn't one of `COSTS`.
    """
    if not curves:
        raise ValueError("A frontier needs at least one curve.")
    costs = np.concatenate([c.cost(cost) for c in curves])
    accuracy = np.concatenate([c.accuracy for c in curves])
    curve = np.repeat(np.arange(len(curves)), [len(c) for c in curves])
    point = np.concatenate([np.arange(len(c)) for c in curves])
    order = np.lexsort((-accuracy, costs))
    best_before = np.append(-np.inf, np.maximum.accumulate(accuracy[order])[:-1])
    kept = order[exceeds(accuracy[order], best_before)]
    return Frontier(costs[kept], accuracy[kept], curve[kept], point[kept])


def column(run: Run, name: str | int) -> np.ndarray:
    """A column of `COSTS`, (N,)."""
    return np.full(len(run), name) if isinstance(name, int) else getattr(run, name)


def check_cost(name: str) -> None:
    """Raises ValueError for a name that isn't one of `COSTS`."""
    if name not in COSTS:
        raise ValueError(f"The cost must be one of {', '.join(COSTS)}, not {name!r}.")


def _curve(looks: Sequence[Run], name: str, first_tokens: int | None, threshold: np.ndarray,
           order: np.ndarray, sent: np.ndarray) -> Curve:  # fmt: skip
    """The points that take the first `sent` looks of `order`, (P,): indices over all looks."""
    run, n = looks[0], len(looks[0])

    @cache
    def added(second: str | int) -> np.ndarray:
        values = np.concatenate([column(one, second) for one in looks])
        sums = np.zeros(len(order) + 1, dtype=values.dtype)  # whole bytes are summed exactly
        np.cumsum(values[order], out=sums[1:])
        return sums[sent]

    def along(first: str | int, second: str | int, per: str | int) -> np.ndarray:
        whole = getattr(run, per).sum() if isinstance(per, str) else n
        with np.errstate(invalid="ignore", divide="ignore"):  # a run without FLOPs: x / 0
            return (added(second) + (column(run, first).sum() if first else 0)) / whole

    accuracy = along("first_score", "gain", 1)
    # The ends are the mean scores themselves, without the rounding of a running sum.
    accuracy[sent == 0] = run.first_score.mean()
    if len(looks) == 1:
        accuracy[sent == n] = run.second_score.mean()
    costs = {cost: along(*columns) for cost, columns in COSTS.items()}
    if not run.knows_flops:
        costs["flops"] = np.full(len(sent), np.nan)
    of_first = np.append(0, np.cumsum(order < n))
    return Curve(
        name=name,
        first_tokens=first_tokens,
        samples=n,
        threshold=threshold,
        retransmitted=of_first[sent] / n,
        accuracy=accuracy,
        **costs,
    )
