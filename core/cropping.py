"""Which part of the original to ask for: the window of highest attention contrast (eq. 11).

The search of ViCrop (arXiv 2502.17422), with two differences. It knows which region of the image
the attention grid covers, so that padding and centre crops don't shift the box. And it never asks
for less than two cells of the grid, the least that the attention can place: on a large original
the published window would be no cell wide, and its box arbitrary. ``min_cells=0`` is the published
search itself, to the pixel and with that flaw, for who repeats published figures.
"""

from collections.abc import Callable, Sequence
from math import ceil, isfinite
from operator import index

import numpy as np
from numpy.typing import ArrayLike

from core.box import Box

__all__ = ["MIN_CELLS", "OVERLAP", "RATIOS", "Box", "find_box", "find_boxes", "place"]

OVERLAP = 0.3  # of the smaller of two boxes: with less in common, the next one shows something new
MIN_CELLS = 2  # a side, of a box: the least that the attention can place
RATIOS = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0)  # section VI-B: "{1.0, 1.2, …, 2.0} times the input"


def find_box(
    attention: ArrayLike,
    image_size: tuple[int, int],
    base_side: float,
    ratios: Sequence[float] = RATIOS,
    extent: tuple[float, float, float, float] | None = None,
    min_cells: int = MIN_CELLS,
) -> Box:
    """The square of the original that stands out most from its surroundings in `attention`.

    attention: (rows, cols), finite. image_size: (width, height) of the original in pixels.
    base_side: side in original pixels of the smallest square, as a rule the model's input side; it
    is raised to `min_cells` cells of the grid if it is smaller. ratios: sides to try, in base
    sides, each at least 1. extent: left, top, right, bottom of the region that the grid covers, in
    original pixels (None: exactly the image); cells that don't lie in the image are left out of the
    search. min_cells: 0 or more; with 0, the box that ViCrop's `bbox_from_att_image_adaptive`
    gives: see below.

    For each side, the window of that many cells with the largest sum is found, and its contrast:
    how far, per cell, it exceeds the mean of the windows one cell to the left, right, above and
    below. The side with the highest contrast wins. Ties go to the earlier ratio, and within one
    ratio to the window further left, then further up. A window that is the whole grid has no
    contrast; if there is no other, the smallest square is laid on the middle of the grid.

    With ``min_cells=0`` and the published ratios, three things are as published: if there is
    nothing but such windows, the box is the whole image; a window of no cells wins, at the top
    left; and a square that its rounding to even pixels makes shorter than the image is laid inside.

    Returns a box inside the image, at least one pixel a side; square, except where the image is
    smaller than the square. Raises ValueError for arguments other than described, TypeError for an
    image size that isn't whole.
    """
    return find_boxes(attention, image_size, base_side, ratios, extent, min_cells)[0]


def find_boxes(
    attention: ArrayLike,
    image_size: tuple[int, int],
    base_side: float,
    ratios: Sequence[float] = RATIOS,
    extent: tuple[float, float, float, float] | None = None,
    min_cells: int = MIN_CELLS,
    count: int = 1,
) -> list[Box]:
    """Return the box of `find_box`, then the next best ones, at most `count`.

    Each is the best of those that share less than `OVERLAP` of the smaller one's area with every
    box before it. There may be fewer: at least one, and none whose window is the whole grid but
    the first. Raises as `find_box` does.
    """
    attention = np.asarray(attention, dtype=np.float64)
    _check(attention, image_size, base_side, ratios, min_cells)
    image_w, image_h = map(index, image_size)
    start_x, start_y, stop_x, stop_y = extent or (0, 0, image_w, image_h)
    rows, cols = attention.shape
    x0, block_w, columns = _axis(start_x, stop_x, cols, image_w)
    y0, block_h, lines = _axis(start_y, stop_y, rows, image_h)
    integral = _integral_image(attention[lines, columns])
    base_side = max(base_side, min_cells * ceil(max(block_w, block_h)))
    as_published = min_cells == 0

    def across(col: int, width: int, side: float) -> tuple[int, int]:
        return place(x0 + col * block_w + block_w * width / 2, side, image_w)

    def down(row: int, height: int, side: float) -> tuple[int, int]:
        return place(y0 + row * block_h + block_h * height / 2, side, image_h)

    boxes: list[Box] = []
    while len(boxes) < max(1, count):

        def free(side: float, window: tuple[int, int]) -> np.ndarray:
            height, width = window
            spans_x = [across(col, width, side) for col in range(integral.shape[1] - width)]
            spans_y = [down(row, height, side) for row in range(integral.shape[0] - height)]
            return _apart(np.array(spans_x), np.array(spans_y), boxes)

        contrast, side, (height, width), (row, col) = _best_window(
            integral, (block_h, block_w), base_side, ratios, free if boxes else None
        )
        if contrast == -np.inf and boxes:
            break
        if as_published and contrast == -np.inf:
            return [Box(0, 0, image_w, image_h)]
        placed = 2 * (side // 2) if as_published else side
        (left, right), (top, bottom) = across(col, width, placed), down(row, height, placed)
        boxes.append(Box(left, top, right, bottom))
    return boxes


def _best_window(
    integral: np.ndarray,
    block: tuple[float, float],
    base_side: float,
    ratios: Sequence[float],
    free: Callable[[float, tuple[int, int]], np.ndarray] | None = None,
) -> tuple[float, float, tuple[int, int], tuple[int, int]]:
    """Return contrast, side (pixels), (height, width) in cells and (row, col) of the best window.

    block: (height, width) of a cell in pixels. free: of a side and a window, which of its places
    (rows, cols) may be taken; None: all, in the search for the first box. The contrast is -inf
    where each window is the whole grid or no place is free, inf for a window of no cells.
    """
    rows, cols = integral.shape[0] - 1, integral.shape[1] - 1
    best = (-np.inf, base_side * min(ratios), (rows, cols), (0, 0))
    for ratio in ratios:
        side = base_side * ratio
        window = min(int(side / block[0]), rows), min(int(side / block[1]), cols)
        if 0 in window and free is not None:
            continue
        if 0 in window:  # 0 / 0 in the published code, and not a number counts as the maximum
            return np.inf, side, window, (0, 0)
        if window != (rows, cols):
            contrast, position = _search(integral, window, free and free(side, window))
            if contrast > best[0]:
                best = contrast, side, window, position
    return best


def _search(
    integral: np.ndarray, window: tuple[int, int], free: np.ndarray | None = None
) -> tuple[float, tuple[int, int]]:
    """The contrast and the (row, col) of the window with the largest sum, of those at free places.

    free: (rows, cols) bool, None: all. Without a free place the contrast is -inf.
    """
    h, w = window
    sums = integral[h:, w:] - integral[:-h, w:] - integral[h:, :-w] + integral[:-h, :-w]
    allowed = sums if free is None else np.where(free, sums, -np.inf)
    # The first of equals: of the leftmost column.
    col, row = np.unravel_index(np.argmax(allowed.T), sums.T.shape)
    if allowed[row, col] == -np.inf:
        return -np.inf, (0, 0)
    around = [(row, col - 1), (row, col + 1), (row - 1, col), (row + 1, col)]
    neighbours = [sums[r, c] for r, c in around if 0 <= r < len(sums) and 0 <= c < len(sums[0])]
    return float((sums[row, col] - np.mean(neighbours)) / (h * w)), (int(row), int(col))


def _apart(spans_x: np.ndarray, spans_y: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """Return which boxes share little with those found, (rows, cols) bool.

    spans_x: (cols, 2), left and right of each; spans_y: (rows, 2), top and bottom.
    """
    width, height = spans_x[:, 1] - spans_x[:, 0], spans_y[:, 1] - spans_y[:, 0]
    areas = np.outer(height, width)
    apart = np.ones(areas.shape, dtype=bool)
    for box in boxes:
        across = np.minimum(spans_x[:, 1], box.right) - np.maximum(spans_x[:, 0], box.left)
        down = np.minimum(spans_y[:, 1], box.bottom) - np.maximum(spans_y[:, 0], box.top)
        shared = np.outer(np.maximum(down, 0), np.maximum(across, 0))
        apart &= shared < OVERLAP * np.minimum(areas, box.area)
    return apart


def _integral_image(attention: np.ndarray) -> np.ndarray:
    """(rows + 1, cols + 1): the sum of everything above and to the left of each corner.

    In whole multiples of 2⁻³² of the largest weight (rounded up to a power of two): then every sum
    on grids of up to a million cells is exact, and windows with equal weights tie, as they do when
    each is summed on its own. Differences of running float sums would decide by rounding errors.
    """
    _, exponent = np.frexp(np.abs(attention).max())
    units = np.rint(np.ldexp(attention, 32 - exponent))
    return np.pad(units, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)


def _axis(start: float, stop: float, cells: int, size: int) -> tuple[float, float, slice]:
    """Return, along one axis, where the first cell that lies in the image starts, the side of a
    cell, and the cells that lie in the image.

    A cell does if its centre does. Where the image is thinner than a cell there may be no such
    centre; so, in general, if it covers half of a cell or half of the image.
    """
    if not (isfinite(start) and isfinite(stop) and max(start, 0) < min(stop, size)):
        raise ValueError(
            f"extent must overlap the image, and {start} to {stop} isn't within 0 to {size}."
        )
    block = (stop - start) / cells
    edges = start + block * np.arange(cells + 1)
    overlap = np.minimum(edges[1:], size) - np.maximum(edges[:-1], 0)
    inside = np.flatnonzero(overlap >= min(block / 2, size / 2, overlap.max()))
    first, last = int(inside[0]), int(inside[-1])
    return float(edges[first]), block, slice(first, last + 1)


def place(centre: float, side: float, size: int) -> tuple[int, int]:
    """Return an interval of `side` around `centre`, rounded down to an even length as published,
    and shifted into 0…size; all of it if that isn't longer than `side`.
    """
    if side >= size:
        return 0, size
    half = int(side // 2)
    middle = min(max(int(centre), half), size - half)
    return middle - half, middle + half


def _check(
    attention: np.ndarray,
    image_size: tuple[int, int],
    base_side: float,
    ratios: Sequence[float],
    min_cells: int,
) -> None:
    if attention.ndim != 2 or attention.size == 0 or not np.isfinite(attention).all():
        raise ValueError(f"attention must be a finite (rows, cols) map, not {attention.shape}.")
    if min(image_size) < 1:
        raise ValueError(f"image_size must be at least one pixel a side, not {image_size}.")
    if not 0 < base_side < np.inf:
        raise ValueError(f"base_side must be a positive number of pixels, not {base_side}.")
    if len(ratios) == 0 or not all(1 <= ratio < np.inf for ratio in ratios):
        raise ValueError(f"ratios must be one or more numbers of at least 1, not {ratios}.")
    if index(min_cells) < 0:
        raise ValueError(f"min_cells must be a whole number of at least 0, not {min_cells}.")
