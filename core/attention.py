"""Where the question makes the model look, compared with where it looks anyway (eq. 22)."""

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["relative_attention"]

# Generic weights below this share of the row's largest count as that much. The published division
# has no floor, so a weight that underflowed sends its cell to infinity, and the box with it; in
# float16 that happens below 6e-8, which this floor meets when the largest weight is 0.06. A row
# whose weights lie within a factor of a million gives eq. 22 to the last bit. It is a share of the
# row, not a number, because weights shrink as the grid grows and as text takes more attention.
FLOOR = 1e-6

# No ratio of float32 rows comes near this; absurd float64 rows are cut here, far enough from the
# end of the range to be added up.
CEILING = 1e200


def relative_attention(
    question_row: ArrayLike, generic_row: ArrayLike, grid: tuple[int, int]
) -> np.ndarray:
    """A_rel (eq. 22): attention for the question ÷ attention for the generic prompt, on the grid.

    question_row, generic_row: (n_v,), one layer's weights of the last prompt token over the visual
    tokens, mean over heads. grid: (rows, cols) with rows · cols = n_v.
    Returns (rows, cols) float64, finite and not negative, whatever the rows hold. Scaling the
    question row scales the map, scaling the generic row scales it inversely; so neither moves the
    box.

    A weight that can't be one (NaN, infinite, negative) is no evidence: its cell gets 0. A generic
    row of zeros says nothing about any cell: it counts as uniform, 1 / n_v.
    Raises ValueError if the rows don't fit the grid.
    """
    question = np.asarray(question_row, dtype=np.float64)
    generic = np.asarray(generic_row, dtype=np.float64)
    rows, cols = grid
    if min(grid) < 1 or question.shape != (rows * cols,) or generic.shape != (rows * cols,):
        raise ValueError(
            f"rows of {question.shape} and {generic.shape} weights don't fit a grid of "
            f"{rows} × {cols}."
        )
    valid = np.isfinite(question) & np.isfinite(generic) & (question >= 0) & (generic >= 0)
    question, generic = np.where(valid, question, 0.0), np.where(valid, generic, 0.0)

    floor = FLOOR * generic.max()
    if floor < np.finfo(np.float64).tiny:  # all zero, or so near that the floor itself underflows
        generic = np.full_like(generic, 1 / generic.size)
    with np.errstate(over="ignore"):
        relative = question / np.maximum(generic, floor)  # eq. 22
    return np.minimum(relative, CEILING).reshape(rows, cols)
