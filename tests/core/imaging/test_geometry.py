"""Geometry says where pixels fall; the image processors of transformers say whether it is right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from core.imaging import Geometry, downscale

PIXELS_ONLY = {"do_rescale": False, "do_normalize": False}


def crop_processor(shortest_edge, crop_size):
    width, height = crop_size
    return CLIPImageProcessorPil(
        size={"shortest_edge": shortest_edge},
        crop_size={"height": height, "width": width},
        **PIXELS_ONLY,
    )


def pad_processor(side):
    return LlavaImageProcessorPil(
        do_pad=True,
        size={"height": side, "width": side},
        crop_size={"height": side, "width": side},
        image_mean=[0.0, 0.0, 0.0],  # pads with black
        **PIXELS_ONLY,
    )


def stretch_processor(input_size):
    width, height = input_size
    return CLIPImageProcessorPil(
        size={"height": height, "width": width}, do_center_crop=False, **PIXELS_ONLY
    )


def model_input(processor, image):
    """What the vision encoder would see, as (height, width) grey levels."""
    return np.asarray(processor(image)["pixel_values"][0], dtype=float).mean(0)


def with_square(size, square):
    image = Image.new("RGB", size, "black")
    image.paste("white", square)
    return image


def bright_rectangle(levels):
    """Left, top, right, bottom of what is brighter than half."""
    ys, xs = np.nonzero(levels > 127.5)
    return xs.min(), ys.min(), xs.max() + 1, ys.max() + 1


def assert_square_is_where_geometry_says(geometry, image, square, processor, tolerance=1.0):
    levels = model_input(processor, image)
    assert levels.shape == geometry.input_size[::-1]
    expected = (*geometry.to_input(*square[:2]), *geometry.to_input(*square[2:]))
    width, height = geometry.input_size
    expected = np.clip(expected, 0, (width, height, width, height))  # a crop may cut it off
    assert np.abs(np.array(bright_rectangle(levels)) - expected).max() <= tolerance


SIZES = [(400, 300), (300, 400), (301, 400), (640, 427), (97, 211), (336, 336), (1000, 120)]


def square_in(size):
    """A square off the centre, that no centred crop of these sizes loses."""
    width, height = size
    side = max(min(size) // 4, 4)
    left, top = width // 2 - side - side // 3, height // 2 - side // 4
    return left, top, left + side, top + side


@pytest.mark.parametrize("size", SIZES)
def test_stretch_as_the_processor_resizes(size):
    square = square_in(size)
    geometry = Geometry.stretch(size, (168, 140), (10, 12))
    processor = stretch_processor((168, 140))
    assert_square_is_where_geometry_says(geometry, with_square(size, square), square, processor)


@pytest.mark.parametrize("size", SIZES)
def test_pad_as_llava_pads(size):
    square = square_in(size)
    geometry = Geometry.pad(size, 336, (24, 24))
    image = with_square(size, square)
    assert_square_is_where_geometry_says(geometry, image, square, pad_processor(336))


@pytest.mark.parametrize("size", [(20, 31), (20, 30), (31, 20), (30, 20), (31, 31)])
def test_pad_starts_at_the_pixel_llava_starts_at(size):
    # The square already has the model's size, so nothing is resampled: exact to the pixel.
    side, square = max(size), (8, 5, 12, 9)
    geometry = Geometry.pad(size, side, (1, 1))
    image = with_square(size, square)
    assert_square_is_where_geometry_says(geometry, image, square, pad_processor(side), 1e-9)


@pytest.mark.parametrize("crop", [(336, 336), (224, 300), (400, 336), (500, 500), (201, 203)])
@pytest.mark.parametrize("size", SIZES)
def test_center_crop_as_clip_crops(size, crop):
    square = square_in(size)
    geometry = Geometry.center_crop(size, 336, crop, (24, 24))
    image = with_square(size, square)
    assert_square_is_where_geometry_says(geometry, image, square, crop_processor(336, crop))


@pytest.mark.parametrize("crop", [(20, 20), (19, 18), (21, 22), (60, 10), (10, 61), (60, 61)])
@pytest.mark.parametrize("size", [(20, 31), (20, 30), (31, 20), (30, 20), (20, 20)])
def test_center_crop_starts_at_the_pixel_clip_starts_at(size, crop):
    # The shorter edge already has its size: exact to the pixel, for smaller and larger crops.
    width, height = size
    square = (width // 2 - 3, height // 2 - 3, width // 2 + 2, height // 2 + 1)
    geometry = Geometry.center_crop(size, 20, crop, (1, 1))
    image = with_square(size, square)
    assert_square_is_where_geometry_says(geometry, image, square, crop_processor(20, crop), 1e-9)


@settings(max_examples=40, deadline=None)
@given(size=st.tuples(st.integers(40, 300), st.integers(40, 300)), crop=st.integers(100, 200))
def test_center_crop_of_any_size(size, crop):
    square = square_in(size)
    geometry = Geometry.center_crop(size, 150, (crop, crop), (1, 1))
    image = with_square(size, square)
    assert_square_is_where_geometry_says(geometry, image, square, crop_processor(150, (crop, crop)))


def test_original_is_found_in_the_input_through_the_global_image():
    # 1003 × 750 becomes 336 × 251, which is then cropped: two resizings, one geometry.
    original, square = (1003, 750), (420, 300, 560, 480)
    image = downscale(with_square(original, square), (336, 336))
    assert image.size == (336, 251)
    geometry = Geometry.center_crop(image.size, 336, (336, 336), (24, 24)).of_original(original)
    processor = crop_processor(336, (336, 336))
    assert_square_is_where_geometry_says(geometry, image, square, processor, 1.5)


# --- properties ------------------------------------------------------------------------------

side = st.integers(1, 5000)
size = st.tuples(side, side)
grids = st.tuples(st.integers(1, 40), st.integers(1, 40))
coordinate = st.floats(-5000, 5000)


@st.composite
def geometries(draw):
    source, grid = draw(size), draw(grids)
    kind = draw(st.sampled_from(["stretch", "pad", "center_crop"]))
    if kind == "stretch":
        return Geometry.stretch(source, draw(size), grid)
    if kind == "pad":
        return Geometry.pad(source, draw(side), grid)
    return Geometry.center_crop(source, draw(st.integers(1, 1000)), draw(size), grid)


def close(a, b, scale=1.0):
    return np.allclose(a, b, rtol=1e-9, atol=1e-6 * max(1.0, scale))


@given(geometry=geometries(), x=coordinate, y=coordinate)
def test_to_source_undoes_to_input(geometry, x, y):
    reach = max(map(abs, geometry.extent))
    assert close(geometry.to_source(*geometry.to_input(x, y)), (x, y), reach)


@given(geometry=geometries())
def test_cells_tile_the_extent(geometry):
    rows, cols = geometry.grid
    left, top, right, bottom = geometry.extent
    for row in range(rows):
        assert geometry.cell(row, 0)[0] == left
        assert geometry.cell(row, cols - 1)[2] == right
        for col in range(cols - 1):
            assert geometry.cell(row, col)[2] == geometry.cell(row, col + 1)[0]
    for col in range(cols):
        assert geometry.cell(0, col)[1] == top
        assert geometry.cell(rows - 1, col)[3] == bottom
        for row in range(rows - 1):
            assert geometry.cell(row, col)[3] == geometry.cell(row + 1, col)[1]
    for row, col in {(0, 0), (rows // 2, cols // 3), (rows - 1, cols - 1)}:
        x0, y0, x1, y1 = geometry.cell(row, col)
        expected = ((right - left) / cols, (bottom - top) / rows)
        assert close((x1 - x0, y1 - y0), expected, max(map(abs, geometry.extent)))


@given(source=size, inputs=size, grid=grids)
def test_whole_pixels_stay_whole(source, inputs, grid):
    assert Geometry.stretch(source, inputs, grid).extent == (0, 0, *source)


@given(geometry=geometries(), original=size, fraction=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_of_original_composes(geometry, original, fraction):
    seen = geometry.of_original(original)
    in_source = [f * s for f, s in zip(fraction, geometry.source_size, strict=True)]
    in_original = [f * s for f, s in zip(fraction, original, strict=True)]
    assert close(seen.to_input(*in_original), geometry.to_input(*in_source), 1e4)
    assert (seen.source_size, seen.input_size, seen.grid) == (
        original, geometry.input_size, geometry.grid,
    )  # fmt: skip
    assert close(seen.of_original(geometry.source_size).scale, geometry.scale)


def test_extent_is_the_image_when_stretched_larger_when_padded_smaller_when_cropped():
    assert Geometry.stretch((400, 300), (168, 168), (14, 14)).extent == (0, 0, 400, 300)
    assert Geometry.pad((400, 300), 336, (24, 24)).extent == (0, -50, 400, 350)
    cropped = Geometry.center_crop((400, 300), 150, (150, 150), (10, 10))
    assert cropped.extent == (50, 0, 350, 300)
    assert cropped.cell(9, 0) == (50, 270, 80, 300)


@pytest.mark.parametrize("cell", [(-1, 0), (0, -1), (14, 0), (0, 14)])
def test_cell_off_the_grid(cell):
    with pytest.raises(ValueError, match="not on the grid"):
        Geometry.stretch((400, 300), (168, 168), (14, 14)).cell(*cell)


@pytest.mark.parametrize(
    "arguments",
    [((0, 10), (5, 5), (1, 1)), ((10, 10), (5, 0), (1, 1)), ((10, 10), (5, 5), (0, 1))],
)
def test_sizes_must_be_positive(arguments):
    with pytest.raises(ValueError, match="must be positive"):
        Geometry.stretch(*arguments)
