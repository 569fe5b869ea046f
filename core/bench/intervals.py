"""Bootstrap intervals: how far a figure would move on another draw of the same kind of questions.

Questions about the same image stand or fall together, so images are drawn, with repetition, and
each brings all its questions. A draw is a weight per sample: how often it was drawn. A statistic
is computed from the weights of many draws at once, on samples sorted once:

    gate, chance = accuracy_statistic(run, [0.4]), accuracy_statistic(run, [0.4], metric=None)
    bootstrap(run, lambda weights: gate(weights) - chance(weights)).low > 0

Statistics applied to the same weights are paired: their difference has an interval of its own,
narrower than theirs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.bench.curves import COSTS, check_cost, column
from core.bench.ranking import by_uncertainty, per_value
from core.bench.runs import Run
from core.bench.separability import (
    BINS,
    RIGHT_FROM,
    bin_edges,
    overlap,
    pairs_won,
)

Statistic = Callable[[np.ndarray], np.ndarray]  # weights (b, N) float64 -> (b, ...)

REPLICATES = 1_000
LEVEL = 0.95
CHUNK = 1 << 22  # weights held at once: 32 MB


@dataclass(frozen=True, eq=False)
class Interval:
    """A figure of the run itself, and between which values it lies in `level` of the draws.

    Each is an array of the statistic's shape, () for a single figure. NaN where the statistic is.
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    level: float


def bootstrap(
    run: Run,
    statistic: Statistic,
    replicates: int = REPLICATES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """The percentile interval of a statistic of the run's answered samples.

    The same seed gives the same draws. A draw in which the statistic isn't defined, such as one
    without wrong answers, is left out.
    Raises ValueError for fewer than 1 replicate, a level outside 0..1, or a run in which no sample
    was answered.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}.")
    samples = np.concatenate([statistic(w) for w in resample(run, replicates, seed)])
    estimate = statistic(np.ones((1, len(run.answered))))[0]
    tails = [(1 - level) / 2, (1 + level) / 2]
    bounds = np.full((2, *np.shape(estimate)), np.nan)
    defined = ~np.isnan(samples).all(axis=0)
    # Observed values, nothing between two of them: D_B may be infinite.
    bounds[:, defined] = np.nanquantile(samples[:, defined], tails, axis=0, method="inverted_cdf")
    return Interval(estimate, *bounds, level)


def resample(run: Run, replicates: int = REPLICATES, seed: int = 0) -> Iterator[np.ndarray]:
    """Weights (b, N) of draws of the answered samples, in pieces that add up to `replicates`."""
    if replicates < 1:
        raise ValueError(f"replicates must be at least 1, not {replicates}.")
    run = run.answered
    _, image = np.unique(run.image_id.astype(str), return_inverse=True)
    images = int(image.max()) + 1
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK // len(run))
    for begin in range(0, replicates, step):
        size = min(step, replicates - begin)
        drawn = rng.integers(0, images, (size, images)) + images * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * images).reshape(size, images)
        yield counts[:, image].astype(np.float64)


def accuracy_statistic(
    run: Run,
    costs: ArrayLike,
    metric: str | None = "min_entropy",
    first_tokens: int | None = None,
    name: str = "additional_cost",
) -> Statistic:
    """Accuracy at each of `costs` (C,), as `Curve.accuracy_at` gives it: weights -> (b, C).

    metric: one of `run.metrics`; None: retransmitting at random, in expectation.
    name: which of the `COSTS` is meant. Raises ValueError as `tradeoff` does.
    """
    check_cost(name)
    run = run.answered
    # At random, all samples are tied: a straight line from nothing to everything.
    ranked = np.zeros(len(run)) if metric is None else run.ranked(metric, first_tokens)
    order, ends = by_uncertainty(ranked)
    at = np.atleast_1d(np.asarray(costs, dtype=np.float64))

    def along(weights: np.ndarray, first: str | int, second: str | int, per: str | int):
        added = np.cumsum(weights[:, order] * column(run, second)[order], axis=1)[:, ends - 1]
        sums = (weights @ column(run, first))[:, None] + np.pad(added, ((0, 0), (1, 0)))
        with np.errstate(invalid="ignore", divide="ignore"):  # a run without FLOPs: x / 0
            return sums / (weights @ column(run, per))[:, None]

    def statistic(weights: np.ndarray) -> np.ndarray:
        accuracy = along(weights, "first_score", "gain", 1)
        pairs = zip(along(weights, *COSTS[name]), accuracy, strict=True)
        return np.stack([np.interp(at, spent, right, left=np.nan) for spent, right in pairs])

    return statistic


def auroc_statistic(
    run: Run,
    metric: str = "min_entropy",
    first_tokens: int | None = None,
    right_from: float = RIGHT_FROM,
) -> Statistic:
    """AUROC of uncertainty against a wrong first answer: weights -> (b,)."""
    run = run.answered
    order, ends = by_uncertainty(run.ranked(metric, first_tokens))
    wrong = (run.first_score < right_from)[order]

    def statistic(weights: np.ndarray) -> np.ndarray:
        ordered = weights[:, order]
        return pairs_won(per_value(ordered * wrong, ends), per_value(ordered * ~wrong, ends))

    return statistic


def distance_statistic(
    run: Run,
    distance: Callable[[np.ndarray, np.ndarray], np.ndarray] = overlap,
    metric: str = "min_entropy",
    first_tokens: int | None = None,
    bins: int | ArrayLike = BINS,
    right_from: float = RIGHT_FROM,
) -> Statistic:
    """How far apart right and wrong answers are, on the bins of `separability`: weights -> (b,).

    distance: `overlap` (eq. 23) or `bhattacharyya` (eq. 24), of core.bench.separability.
    """
    shares = _shares(run, metric, first_tokens, bins, right_from)
    return lambda weights: distance(*shares(weights))


def _shares(
    run: Run, metric: str, first_tokens: int | None, bins: int | ArrayLike, right_from: float
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Weights -> the shares of right and of wrong answers in each bin, (b, B) each."""
    run = run.answered
    values = run.uncertainty(metric, first_tokens)
    edges = bin_edges(values, bins)
    order = np.argsort(values)
    # Where each bin ends among the sorted values: all are half-open, but the last.
    ends = np.append(np.searchsorted(values[order], edges[1:-1], side="left"), len(values))
    right = (run.first_score >= right_from)[order]

    def shares(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = []
        for of in (right, ~right):
            below = np.pad(np.cumsum(weights[:, order] * of, axis=1), ((0, 0), (1, 0)))
            counts = np.diff(below[:, ends], axis=1, prepend=0)
            with np.errstate(invalid="ignore"):  # a draw without any
                found.append(counts / counts.sum(axis=1, keepdims=True))
        return found[0], found[1]

    return shares
