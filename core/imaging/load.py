"""Load an image somebody else made."""

import os
from typing import BinaryIO

from PIL import Image

from .decode import decode, readable_formats
from .errors import ImageError
from .pixels import to_rgb

MAX_PIXELS = 51_000_000
"""Room for the largest picture of a 50-megapixel phone sensor (8192 × 6144). Pillow holds four
bytes for a pixel, so the image takes up to 204 MB, and about three times that while it is made."""

_LARGEST_PIXEL = 8  # bytes of the largest uncompressed pixel any of the formats has: 16-bit RGBA
_METADATA = 64 * 2**20  # bytes allowed on top, for metadata and further frames


def load_image(
    source: str | os.PathLike[str] | bytes | BinaryIO, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """The image in `source`, upright, 8-bit sRGB, without metadata.

    `source` is a path, the bytes of a file, or a file opened in binary mode (read from its start
    if it can seek; left open). JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF and, where pi-heif is
    installed, HEIC are read; of an animation the first frame. Transparency is laid on white, a
    valid ICC profile is converted to sRGB, 16-bit grey is scaled. Any aspect ratio will do, from
    1 × 1 pixel.

    Raises `ImageError` if there is no such file, or it can't be read, is not an image of these
    formats, is damaged or cut short, or its header announces more than `max_pixels` pixels; no
    pixel is decoded then. Never returns part of an image. Safe to call from several threads.
    """
    data = _read(source, limit=_LARGEST_PIXEL * max_pixels + _METADATA)
    return to_rgb(decode(data, readable_formats(), max_pixels))


def rgb_of(source: Image.Image | str | os.PathLike[str] | bytes | BinaryIO) -> Image.Image:
    """Return the image in 8-bit RGB: a PIL image converted, all else as `load_image` loads it.

    Raises `ImageError` as that does.
    """
    return to_rgb(source) if isinstance(source, Image.Image) else load_image(source)


def _read(source: str | os.PathLike[str] | bytes | BinaryIO, limit: int) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif isinstance(source, (str, os.PathLike)):
        data = _read_path(source, limit)
    else:
        if source.seekable():
            source.seek(0)
        data = source.read(limit + 1)
        if not isinstance(data, bytes):
            raise TypeError("load_image needs a file opened in binary mode ('rb')")
    if len(data) > limit:
        raise ImageError(
            f"The file is larger than {limit / 1e6:.0f} MB; save the image as JPEG or PNG, "
            "or shrink it."
        )
    return data


def _read_path(path: str | os.PathLike[str], limit: int) -> bytes:
    name = os.path.basename(os.path.normpath(path))
    try:
        with open(path, "rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        raise ImageError(f"There is no file {name!r}; check the path.") from None
    except IsADirectoryError:
        raise ImageError(f"{name!r} is a folder; choose an image file in it.") from None
    except PermissionError:
        raise ImageError(
            f"The file {name!r} can't be read for lack of permission; change its permissions or "
            "choose another."
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            f"The file {name!r} can't be read ({reason}); choose another file."
        ) from error
