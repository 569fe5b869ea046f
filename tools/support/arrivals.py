"""Schedules of questions that don't wait for one another's answers (an open loop)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BURST = 16  # questions at once


def poisson(rate: float, seconds: float, seed: int = 0) -> NDArray[np.float64]:
    """Return the times (seconds, rising) of a Poisson process of `rate` a second.

    Raises ValueError for a rate or a time that isn't positive.
    """
    _check(rate, seconds)
    random = np.random.default_rng(seed)
    # Given their number, the arrivals of a Poisson process are uniform.
    return np.sort(random.uniform(0, seconds, random.poisson(rate * seconds)))


def bursts(rate: float, seconds: float, size: int = BURST) -> NDArray[np.float64]:
    """Return the times (seconds) of `size` questions at once, again and again, `rate` a second.

    Raises ValueError for a rate, a time or a size that isn't positive.
    """
    _check(rate, seconds)
    if size < 1:
        raise ValueError(f"A burst has at least 1 question, not {size}.")
    return np.repeat(np.arange(0, seconds, size / rate), size)


def _check(rate: float, seconds: float) -> None:
    if not (0 < rate < np.inf and 0 < seconds < np.inf):
        raise ValueError(f"The rate and the seconds must be positive, not {rate} and {seconds}.")
