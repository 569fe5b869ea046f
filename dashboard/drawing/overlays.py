"""Pictures that show where the server looked: a heatmap over the original, and the box on it.

For files to keep; on the page the browser lays the same colours over the picture itself.
"""

import numpy as np
from PIL import Image, ImageDraw

from core.bench.plots.style import HEAT, MEANING, rgb
from core.cropping import Box
from core.transcript import AttentionMap

LONGEST_SIDE = 960  # px; enough for half of a projector, and quick to send to thirty browsers
OPACITY = 0.65  # of the heat: the picture below stays recognisable


def heatmap(
    image: Image.Image, attention: AttentionMap, extent: tuple[float, float, float, float]
) -> Image.Image:
    """Return `attention` (rows, cols) in colour over a grey copy of the original `image`.

    extent: left, top, right, bottom of the grid in pixels of `image`. Every cell is one flat
    patch, because the server knows no more than that; what the grid doesn't cover stays grey.
    """
    shown = display_copy(image)
    weights = np.asarray(attention, dtype=np.float64)
    levels = Image.fromarray(_levels(weights).astype(np.float32))
    left, top, right, bottom = extent
    rows, cols = weights.shape
    # From a pixel of the shown copy to a place on the grid: an affine map, as Pillow wants it.
    per_col = image.width / shown.width * cols / (right - left)
    per_row = image.height / shown.height * rows / (bottom - top)
    offsets = -left * cols / (right - left), -top * rows / (bottom - top)
    spread = levels.transform(
        shown.size,
        Image.Transform.AFFINE,
        (per_col, 0, offsets[0], 0, per_row, offsets[1]),
        Image.Resampling.NEAREST,
        fillcolor=-1,
    )
    level = np.asarray(spread)[..., None]
    grey = np.asarray(shown.convert("L"), dtype=np.float64)[..., None].repeat(3, axis=2)
    blend = np.where(level < 0, grey, (1 - OPACITY) * grey + OPACITY * _colors(level[..., 0]))
    return Image.fromarray(blend.round().astype(np.uint8))


def heat(weights: np.ndarray) -> np.ndarray:
    """Return a map (rows, cols) in colour, (rows, cols, 3) uint8: 0 is dark, its largest bright."""
    return _colors(_levels(weights)).round().astype(np.uint8)


def outline(image: Image.Image, box: Box, original_size: tuple[int, int]) -> Image.Image:
    """Return `image`, all of the original at any size, with `box`, in pixels of the original."""
    image = image.copy()
    scale_x, scale_y = (new / old for new, old in zip(image.size, original_size, strict=True))
    # The right and bottom edges of a box are exclusive: its last pixel is one before.
    frame = (
        round(box.left * scale_x),
        round(box.top * scale_y),
        max(round(box.right * scale_x) - 1, round(box.left * scale_x)),
        max(round(box.bottom * scale_y) - 1, round(box.top * scale_y)),
    )
    pen = ImageDraw.Draw(image)
    width = max(2, round(max(image.size) / 200))
    pen.rectangle(frame, outline="black", width=3 * width)
    inset = (frame[0] + width, frame[1] + width, frame[2] - width, frame[3] - width)
    if inset[0] <= inset[2] and inset[1] <= inset[3]:
        pen.rectangle(inset, outline=rgb(MEANING["box"]), width=width)
    return image


def spotlight(image: Image.Image, box: Box) -> Image.Image:
    """Return the original `image` with all outside `box` dimmed, and the box outlined."""
    shown = display_copy(image)
    dimmed = shown.point(lambda value: value * 0.45 + 40)
    scale_x, scale_y = shown.width / image.width, shown.height / image.height
    corner = int(box.left * scale_x), int(box.top * scale_y)
    right, bottom = round(box.right * scale_x), round(box.bottom * scale_y)
    dimmed.paste(shown.crop((*corner, right, bottom)), corner)
    return outline(dimmed, box, image.size)


def display_copy(image: Image.Image, side: int = LONGEST_SIDE) -> Image.Image:
    """Return the image at a size for looking at: no longer than `side`, and not tiny either."""
    longest = max(image.size)
    factor = side / longest if longest > side else max(1, 240 // longest)
    size = tuple(max(1, round(side * factor)) for side in image.size)
    smooth = Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.NEAREST
    return image.resize(size, smooth, reducing_gap=3.0)


def _levels(weights: np.ndarray) -> np.ndarray:
    return weights / (weights.max() or 1.0)


def _colors(level: np.ndarray) -> np.ndarray:
    """Return levels 0 to 1, of any shape, as RGB (..., 3) on the scale of HEAT."""
    stops = np.linspace(0, 1, len(HEAT))
    channels = np.asarray(HEAT, dtype=np.float64).T
    return np.stack([np.interp(level, stops, channel) for channel in channels], axis=-1)
