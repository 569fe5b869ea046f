"""How an image is brought to a model: what is sent of it, and in how many pixels.

Resize of Algorithm 1, by the way in which a model reads. An edge that follows it sends what the
model's own preparation would have made of the original, and no pixel more.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import Literal, get_args

from .geometry import Rect

Size = tuple[int, int]  # width, height in pixels
How = Literal["stretch", "cover", "pad", "area"]
HOWS: tuple[str, ...] = get_args(How)
FINER = 1.05  # times: a crop that is no finer than this shows nothing that wasn't seen before


@dataclass(frozen=True)
class Fit:
    """The rule by which every image is brought to one model.

    how: *stretch*: each axis on its own, to the whole of `input_size`. *cover*: in its own
    proportions, so that it covers `input_size`; what reaches over its borders, the same on both
    sides, is cut off and not sent. *pad*: in its own proportions inside `input_size`; the server
    pads the rest. *area*: in its own proportions with as many pixels as `input_size` at most,
    whatever its sides.
    cell: pixels; with *area*, the sides of an image that is made smaller are multiples of it.

    Raises ValueError for a rule that can't be followed.
    """

    how: How
    input_size: Size
    cell: int = 1

    def __post_init__(self) -> None:
        if self.how not in HOWS:
            raise ValueError(f"A fit must be one of {', '.join(HOWS)}, not {self.how!r:.40}.")
        if min(self.input_size) < 1 or not 1 <= self.cell <= min(self.input_size):
            raise ValueError(
                f"No image can be brought to {self.input_size[0]} × {self.input_size[1]} pixels in "
                f"cells of {self.cell}."
            )

    def size(self, original: Size) -> Size:
        """Return the (width, height) at which an image of this size is sent.

        Never enlarged, along neither axis, because enlarged pixels cost bytes and carry nothing:
        the model's own preparation enlarges what it must. Each side is at least one pixel.
        """
        (w, h), (input_w, input_h) = original, self.input_size
        if self.how == "stretch":
            return min(w, input_w), min(h, input_h)
        if self.how == "cover":
            left, top, right, bottom = self.region(original)
            width, height = max(1, round(right - left)), max(1, round(bottom - top))
            return min(width, input_w), min(height, input_h)
        if self.how == "pad":
            factor, _ = self.scale(original)
            return max(1, round(w * factor)), max(1, round(h * factor))
        if w * h <= prod(self.input_size):
            return original
        # As `smart_resize` of Qwen's image processor rounds it, so that it has nothing left to do.
        most, cell = prod(self.input_size), self.cell
        rounded_w, rounded_h = (max(cell, round(side / cell) * cell) for side in original)
        if rounded_w * rounded_h <= most:
            return min(w, rounded_w), min(h, rounded_h)
        shrink = sqrt(w * h / most)
        width, height = (
            min(side, max(cell, int(side / shrink / cell) * cell)) for side in original
        )
        if width * height > most:  # a line, which is a cell wide at least
            short = min(width, height)
            width, height = min(width, most // short), min(height, most // short)
        return width, height

    def region(self, original: Size) -> Rect:
        """Return left, top, right, bottom of what is sent of such an image, in its pixels."""
        w, h = original
        if self.how != "cover":
            return 0.0, 0.0, float(w), float(h)
        input_w, input_h = self.input_size
        scale = max(input_w / w, input_h / h)
        width, height = min(w, input_w / scale), min(h, input_h / scale)
        left, top = (w - width) / 2, (h - height) / 2
        if scale >= 1:  # sent as it is: in whole pixels, so that none is blurred
            width, height = max(1, round(width)), max(1, round(height))
            left, top = float((w - width) // 2), float((h - height) // 2)
        return left, top, left + width, top + height

    def covered(self, original: Size) -> float:
        """Return the share of such an image that is sent, by area; the rest no model ever sees."""
        left, top, right, bottom = self.region(original)
        return (right - left) * (bottom - top) / prod(original)

    def scale(self, original: Size) -> tuple[float, float]:
        """Return how many pixels are sent for one of the original's, along x and y; 1 at most."""
        if self.how == "pad":
            factor = min(1.0, self.input_size[0] / original[0], self.input_size[1] / original[1])
            return factor, factor
        left, top, right, bottom = self.region(original)
        w, h = self.size(original)
        return w / (right - left), h / (bottom - top)

    def finer(self, original: Size, box: Size) -> float:
        """Return how many times as fine as the global image a crop of ``box`` pixels arrives.

        In pixels per side, the mean of both axes. 1: as coarse, and there is nothing to gain.
        """
        whole, part = self.scale(original), self.scale(box)
        return sqrt(prod(part) / prod(whole))

    def allows(self, size: Size) -> bool:
        """Return whether an image of this size may be sent at all."""
        if self.how == "area":
            return prod(size) <= prod(self.input_size)
        return size[0] <= self.input_size[0] and size[1] <= self.input_size[1]
