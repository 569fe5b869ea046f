"""Hits and misses: the boxes asked for, against the boxes of what was asked, and their maps."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from core.box import Box

Extent = tuple[float, float, float, float]
COVERED = 0.8  # of the object's area
PLACES = 24  # tried along each axis for the expectation over random boxes


def holds(box: Box, target: Box) -> bool:
    """Return whether the box holds the target's centre and at least 80 % of its area."""
    w = min(box.right, target.right) - max(box.left, target.left)
    h = min(box.bottom, target.bottom) - max(box.top, target.top)
    x, y = (target.left + target.right) / 2, (target.top + target.bottom) / 2
    centre = box.left <= x < box.right and box.top <= y < box.bottom
    return bool(centre and max(w, 0) * max(h, 0) >= COVERED * target.area)


def holds_any(box: Box, targets: Iterable[Box]) -> bool:
    return any(holds(box, target) for target in targets)


def random_hit(box: Box, targets: list[Box], image_size: tuple[int, int]) -> float:
    """Return how often a box of the same size at a random place would hold one of the targets."""
    lefts = np.linspace(0, image_size[0] - box.width, PLACES).astype(int)
    tops = np.linspace(0, image_size[1] - box.height, PLACES).astype(int)
    hits = [
        holds_any(Box(int(x), int(y), int(x) + box.width, int(y) + box.height), targets)
        for x in lefts
        for y in tops
    ]
    return float(np.mean(hits))


def box_around(target: Box, image_size: tuple[int, int], base_side: int) -> Box:
    """The smallest box that the search could ask for (1.0 to 2.0 base sides) around an object."""
    width, height = image_size
    side = int(min(max(base_side, 1.1 * max(target.size)), 2 * base_side))
    w, h = min(side, width), min(side, height)
    left = int(np.clip((target.left + target.right - w) / 2, 0, width - w))
    top = int(np.clip((target.top + target.bottom - h) / 2, 0, height - h))
    return Box(left, top, left + w, top + h)


def centres(grid: tuple[int, int], extent: Extent) -> tuple[np.ndarray, np.ndarray]:
    """Return x (cols,) and y (rows,) of the centres of a grid's cells, which is laid over `extent`.

    grid: rows, cols. extent: left, top, right, bottom, in pixels of the original.
    """
    rows, cols = grid
    left, top, right, bottom = extent
    x = left + (np.arange(cols) + 0.5) * (right - left) / cols
    y = top + (np.arange(rows) + 0.5) * (bottom - top) / rows
    return x, y


def cells_in(box: Box, grid: tuple[int, int], extent: Extent) -> np.ndarray:
    """Return which cells of a grid over `extent` have their centre in a box, (rows, cols) bool."""
    x, y = centres(grid, extent)
    return np.outer((box.top <= y) & (y < box.bottom), (box.left <= x) & (x < box.right))


def contrast(weights: ArrayLike, extent: Extent, box: Box) -> float:
    """Return how many times as much a cell in the box gets as one outside; 1: nothing stands out.

    weights: (rows, cols), laid over `extent` (left, top, right, bottom, pixels of the original). A
    cell lies where its centre does. NaN where all of them, or none, are in the box.
    """
    weights = np.asarray(weights)
    inside = cells_in(box, weights.shape, extent)
    if inside.all() or not inside.any() or not weights[~inside].any():
        return float("nan")
    return float(weights[inside].mean() / weights[~inside].mean())
