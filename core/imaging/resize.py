"""What the edge sends: its image, or a crop of it, no larger than the model's input (eq. 21)."""

import operator
from typing import Protocol

from PIL import Image

Size = tuple[int, int]  # width, height in pixels


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


def global_size(original_size: Size, input_size: Size) -> Size:
    """The size (width, height) an image is sent at: fitted inside `input_size`, same aspect ratio.

    Never enlarged, because enlarged pixels cost bytes and carry nothing; the server's processor
    enlarges what it must. Each side is at least one pixel.
    """
    (w, h), (input_w, input_h) = original_size, input_size
    factor = min(1.0, input_w / w, input_h / h)
    return max(1, round(w * factor)), max(1, round(h * factor))


def downscale(image: Image.Image, input_size: Size) -> Image.Image:
    """The global image: `image` resized to `global_size`. A new image, also if the size stays."""
    # Lanczos keeps the most of small letters among Pillow's filters, and like all of them it
    # averages over every source pixel. Averaging in whole blocks first, down to three times the
    # target, is four times as fast for a 12-megapixel photograph and differs by one level.
    return image.resize(
        global_size(image.size, input_size), Image.Resampling.LANCZOS, reducing_gap=3.0
    )


def crop_local(image: Image.Image, box: BoxLike, input_size: Size) -> Image.Image:
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
    return downscale(image.crop((left, top, right, bottom)), input_size)
