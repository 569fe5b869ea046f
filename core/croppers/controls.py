"""Controls and bounds: what a cropper is compared with, at the size of box that eq. 22 asks for.

They read the generic prompt, too, to know that size: so they cost what `relative` costs, and all
that differs is the place, or what is seen there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
from PIL import Image

from core.box import Box
from core.croppers.attending import ENTRIES as ATTENDING
from core.croppers.base import Clues, Cropper, Found, Need, around

RELATIVE = ATTENDING[0]
GREY = (128, 128, 128)
LARGER = 1.1  # times the longer side of a true box, that a box around it has at least


def _size(clues: Clues) -> tuple[int, int]:
    return clues.windows(clues.relative_map)[0].size


def _centre(clues: Clues) -> Found:
    width, height = clues.original_size
    return Found((around((width / 2, height / 2), _size(clues), clues.original_size),))


def _random(clues: Clues) -> Found:
    size = _size(clues)
    return Found(tuple(islice(_anywhere(clues, size), clues.count)))


def _anywhere(clues: Clues, size: tuple[int, int]) -> Iterator[Box]:
    """Yield boxes at places drawn evenly; the same for the same question about the same image."""
    seed = f"{clues.question}\n{clues.original_size}\n".encode() + clues.image.tobytes()
    drawn = np.random.default_rng(list(hashlib.sha256(seed).digest()))
    width, height = clues.original_size
    while True:
        left = int(drawn.integers(0, width - size[0] + 1))
        top = int(drawn.integers(0, height - size[1] + 1))
        yield Box(left, top, left + size[0], top + size[1])


def _truth(clues: Clues) -> Found:
    size = _size(clues)
    if not clues.true_boxes:
        return Found(_centre(clues).boxes, fallback="The data set doesn't say where to look.")
    return Found(tuple(_each(clues.true_boxes[: clues.count], size, clues)))


def _each(targets: Iterable[Box], size: tuple[int, int], clues: Clues) -> Iterator[Box]:
    for target in targets:
        side = int(LARGER * max(target.size))
        centre = (target.left + target.right) / 2, (target.top + target.bottom) / 2
        yield around(centre, (max(size[0], side), max(size[1], side)), clues.original_size)


def _grey(local: Image.Image) -> Image.Image:
    return Image.new("RGB", local.size, GREY)


ENTRIES = (
    Cropper(
        name="centre",
        label="Centre",
        rule="The middle of the image.",
        source="",
        find=_centre,
        needs=RELATIVE.needs,
        control=True,
    ),
    Cropper(
        name="random",
        label="Random place",
        rule="A place drawn by the question, the same every time.",
        source="",
        find=_random,
        needs=RELATIVE.needs | {Need.PIXELS},
        control=True,
    ),
    Cropper(
        name="truth",
        label="True box",
        rule="Around what is asked about, where the data set knows it.",
        source="",
        find=_truth,
        needs=RELATIVE.needs | {Need.TRUTH},
        control=True,
    ),
    Cropper(
        name="blank",
        label="Blank crop",
        rule="The box of relative attention, with a grey image in place of what is there.",
        source="",
        find=RELATIVE.find,
        needs=RELATIVE.needs,
        shows=_grey,
        control=True,
    ),
)
