"""Further looks: where to look after a local image has been seen, and the answer is uncertain yet.

If what is asked for is in the local image, a smaller box of it; else the best box of what no local
image has shown.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.box import Box
from core.croppers.base import Clues, Cropper, Found, windows
from core.cropping import OVERLAP
from core.hits import cells_in
from core.imaging import FINER
from core.sessions import FirstStage

if TYPE_CHECKING:
    from core.vlm.base import VLM, Generation, Look, ModelInfo

__all__ = ["look_inside", "next_box"]


def look_inside(
    vlm: VLM,
    cropper: Cropper,
    held: FirstStage,
    both: Look,
    local: Image.Image,
    generation: Generation,
    asked: Callable[[str, float], AbstractContextManager[None]],
    truth: tuple[Box, ...] = (),
) -> tuple[Clues, Found] | None:
    """Return the smaller box that the cropper finds in a local image, and what it was given.

    both: the look at both images, `local` the second. generation: the answer from them. asked: a
    step of the model on them. None if the question attends more to the global image than to the
    local one (pocket's share of the local one is 0.87 to 0.92 where it shows what is asked for, and
    0.06 to 0.13 where it doesn't), or if the box would show nothing finer.
    """
    question, size, shown = held.message.question, held.message.original_size, held.asked[-1]
    row = generation.inside
    if row is None or row.sum() <= generation.attention.sum():
        return None
    left, top, right, bottom = vlm.info.fit.region(shown.size)
    region = left + shown.left, top + shown.top, right + shown.left, bottom + shown.top
    clues = Clues(
        vlm,
        cropper.needs,
        question,
        size,
        vlm.geometry(local.size).of_original(size, region),
        row,
        held_look=lambda: both,
        held_image=lambda: local,
        asked=asked,
        truth=truth,
        side=max(vlm.info.fit.input_size),  # at which every pixel of the original is sent
    )
    found = cropper.find(clues)  # eq. 22 and 11, over the local image's tokens
    finer = vlm.info.fit.finer(shown.size, found.boxes[0].size)
    return (clues, found) if finer >= FINER else None


def next_box(info: ModelInfo, held: FirstStage) -> Box | None:
    """Return the best box on the global image that shows what none before it did; None: none.

    The first map is searched again, without the cells that were seen: what a box missed lies most
    often just beside it, where no other window of the same map stands out. Of a cropper without a
    map, the next box that it found.
    """
    boxes = held.found
    if held.map is not None:
        size, grid, extent = held.message.original_size, held.geometry.grid, held.geometry.extent
        seen = [cells_in(box, grid, extent) for box in held.asked]
        unseen = np.where(np.any(seen, axis=0), 0.0, held.map)
        if unseen.any():
            boxes = (*windows(unseen, extent, size, info), *boxes)
    return next((box for box in boxes if not any(_same(box, b) for b in held.asked)), None)


def _same(a: Box, b: Box) -> bool:
    """Return whether two boxes have `OVERLAP` of the smaller one in common, or more."""
    return a.shared(b) >= OVERLAP * min(a.area, b.area)
