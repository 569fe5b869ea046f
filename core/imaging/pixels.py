"""The one kind of pixels the project knows, upright 8-bit sRGB, from any that Pillow can hold."""

import io

from PIL import ExifTags, Image, ImageCms, ImageOps, features

from .errors import ImageError

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PROFILE_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # TIFF tags, and a value of the second


def to_rgb(image: Image.Image) -> Image.Image:
    """`image` as people see it: upright, 8-bit sRGB, on white where it is transparent, no metadata.

    Any orientation in EXIF is applied. A valid ICC profile is converted to sRGB, a broken one is
    ignored. 16-bit grey is scaled to 8 bits. Always a new image; `image` stays as it is.

    Raises `ImageError` for pixels with no defined black and white (floats, 32-bit integers).
    """
    alpha = _alpha(image) if image.has_transparency_data else None
    rgb = _to_srgb(_opaque(image), image.info.get("icc_profile"))
    if alpha is not None:
        on_white = Image.new("RGB", rgb.size, "white")
        on_white.paste(rgb, mask=alpha)
        rgb = on_white
    orientation = _orientation(image)
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    rgb = rgb.transpose(turn) if turn is not None else rgb
    rgb.info = {}
    return rgb


def _alpha(image: Image.Image) -> Image.Image:
    # A 16-bit PNG may name one transparent level, and Pillow looks for it after cutting to 8 bits.
    if image.mode == "I;16":
        opacity = [255] * 65536
        opacity[image.info["transparency"]] = 0
        return image.convert("I").point(opacity, "L")
    return image.convert("RGBA").getchannel("A")


def _opaque(image: Image.Image) -> Image.Image:
    """The colours without the alpha, in one of the modes an ICC profile can describe."""
    match image.mode:
        case "RGB" | "CMYK" | "L":
            return image.copy()
        case "1":
            return image.convert("L")
        case "LA":
            return image.getchannel("L")
        case "P" | "PA" | "RGBA" | "RGBa" | "La":
            # By way of RGBA: a direct step to RGB would blend or drop some kinds of transparency.
            return image.convert("RGBA").convert("RGB")
        case "RGBX" | "YCbCr" | "LAB" | "HSV":
            return image.convert("RGB")
        case "I;16" | "I;16L" | "I;16B" | "I;16N":
            return _sixteen_to_eight_bits(image)
        case "I" | "F":
            kind = "floating-point numbers" if image.mode == "F" else "signed or 32-bit integers"
            raise ImageError(
                f"This image stores its pixels as {kind}, so what is black and what is white is "
                "not defined; save it with 8 or 16 bits per channel."
            )
    raise ImageError(
        f"This image has pixels of a kind that can't be shown ({image.mode}); save it as RGB."
    )


def _sixteen_to_eight_bits(image: Image.Image) -> Image.Image:
    # A plain convert("L") clips or truncates, depending on the Pillow release. Two things a TIFF
    # says of its samples are left to the caller by Pillow: 12 bits in use, and white stored as 0.
    tags = getattr(image, "tag_v2", {})
    (bits, *_) = tags.get(_BITS_PER_SAMPLE, (16,))
    scale = 255 / (2**bits - 1)
    grey = image.convert("I").point(lambda value: value * scale + 0.5).convert("L")
    return ImageOps.invert(grey) if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else grey


def _to_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """`image` (L, RGB or CMYK) as sRGB, by its profile if usable, else by plain conversion."""
    if icc_profile and features.check("littlecms2"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
            fits = _PROFILE_MODES.get(profile.profile.xcolor_space.strip()) == image.mode
            # Most photographs are tagged sRGB: converting those would cost a third of a second
            # per 12 megapixels and change nothing.
            if fits and "sRGB" not in (profile.profile.profile_description or ""):
                converted = ImageCms.profileToProfile(
                    image,
                    profile,
                    ImageCms.createProfile("sRGB"),
                    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                    outputMode="RGB",
                    flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # an unusable profile says nothing about the pixels
    return image if image.mode == "RGB" else image.convert("RGB")


def _orientation(image: Image.Image) -> object:
    # EXIF is written by cameras, phones and editors, often wrongly, and Pillow's reader raises
    # whatever it stumbles over. The picture is worth having without it.
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return None
