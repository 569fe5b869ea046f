"""What an example of training is, and the way of its pixels.

Pixels go the way they go in use: the original is reduced by the edge, encoded by a lossy codec,
decoded, and padded to pocket's input.
"""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from core.imaging import Codec
from core.pocket.model import GRID
from core.signs.questions import SceneQuestion
from core.signs.scenes import GLOBAL_SIDE

INPUT = (GLOBAL_SIDE, GLOBAL_SIDE)


@dataclass
class Branch:
    """A question behind the global image, or behind global and one local image."""

    question: SceneQuestion
    local: int | None = None  # index into Example.images
    focus: np.ndarray | None = None  # (GRID * GRID,) where the attention should be; sums to 1
    places: tuple[tuple[int, int], ...] = ()  # row and column of what each of its names stands for
    weight: float = 1.0  # of its answer's loss, within the family


@dataclass
class Example:
    images: list[np.ndarray] = field(default_factory=list)  # (192, 192, 3) uint8, global first
    branches: list[Branch] = field(default_factory=list)
    # an image each, (GRID, GRID, 2): colour and shape of the sign or object there, 0 for neither
    surfaces: list[np.ndarray] = field(default_factory=list)
    # an image each, (24, 24): the character in each cell of the middle stage, 0 for none
    characters: list[np.ndarray] = field(default_factory=list)
    # an image each, (GRID, GRID, MAX_LENGTH): the characters in each visual token, by their place
    spelling: list[np.ndarray] = field(default_factory=list)
    grid: tuple[int, int] = (GRID, GRID)
    top: int = 0  # row of the global image's grid that the grid begins at


def through_codec(rng, image: Image.Image) -> Image.Image:
    """Lossy compression as on the link: mostly good quality, sometimes very poor."""
    draw = rng.random()
    if draw < 0.15:
        return image
    quality = rng.uniform(60, 96) if draw < 0.75 else np.exp(rng.uniform(np.log(3), np.log(60)))
    codec = Codec("webp" if rng.random() < 0.2 else "jpeg", int(quality))
    return codec.decode(codec.encode(image))


def to_input(image: Image.Image) -> np.ndarray:
    """Padded to a centred square with the mean colour and brought to pocket's input side."""
    side = max(image.size)
    square = Image.new("RGB", (side, side), (127, 127, 127))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    if side != GLOBAL_SIDE:
        square = square.resize((GLOBAL_SIDE, GLOBAL_SIDE), Image.Resampling.BICUBIC)
    return np.asarray(square)
