"""Where the visual tokens lie, found by painting on a picture at nine places.

In a copy of the vision tower no token sees another (`plain.without_attention`). So what is painted
on one place changes the tokens of that place, whatever the weights are: the order of the tokens,
what the processor cuts off or pads, and the way back to a box are found out without asking them.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from PIL import Image

from core.cropping import MIN_CELLS
from core.edge.device import Edge
from core.imaging import Geometry
from core.server.stages.maps import attention_maps, chosen_box, geometry_on
from core.verify.case import Case, noisy
from core.verify.plain import without_attention
from core.verify.report import Finding
from core.vlm.adapter import Adapter

_THIRDS = (1 / 6, 1 / 2, 5 / 6)
_SPOT = 1 / 18  # side of what is painted, of the longer side of the picture
_TOLERANCE = 1.0  # cells


@dataclass(frozen=True, eq=False)
class Painted:
    """A spot on the picture, and which tokens it changed."""

    spot: tuple[float, float]  # its centre, in pixels of the picture
    change: np.ndarray  # (rows, cols): how much each token changed

    def found(self, grid: np.ndarray | None = None) -> tuple[float, float]:
        """Return where the change lies, (row, col) in cells; grid: laid out another way."""
        change = self.change if grid is None else grid
        strong = np.where(change >= change.max() / 2, change, 0.0)
        rows, cols = np.indices(change.shape) + 0.5
        total = strong.sum()
        return float((rows * strong).sum() / total), float((cols * strong).sum() / total)


def check(case: Case) -> Iterator[Finding]:
    """Yield whether tokens and boxes lie where something was painted."""
    picture = noisy(case.size)
    view_size = _view(case, picture).size
    geometry = geometry_on(case.vlm, view_size, case.size)
    painted = paint(case, picture)
    most = max(float(one.change.max()) for one in painted)
    seen, hidden = [], []
    for one in painted:
        inside = _inside(geometry, one.spot, case.size)
        changed = one.change.max() > 1e-3 * most
        if inside is None:
            continue  # half of it is cut off
        if inside != changed:
            hidden.append(one.spot)
        elif inside:
            seen.append(one)
    if hidden:
        yield _unseen(geometry, hidden, case.size)
    if seen:
        yield _tokens(geometry, seen)
        yield _boxes(case.vlm, geometry, seen, case.size)
    else:
        yield Finding("failed", "Nothing that is painted on a picture changes a visual token.")


@torch.inference_mode()
def paint(case: Case, picture: Image.Image) -> list[Painted]:
    """Paint a spot at each of nine places, and return which tokens each one changes."""
    blind, grid = without_attention(case.vlm), case.vlm.geometry(_view(case, picture).size).grid
    before = on_grid(blind, _view(case, picture))
    painted = []
    for i, (down, across) in enumerate(product(_THIRDS, repeat=2), 1):
        case.step(f"place {i} of {len(_THIRDS) ** 2}")
        spot = across * picture.width, down * picture.height
        after = on_grid(blind, _view(case, _with_spot(picture, spot)))
        change = (after - before).float().norm(dim=-1).cpu().numpy()
        painted.append(Painted(spot, change.reshape(grid)))
    return painted


def on_grid(vlm: Adapter, image: Image.Image) -> torch.Tensor:
    """Return what the language model is given for each cell of the grid, (cells, width).

    Of a model whose visual tokens depend on the question, the patches that they are read from.
    """
    (visual,) = vlm._encode_all([image])
    rows, cols = vlm.geometry(image.size).grid
    if vlm._for_question("?", [visual])[0].spread is not None:
        return visual.features[-rows * cols :]  # behind the CLS token
    prompt = vlm._prompt("?", [visual])
    return prompt.embeddings[prompt.visual]


def _view(case: Case, picture: Image.Image) -> Image.Image:
    """The picture as the edge sends it, without the losses of a codec."""
    return Edge(picture).resize(case.vlm.info.fit)


def _with_spot(picture: Image.Image, spot: tuple[float, float]) -> Image.Image:
    side = max(round(_SPOT * max(picture.size)), 1)
    left, top = (round(middle - side / 2) for middle in spot)
    painted = picture.copy()
    painted.paste("white", (left, top, left + side, top + side))
    painted.paste("black", (left + side // 4, top + side // 4, left + side // 2, top + side // 2))
    return painted


def _inside(geometry: Geometry, spot: tuple[float, float], size: tuple[int, int]) -> bool | None:
    """Whether a spot lies on the grid, by the geometry; None: in part."""
    left, top, right, bottom = geometry.extent
    half, (x, y) = _SPOT * max(size) / 2, spot
    within = min(x - left, right - x, y - top, bottom - y)
    if within >= half:
        return True
    # Resizing spreads what is painted by a part of a cell.
    return False if within < -half - max(_cell(geometry)) / 2 else None


def _cell(geometry: Geometry) -> tuple[float, float]:
    """Width and height of a cell, in pixels of the picture."""
    left, top, right, bottom = geometry.cell(0, 0)
    return right - left, bottom - top


def _unseen(geometry: Geometry, spots: list[tuple[float, float]], size: tuple[int, int]) -> Finding:
    x, y = spots[0]
    left, top, right, bottom = geometry.extent
    said = "is said not to be" if not _inside(geometry, spots[0], size) else "is said to be"
    return Finding(
        "failed",
        f"What is painted at {x:.0f}, {y:.0f} {said} on the grid (pixels {left:.0f} {top:.0f} "
        f"{right:.0f} {bottom:.0f} of the picture), and the visual tokens say otherwise "
        f"({len(spots)} of 9 places): the processor cuts or pads in another way.",
        {"places": [list(spot) for spot in spots]},
    )


def _tokens(geometry: Geometry, seen: list[Painted]) -> Finding:
    meant = np.array([_on_cells(geometry, one.spot) for one in seen])
    found = np.array([one.found() for one in seen])
    off = found - meant
    facts = {"off_cells": np.round(off, 2).tolist()}
    if _near(off).all():
        return Finding(
            "passed",
            f"What is painted at each of {len(seen)} places changes the visual tokens that lie "
            f"there, within {np.abs(off).max():.1f} cells.",
            facts,
        )
    turned = np.array([one.found(_transposed(one.change)) for one in seen])
    if _near(turned - meant).all():
        why = "rows and columns of the grid are swapped"
    elif _constant(off):
        down, across = off.mean(axis=0)
        why = (
            f"all are {across:+.1f} cells to the right and {down:+.1f} down: padding, or what is "
            "cut off, isn't counted"
        )
    else:
        why = "they are off by different ways"
    count = int((~_near(off)).sum())
    return Finding(
        "failed",
        f"In {count} of {len(seen)} places, the visual tokens that change aren't those said to lie "
        f"there: {why}.",
        facts,
    )


def _boxes(vlm: Adapter, geometry: Geometry, seen: list[Painted], size: tuple[int, int]) -> Finding:
    """Whether the server's box lies on what was painted, if attention lies where tokens changed.

    The smallest box there is, because a large one lies on everything.
    """
    asking = copy(vlm)
    asking.info = replace(vlm.info, base_side=1, min_cells=MIN_CELLS)
    generic, cell = np.full(seen[0].change.size, 1 / seen[0].change.size), _cell(geometry)
    off = []  # cells, across and down, of each place
    for one in seen:
        row = _cone(one.found(), geometry.grid)
        box = chosen_box(asking, attention_maps(row, generic, geometry), size)
        middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        # Boxes stay in the picture.
        meant = (
            min(max(place, side / 2), length - side / 2)
            for place, side, length in zip(one.spot, box.size, size, strict=True)
        )
        off.append([(a - b) / c for a, b, c in zip(middle, meant, cell, strict=True)])
    far = np.abs(off).max(axis=1)
    facts = {"off_cells": np.round(off, 2).tolist()}
    # Windows are whole cells: at the border of the picture, one is off by up to a cell and a half.
    if far.max() <= 1.5 and (far > 0.9).sum() <= len(seen) / 3:
        return Finding("passed", f"The box lies on it, in {len(seen)} places.", facts)
    return Finding(
        "failed",
        f"In {(far > 0.9).sum()} of {len(seen)} places, the box lies up to {far.max():.1f} cells "
        "beside what changed the tokens, as if padding weren't counted.",
        facts,
    )


def _cone(peak: tuple[float, float], grid: tuple[int, int]) -> np.ndarray:
    """Return attention (cells,) that falls off from a place, (row, col) in cells."""
    rows, cols = np.indices(grid) + 0.5
    distance = np.hypot(rows - peak[0], cols - peak[1])
    return (np.exp(-distance) / grid[0] / grid[1]).ravel()


def _on_cells(geometry: Geometry, spot: tuple[float, float]) -> tuple[float, float]:
    """Where a spot lies on the grid, (row, col) in cells."""
    x, y = geometry.to_input(*spot)
    rows, cols = geometry.grid
    return y / geometry.input_size[1] * rows, x / geometry.input_size[0] * cols


def _near(off: np.ndarray) -> np.ndarray:
    return (np.abs(off) <= _TOLERANCE).all(axis=1)


def _constant(off: np.ndarray) -> bool:
    return len(off) > 2 and bool((off.std(axis=0) < 0.75).all())


def _transposed(change: np.ndarray) -> np.ndarray:
    """The same tokens, read column by column."""
    return change.ravel().reshape(change.shape[::-1]).T
