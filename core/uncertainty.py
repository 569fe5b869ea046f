"""How sure the model is of its answer: token scores from raw logits, and the gate (section V-A).

A metric scores every generated token, and says how the scores of an answer become one number. The
paper has three (eq. 14-16), each averaged. An entry of `METRICS` is all that a new one takes: gate,
transcripts, run files, curves, tables and the dashboard read it from there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "MAXIMUM",
    "METRICS",
    "Aggregation",
    "Evidence",
    "Gate",
    "Metric",
    "aggregate",
    "token_scores",
]

LN2 = np.log(2.0)
INF = float("inf")


@dataclass(frozen=True)
class Evidence:
    """What there is to judge an answer of T tokens by, over a vocabulary of V."""

    logits: np.ndarray  # (T, V) float64, raw
    logp: np.ndarray  # (T, V) float64, natural log-probabilities
    attention: np.ndarray | None  # (cells,) of the question over the global image's grid


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


def _probability_margin(evidence: Evidence) -> np.ndarray:
    p = np.exp(evidence.logp)
    second = np.partition(p, -2, axis=-1)[:, -2] if p.shape[-1] > 1 else 0.0
    return p.max(axis=-1) - second  # eq. 16


def _renyi_entropy(evidence: Evidence) -> np.ndarray:
    return -np.log2((np.exp(evidence.logp) ** 2).sum(axis=-1))  # Rényi 1961, of order 2


def _energy(evidence: Evidence) -> np.ndarray:
    """Liu et al. 2020 (arXiv 2010.03759), eq. 4 at temperature 1."""
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
    logits = np.asarray(logits, dtype=np.float64)
    if attention is not None:
        attention = np.asarray(attention, dtype=np.float64)
    elif entry.needs_attention:
        raise ValueError(f"{metric} needs the attention of the question.")
    evidence = Evidence(logits, _log_softmax(logits), attention)
    return entry.score(evidence) + 0.0  # a certain token scores 0, not −0


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
    never met. first_tokens: average over that many tokens only (None: all).
    Raises ValueError for an unknown metric, a threshold of NaN, or `first_tokens` below 1.
    """

    metric: str = "min_entropy"
    threshold: float = 0.5
    first_tokens: int | None = None

    def __post_init__(self) -> None:
        _find(self.metric)
        if np.isnan(self.threshold):
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
        value = self.uncertainty(scores)
        if METRICS[self.metric].higher_is_uncertain:
            return value >= self.threshold
        return value <= self.threshold


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
