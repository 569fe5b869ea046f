"""Bootstrap intervals: how far a figure would move on another draw of the same kind of questions.

Questions about the same image stand or fall together, so images are drawn, with repetition, and
each brings all its questions. A draw is a weight per sample: how often it was drawn. A statistic
is computed from the weights of many draws at once, on samples sorted once:

    gate, chance = accuracy_statistic(run, [0.4]), accuracy_statistic(run, [0.4], metric=None)
    bootstrap(run, lambda weights: gate(weights) - chance(weights)).low > 0

Statistics applied to the same weights are paired: their difference has an interval of its own,
narrower than theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from core.bench.analysis.goals import reaches
from core.bench.analysis.ranking import by_uncertainty, per_value
from core.bench.analysis.separability import (
    RIGHT_FROM,
    affinity,
    bin_edges,
    distance_of,
    overlap,
    pairs_won,
)
from core.bench.runs.run import Run

Statistic = Callable[[np.ndarray], np.ndarray]  # weights (b, N) float64 -> (b, ...)

REPLICATES = 1_000
LEVEL = 0.95
NORMAL = 1.96  # standard deviations to either side that hold LEVEL of a normal distribution
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
    bounds[:, defined] = np.nanquantile(samples[:, defined], tails, axis=0, method="inverted_cdf")
    return Interval(estimate, bounds[0], bounds[1], level)


def resample(
    run: Run, replicates: int = REPLICATES, seed: int = 0, share: float = 1.0
) -> Iterator[np.ndarray]:
    """Weights (b, N) of draws of the answered samples, in pieces that add up to `replicates`.

    share: how many images are drawn, as a share of those that there are; at least one.
    """
    if replicates < 1:
        raise ValueError(f"replicates must be at least 1, not {replicates}.")
    run = run.answered
    image = _images(run)
    images = int(image.max()) + 1
    drawn_at_once = max(1, round(share * images))
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK // len(run))
    for begin in range(0, replicates, step):
        size = min(step, replicates - begin)
        drawn = rng.integers(0, images, (size, drawn_at_once)) + images * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * images).reshape(size, images)
        yield counts[:, image].astype(np.float64)


def _images(run: Run) -> np.ndarray:
    """The number of each sample's image, (N,) int."""
    return np.unique(run.image_id.astype(str), return_inverse=True)[1]


def accuracy_statistic(
    run: Run,
    costs: ArrayLike,
    metric: str | None = "min_entropy",
    first_tokens: int | None = None,
) -> Statistic:
    """Accuracy at each of the additional costs (C,), as `Curve.accuracy_at` gives it.

    metric: one of `run.metrics`; None: retransmitting at random, in expectation.
    Returns weights -> (b, C). Raises ValueError as `tradeoff` does.
    """
    along, at = _along(run, metric, first_tokens), np.atleast_1d(np.asarray(costs, np.float64))

    def statistic(weights: np.ndarray) -> np.ndarray:
        pairs = zip(*along(weights), strict=True)
        return np.stack([np.interp(at, spent, right, left=np.nan) for spent, right in pairs])

    return statistic


def gate_statistic(
    run: Run, points: ArrayLike, metric: str = "min_entropy", first_tokens: int | None = None
) -> Statistic:
    """Accuracy of the gate with the η of each of the points (C,), indices of `tradeoff`'s curve.

    η stays, whatever is drawn: what the gate is worth that someone has set. What it then costs
    differs from draw to draw, so this doesn't depend on any cost.
    Returns weights -> (b, C). Raises ValueError as `tradeoff` does.
    """
    along = _along(run, metric, first_tokens)
    return lambda weights: along(weights)[1][:, np.asarray(points)]


def _along(
    run: Run, metric: str | None, first_tokens: int | None
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Weights -> share retransmitted and accuracy at every point of the curve, (b, P) each."""
    run = run.answered
    # At random, all samples are tied: a straight line from nothing to everything.
    ranked = np.zeros(len(run)) if metric is None else run.ranked(metric, first_tokens)
    order, ends = by_uncertainty(ranked)
    gain = run.gain[order]

    def along(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        drawn, whole = weights[:, order], weights.sum(axis=1, keepdims=True)
        asked, gained = (
            np.pad(np.cumsum(values, axis=1)[:, ends - 1], ((0, 0), (1, 0)))
            for values in (drawn, drawn * gain)
        )
        return asked / whole, ((weights @ run.first_score)[:, None] + gained) / whole

    return along


def first_cost(
    run: Run,
    costs: np.ndarray,
    short: float,
    metric: str = "min_entropy",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Interval:
    """The least of the additional costs, rising, with the accuracy of everything, less `short`.

    A draw's own crossing jumps from one hump of the curve to the next, so that percentiles of
    crossings don't cover. Instead the accuracy at each cost is compared with that goal, paired on
    the same draws: the interval begins where it may be reached, and ends where it surely is.
    """
    along = _along(run, metric, None)

    def ahead(weights: np.ndarray) -> np.ndarray:
        pairs = zip(*along(weights), strict=True)
        return np.stack([np.interp(costs, x, y) - y[-1] + short for x, y in pairs])

    found = bootstrap(run, ahead, replicates, seed)
    estimate, low, high = (
        np.asarray(costs[np.argmax(reaches(found_at, 0))])
        for found_at in (found.estimate, found.high, found.low)
    )
    return Interval(estimate, low, high, found.level)


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


def separation_interval(
    run: Run,
    distance: Literal["overlap", "bhattacharyya"] = "overlap",
    metric: str = "min_entropy",
    first_tokens: int | None = None,
    right_from: float = RIGHT_FROM,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Interval:
    """Overlap (eq. 23) or D_B (eq. 24) of right and wrong answers, with an interval that covers.

    What it covers is the figure of the distributions that the answers were drawn from, on the bins
    of this run. On bins, a sample's distributions look further apart than they are, since each has
    holes where the other hasn't; those of a draw from the sample look further apart still, so that
    percentiles of draws lie on the wrong side. Here the end towards "apart" is 1.96 standard
    deviations of the draws from the sample's own figure. The other is as far from the one of these
    that is most alike:

    - The sample's figure, freed of its bias. Where the distributions all but tie, the bias of
      min(p, q) goes with 1 / √n, as does that of √(pq) where a bin is all but empty. In draws,
      which are twice as noisy, √2 - 1 of it shows; elsewhere all of it, so this is no less than
      there is.
    - The same with what may lie in bins that look empty: of each class as much, in total, as lies
      in bins that one image alone has reached (Good 1953, after Turing).
    - The same distribution twice, if two samples of the pooled answers are so far apart in 2.5 % of
      the draws.

    `python tools/coverage_of_intervals.py` measures how often it covers.
    Raises ValueError as `separability` does.
    """
    run = run.answered
    likeness = overlap if distance == "overlap" else affinity
    right = run.first_score >= right_from
    binned = _Binned(run.uncertainty(metric, first_tokens))

    def alike(weights: np.ndarray) -> np.ndarray:
        return likeness(binned.shares(weights, right), binned.shares(weights, ~right))

    found = float(alike(np.ones((1, len(run))))[0])
    draws = np.concatenate([alike(weights) for weights in resample(run, replicates, seed)])
    if np.isnan(draws).all():
        nan = np.asarray(np.nan)
        return Interval(nan, nan, nan, LEVEL)
    noise, bias = NORMAL * np.nanstd(draws), np.nanmean(draws) - found
    unseen = binned.unseen(run, right), binned.unseen(run, ~right)
    hidden = sum(np.minimum(*u) if distance == "overlap" else np.sqrt(np.prod(u)) for u in unseen)
    low = max(0.0, found - noise)
    high = min(1.0, found + max(0.0, -bias / (np.sqrt(2) - 1), hidden) + noise)
    if found >= np.nanquantile(
        _null(run, binned, right, likeness, replicates, seed), (1 - LEVEL) / 2
    ):
        high = 1.0
    if distance == "overlap":
        return Interval(np.asarray(found), np.asarray(low), np.asarray(high), LEVEL)
    return Interval(distance_of(found), distance_of(high), distance_of(low), LEVEL)


def _null(
    run: Run, binned: _Binned, right: np.ndarray, likeness: Callable, replicates: int, seed: int
) -> np.ndarray:
    """How alike two samples of all answers are, as large as those of right and wrong ones."""
    everything = np.ones(len(run), dtype=bool)
    share = float(right.mean())
    samples = zip(
        resample(run, replicates, seed + 1, share),
        resample(run, replicates, seed + 2, 1 - share),
        strict=True,
    )
    return np.concatenate([
        likeness(*(binned.shares(weights, everything) for weights in pair)) for pair in samples
    ])  # fmt: skip


class _Binned:
    """Values (N,) on the bins of `separability`, sorted once."""

    def __init__(self, values: np.ndarray):
        edges = bin_edges(values)
        self.order = np.argsort(values)
        # Where each bin ends among the sorted values: all are half-open, but the last.
        ends = np.searchsorted(values[self.order], edges[1:-1], side="left")
        self.ends = np.append(ends, len(values))

    def shares(self, weights: np.ndarray, of: np.ndarray) -> np.ndarray:
        """The share in each bin of the answers `of`, (b, B), from weights (b, N)."""
        drawn = weights[:, self.order] * of[self.order]
        below = np.pad(np.cumsum(drawn, axis=1), ((0, 0), (1, 0)))
        counts = np.diff(below[:, self.ends], axis=1, prepend=0)
        with np.errstate(invalid="ignore"):  # a draw without any
            return counts / counts.sum(axis=1, keepdims=True)

    def unseen(self, run: Run, of: np.ndarray) -> tuple[float, float]:
        """Of the answers `of`, the share in bins that one image alone has reached; of the other
        ones, the share in bins where those have none."""
        bins = np.empty(len(run), dtype=np.int64)
        bins[self.order] = np.searchsorted(self.ends, np.arange(len(run)), side="right")
        images = np.unique(np.stack([bins[of], _images(run)[of]]), axis=1)[0]
        reached = np.bincount(images, minlength=len(self.ends))
        alone, empty = (reached == 1)[bins[of]], (reached == 0)[bins[~of]]
        first, second = (float(x.mean()) if x.size else 0.0 for x in (alone, empty))
        return first, second
