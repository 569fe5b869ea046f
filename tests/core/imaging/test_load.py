"""load_image: what people and cameras produce comes in right, and everything else is refused."""

import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, ImageFile, TiffImagePlugin

from core.imaging import MAX_PIXELS, Codec, ImageError, load_image, our_limit_alone, to_rgb
from core.imaging import decode as decoding
from tests.support import heic

LOSSY = {
    "JPEG": 24,
    "WEBP": 24,
    "AVIF": 24,
    "HEIF": 24,
}  # levels; the corners of `picture` differ by 250


heic.write()


def encoded(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pixels(source, **options):
    image = load_image(source, **options)
    assert image.mode == "RGB"
    assert image.info == {}
    return np.asarray(image).astype(int)


def picture(width=40, height=30):
    """Smooth, so that lossy codecs keep it, and different in every corner."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(
        np.stack([x * 255 / width, y * 255 / height, 0 * x + 90], -1).astype("u1")
    )


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width, height, bits=8, color=2):
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)


def png_of_any_size(width, height):
    """A header that announces a size, and next to no pixels behind it."""
    return png_header(width, height) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def webp_of_any_size(width, height):
    body = b"WEBPVP8L" + struct.pack("<IBI", 10, 0x2F, (width - 1) | (height - 1) << 14) + bytes(5)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def refusal(source, **options):
    """The sentence of the ImageError that `source` must cause."""
    with pytest.raises(ImageError) as error:
        load_image(source, **options)
    sentence = str(error.value)
    assert sentence[0].isupper() or sentence[0] == "'"
    assert sentence.endswith(".")
    assert ";" in sentence, "says what is wrong; says what to do"
    assert "\n" not in sentence
    return sentence


# --- sources ---------------------------------------------------------------------------------


def test_path_bytes_and_file_give_the_same_image(tmp_path):
    data = encoded(picture(), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    expected = np.asarray(picture())
    with open(path, "rb") as file:
        file.read(10)  # the whole file counts, wherever it stands
        for source in (data, bytearray(data), path, str(path), file, io.BytesIO(data)):
            assert np.array_equal(pixels(source), expected)
        assert not file.closed


def test_pipe_is_read(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(encoded(picture(), "PNG"))
    process.stdin.close()
    with process.stdout as pipe:
        assert not pipe.seekable()
        assert np.array_equal(pixels(pipe), np.asarray(picture()))
    process.wait()


def test_text_file_object_is_a_programming_error():
    with pytest.raises(TypeError, match="binary"):
        load_image(io.StringIO("not bytes"))


def test_missing_path_and_folder_are_named(tmp_path):
    assert "no file 'nowhere.jpg'" in refusal(tmp_path / "nowhere.jpg")
    assert "folder" in refusal(tmp_path)
    assert "can't be read" in refusal("a\0b")


def test_name_of_a_file_does_not_matter(tmp_path):
    path = tmp_path / "photo.eps"
    path.write_bytes(encoded(picture(), "PNG"))
    assert np.array_equal(pixels(path), np.asarray(picture()))


def test_file_far_larger_than_its_limit_is_not_read():
    assert "larger than" in refusal(bytes(80 * 2**20), max_pixels=10)


# --- formats ---------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "BMP", "TIFF"])
def test_formats_in_colour(format):
    expected = np.asarray(picture()).astype(int)
    assert abs(pixels(encoded(picture(), format)) - expected).max() <= LOSSY.get(format, 0)


def test_gif_is_read_with_its_palette():
    quantised = picture().quantize(64)
    assert np.array_equal(pixels(encoded(quantised, "GIF")), np.asarray(quantised.convert("RGB")))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animation_gives_its_first_frame(format):
    frames = [Image.new("RGB", (20, 10), color) for color in ("red", "lime", "blue")]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=50)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert abs(pixels(data) - (255, 0, 0)).max() <= LOSSY.get(format, 0)


def test_multi_picture_jpeg_gives_its_first_picture():
    red, blue = (Image.new("RGB", (32, 32), color) for color in ("red", "blue"))
    data = encoded(red, "MPO", save_all=True, append_images=[blue])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert abs(pixels(data) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff(compression):
    data = encoded(picture(), "TIFF", compression=compression)
    assert np.array_equal(pixels(data), np.asarray(picture()))


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1)])
def test_any_shape_is_allowed(size):
    assert load_image(encoded(Image.new("RGB", size), "PNG")).size == size


# --- pixels ----------------------------------------------------------------------------------

LEVELS = np.array([[0, 128, 129, 257, 32896, 65535]])
SCALED = [0, 0, 1, 1, 128, 255]  # round(level / 257)


@pytest.mark.parametrize(("dtype", "format"), [("<u2", "PNG"), ("<u2", "TIFF"), (">u2", "TIFF")])
def test_16_bit_grey_is_scaled(dtype, format):
    data = encoded(Image.fromarray(LEVELS.astype(dtype)), format)
    assert pixels(data)[0].tolist() == [[v] * 3 for v in SCALED]


def test_16_bit_tiff_with_white_as_zero_is_not_a_negative():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    data = encoded(Image.fromarray(LEVELS.astype("<u2")), "TIFF", tiffinfo=tags)
    assert pixels(data)[0, :, 0].tolist() == [255 - v for v in SCALED]


def test_12_bit_tiff_is_scaled_by_its_own_white():
    samples = bytes.fromhex("000fff7ff000")  # 12 bits each: 0, 4095, 2047, 0
    entries = [
        (256, 3, 1, 4),
        (257, 3, 1, 1),
        (258, 3, 1, 12),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 3, 1, 1),
        (279, 4, 1, len(samples)),
    ]
    ifd = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    data = b"II*\0" + struct.pack("<I", 8 + len(samples)) + samples
    data += struct.pack("<H", len(entries)) + ifd + bytes(4)
    assert pixels(data)[0, :, 0].tolist() == [0, 255, 127, 0]


def test_16_bit_colour_is_scaled():
    row = struct.pack(">B6H", 0, 0, 32896, 65535, 257, 0, 65535)
    data = png_header(2, 1, bits=16) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    assert pixels(data)[0].tolist() == [[0, 128, 255], [1, 0, 255]]


def test_1_bit_and_8_bit_grey():
    assert pixels(encoded(Image.new("1", (2, 2), 1), "PNG")).tolist() == [[[255] * 3] * 2] * 2
    assert pixels(encoded(Image.new("L", (1, 1), 77), "PNG")).tolist() == [[[77] * 3]]


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_without_a_defined_white_are_refused(mode):
    assert "save it with 8 or 16 bits" in refusal(encoded(Image.new(mode, (4, 4)), "TIFF"))


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk(format):
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    data = encoded(red, format)
    assert (b"Adobe" in data) == (format == "JPEG")  # where the inks are stored inverted
    assert abs(pixels(data) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize(
    ("image", "options", "expected"),
    [
        (Image.new("RGBA", (2, 2), (255, 0, 0, 0)), {}, (255, 255, 255)),
        (Image.new("RGBA", (2, 2), (255, 0, 0, 51)), {}, (255, 204, 204)),
        (Image.new("LA", (2, 2), (0, 51)), {}, (204, 204, 204)),
        (Image.new("P", (2, 2), 0), {"transparency": 0}, (255, 255, 255)),
        (Image.new("P", (2, 2), 0), {"transparency": b"\x33"}, (204, 204, 204)),
        (Image.new("L", (2, 2), 7), {"transparency": 7}, (255, 255, 255)),
        (Image.new("L", (2, 2), 7), {"transparency": 8}, (7, 7, 7)),
        (Image.new("RGB", (2, 2), (1, 2, 3)), {"transparency": (1, 2, 3)}, (255, 255, 255)),
        (Image.new("1", (2, 2), 0), {"transparency": 0}, (255, 255, 255)),
        (Image.new("I;16", (2, 2), 2570), {"transparency": 2570}, (255, 255, 255)),
        (Image.new("I;16", (2, 2), 2570), {"transparency": 2571}, (10, 10, 10)),
    ],
)  # fmt: skip
def test_transparency_is_laid_on_white(image, options, expected):
    assert pixels(encoded(image, "PNG", **options)).tolist() == [[list(expected)] * 2] * 2


def test_transparent_gif_and_webp():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert pixels(encoded(clear, "GIF")).min() == 255
    assert pixels(encoded(clear, "WEBP", lossless=True, exact=True)).min() == 255


# --- metadata --------------------------------------------------------------------------------

STORED = {  # how a camera that notes this orientation has stored the upright picture
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", STORED)
def test_orientation_is_applied_once(format, orientation):
    upright, turn = picture(), STORED[orientation]
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    result = pixels(encoded(stored, format, exif=exif.tobytes()))  # in HEIC: as irot and imir
    assert result.shape == (30, 40, 3)
    assert abs(result - np.asarray(upright)).max() <= LOSSY.get(format, 0)


@pytest.mark.parametrize("exif", [b"garbage", b"II*\0\xff\xff\xff\xff", b""])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_does_not_cost_the_picture(format, exif):
    data = encoded(picture(), format, exif=b"Exif\0\0" + exif)
    assert abs(pixels(data) - np.asarray(picture())).max() <= LOSSY.get(format, 0)


def swapped_profile():
    """A valid RGB profile in which red is green and green is red."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swap = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}
    (count,) = struct.unpack_from(">I", profile, 128)
    tags = [profile[132 + 12 * i : 144 + 12 * i] for i in range(count)]
    tags = b"".join(swap.get(tag[:4], tag[:4]) + tag[4:] for tag in tags)
    profile = profile[:132] + tags + profile[132 + len(tags) :]
    return profile.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


def linear_grey_profile():
    """A valid grey profile without gamma, made by hand."""
    bodies = {
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061),
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">I", 0),
    }
    offset, table, body = 128 + 4 + 12 * len(bodies), b"", b""
    for name, data in bodies.items():
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    size = struct.pack(">I", offset + len(body))
    header = size + b"lcms\x02\x10\0\0mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    header += struct.pack(">iii", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", len(bodies)) + table + body


def test_valid_profile_is_converted_to_srgb():
    data = encoded(Image.new("RGB", (4, 4), (200, 20, 60)), "PNG", icc_profile=swapped_profile())
    assert abs(pixels(data) - (20, 200, 60)).max() <= 1


def test_profile_and_transparency_together():
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 51))
    data = encoded(image, "PNG", icc_profile=swapped_profile())
    assert abs(pixels(data) - (204, 255, 204)).max() <= 1


@pytest.mark.parametrize(("mode", "color"), [("L", 128), ("LA", (128, 255))])
def test_grey_profile_is_converted(mode, color):
    data = encoded(Image.new(mode, (4, 4), color), "PNG", icc_profile=linear_grey_profile())
    assert abs(pixels(data) - 188).max() <= 1  # sRGB of a linear half


@pytest.mark.parametrize(
    "profile",
    [b"not a profile", swapped_profile()[:200], linear_grey_profile()],
    ids=["garbage", "cut short", "of another colour space"],
)
def test_unusable_profile_is_ignored(profile):
    data = encoded(Image.new("RGB", (4, 4), (200, 20, 60)), "PNG", icc_profile=profile)
    assert pixels(data).tolist() == [[[200, 20, 60]] * 4] * 4


def test_to_rgb_leaves_its_argument_alone():
    image = picture()
    image.info["comment"] = "kept"
    result = to_rgb(image)
    result.paste("white", (0, 0, 40, 30))
    assert image.info == {"comment": "kept"}
    assert np.array_equal(np.asarray(image), np.asarray(picture()))


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "empty"),
        (b"hello there", "a text file"),
        ("naïve café".encode(), "a text file"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04\x14\0", "a zip archive"),
        (b"<?xml version='1.0'?><svg xmlns=''/>", "an SVG drawing"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript file"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0", "a video"),
        (b"\x93NUMPY\x01\0\xff\xfe", "unknown type"),
        (b"\0" * 4096, "unknown type"),
    ],
)
def test_what_is_not_an_image_is_named(data, named):
    sentence = refusal(data)
    assert named in sentence
    assert data == b"" or "JPEG, PNG" in sentence


def test_formats_outside_the_list_stay_shut():
    for format in ("EPS", "TGA", "PPM", "ICO", "PCX", "SGI", "JPEG2000"):
        assert "can't be read" in refusal(encoded(picture(), format))


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}),
        ("WEBP", {"lossless": True}), ("AVIF", {}), ("HEIF", {}), ("GIF", {}), ("BMP", {}),
        ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_truncated_file_is_refused(format, options, part):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype="u1")
    data = encoded(Image.fromarray(noise), format, **options)
    assert "damaged or incomplete" in refusal(data[: max(8, int(len(data) * part))])


@pytest.mark.parametrize("make", [png_of_any_size, webp_of_any_size])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_100_megapixels_are_refused_from_the_header(make, monkeypatch):
    def load(self):
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    sentence = refusal(make(10_000, 10_000))
    assert "10000 × 10000" in sentence
    assert "100 megapixels" in sentence
    assert "51" in sentence


def test_pillow_says_nothing_of_its_own_where_our_limit_alone_holds():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert "megapixels" in refusal(png_of_any_size(12_000, 9_000))
        assert said
        our_limit_alone()
        said.clear()
        assert "108 megapixels" in refusal(png_of_any_size(12_000, 9_000))
        assert not said


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_pillows_own_limits_are_the_same_error():
    assert "megapixels" in refusal(png_of_any_size(10_000, 10_000))  # its warning
    assert "megapixels" in refusal(png_of_any_size(60_000, 60_000))  # its error


def test_a_heic_that_lies_about_its_size_is_refused_without_its_pixels():
    data = encoded(Image.new("RGB", (800, 600), "blue"), "HEIF", quality=5)
    at = data.index(b"ispe") + 8  # behind the name: version and flags, then width and height
    assert data[at : at + 8] == struct.pack(">II", 800, 600)
    small = data[:at] + struct.pack(">II", 64, 48) + data[at + 8 :]
    assert "damaged" in refusal(small)
    large = data[:at] + struct.pack(">II", 9_000, 9_000) + data[at + 8 :]
    assert "81 megapixels" in refusal(large)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1"])
def test_without_pi_heif_a_heic_is_one_sentence(brand, monkeypatch):
    monkeypatch.setattr(decoding, "_heif", lambda: False)
    sentence = refusal(b"\0\0\0\x18ftyp" + brand + bytes(4))
    assert "a HEIC image" in sentence and "install pi-heif" in sentence
    assert "JPEG, PNG" in sentence and sentence.count("HEIC") == 1


def test_a_message_is_never_opened_as_heic():
    with pytest.raises(ImageError, match="a HEIC image, which can't be read here; use a file of"):
        Codec("jpeg").decode(encoded(picture(), "HEIF"))


def test_limit_is_inclusive():
    data = encoded(Image.new("RGB", (20, 10)), "PNG")
    assert load_image(data, max_pixels=200).size == (20, 10)
    assert "20 × 10" in refusal(data, max_pixels=199)


def test_default_limit_admits_a_50_megapixel_photograph():
    assert 8192 * 6144 <= MAX_PIXELS < 100_000_000


def test_header_that_promises_more_than_it_holds_is_refused():
    assert "damaged" in refusal(png_of_any_size(100, 100))


def test_camera_raw_preview_is_not_mistaken_for_the_photograph():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254] = 1
    assert "raw" in refusal(encoded(picture(), "TIFF", tiffinfo=tags))


# --- the process -----------------------------------------------------------------------------

SEEDS = [
    encoded(picture(), "JPEG"), encoded(picture(), "PNG", icc_profile=swapped_profile()),
    encoded(picture().quantize(8), "PNG", transparency=b"\x33\x44"),
    encoded(picture().convert("CMYK"), "TIFF", compression="tiff_lzw"),
    encoded(Image.fromarray(LEVELS.astype("<u2")), "TIFF"), encoded(picture(), "WEBP"),
    encoded(picture(), "AVIF"), encoded(picture().quantize(8), "GIF"), encoded(picture(), "BMP"),
    encoded(picture(), "HEIF"),
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    data=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6),
)
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_give_an_image_or_an_image_error(data, edits):
    damaged = bytearray(data)
    for position, value in edits:
        damaged[int(position**2 * (len(damaged) - 1))] = value  # mostly in the headers
    try:
        image = load_image(bytes(damaged), max_pixels=10_000)
    except ImageError:
        return
    assert image.mode == "RGB"
    assert 1 <= image.width * image.height <= 10_000


def test_threads_do_not_disturb_each_other_or_pillow():
    limits = (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS)
    whole = encoded(picture(400, 300), "PNG")
    expected = load_image(whole).tobytes()

    def attempt(index):
        if index % 2:
            return load_image(whole).tobytes() == expected
        with pytest.raises(ImageError):
            load_image(whole[:-2000])
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(attempt, range(40)))
    assert limits == (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS)


def test_small_boards_need_pillow_only():
    code = "import sys, core.imaging; print({'numpy', 'torch', 'transformers'} & {*sys.modules})"
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert output.strip() == "set()"
