"""Whether a figure meets a goal, whatever rounding did to it.

An accuracy or a cost is a sum of up to a million decimals such as 0.3, divided by their number. Its
last digits are noise, so comparing it with a goal as it stands would let that noise decide: ten
scores that make 0.91 add up to 0.9099999999999999. All comparisons of such figures with a goal, or
with each other, are made here: what differs by no more than rounding can explain is equal.

Arguments are numbers or arrays of any shapes that fit together; NaN meets nothing.
"""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["exceeds", "keeps", "reaches"]

# Relative, and absolute below 1: a million times what summing a million float64 may lose, and a
# hundredth of what one answer in ten million is worth.
ROUNDING = 1e-9


def reaches(values: ArrayLike, goal: ArrayLike) -> np.ndarray:
    """Return whether each value is at least the goal."""
    return np.asarray(values) >= goal - _slack(goal)


def keeps(values: ArrayLike, limit: ArrayLike) -> np.ndarray:
    """Return whether each value is at most the limit."""
    return np.asarray(values) <= limit + _slack(limit)


def exceeds(values: ArrayLike, other: ArrayLike) -> np.ndarray:
    """Return whether each value is greater than the other, beyond rounding."""
    return np.asarray(values) > other + _slack(other)


def _slack(goal: ArrayLike) -> np.ndarray:
    goal = np.asarray(goal, dtype=np.float64)
    # An infinite goal needs no slack, and would become NaN with it.
    return np.where(np.isfinite(goal), ROUNDING * np.maximum(1.0, np.abs(goal)), 0.0)
