"""How well an uncertainty tells wrong answers from right ones (section VII-C, D; Tables II, III).

An answer counts as right from a score of `RIGHT_FROM` on, where a measure needs two classes; AURC
and PRR take the score itself. Ties are never broken by the order of samples: what depends on an
order is its expectation over all orders of the tied.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.bench.analysis.ranking import by_uncertainty, per_value
from core.bench.runs.run import Run

__all__ = [
    "RIGHT_FROM",
    "Changes",
    "Reliability",
    "Separability",
    "Steps",
    "affinity",
    "auprc",
    "aurc",
    "auroc",
    "bhattacharyya",
    "bin_edges",
    "changes",
    "distance_of",
    "distribution",
    "overlap",
    "pairs_won",
    "prr",
    "reliability",
    "separability",
    "step_means",
]

RIGHT_FROM = 0.5  # soft accuracy gives 0, 0.3, 0.6, 0.9, 1: two of ten people agree, or more
BINS = 50
ECE_BINS = 20


@dataclass(frozen=True, eq=False)
class Separability:
    """How one metric tells right from wrong answers of one run. What needs right and wrong answers
    is NaN without both.
    """

    metric: str
    first_tokens: int | None
    samples: int
    wrong: int
    edges: np.ndarray  # (B + 1,) of the bins, in the metric's unit
    right_share: np.ndarray  # (B,) p: share of the right answers in each bin
    wrong_share: np.ndarray  # (B,) q: the same of the wrong ones
    overlap: float  # eq. 23: 0 apart, 1 alike
    bhattacharyya: float  # D_B, eq. 24: 0 alike, infinite apart
    auroc: float  # of uncertainty against a wrong first answer
    auprc: float  # the same, average precision
    aurc: float  # mean risk over all coverages; lower is better
    prr: float  # prediction rejection ratio: 0 random, 1 as good as knowing the scores
    gain_auroc: float  # of uncertainty against a second answer that scores higher


@dataclass(frozen=True)
class Changes:
    """What the second stage does to the scores when everything is retransmitted."""

    uplifts: int  # samples that score higher
    regressions: int  # samples that score lower
    unchanged: int
    uplift: float  # what the uplifts add to the mean score
    regression: float  # what the regressions take off it, 0 or more


@dataclass(frozen=True, eq=False)
class Steps:
    """Mean token score at each generation step (Fig. 7a); arrays are (S,), NaN where nothing is."""

    metric: str
    right: np.ndarray
    wrong: np.ndarray
    right_count: np.ndarray  # answers that are that long
    wrong_count: np.ndarray


@dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence against accuracy in bins of equal width from 0 to 1; arrays are (B,)."""

    edges: np.ndarray  # (B + 1,)
    confidence: np.ndarray  # mean, NaN in an empty bin
    accuracy: np.ndarray
    count: np.ndarray
    ece: float  # expected calibration error


def separability(
    run: Run,
    metric: str = "min_entropy",
    first_tokens: int | None = None,
    bins: int | ArrayLike = BINS,
    right_from: float = RIGHT_FROM,
) -> Separability:
    """Every measure of how uncertainty and correctness go together on a run.

    bins: overlap and D_B depend on it. A number: that many of equal width, from the least to the
    greatest value of the run. Or the edges, for several runs on the same bins; they must cover all
    values. right_from: the score from which an answer counts as right.
    Raises ValueError for a metric the run doesn't hold, `first_tokens` below 1, edges that don't
    rise or don't cover the values, or a run in which no sample was answered.
    """
    run = run.answered
    values, ranked = run.uncertainty(metric, first_tokens), run.ranked(metric, first_tokens)
    wrong = run.first_score < right_from
    edges = bin_edges(values, bins)
    p, q = distribution(values[~wrong], edges), distribution(values[wrong], edges)
    return Separability(
        metric=metric,
        first_tokens=first_tokens,
        samples=len(run),
        wrong=int(wrong.sum()),
        edges=edges,
        right_share=p,
        wrong_share=q,
        overlap=float(overlap(p, q)),
        bhattacharyya=float(bhattacharyya(p, q)),
        auroc=auroc(ranked, wrong),
        auprc=auprc(ranked, wrong),
        aurc=aurc(ranked, run.first_score),
        prr=prr(ranked, run.first_score),
        gain_auroc=auroc(ranked, run.gain > 0),
    )


def bin_edges(values: np.ndarray, bins: int | ArrayLike = BINS) -> np.ndarray:
    """Edges (B + 1,) over values (N,); see `separability`."""
    if isinstance(bins, int | float | np.number):
        if bins < 1:
            raise ValueError(f"bins must be at least 1, not {bins}.")
        edges = np.linspace(values.min(), values.max(), int(bins) + 1)
        if (np.diff(edges) > 0).all():
            return edges
        return np.linspace(values.min() - 0.5, values.max() + 0.5, int(bins) + 1)  # all but equal
    edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError("The edges of the bins must rise.")
    if values.min() < edges[0] or values.max() > edges[-1]:
        raise ValueError(
            f"The bins must cover all values, {values.min():.6g} to {values.max():.6g}."
        )
    return edges


def distribution(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The share of values in each bin, (B,); the last bin includes its right edge. NaN of none."""
    counts, _ = np.histogram(values, edges)
    return counts / counts.sum() if len(values) else np.full(len(counts), np.nan)


def overlap(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the overlap of distributions (..., B): (...)."""
    return np.minimum(p, q).sum(axis=-1)  # eq. 23


def affinity(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return Bhattacharyya's coefficient of distributions (..., B), (...): 0 apart, 1 alike."""
    return np.sqrt(p * q).sum(axis=-1)


def distance_of(affinity: ArrayLike) -> np.ndarray:
    """Return D_B from Bhattacharyya's coefficient, any shape."""
    with np.errstate(divide="ignore"):  # no common bin: infinitely far
        distance = -np.log(affinity)  # eq. 24
    return np.maximum(distance, 0.0)  # of p with itself, rounding can leave less


def bhattacharyya(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return D_B of distributions (..., B): (...)."""
    return distance_of(affinity(p, q))


def auroc(uncertainty: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive is more uncertain than a negative; ties count half.

    uncertainty: (N,), higher is more uncertain. positive: (N,) bool. NaN without both classes.
    """
    order, ends = by_uncertainty(uncertainty)
    positives, negatives = (per_value(c[order] * 1.0, ends) for c in (positive, ~positive))
    return float(pairs_won(positives, negatives))


def pairs_won(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """AUROC from how many of each there are at each distinct uncertainty, the highest first.

    Arguments (..., G) float64, any weights; returns (...).
    """
    below = negatives.sum(axis=-1, keepdims=True) - np.cumsum(negatives, axis=-1)
    with np.errstate(invalid="ignore"):
        pairs = positives.sum(axis=-1) * negatives.sum(axis=-1)
        return (positives * (below + negatives / 2)).sum(axis=-1) / pairs


def auprc(uncertainty: np.ndarray, positive: np.ndarray) -> float:
    """Average precision: the precision at each distinct threshold, weighted by the recall it adds.

    Arguments as of `auroc`. NaN without positives.
    """
    order, ends = by_uncertainty(uncertainty)
    positives = per_value(positive[order] * 1.0, ends)
    precision = np.cumsum(positives) / ends
    with np.errstate(invalid="ignore"):
        return float((positives * precision).sum() / positives.sum())


def aurc(uncertainty: np.ndarray, score: np.ndarray) -> float:
    """Area under the risk-coverage curve: the mean risk of the k most certain, over k = 1..N.

    uncertainty: (N,), higher is more uncertain. score: (N,), 0..1; its risk is 1 - score.
    """
    return float(_risks(uncertainty, 1 - score).mean())


def prr(uncertainty: np.ndarray, score: np.ndarray) -> float:
    """Prediction rejection ratio, (prr - random) / (oracle - random).

    Its parts are mean scores of the k most certain, over k = 1..N: unnormalised, prr = 1 - AURC.
    Arguments as of `aurc`. NaN where all scores are the same, so that no order is better.
    """
    random, oracle = score.mean(), 1 - aurc(-score, score)
    if score.min() == score.max():
        return float("nan")
    return float((1 - aurc(uncertainty, score) - random) / (oracle - random))


def changes(run: Run) -> Changes:
    """Counts what retransmitting everything mends and breaks.

    Raises ValueError for a run in which no sample was answered.
    """
    gain = run.answered.gain
    up, down = gain > 0, gain < 0
    return Changes(
        uplifts=int(up.sum()),
        regressions=int(down.sum()),
        unchanged=int((gain == 0).sum()),
        uplift=float(gain[up].sum() / len(gain)),
        regression=float(abs(gain[down]).sum() / len(gain)),
    )


def step_means(run: Run, metric: str = "min_entropy", right_from: float = RIGHT_FROM) -> Steps:
    """The mean token score at each step of right and of wrong answers (Fig. 7a).

    Raises ValueError for a metric the run doesn't hold, or a run in which no sample was answered.
    """
    run = run.answered
    if metric not in run.scores:
        raise ValueError(f"The run holds no {metric!r}; its metrics: {', '.join(run.metrics)}.")
    step = np.arange(run.offsets[-1]) - np.repeat(run.offsets[:-1], run.lengths)
    right = np.repeat(run.first_score >= right_from, run.lengths)
    size = int(run.lengths.max())
    means, counts = [], []
    for of in (right, ~right):
        counts.append(np.bincount(step[of], minlength=size))
        sums = np.bincount(step[of], weights=run.scores[metric][of], minlength=size)
        means.append(np.divide(sums, counts[-1], out=np.full(size, np.nan), where=counts[-1] > 0))
    return Steps(metric, *means, *counts)


def reliability(run: Run, first_tokens: int | None = None, bins: int = ECE_BINS) -> Reliability:
    """Return whether the model is right as often as it is sure (ECE).

    Its confidence in an answer is the geometric mean of its tokens' probabilities, 2^-G with G the
    mean min-entropy: the one metric that is the logarithm of a probability of the answer given.
    Raises ValueError for a run without min_entropy, `first_tokens` or `bins` below 1, or a run in
    which no sample was answered.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}.")
    run = run.answered
    sure = np.exp2(-run.uncertainty("min_entropy", first_tokens))
    where = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)  # (0, 1/B], ..., (.., 1]
    count = np.bincount(where, minlength=bins)

    def mean(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(where, weights=values, minlength=bins)
        return np.divide(sums, count, out=np.full(bins, np.nan), where=count > 0)

    confidence, accuracy = mean(sure), mean(run.first_score)
    gaps = np.abs(confidence - accuracy)
    return Reliability(
        edges=np.linspace(0, 1, bins + 1),
        confidence=confidence,
        accuracy=accuracy,
        count=count,
        ece=float(np.nansum(gaps * count) / len(run)),
    )


def _risks(uncertainty: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """The mean risk of the k most certain samples, for k = 1..N, in expectation over ties, (N,)."""
    order, ends = by_uncertainty(-uncertainty)
    sizes = np.diff(ends, prepend=0)
    expected = np.repeat(per_value(risk[order], ends) / sizes, sizes)
    return np.cumsum(expected) / np.arange(1, len(order) + 1)
