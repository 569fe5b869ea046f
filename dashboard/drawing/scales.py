"""Where the scales of a metric begin and end, so that every value shown on one lies on it."""

from __future__ import annotations

import math

from core.uncertainty import Metric

SPANS = (1, 2, 4, 8, 16, 32)  # of a scale without an end of its own


def ends(metric: Metric, *values: float) -> tuple[float, float]:
    """Return begin and end of a scale with room around these values; it rarely jumps as they move.

    An infinite value, as η may be, is left out.
    """
    low, high = metric.bounds
    finite = [value for value in values if math.isfinite(value)]
    if math.isinf(low):
        low = math.floor(min(finite, default=0.0)) - 1.0
    if math.isinf(high):
        largest = 1.1 * (max(finite, default=low) - low)
        high = low + next((span for span in SPANS if span >= largest), math.ceil(largest))
    return low, high


def share(value: float, scale: tuple[float, float]) -> float:
    """Return where on a scale a value lies, 0 to 1."""
    low, high = scale
    return min(max((value - low) / (high - low), 0.0), 1.0)
