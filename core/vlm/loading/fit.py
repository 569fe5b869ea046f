"""How a model's images are brought to it: what an edge does, and what is done before the
checkpoint's own preparation.

A checkpoint's own way may not be how its model was trained (the hub's LLaVA-1.5 cuts the sides of a
photograph off, and was trained on padded squares), or give a global image so fine that no crop
could be finer (tiles). ``--fit`` chooses another; nothing of the checkpoint's files changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from core.imaging import Fit, Geometry
from core.vlm.base import VLMError
from core.vlm.loading.arguments import FITS

# To a square; --fit -> Fit.how
HOW = {"pad": "pad", "no-upscale": "pad", "crop": "cover", "stretch": "stretch"}

Size = tuple[int, int]


@dataclass(frozen=True)
class Preparation:
    """What is done to an image of any size before the checkpoint's own preparation reads it."""

    way: str  # one of FITS
    fit: Fit  # what an edge does, so that little is left to do here
    background: tuple[int, int, int]  # of what is padded

    @property
    def _as_is(self) -> bool:
        return self.way not in HOW

    def seen(self, size: Size) -> Size:
        """Return the (width, height) in which the checkpoint's own preparation gets it."""
        return size if self._as_is else self.fit.input_size

    def prepared(self, image: Image.Image) -> Image.Image:
        """Return the image as the checkpoint's own preparation gets it."""
        if self._as_is:
            return image
        if HOW[self.way] == "pad":
            small, (left, top, right, bottom) = self._padded(image.size)
            if small != image.size:
                image = image.resize(small, Image.Resampling.BICUBIC)
            square = Image.new("RGB", (right - left, bottom - top), self.background)
            square.paste(image, (-left, -top))
            image = square
        part = self.fit.region(image.size)
        return image.resize(self.fit.input_size, Image.Resampling.BICUBIC, part)

    def geometry(self, own: Callable[[Size], Geometry], size: Size) -> Geometry:
        """Return where an image lies on the grid, by where its own preparation puts what it gets.

        own: `Geometry` of an image that isn't prepared before.
        """
        geometry = own(self.seen(size))
        if HOW.get(self.way) == "pad":
            small, square = self._padded(size)
            return geometry.of_original(small, square).of_original(size)
        return geometry.of_original(size, self.fit.region(size) if self.way == "crop" else None)

    def _padded(self, size: Size) -> tuple[Size, tuple[int, int, int, int]]:
        """The size of an image inside the square, and the square in pixels of that.

        Without upscaling, the square of a small image is no smaller than the model's input.
        """
        small = width, height = self.fit.size(size)
        side = max(*small, *(self.fit.input_size if self.way == "no-upscale" else ()))
        left, top = -((side - width) // 2), -((side - height) // 2)
        return small, (left, top, left + side, top + side)


def preparation(
    fit: str | None,
    resolution: int | None,
    own: Fit,
    side: int,
    default: str,
    mean: Sequence[float] | float | None,
) -> Preparation:
    """Return how images are prepared, for the options of `load_vlm`.

    own: what an edge does for the checkpoint's own way; side: of the square, or of the area's,
    where no resolution is given; default: the family's way; mean: of a channel, 0 to 1, which the
    padding takes, as in LLaVA-1.5's training. Raises VLMError for what can't be.
    """
    way = fit or ("stretch" if resolution else default)
    if way == "own" and resolution:
        raise VLMError(
            "The checkpoint's own way has its own resolution: leave out --resolution, or take "
            f"another --fit ({', '.join(HOW)})."
        )
    if way == "area" and default != "area":
        raise VLMError(
            "This model takes no images of any proportions: take another --fit than area "
            f"({', '.join(one for one in FITS if one != 'area')})."
        )
    side = resolution or side
    if way == "own":
        rule = own
    elif way == "area":
        rule = Fit("area", (side, side), min(own.cell, side))
    else:
        rule = Fit(HOW[way], (side, side))  # type: ignore[arg-type]
    means = [mean] * 3 if isinstance(mean, float | int) else list(mean or (0, 0, 0))
    red, green, blue = (int(255 * one) for one in means)
    return Preparation(way, rule, (red, green, blue))
