"""What every check is given: the model, its files, and the pictures it is tried with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from core.box import Box
from core.signs.questions import ask_text
from core.signs.render import render
from core.signs.scenes import make_scene, scene_rng
from core.verify.plain import Plain
from core.vlm.adapter import Adapter

_SPLIT = "test"  # scenes that the bundled model was not trained on


@dataclass(frozen=True)
class Asked:
    """A picture and a question about one sign in it."""

    image: Image.Image
    question: str
    box: Box  # of the sign, in pixels of the picture
    answer: str


@dataclass(frozen=True)
class Case:
    """A model under verification."""

    vlm: Adapter
    folder: Path  # of its files
    ratio: tuple[int, int] = (16, 9)  # width and height of the pictures: by default, not square
    step: Callable[[str], object] = lambda what: None  # told what comes next, before it begins

    @cached_property
    def plain(self) -> Plain:
        return Plain(self.vlm)

    @cached_property
    def photo(self) -> Asked:
        """A scene of these proportions, 1,280 pixels along its longer side."""
        return scene(0, self.ratio)

    @property
    def size(self) -> tuple[int, int]:
        return self.photo.image.size


def scene(index: int, ratio: tuple[int, int] | None = None) -> Asked:
    """Return a rendered scene with a sign, from its number; cut to a ratio around the sign."""
    for candidate in count(1000 * index):
        drawn = make_scene(_SPLIT, candidate)
        if not drawn.signs:
            continue
        question = ask_text(scene_rng(_SPLIT, candidate, 1), drawn, drawn.signs[0])
        image, box = render(drawn), Box(*question.boxes[0])
        if ratio is not None:
            image, box = _cut(image, box, ratio)
        return Asked(image, question.text, box, question.answer)
    raise AssertionError("count() ends nowhere")


def noisy(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """Return coarse noise: something to see at every place, and nothing that repeats."""
    width, height = size
    grain = np.random.default_rng(seed).integers(40, 216, (24, 24, 3), dtype=np.uint8)
    return Image.fromarray(grain).resize((width, height), Image.Resampling.BILINEAR)


def coordinates(size: tuple[int, int]) -> Image.Image:
    """Return a picture whose red says how far right a pixel lies, and whose green how far down."""
    width, height = size
    across, down = np.linspace(0, 255, width), np.linspace(0, 255, height)
    pixels = np.full((height, width, 3), 128.0)
    pixels[..., 0], pixels[..., 1] = across[None, :], down[:, None]
    return Image.fromarray(np.rint(pixels).astype(np.uint8))


def _cut(image: Image.Image, box: Box, ratio: tuple[int, int]) -> tuple[Image.Image, Box]:
    """The largest part of this ratio that has the box near its middle."""
    scale = min(image.width / ratio[0], image.height / ratio[1])
    width, height = round(ratio[0] * scale), round(ratio[1] * scale)
    left = int(np.clip((box.left + box.right - width) // 2, 0, image.width - width))
    top = int(np.clip((box.top + box.bottom - height) // 2, 0, image.height - height))
    part = image.crop((left, top, left + width, top + height))
    moved = Box(
        max(box.left - left, 0), max(box.top - top, 0),
        min(box.right - left, width), min(box.bottom - top, height),
    )  # fmt: skip
    return part, moved
