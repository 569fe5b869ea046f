"""How sure the model is of its answer: token scores from raw logits, and the gate (section V-A)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

LN2 = np.log(2.0)


@dataclass(frozen=True)
class Metric:
    """One way to score a token's distribution; an entry of `METRICS`."""

    name: str  # its key in METRICS
    label: str  # for people, as at the start of a sentence
    unit: str  # "" if it has none
    formula: str  # plain text; p is the softmax distribution over the vocabulary
    definition: str  # one sentence
    higher_is_uncertain: bool
    score: Callable[[np.ndarray], np.ndarray]  # natural log-probabilities (T, V) float64 -> (T,)


def _min_entropy(logp: np.ndarray) -> np.ndarray:
    return -logp.max(axis=-1) / LN2  # eq. 15


def _shannon_entropy(logp: np.ndarray) -> np.ndarray:
    p = np.exp(logp)
    surprisal = np.where(p > 0, -logp, 0.0)  # p log p -> 0 as p -> 0, where 0 · inf would be NaN
    return (p * surprisal).sum(axis=-1) / LN2  # eq. 14


def _probability_margin(logp: np.ndarray) -> np.ndarray:
    p = np.exp(logp)
    second = np.partition(p, -2, axis=-1)[:, -2] if p.shape[-1] > 1 else 0.0
    return p.max(axis=-1) - second  # eq. 16


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
        ),
        Metric(
            name="shannon_entropy",
            label="Shannon entropy",
            unit="bits",
            formula="−Σ p log₂ p",
            definition="How surprising the next token is on average over the whole vocabulary.",
            higher_is_uncertain=True,
            score=_shannon_entropy,
        ),
        Metric(
            name="probability_margin",
            label="Probability margin",
            unit="",
            formula="p₁ − p₂",
            definition="How far the most likely token is ahead of the runner-up, from 0 to 1.",
            higher_is_uncertain=False,
            score=_probability_margin,
        ),
    )
}


def token_scores(logits: ArrayLike, metric: str) -> np.ndarray:
    """The score of each generated token, g of eq. 14-16.

    logits: (T, V), raw, of any float type; −inf is a token that can't come (p = 0).
    metric: a key of `METRICS`.
    Returns (T,) float64, in the metric's unit.

    Raises ValueError for an unknown metric, for logits that aren't (T, V) with V ≥ 1, and for a
    row that is no distribution: one with NaN or +inf, or with nothing but −inf.
    """
    return _find(metric).score(_log_softmax(logits)) + 0.0  # a certain token scores 0, not −0


def aggregate(scores: ArrayLike, first_tokens: int | None = None) -> float:
    """G_avg (eq. 9, 13): the mean over all tokens, or over the first n of section VII-D.

    scores: (T,). An answer shorter than `first_tokens` is averaged whole.
    Raises ValueError for `first_tokens` below 1, for no tokens, and for a score that is NaN.
    """
    _check_first_tokens(first_tokens)
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or scores.size == 0:
        raise ValueError(f"scores must be (T,) with at least one token, not {scores.shape}.")
    if np.isnan(scores).any():  # would compare as False below: a gate that silently never opens
        raise ValueError("scores must be numbers, and one of them is NaN.")
    return float(scores[:first_tokens].mean())


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

    def uncertainty(self, scores: Sequence[float] | np.ndarray) -> float:
        """G_avg of token scores (T,) of this gate's metric."""
        return aggregate(scores, self.first_tokens)

    def retransmit(self, scores: Sequence[float] | np.ndarray) -> bool:
        """Whether G_avg reaches η: at or above it, or for the margin at or below."""
        value = self.uncertainty(scores)
        if METRICS[self.metric].higher_is_uncertain:
            return value >= self.threshold
        return value <= self.threshold


def _log_softmax(logits: ArrayLike) -> np.ndarray:
    """Natural log-probabilities (T, V) float64."""
    logits = np.asarray(logits, dtype=np.float64)
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(f"logits must be (T, V) with V of at least 1, not {logits.shape}.")
    peak = logits.max(axis=-1, keepdims=True)  # NaN if any is
    if not np.isfinite(peak).all():
        token = int(np.flatnonzero(~np.isfinite(peak))[0])
        raise ValueError(
            f"logits of token {token} are no distribution: "
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
