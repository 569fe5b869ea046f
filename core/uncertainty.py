"""How sure the model is of its answer: token scores from raw logits, and the gate (section V-A).

A metric scores every generated token, and says how the scores of an answer become one number. The
paper has three (eq. 14-16), each averaged. An entry of `METRICS` is all that a new one takes: gate,
transcripts, run files, curves, tables and the dashboard read it from there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "MAXIMUM",
    "METRICS",
    "Aggregation",
    "Evidence",
    "Gate",
    "Metric",
    "Told",
    "aggregate",
    "all_scores",
    "token_scores",
]

LN2 = np.log(2.0)
INF = float("inf")
LARGEST_VOCABULARY = 2**20  # tokens; an engine doesn't say how many there are, and none has more
ROUNDING = 1e-3  # by how much the probabilities that an engine reports may exceed 1 in all

Told = Literal["exact", "bounded"]  # what is known of a metric's value


@dataclass(frozen=True)
class Evidence:
    """What there is to judge an answer of T tokens by.

    Of a model at hand that is all V logits of each token, and K = V. An engine behind HTTP reports
    the K likeliest tokens only: then there are no logits, and the rest of the probability is left
    over, spread in a way that nobody told.
    """

    logits: np.ndarray | None  # (T, V) float64, raw; None: of an engine
    logp: np.ndarray  # (T, K) float64, natural log-probabilities; -inf: p = 0, or not reported
    attention: np.ndarray | None  # (cells,) of the question over the global image's grid

    @classmethod
    def of_logits(cls, logits: ArrayLike, attention: ArrayLike | None = None) -> Self:
        """Return the evidence of logits (T, V), of any float type; -inf is a token that can't come.

        Raises ValueError for logits that aren't (T, V) with V ≥ 1, and for a row that isn't a
        distribution (one with NaN or +inf, or with nothing but -inf).
        """
        logits = np.asarray(logits, dtype=np.float64)
        return cls(logits, _log_softmax(logits), _weights(attention))

    @classmethod
    def of_likeliest(
        cls, logp: Sequence[Sequence[float]], attention: ArrayLike | None = None
    ) -> Self:
        """Return the evidence of each token's likeliest alternatives, as many as were reported.

        logp: T sequences of natural log-probabilities, in any order, at least one in each. Raises
        ValueError for what can't be log-probabilities of different tokens.
        """
        most = max(map(len, logp), default=0)
        rows = np.full((len(logp), most), -np.inf)
        for row, values in zip(rows, logp, strict=True):
            row[: len(values)] = sorted(values, reverse=True)
        if not most or np.isnan(rows).any() or not (np.isfinite(rows[:, 0])).all():
            raise ValueError("each token must have a log-probability.")
        if (np.exp(rows).sum(axis=1) > 1 + ROUNDING).any():
            raise ValueError("the probabilities of a token's alternatives add up to more than 1.")
        return cls(None, np.minimum(rows, 0.0), _weights(attention))

    @cached_property
    def reported(self) -> int:
        """Return how many of the likeliest are known of every token."""
        return int(np.isfinite(self.logp).sum(axis=1).min())

    @cached_property
    def left(self) -> np.ndarray:
        """Return the probability (T,) of all tokens that were not reported."""
        if self.logits is not None:
            return np.zeros(len(self.logp))
        return np.maximum(0.0, 1.0 - np.exp(self.logp).sum(axis=1))

    @cached_property
    def most_left(self) -> np.ndarray:
        """Return the most (T,) that one of those can have: no more than the least reported one."""
        least = np.where(np.isfinite(self.logp), self.logp, np.inf).min(axis=1)
        return np.minimum(self.left, np.exp(least))


@dataclass(frozen=True)
class Aggregation:
    """How the token scores of an answer become one number."""

    word: str  # for people, of a row of token scores
    prefix: str  # of a metric's name within a sentence; "" where its name says it
    reduce: np.ufunc  # adds or compares; its identity changes nothing
    mean: bool = False  # divided by how many there are


MEAN = Aggregation("Mean", "mean ", np.add, mean=True)  # eq. 13
SUM = Aggregation("Sum", "", np.add)
MAXIMUM = Aggregation("Maximum", "", np.maximum)


@dataclass(frozen=True)
class Metric:
    """One way to judge an answer; an entry of `METRICS`."""

    name: str  # its key in METRICS
    label: str  # for people, as at the start of a sentence
    unit: str  # "" if it has none
    formula: str  # of a token, plain text; p is the softmax distribution over the vocabulary
    definition: str  # one sentence
    higher_is_uncertain: bool
    score: Callable[[Evidence], np.ndarray]  # -> (T,)
    threshold: float  # η to begin with, where no better one is known
    bounds: tuple[float, float] = (0.0, INF)  # between which its values, and η, can lie
    aggregation: Aggregation = MEAN
    needs_attention: bool = False
    proper: bool = False  # the label begins with a name, which keeps its capital
    # How many of a token's likeliest alternatives give the score exactly; None: only all of them.
    likeliest: int | None = None
    # The lowest and the highest that it can be (T,), (T,), where fewer are known; None: not known.
    span: Callable[[Evidence], tuple[np.ndarray, np.ndarray]] | None = None

    def told(self, evidence: Evidence) -> Told | None:
        """Return whether the evidence gives its scores, or bounds of them; None: neither."""
        if self.needs_attention and evidence.attention is None:
            return None
        if evidence.logits is not None:
            return "exact"
        return self.told_by(evidence.reported)

    def told_by(self, likeliest: int | None, attention: bool = False) -> Told | None:
        """Return what can be known of it where so many of the likeliest tokens are reported.

        likeliest: None for a model at hand. attention: whether there is any.
        """
        if self.needs_attention and not attention:
            return None
        if likeliest is None or (self.likeliest is not None and likeliest >= self.likeliest):
            return "exact"
        return "bounded" if self.span and likeliest else None

    @property
    def noun(self) -> str:
        """Its label within a sentence: "min-entropy"."""
        return self.label if self.proper else self.label[0].lower() + self.label[1:]

    @property
    def phrase(self) -> str:
        """Return what the gate compares with η, within a sentence: "mean min-entropy"."""
        return self.aggregation.prefix + self.noun

    @property
    def heading(self) -> str:
        """The phrase at the start of a sentence: "Mean Shannon entropy"."""
        return self.phrase[0].upper() + self.phrase[1:]


def _min_entropy(evidence: Evidence) -> np.ndarray:
    return -evidence.logp.max(axis=-1) / LN2  # eq. 15


def _shannon_entropy(evidence: Evidence) -> np.ndarray:
    logp = evidence.logp
    p = np.exp(logp)
    surprisal = np.where(p > 0, -logp, 0.0)  # p log p -> 0 as p -> 0, where 0 · inf would be NaN
    return (p * surprisal).sum(axis=-1) / LN2  # eq. 14


def _shannon_span(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """What is left over is least uncertain in as few tokens as can hold it, none likelier than the
    least one reported, and most uncertain spread over the whole vocabulary."""
    known, left = _shannon_entropy(evidence), evidence.left
    with np.errstate(divide="ignore", invalid="ignore"):
        few = np.where(left > 0, -left * np.log2(evidence.most_left), 0.0)
        many = np.where(left > 0, left * np.log2(_unreported(evidence) / left), 0.0)
    return known + few, known + np.maximum(few, many)


def _probability_margin(evidence: Evidence) -> np.ndarray:
    p = np.exp(evidence.logp)
    second = np.partition(p, -2, axis=-1)[:, -2] if p.shape[-1] > 1 else 0.0
    return p.max(axis=-1) - second  # eq. 16


def _margin_span(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """With one token reported, the runner-up is among what is left over."""
    first = np.exp(evidence.logp.max(axis=-1))
    return first - evidence.most_left, first - evidence.left / _unreported(evidence)


def _renyi_entropy(evidence: Evidence) -> np.ndarray:
    return -np.log2((np.exp(evidence.logp) ** 2).sum(axis=-1))  # Rényi 1961, of order 2


def _renyi_span(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    known, left = (np.exp(evidence.logp) ** 2).sum(axis=-1), evidence.left
    few, many = left * evidence.most_left, left**2 / _unreported(evidence)
    return -np.log2(known + np.maximum(few, many)), -np.log2(known + many)


def _unreported(evidence: Evidence) -> int:
    """How many tokens may share what is left over, at most."""
    return LARGEST_VOCABULARY - evidence.logp.shape[1]


def _energy(evidence: Evidence) -> np.ndarray:
    """Liu et al. 2020 (arXiv 2010.03759), eq. 4 at temperature 1."""
    assert evidence.logits is not None  # the metric says that no likeliest tokens give it
    peak = evidence.logits.max(axis=-1)  # p = 1 / Σ e^(x - max x) of the token at the peak
    return evidence.logp.max(axis=-1) - peak


def _focused_min_entropy(evidence: Evidence) -> np.ndarray:
    """Return the doubt that a crop can end, a metric of this project: where few cells are attended
    to, what is asked about is small, and more can be seen of it; a question about all of the image
    gains nothing.
    """
    assert evidence.attention is not None  # the metric says that it needs it
    return _min_entropy(evidence) * _focus(evidence.attention)


def _focus(attention: np.ndarray) -> float:
    """1 for attention on a single cell, 0 for the same on all, by its Shannon entropy."""
    weights = np.where(np.isfinite(attention) & (attention > 0), attention, 0.0).ravel()
    total = weights.sum()
    if total == 0 or weights.size == 1:  # nothing is known of where it looked
        return 1.0
    share = weights[weights > 0] / total
    return float(1 + (share * np.log2(share)).sum() / np.log2(weights.size))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="min_entropy",
            label="Min-entropy",
            unit="bits",
            formula="−log₂ max p",
            definition="How surprising the likeliest token is, 0 when the model is certain of it.",
            higher_is_uncertain=True,
            score=_min_entropy,
            threshold=0.5,
            likeliest=1,
        ),
        Metric(
            name="shannon_entropy",
            label="Shannon entropy",
            unit="bits",
            formula="−Σ p log₂ p",
            definition="How surprising the next token is on average over the whole vocabulary.",
            higher_is_uncertain=True,
            score=_shannon_entropy,
            threshold=1.0,
            proper=True,
            span=_shannon_span,
        ),
        Metric(
            name="probability_margin",
            label="Probability margin",
            unit="",
            formula="p₁ − p₂",
            definition="How far the most likely token is ahead of the runner-up, from 0 to 1.",
            higher_is_uncertain=False,
            score=_probability_margin,
            threshold=0.5,
            bounds=(0.0, 1.0),
            likeliest=2,
            span=_margin_span,
        ),
        Metric(
            name="max_nll",
            label="Maximum token NLL",
            unit="bits",
            formula="−log₂ p of the token",
            definition="How surprising the most surprising token of the answer is.",
            higher_is_uncertain=True,
            # Decoding is greedy: the token is the likeliest one.
            score=_min_entropy,
            threshold=1.0,
            aggregation=MAXIMUM,
            likeliest=1,
        ),
        Metric(
            name="sum_nll",
            label="Sum of token NLL",
            unit="bits",
            formula="−log₂ p of the token",
            definition="How surprising the answer is as a whole, so a long one counts for more.",
            higher_is_uncertain=True,
            score=_min_entropy,
            threshold=2.0,
            aggregation=SUM,
            likeliest=1,
        ),
        Metric(
            name="renyi_entropy",
            label="Collision entropy (Rényi)",
            unit="bits",
            formula="−log₂ Σ p²",
            definition="How surprising it would be to draw the same token twice (order 2).",
            higher_is_uncertain=True,
            score=_renyi_entropy,
            threshold=0.7,
            span=_renyi_span,
        ),
        Metric(
            name="energy",
            label="Energy",
            unit="nats",
            formula="−ln Σ exp(logit)",
            definition="How little the logits speak for any token, before they are normalised.",
            higher_is_uncertain=True,
            score=_energy,
            threshold=-10.0,
            bounds=(-INF, INF),
        ),
        Metric(
            name="focused_min_entropy",
            label="Focused min-entropy",
            unit="bits",
            formula="−log₂ max p · (1 − H(a) / log₂ n), a the attention over n patches",
            definition="Min-entropy that counts for more, the fewer patches the question looks at.",
            higher_is_uncertain=True,
            score=_focused_min_entropy,
            threshold=0.3,
            needs_attention=True,
            likeliest=1,
        ),
    )
}


def token_scores(logits: ArrayLike, metric: str, attention: ArrayLike | None = None) -> np.ndarray:
    """The score of each generated token, g of eq. 14-16.

    logits: (T, V), raw, of any float type; −inf is a token that can't come (p = 0).
    metric: a key of `METRICS`. attention: (cells,), the question's attention over the grid of the
    global image, weights of any scale; read by the metrics that need it.
    Returns (T,) float64, in the metric's unit.

    Raises ValueError for an unknown metric, for logits that aren't (T, V) with V ≥ 1, for a row
    that isn't a distribution (one with NaN or +inf, or with nothing but −inf), and for a metric
    that needs attention where there is none.
    """
    entry = _find(metric)
    evidence = Evidence.of_logits(logits, attention)
    if entry.told(evidence) is None:
        raise ValueError(f"{metric} needs the attention of the question.")
    return entry.score(evidence) + 0.0  # a certain token scores 0, not −0


Pairs = tuple[tuple[float, float], ...]


def all_scores(evidence: Evidence) -> tuple[dict[str, tuple[float, ...]], dict[str, Pairs]]:
    """Return the token scores of each metric that the evidence gives, and the bounds of some.

    A metric whose scores are only bounded has the more uncertain bound for its score, so that a
    gate asks rather once too often, and stands in the second dictionary too, with the lowest and
    the highest that the score of each token can be. A metric of which nothing is known is in
    neither.
    """
    scores: dict[str, tuple[float, ...]] = {}
    bounds: dict[str, Pairs] = {}
    for name, metric in METRICS.items():
        match metric.told(evidence):
            case "exact":
                scores[name] = tuple((metric.score(evidence) + 0.0).tolist())
            case "bounded":
                assert metric.span is not None  # else it isn't bounded
                low, high = metric.span(evidence)
                bounds[name] = tuple(zip((low + 0.0).tolist(), (high + 0.0).tolist(), strict=True))
                scores[name] = tuple(pair[metric.higher_is_uncertain] for pair in bounds[name])
    return scores, bounds


def aggregate(
    scores: ArrayLike, first_tokens: int | None = None, aggregation: Aggregation = MEAN
) -> float:
    """G_avg (eq. 9, 13): the mean over all tokens, or over the first n of section VII-D.

    scores: (T,). An answer shorter than `first_tokens` is taken whole. aggregation: what else than
    the mean a metric may ask for.
    Raises ValueError for `first_tokens` below 1, for no tokens, and for a score that is NaN.
    """
    _check_first_tokens(first_tokens)
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or scores.size == 0:
        raise ValueError(f"scores must be (T,) with at least one token, not {scores.shape}.")
    if np.isnan(scores).any():  # would compare as False below: a gate that silently never opens
        raise ValueError("scores must be numbers, and one of them is NaN.")
    taken = scores[:first_tokens]
    value = aggregation.reduce.reduce(taken)
    return float(value / len(taken) if aggregation.mean else value)


@dataclass(frozen=True)
class Gate:
    """Decides from an answer's token scores whether the server asks for a local image.

    metric: a key of `METRICS`. threshold: η, in the metric's unit; an infinite one is always or
    never met. first_tokens: average over that many tokens only (None: all). rounds: η of each
    further look, by which the answer before it is judged; none: the paper's single look.
    Raises ValueError for an unknown metric, a threshold of NaN, or `first_tokens` below 1.
    """

    metric: str = "min_entropy"
    threshold: float = 0.5
    first_tokens: int | None = None
    rounds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _find(self.metric)
        object.__setattr__(self, "rounds", tuple(self.rounds))
        if np.isnan([self.threshold, *self.rounds]).any():
            raise ValueError("threshold must be a number, not NaN.")
        _check_first_tokens(self.first_tokens)

    @classmethod
    def from_certificate(cls, path: str | os.PathLike[str]) -> Gate:
        """Return the gate of a certificate, an η with a promise (core.certificate).

        Raises CertificateError, one sentence, for a file that isn't one.
        """
        from core.certificate import Certificate  # here: it builds on this module

        return Certificate.read(path).gate

    def uncertainty(self, scores: Sequence[float] | np.ndarray) -> float:
        """G_avg of token scores (T,) of this gate's metric."""
        return aggregate(scores, self.first_tokens, METRICS[self.metric].aggregation)

    def retransmit(self, scores: Sequence[float] | np.ndarray) -> bool:
        """Return whether G_avg reaches η: at or above it, or for the margin at or below."""
        return self._reaches(scores, self.threshold)

    def again(self, looks: int, scores: Sequence[float] | np.ndarray) -> bool:
        """Return whether an answer after so many local images (from 1) asks for one more."""
        return looks <= len(self.rounds) and self._reaches(scores, self.rounds[looks - 1])

    def _reaches(self, scores: Sequence[float] | np.ndarray, threshold: float) -> bool:
        value = self.uncertainty(scores)
        return bool(
            value >= threshold if METRICS[self.metric].higher_is_uncertain else value <= threshold
        )


def _weights(attention: ArrayLike | None) -> np.ndarray | None:
    return None if attention is None else np.asarray(attention, dtype=np.float64)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    """Natural log-probabilities (T, V) of float64 logits."""
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(f"logits must be (T, V) with V of at least 1, not {logits.shape}.")
    peak = logits.max(axis=-1, keepdims=True)  # NaN if any is
    if not np.isfinite(peak).all():
        token = int(np.flatnonzero(~np.isfinite(peak))[0])
        raise ValueError(
            f"logits of token {token} are not a distribution: "
            "they hold NaN or +inf, or nothing but -inf."
        )
    with np.errstate(over="ignore"):  # -1e308 - 1e308 = -inf: p = 0, as it should
        shifted = logits - peak  # softmax doesn't change, and exp can't overflow
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _find(metric: str) -> Metric:
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, not {metric!r}.")
    return METRICS[metric]


def _check_first_tokens(first_tokens: int | None) -> None:
    if first_tokens is not None and first_tokens < 1:
        raise ValueError(f"first_tokens must be at least 1, not {first_tokens}.")
