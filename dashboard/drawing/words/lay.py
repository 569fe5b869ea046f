"""Uncertainty in lay words: bits as tosses of a coin, a margin as points of a hundred."""

from __future__ import annotations

from collections.abc import Sequence

from core.transcript import Token
from core.uncertainty import MAXIMUM, Metric


def doubt(value: float, metric: Metric, tokens: Sequence[Token]) -> str:
    """Return what a value of a metric means, or "" for a metric that has no plain meaning.

    b bits are the doubt of b tosses of a coin, or of one choice among 2^b that are equally likely.
    value: of an answer. tokens: of that answer.
    """
    if metric.needs_attention:
        return ""
    if metric.unit == "bits":
        return f"{_coins(value)} {_where(metric, tokens)}"
    if metric.bounds == (0.0, 1.0) and not metric.higher_is_uncertain:
        points = f"{100 * value:.0f}"
        return f"the first choice leads the second by {points} points of 100"
    return ""


def _coins(bits: float) -> str:
    """Return the doubt; what is said is true to a twentieth of a bit, from 10 on to half a one."""
    if bits < 0.05:
        return "next to no doubt"
    tosses = f"{bits:.0f}" if bits >= 9.95 else f"{bits:.1f}".removesuffix(".0")
    if tosses == "1":
        return "one coin toss of doubt"
    if bits < 0.95:
        return f"{tosses} of a coin toss of doubt"
    return f"{tosses} coin tosses of doubt"


def _where(metric: Metric, tokens: Sequence[Token]) -> str:
    """Return what the doubt is about: each letter or token, the least sure one, or all of them."""
    texts = [token.text.strip() for token in tokens[:-1]]  # the last one ends the answer
    letters = texts and all(len(one) == 1 and one.isalnum() for one in texts)
    if metric.aggregation.mean:
        return "a letter" if letters else "a token"
    if metric.aggregation is MAXIMUM:
        return "at its least sure letter" if letters else "at its least sure token"
    return "in the whole answer"
