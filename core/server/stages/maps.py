"""Where the server looked: maps over the grid of an image, and the box of the original."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.attention import relative_attention
from core.box import Box
from core.croppers.base import Clues, Found, finite, windows
from core.imaging import Geometry
from core.transcript import Attention, AttentionMap

if TYPE_CHECKING:
    from core.vlm.base import VLM

__all__ = ["attention_maps", "chosen_box", "geometry_on", "seen"]


def geometry_on(vlm: VLM, view_size: tuple[int, int], original_size: tuple[int, int]) -> Geometry:
    """Return where the grid of a global image of `view_size` lies on its original."""
    region = vlm.info.fit.region(original_size)
    return vlm.geometry(view_size).of_original(original_size, region)


def attention_maps(question: np.ndarray, generic: np.ndarray, geometry: Geometry) -> Attention:
    """Return the maps of eq. 22 from both prompts' rows (cells,), and the place of their grid."""
    grid, (left, top, right, bottom) = geometry.grid, geometry.extent
    return Attention(
        question=_map(question, grid),
        generic=_map(generic, grid),
        relative=_map(relative_attention(question, generic, grid), grid),  # eq. 22
        extent=(float(left), float(top), float(right), float(bottom)),
    )


def seen(clues: Clues, found: Found) -> Attention | None:
    """Return the maps that there are after a cropper has looked; None where nothing attended."""
    if not clues.row_if_read.size:
        return None
    grid, relative = clues.geometry.grid, clues.relative_if_read
    left, top, right, bottom = clues.geometry.extent
    searched = None if found.map is relative else found.map
    return Attention(
        question=_map(clues.row_if_read, grid),
        generic=None if relative is None else _map(clues.generic_row, grid),
        relative=None if relative is None else _map(relative, grid),
        extent=(float(left), float(top), float(right), float(bottom)),
        searched=None if searched is None else _map(searched, grid),
    )


def chosen_box(
    vlm: VLM, attention: Attention, original_size: tuple[int, int], side: float | None = None
) -> Box:
    """Return the box of the original that `relative` asks for (eq. 11, 22), in pixels.

    side: of the box at ratio 1.0, in pixels of the original; None: the model's own.
    """
    weights = np.asarray(attention.relative)
    return windows(weights, attention.extent, original_size, vlm.info, side)[0]


def _map(weights: np.ndarray, grid: tuple[int, int]) -> AttentionMap:
    """(rows, cols) of plain floats; a weight that isn't a number is not evidence, hence 0."""
    return tuple(map(tuple, finite(weights, grid).tolist()))
