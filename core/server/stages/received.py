"""Images as they came from an edge: decoded within bounds, and as agreed, or refused."""

from __future__ import annotations

from PIL import Image

from core.imaging import Codec, Fit
from core.messages import LocalImage, MessageError, Question

__all__ = ["check_size", "decoded"]


def decoded(message: Question | LocalImage, fit: Fit) -> Image.Image:
    """Return the image of a message, if the model can take it. Raises MessageError if not."""
    width, height = fit.input_size
    try:
        image = Codec(message.image_format).decode(message.image, max_pixels=width * height)
    except ValueError as error:  # an unknown format, or not an image of it
        raise MessageError(f"The image of the {message.kind} can't be used: {error}") from None
    if not fit.allows(image.size):
        raise MessageError(
            f"The image of the {message.kind} has {image.width} × {image.height} pixels:"
            f" send at most {width} × {height}"
            f"{', or as many in other proportions' if fit.how == 'area' else ''}."
        )
    return image


def check_size(size: tuple[int, int], original: tuple[int, int], fit: Fit) -> None:
    """Raise MessageError unless some one scale, at most 1, takes what is to be sent of `original`
    to `size`, give or take a pixel.
    """
    (width, height), (full_width, full_height) = size, fit.size(original)
    if (
        width > full_width
        or height > full_height
        or (width - 1) * full_height > (height + 1) * full_width
        or (height - 1) * full_width > (width + 1) * full_height
    ):
        raise MessageError(
            f"A global image of {width} × {height} pixels can't be an original of"
            f" {original[0]} × {original[1]} brought to this model ({fit.how}): send"
            f" {full_width} × {full_height}."
        )
