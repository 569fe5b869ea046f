"""What the edge sends: its image, or a crop of it, as the model is to read it (eq. 21)."""

import operator
from typing import Protocol

from PIL import Image

from .fit import Fit, Size


class BoxLike(Protocol):
    """A region of the original in whole pixels, right and bottom exclusive."""

    @property
    def left(self) -> int: ...
    @property
    def top(self) -> int: ...
    @property
    def right(self) -> int: ...
    @property
    def bottom(self) -> int: ...


def downscale(image: Image.Image, fit: Fit | Size) -> Image.Image:
    """Return the global image: `image`, or the part of it that `fit` sends, at `fit.size`.

    fit: a plain (width, height) means inside that, in its own proportions. A new image, also if
    the size stays.
    """
    fit = fit if isinstance(fit, Fit) else Fit("pad", fit)
    size = fit.size(image.size)
    part = None if fit.covered(image.size) == 1 else fit.region(image.size)
    # Lanczos keeps the most of small letters among Pillow's filters, and like all of them it
    # averages over every source pixel. Averaging in whole blocks first, down to three times the
    # target, is four times as fast for a 12-megapixel photograph and differs by one level.
    return image.resize(size, Image.Resampling.LANCZOS, part, reducing_gap=3.0)


def crop_local(image: Image.Image, box: BoxLike, fit: Fit | Size) -> Image.Image:
    """The local image of eq. 21, Resize(Crop(I, b)): `box` of the original, resized as `downscale`.

    Raises `ValueError` if `box`, which an untrusted server may have sent, is empty, is not in whole
    pixels, or does not lie inside the image.
    """
    edges = (box.left, box.top, box.right, box.bottom)
    try:
        left, top, right, bottom = map(operator.index, edges)
    except TypeError:
        raise ValueError(f"The box {edges} is not in whole pixels; ask for another.") from None
    if left >= right or top >= bottom:
        raise ValueError(f"The box {edges} is empty; ask for another.")
    if left < 0 or top < 0 or right > image.width or bottom > image.height:
        raise ValueError(
            f"The box {edges} reaches outside the image of {image.width} × {image.height} pixels; "
            "ask for another."
        )
    return downscale(image.crop((left, top, right, bottom)), fit)
