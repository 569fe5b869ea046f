"""The device with the original image: what it makes of it, and the messages it sends.

Needs Pillow only, as `core.imaging` does.
"""

from __future__ import annotations

import os
from os import PathLike
from typing import BinaryIO

from PIL import Image

from core.box import Box
from core.imaging import Codec, Fit, crop_local, downscale, rgb_of
from core.messages import LocalImage, MessageError, Question

__all__ = ["Edge"]


class Edge:
    """The device with the original image. It sends a small copy of all of it, or a part in detail.

    image: a PIL image, or a path, bytes or a file, as `core.imaging.load_image` takes them.
    codec: how the global image is encoded, and the local one too unless `local_codec` is given.
    """

    def __init__(
        self,
        image: Image.Image | str | PathLike[str] | bytes | BinaryIO,
        codec: Codec | None = None,
        local_codec: Codec | None = None,
    ):
        self.image = rgb_of(image)
        self.original_bytes = _file_size(image)
        self.codec = codec or Codec()
        self.local_codec = local_codec or self.codec

    def resize(self, fit: Fit | tuple[int, int]) -> Image.Image:
        """Î = Resize(I): the global image, as the server's model reads it."""
        return downscale(self.image, fit)

    def question(self, text: str, image: Image.Image) -> Question:
        return Question(self.image.size, self.codec.encode(image), self.codec.format, text)

    def crop(self, box: Box, fit: Fit | tuple[int, int]) -> Image.Image:
        """Ĩ = Resize(Crop(I, b)) (eq. 21). Raises MessageError for a box not in the image."""
        try:
            return crop_local(self.image, box, fit)
        except ValueError as error:
            raise MessageError(str(error)) from None

    def local_image(self, session: str, image: Image.Image) -> LocalImage:
        return LocalImage(session, self.local_codec.encode(image), self.local_codec.format)


def _file_size(source: Image.Image | str | PathLike[str] | bytes | BinaryIO) -> int | None:
    """Bytes of the original file, where it was given as bytes or as a path."""
    if isinstance(source, bytes):
        return len(source)
    return os.path.getsize(source) if isinstance(source, str | PathLike) else None
