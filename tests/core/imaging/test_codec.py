"""Codec: what is encoded is small, bare and repeatable; what is decoded is what was announced."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, features

from core.imaging import Codec, ImageError, available_formats, load_image

ALL = ("jpeg", "webp", "avif", "png")
MAGIC = {"jpeg": b"\xff\xd8\xff", "webp": b"RIFF", "avif": b"\0\0\0", "png": b"\x89PNG"}


def picture(width=64, height=48):
    y, x = np.mgrid[:height, :width]
    channels = [x * 255 / width, y * 255 / height, 127 + 120 * np.sin(x / 5) * np.sin(y / 7)]
    return Image.fromarray(np.stack(channels, -1).astype("u1"))


def other_formats(format):
    return [other for other in ALL if other != format]


def test_every_format_is_available_here():
    assert available_formats() == ALL


@pytest.mark.parametrize("format", ALL)
def test_round_trip(format):
    image = picture()
    data = Codec(format, 95).encode(image)
    assert data.startswith(MAGIC[format])
    decoded = Codec(format).decode(data)
    assert (decoded.mode, decoded.size, decoded.info) == ("RGB", image.size, {})
    error = abs(np.asarray(decoded).astype(int) - np.asarray(image))
    assert error.mean() < 3
    assert error.max() == 0 or format != "png"


@pytest.mark.parametrize("format", ALL)
def test_same_image_same_bytes_wherever_it_came_from(format):
    image = picture()
    data = Codec(format).encode(image)
    assert Codec(format).encode(picture()) == data
    image.info = {
        "comment": b"secret", "exif": b"Exif\0\0II*\0\x08\0\0\0", "dpi": (300, 300),
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "xmp": b"<secret/>", "transparency": (0, 0, 0), "background": (1, 2, 3, 4),
    }  # fmt: skip
    info = dict(image.info)
    assert Codec(format).encode(image) == data
    assert image.info == info


@pytest.mark.parametrize("format", ALL)
def test_place_of_the_photograph_is_never_sent(format):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "SecretCam"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = "SecretPlace"
    file = io.BytesIO()
    picture().save(file, "JPEG", exif=exif)
    assert b"Secret" in file.getvalue()
    assert b"Secret" not in Codec(format).encode(load_image(file.getvalue()))


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_quality_costs_bytes_and_buys_fidelity(format):
    image, sizes, errors = picture(200, 150), [], []
    for quality in (1, 30, 75, 100):
        data = Codec(format, quality).encode(image)
        difference = np.asarray(Codec(format).decode(data)).astype(int) - np.asarray(image)
        sizes.append(len(data))
        errors.append(abs(difference).mean())
    assert sizes == sorted(set(sizes))
    assert errors == sorted(set(errors), reverse=True)


def test_png_ignores_quality():
    assert Codec("png", 1).encode(picture()) == Codec("png", 100).encode(picture())


def test_jpeg_tables_are_fitted_to_the_image():
    plain = io.BytesIO()
    picture().save(plain, "JPEG", quality=75)
    data = Codec("jpeg", 75).encode(picture())
    assert len(data) < len(plain.getvalue())
    assert np.array_equal(np.asarray(Codec().decode(data)), np.asarray(Image.open(plain)))


@pytest.mark.parametrize("format", ["gif", "JPEG", "", None, "jpeg2000"])
def test_unknown_format_names_those_there_are(format):
    with pytest.raises(ValueError, match="unknown; use one of jpeg, webp, avif, png"):
        Codec(format)


def test_format_missing_from_this_pillow(monkeypatch):
    check = features.check
    monkeypatch.setattr(features, "check", lambda name: name != "avif" and check(name))
    assert available_formats() == ("jpeg", "webp", "png")
    with pytest.raises(ValueError, match="not in this build of Pillow; use one of jpeg, webp, png"):
        Codec("avif")


@pytest.mark.parametrize("quality", [0, 101, -5, 75.0, "75", None, True])
def test_quality_is_checked(quality):
    with pytest.raises(ValueError, match="from 1 to 100"):
        Codec("jpeg", quality)


@pytest.mark.parametrize(("format", "side"), [("jpeg", 65_500), ("webp", 16_383), ("avif", 32_768)])
def test_longest_side_is_held_and_one_more_refused(format, side):
    codec = Codec(format)
    assert codec.decode(codec.encode(Image.new("RGB", (side, 1)))).size == (side, 1)
    with pytest.raises(ImageError, match=f"up to {side}; shrink it"):
        codec.encode(Image.new("RGB", (1, side + 1)))


@pytest.mark.parametrize("format", ALL)
def test_empty_image_is_refused(format):
    with pytest.raises(ImageError):
        Codec(format).encode(Image.new("RGB", (0, 5)))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_only_rgb_is_encoded(mode):
    with pytest.raises(ImageError, match=mode):
        Codec().encode(Image.new(mode, (4, 4)))


@pytest.mark.parametrize("format", ALL)
def test_only_the_own_format_is_decoded(format):
    data = Codec(format).encode(picture())
    for other in other_formats(format):
        with pytest.raises(ImageError, match="can't be read here"):
            Codec(other).decode(data)


@pytest.mark.parametrize("format", ALL)
@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[: len(data) // 2]])
def test_half_a_message_is_refused(format, damage):
    with pytest.raises(ImageError):
        Codec(format).decode(damage(Codec(format).encode(picture())))


@pytest.mark.parametrize("format", ALL)
def test_pixel_limit_of_the_server(format):
    codec = Codec(format)
    data = codec.encode(picture(64, 48))
    assert codec.decode(data, max_pixels=64 * 48).size == (64, 48)
    with pytest.raises(ImageError, match="64 × 48"):
        codec.decode(data, max_pixels=64 * 48 - 1)


def test_server_ignores_metadata_it_was_not_meant_to_get():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    file = io.BytesIO()
    picture().save(file, "PNG", exif=exif, icc_profile=b"not a profile")
    decoded = Codec("png").decode(file.getvalue())
    assert np.array_equal(np.asarray(decoded), np.asarray(picture()))


@pytest.mark.parametrize(("mode", "color"), [("L", 90), ("P", 0), ("RGBA", (1, 2, 3, 0))])
def test_what_a_foreign_client_sends_becomes_rgb(mode, color):
    file = io.BytesIO()
    Image.new(mode, (4, 4), color).save(file, "PNG")
    assert Codec("png").decode(file.getvalue()).mode == "RGB"
