"""Decode untrusted bytes: known formats only, size checked before any pixel, all of it or nothing.

Pillow's process-wide switches (`MAX_IMAGE_PIXELS`, `LOAD_TRUNCATED_IMAGES`) are read, never set,
so any number of threads can decode at once.
"""

import io
import warnings
from functools import cache

from PIL import Image, features

from .errors import ImageError

__all__ = ["FORMATS", "decode", "our_limit_alone", "readable_formats"]

# What cameras, phones, browsers and scanners write. Everything else Pillow could open stays shut:
# EPS would start Ghostscript, and rarely used decoders are rarely tested on hostile bytes. Multi-
# picture photos of phones (MPO) are JPEG files to Pillow.
FORMATS = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "WEBP": "WebP",
    "AVIF": "AVIF",
    "HEIF": "HEIC",
    "GIF": "GIF",
    "BMP": "BMP",
    "TIFF": "TIFF",
}
"""Pillow's name of each format that is read -> the name people know it by."""

# Pillow's name of the library each needs
_LIBRARIES = {"JPEG": "jpg", "PNG": "zlib", "WEBP": "webp", "AVIF": "avif"}

_NEW_SUBFILE_TYPE = 254  # TIFF tag; bit 0 is set on a reduced-resolution copy


def our_limit_alone() -> None:
    """Let Pillow warn no more of large images: `max_pixels` says what is read.

    For programs, when they begin: which warnings are shown is the whole process's.
    """
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def readable_formats() -> tuple[str, ...]:
    """The keys of `FORMATS` that can be read here.

    A build of Pillow may lack AVIF and WebP; HEIC, the photos of telephones, needs pi-heif.
    """
    return tuple(name for name in FORMATS if _is_readable(name))


def _is_readable(name: str) -> bool:
    if name == "HEIF":
        return _heif()
    return name not in _LIBRARIES or bool(features.check(_LIBRARIES[name]))


@cache
def _heif() -> bool:
    """Return whether pi-heif is installed; if so, Pillow knows the format from now on.

    A small board may go without it: it is the largest of the decoders. Its twin pillow-heif also
    writes HEIC, and for that brings x265, which is GPL.
    """
    try:
        from pi_heif import register_heif_opener
    except ImportError:  # also of a library that this machine can't load
        return False
    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    return True


def decode(data: bytes, formats: tuple[str, ...], max_pixels: int) -> Image.Image:
    """The first frame of the image in `data`, completely decoded, in whatever mode it is stored.

    `formats` are Pillow's names (keys of `FORMATS`). Only the header is read before the size is
    compared with `max_pixels`; Pillow's own limit holds beside it.

    Raises `ImageError` if the bytes are empty, of no format in `formats`, damaged, cut short, or
    of more than `max_pixels` pixels. A decoder that reports no damage can't be second-guessed: a
    JPEG whose coefficients are corrupt but complete still decodes.
    """
    if not data:
        raise ImageError("The file is empty; choose an image file.")
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # A warning arrives here as an exception where warnings are turned into errors.
        raise _too_large(max_pixels) from None
    # Decoders of hostile bytes raise nearly anything (SyntaxError, KeyError, struct.error, zlib
    # errors, MemoryError, ...), and Pillow promises no list. All of it means the same to the user.
    except Exception as error:
        raise _unreadable(data, formats) from error
    if image.width < 1 or image.height < 1:
        raise _damaged(image.format)
    if image.width * image.height > max_pixels:
        raise _too_large(max_pixels, image.size)
    size = image.size
    try:
        preview = _is_preview(image)
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(max_pixels) from None
    except Exception as error:
        raise _damaged(image.format) from error
    if preview:
        raise ImageError(
            "This looks like a camera raw file, of which only a small preview can be read; "
            "export it as JPEG or TIFF."
        )
    # TIFF turns itself upright while loading; any other change means the header lied.
    if image.size not in (size, size[::-1]):
        raise _damaged(image.format)
    return image


def _is_preview(image: Image.Image) -> bool:
    """Camera raw files (DNG, NEF) are TIFFs whose first image is a mere thumbnail."""
    subfile_type = getattr(image, "tag_v2", {}).get(_NEW_SUBFILE_TYPE, 0)
    return isinstance(subfile_type, int) and bool(subfile_type & 1)


def _too_large(max_pixels: int, size: tuple[int, int] | None = None) -> ImageError:
    if size is None:  # Pillow refused first, and told no size
        limit = min(max_pixels, 2 * (Image.MAX_IMAGE_PIXELS or max_pixels))
        return ImageError(
            f"The image has more than the {limit / 1e6:.4g} megapixels that can be read; "
            "shrink it and try again."
        )
    width, height = size
    return ImageError(
        f"The image is {width} × {height} pixels, {width * height / 1e6:.4g} megapixels, and at "
        f"most {max_pixels / 1e6:.4g} can be read; shrink it and try again."
    )


def _damaged(format_name: str | None) -> ImageError:
    name = FORMATS.get(format_name or "", "image")
    return ImageError(
        f"This {name} file is damaged or incomplete; export or download it again, "
        "or choose another file."
    )


def _unreadable(data: bytes, formats: tuple[str, ...]) -> ImageError:
    kind = _kind(data)
    if kind in formats:
        return _damaged(kind)
    what = f"{'an' if kind == 'AVIF' else 'a'} {FORMATS[kind]} image" if kind in FORMATS else kind
    *names, last = (FORMATS[name] for name in formats)
    wanted = f"{', '.join(names)} or {last}" if names else last
    # A message is of the one format it names; a file of the user's may be what telephones write.
    first = "install pi-heif, or " if kind == "HEIF" and names else ""
    return ImageError(
        f"This is {what}, which can't be read here; {first}use a file of type {wanted}."
    )


_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG", "PNG"),
    (8, b"WEBP", "WEBP"),
    (4, b"ftypavi", "AVIF"),
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (4, b"ftyphe", "HEIF"),  # heic, heix, hevc, ...
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypmsf1", "HEIF"),
    (4, b"ftyp", "a video"),
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript file"),
    (0, b"PK\x03\x04", "a zip archive or office document"),
    (0, b"8BPS", "a Photoshop file"),
    (4, b"jP  ", "a JPEG 2000 image"),
    (4, b"JXL ", "a JPEG XL image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
)


def _kind(data: bytes) -> str:
    """Return what the bytes look like: a key of `FORMATS`, or a phrase for people."""
    for offset, signature, kind in _SIGNATURES:
        if data.startswith(signature, offset):
            return kind
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    try:
        text = data[:1024].decode("utf-8", errors="ignore" if len(data) > 1024 else "strict")
    except UnicodeDecodeError:
        return "a file of unknown type"
    return "a text file" if "\0" not in text else "a file of unknown type"
