"""Bootstrap intervals: how far a figure would move on another draw of the same kind of questions.

Questions about the same image stand or fall together, so images are drawn, with repetition, and
each brings all its questions. A draw is a weight per sample: how often it was drawn. A statistic
is computed from the weights of many draws at once, on samples sorted once:

    gate, chance = accuracy_statistic(run, [0.4]), accuracy_statistic(run, [0.4], metric=None)
    bootstrap(run, lambda weights: gate(weights) - chance(weights)).low > 0

Statistics applied to the same weights are paired: their difference has an interval of its own,
narrower than theirs.

A statistic first counts the drawn samples in cells of those it doesn't tell apart. Of a curve,
these lie between its points; where it has more than `MOST_POINTS`, that many are kept, each exact,
with straight lines between them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from core.bench.analysis.goals import reaches
from core.bench.analysis.ranking import Segments, counts
from core.bench.analysis.separability import (
    RIGHT_FROM,
    affinity,
    bin_edges,
    distance_of,
    overlap,
    pairs_won,
)
from core.bench.runs.kept import kept
from core.bench.runs.run import Run

Statistic = Callable[[np.ndarray], np.ndarray]  # weights (b, N) float64 -> (b, ...)

Distance = Literal["overlap", "bhattacharyya"]

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


def wilson(share: float, n: int) -> tuple[float, float]:
    """Return both ends of Wilson's interval of a share of n independent questions (Wilson 1927).

    Without draws, for figures of which none, or all, may be hits.
    """
    z = NORMAL
    middle = (share + z * z / 2 / n) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / 4 / n / n) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def shares_apart(a: np.ndarray, b: np.ndarray, paired: bool) -> Interval:
    """Return the share of hits of `a` less that of `b`, with a normal interval.

    a, b: of independent questions, (N,) and (M,) bool; paired: of the same ones, N = M.
    """
    apart = a.mean() - b.mean()
    if paired:
        error = np.std(a.astype(float) - b.astype(float)) / np.sqrt(len(a))
    else:
        error = np.sqrt(a.var() / len(a) + b.var() / len(b))
    return Interval(apart, apart - NORMAL * error, apart + NORMAL * error, LEVEL)


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
        times = np.bincount(drawn.ravel(), minlength=size * images).reshape(size, images)
        yield times[:, image].astype(np.float64)


def side_by_side(statistics: Sequence[Statistic]) -> Statistic:
    """Return several statistics of the same shape as one: weights -> (b, ..., S).

    Drawn once for all of them, as they would be drawn for each.
    """
    return lambda weights: np.stack([one(weights) for one in statistics], axis=-1)


@kept(1)
def _images(run: Run) -> np.ndarray:
    """Return the number of each sample's image, (N,) int."""
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
    distinct = len(np.unique(run.answered.ranked(metric, first_tokens)))
    every = np.arange(distinct + 1)
    wanted, where = np.unique(every[np.asarray(points)], return_inverse=True)
    along = _along(run, metric, first_tokens, wanted)
    return lambda weights: along(weights)[1][:, where]


def _along(
    run: Run, metric: str | None, first_tokens: int | None, points: np.ndarray | None = None
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return weights -> share retransmitted and accuracy at points of the curve, (b, P) each.

    points: as of `Segments`.
    """
    run = run.answered
    # At random, all samples are tied: a straight line from nothing to everything.
    ranked = np.zeros(len(run)) if metric is None else run.ranked(metric, first_tokens)
    segments, first, gain = Segments(ranked, points), run.first_score, run.gain

    def along(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        whole = weights.sum(axis=1, keepdims=True)
        right = (weights @ first)[:, None] + segments.along(weights * gain)
        return segments.along(weights) / whole, right / whole

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
    segments = Segments(run.ranked(metric, first_tokens))
    size = segments.points + 1
    cells = segments.cells + size * (run.first_score < right_from)  # right ones, then wrong ones

    def statistic(weights: np.ndarray) -> np.ndarray:
        right, wrong = np.split(counts(cells, 2 * size, weights), 2, axis=1)
        return pairs_won(wrong, right)

    return statistic


def separation_interval(
    run: Run,
    distance: Distance = "overlap",
    metric: str = "min_entropy",
    first_tokens: int | None = None,
    right_from: float = RIGHT_FROM,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Interval:
    """Return one of `separation_intervals`. Raises ValueError as `separability` does."""
    of = [(metric, first_tokens)]
    return separation_intervals(run, of, right_from, replicates, seed)[0][distance]


def separation_intervals(
    run: Run,
    of: Sequence[tuple[str, int | None]],
    right_from: float = RIGHT_FROM,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> list[dict[Distance, Interval]]:
    """Return overlap (eq. 23) and D_B (eq. 24) of right and wrong answers; their intervals cover.

    of: metric and first tokens of each, all on the same draws.

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

    `python tools/statistics/coverage.py` measures how often it covers.
    Raises ValueError as `separability` does.
    """
    run = run.answered
    right = run.first_score >= right_from
    binned = [_Binned(run.uncertainty(*one), right) for one in of]
    found = _alike(binned, np.ones((1, len(run))))[0]
    draws = np.concatenate([_alike(binned, weights) for weights in resample(run, replicates, seed)])
    null = _null(run, binned, float(right.mean()), replicates, seed)
    intervals: list[dict[Distance, Interval]] = []
    for k, one in enumerate(binned):
        unseen = one.unseen(_images(run))
        hidden = np.minimum(*unseen).sum(), np.sqrt(np.prod(unseen, axis=0)).sum()
        shared, affine = (
            _covering(found[k, i], draws[:, k, i], null[:, k, i], hidden[i]) for i in (0, 1)
        )
        apart = distance_of(affine)  # the more alike, the nearer
        intervals.append({
            "overlap": Interval(shared[0], shared[1], shared[2], LEVEL),
            "bhattacharyya": Interval(apart[0], apart[2], apart[1], LEVEL),
        })  # fmt: skip
    return intervals


def _covering(found: float, draws: np.ndarray, null: np.ndarray, hidden: float) -> np.ndarray:
    """Return how alike two distributions are, with both ends: `separation_intervals` says why.

    found, draws (R,): of the run and its draws. null (R,): of the same distribution twice. hidden:
    what may lie in bins that look empty.
    """
    if np.isnan(draws).all():
        return np.full(3, np.nan)
    noise, bias = NORMAL * np.nanstd(draws), np.nanmean(draws) - found
    low = max(0.0, found - noise)
    high = min(1.0, found + max(0.0, -bias / (np.sqrt(2) - 1), hidden) + noise)
    if found >= np.nanquantile(null, (1 - LEVEL) / 2):
        high = 1.0
    return np.array([found, low, high])


def _alike(binned: Sequence[_Binned], weights: np.ndarray) -> np.ndarray:
    """Return overlap and affinity of right and wrong answers, (b, K, 2), from weights (b, N)."""
    shares = [_shares(one.counts(weights)) for one in binned]
    return np.stack([_both(p[:, 0], p[:, 1]) for p in shares], axis=1)


def _null(
    run: Run, binned: Sequence[_Binned], share: float, replicates: int, seed: int
) -> np.ndarray:
    """Return how alike two samples of all answers are, as large as those of right and wrong ones.

    share: of right answers. Returns overlap and affinity, (R, K, 2).
    """
    pairs = zip(
        resample(run, replicates, seed + 1, share),
        resample(run, replicates, seed + 2, 1 - share),
        strict=True,
    )
    return np.concatenate([
        np.stack([
            _both(*(_shares(one.counts(weights).sum(axis=1)) for weights in pair))
            for one in binned
        ], axis=1)
        for pair in pairs
    ])  # fmt: skip


def _both(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return overlap and affinity of distributions (b, B): (b, 2)."""
    return np.stack([overlap(p, q), affinity(p, q)], axis=-1)


def _shares(counts: np.ndarray) -> np.ndarray:
    """Return counts (..., B) as shares of their sum; NaN of none."""
    with np.errstate(invalid="ignore"):  # a draw without any
        return counts / counts.sum(axis=-1, keepdims=True)


class _Binned:
    """Values (N,) of right and of wrong answers on the B bins of `separability`."""

    def __init__(self, values: np.ndarray, right: np.ndarray):
        edges = bin_edges(values)
        self.size, self.right = len(edges) - 1, right
        self.bins = np.searchsorted(edges[1:-1], values, side="right")
        self._cells = self.bins + self.size * ~right

    def counts(self, weights: np.ndarray) -> np.ndarray:
        """Return the weight in each bin of right and of wrong answers, (b, 2, B), of (b, N)."""
        return counts(self._cells, 2 * self.size, weights).reshape(-1, 2, self.size)

    def unseen(self, image: np.ndarray) -> np.ndarray:
        """Return what may lie in bins that look empty, (2, 2): of right and wrong answers each.

        The share of these in bins that one image (N,) alone has reached, and that of the other
        ones in bins where these have none.
        """
        return np.stack([self._unseen(image, of) for of in (self.right, ~self.right)], axis=1)

    def _unseen(self, image: np.ndarray, of: np.ndarray) -> np.ndarray:
        images = np.unique(np.stack([self.bins[of], image[of]]), axis=1)[0]
        reached = np.bincount(images, minlength=self.size)
        alone, empty = (reached == 1)[self.bins[of]], (reached == 0)[self.bins[~of]]
        return np.array([x.mean() if x.size else 0.0 for x in (alone, empty)])
