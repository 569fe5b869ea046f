"""The two methods of ViCrop (arXiv 2502.17422) that derive: by attention, and by pixels."""

from __future__ import annotations

import numpy as np

from core.croppers.base import Clues, Cropper, Found, Need

SOURCE = "ViCrop, arXiv 2502.17422"
MEDIAN = 7  # pixels a side of the median filter, as published
BLUR = 0.8  # pixels, sigma of its blur over three of them


def _gradient(clues: Clues) -> Found:
    return clues.on(clues.gradient_map)


def _pure_gradient(clues: Clues) -> Found:
    asked = clues.pixel_gradient(clues.question)
    generic = clues.pixel_gradient(clues.info.generic_prompt)
    return clues.on(pure_gradient(asked.norms, generic.norms, asked.pixels, clues.geometry.grid))


def pure_gradient(
    asked: np.ndarray, generic: np.ndarray, pixels: np.ndarray, grid: tuple[int, int]
) -> np.ndarray:
    """Return the map (rows, cols): what the question's answer depends on more than a description's,
    where the picture has detail; mean over each cell.

    asked, generic: (height, width). pixels: (height, width, 3), 0 to 1.
    """
    detail = high_pass(pixels)
    floor = max(1e-6 * float(generic.max()), float(np.finfo(np.float32).tiny))
    relative = asked / np.maximum(generic, floor)
    return over_cells(relative * (detail > np.median(detail)), grid)


def high_pass(pixels: np.ndarray) -> np.ndarray:
    """Return where a picture (height, width, 3) has detail, (height, width)."""
    height, width = pixels.shape[:2]
    kernel = np.exp(-0.5 * (np.arange(-1, 2) / BLUR) ** 2)
    kernel /= kernel.sum()
    blurred = pixels
    for axis, size in enumerate((height, width)):
        padded = np.pad(blurred, [(1, 1) if a == axis else (0, 0) for a in range(3)], "reflect")
        parts = [np.take(padded, np.arange(i, i + size), axis) for i in range(3)]
        blurred = sum(weight * part for weight, part in zip(kernel, parts, strict=True))
    strength = np.sqrt(((pixels - blurred) ** 2).sum(axis=2))
    around = np.pad(strength, MEDIAN // 2, "symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(around, (MEDIAN, MEDIAN))
    return np.median(windows, axis=(2, 3))


def over_cells(values: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return the mean of (height, width) over each cell of a grid (rows, cols)."""
    edges = [
        np.linspace(0, size, cells + 1).round().astype(int)[:-1]
        for size, cells in zip(values.shape, grid, strict=True)
    ]
    sums = np.add.reduceat(np.add.reduceat(values, edges[0], axis=0), edges[1], axis=1)
    counts = [np.diff(np.append(e, size)) for e, size in zip(edges, values.shape, strict=True)]
    return sums / np.outer(*counts)


ENTRIES = (
    Cropper(
        name="gradient",
        label="Gradient-weighted attention",
        rule="The question's attention, times the positive part of its gradient.",
        source=f"{SOURCE}, grad-att",
        find=_gradient,
        needs=frozenset({Need.GRADIENT}),
    ),
    Cropper(
        name="pure_gradient",
        label="Pure gradient",
        rule="The pixels that the question's answer depends on, divided by a description's, where "
        "the picture has detail.",
        source=f"{SOURCE}, pure-grad",
        find=_pure_gradient,
        needs=frozenset({Need.PIXEL_GRADIENT, Need.PIXELS}),
    ),
)
