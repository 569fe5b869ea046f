"""The codecs that put an image into a message."""

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from .decode import FORMATS, decode, readable_formats
from .errors import ImageError
from .pixels import to_rgb

MAX_MESSAGE_PIXELS = 4096 * 4096
"""Far above any model's input, far below what would hurt a server."""


@dataclass(frozen=True)
class _Format:
    pillow: str  # Pillow's name of the format
    max_side: int | None  # px; the largest side that encodes and decodes again
    options: dict[str, Any]  # for Image.save, beside quality
    lossy: bool = True


_FORMATS = {
    # 4:2:0 is what cameras, libjpeg and the published curves use, and saves 30 % of the bytes of
    # 4:4:4 at quality 75; what a model reads is mostly in the luma, which it leaves alone. Huffman
    # tables of the image's own (optimize) change no pixel and save a tenth of a 336 px image at
    # quality 75, a third at quality 10. libjpeg stops 35 px short of what the format could hold.
    "jpeg": _Format("JPEG", 65_500, {"subsampling": "4:2:0", "optimize": True}),
    "webp": _Format("WEBP", 16_383, {"method": 4}),
    # One thread and no tiles, because both would make the bytes depend on the number of cores.
    # libavif writes larger images than it will read back.
    "avif": _Format(
        "AVIF", 32_768, {"subsampling": "4:2:0", "max_threads": 1, "autotiling": False}
    ),
    "png": _Format("PNG", None, {"optimize": True}, lossy=False),
}


def available_formats() -> tuple[str, ...]:
    """The names `Codec` takes here; AVIF and WebP are missing in some builds of Pillow."""
    readable = readable_formats()  # a library that decodes also encodes
    return tuple(name for name, format in _FORMATS.items() if format.pillow in readable)


@dataclass(frozen=True)
class Codec:
    """An image format and its quality: `jpeg`, `webp`, `avif`, or `png`.

    `quality` is the encoder's own scale, 1 (smallest) to 100 (best), and means a different thing in
    each format. PNG is lossless and ignores it.

    Raises `ValueError` for a format that doesn't exist or this Pillow can't write, and for a
    quality that is not an integer from 1 to 100.
    """

    format: str = "jpeg"
    quality: int = 75

    def __post_init__(self) -> None:
        if self.format not in available_formats():
            missing = "not in this build of Pillow" if self.format in _FORMATS else "unknown"
            raise ValueError(
                f"The image format {self.format!r} is {missing}; "
                f"use one of {', '.join(available_formats())}."
            )
        is_int = isinstance(self.quality, int) and not isinstance(self.quality, bool)
        if not is_int or not 1 <= self.quality <= 100:
            raise ValueError(
                f"The quality must be a whole number from 1 to 100, not {self.quality!r}."
            )

    def encode(self, image: Image.Image) -> bytes:
        """The RGB `image` as a file without metadata; the same image gives the same bytes.

        (The same on one installation: another release of the codec library may differ.)
        Raises `ImageError` if the image is not RGB, or a side is longer than the format can hold.
        """
        format = _FORMATS[self.format]
        if image.mode != "RGB":
            raise ImageError(f"Only RGB images can be encoded, not {image.mode}; use to_rgb first.")
        longest = max(image.size)
        if format.max_side is not None and longest > format.max_side:
            raise ImageError(
                f"{FORMATS[format.pillow]} can't hold an image of {longest} pixels on a side, only "
                f"up to {format.max_side}; shrink it or use PNG."
            )
        bare = image.copy()
        bare.info = {}  # savers copy profiles, comments and transparency from here unasked
        options = format.options | ({"quality": self.quality} if format.lossy else {})
        file = io.BytesIO()
        try:
            bare.save(file, format.pillow, **options)
        except (OSError, ValueError, RuntimeError, MemoryError) as error:
            raise ImageError(
                f"The image of {image.width} × {image.height} pixels can't be encoded as "
                f"{FORMATS[format.pillow]} ({error}); resize it or use another format."
            ) from error
        return file.getvalue()

    def decode(self, data: bytes, max_pixels: int = MAX_MESSAGE_PIXELS) -> Image.Image:
        """The RGB image in `data`, which may come from anyone.

        Raises `ImageError` if the bytes are not a whole image of this codec's own format, or have
        more than `max_pixels` pixels. Metadata is ignored: orientation and colour profile belong to
        the original, and `load_image` has applied them before `encode`.
        """
        image = decode(data, (_FORMATS[self.format].pillow,), max_pixels)
        for name in ("exif", "icc_profile", "xmp"):
            image.info.pop(name, None)
        return to_rgb(image)
