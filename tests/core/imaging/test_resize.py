"""What the edge sends is the right part of the original, and never larger than it needs to be."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.imaging import Fit, crop_local, downscale

sides = st.integers(1, 10_000)
sizes = st.tuples(sides, sides)


def box(left, top, right, bottom):
    return SimpleNamespace(left=left, top=top, right=right, bottom=bottom)


def pixels(image):
    return np.asarray(image).astype(int)


@pytest.mark.parametrize(
    ("original", "target", "expected"),
    [
        ((4000, 3000), (336, 336), (336, 252)),
        ((3000, 4000), (336, 336), (252, 336)),
        ((840, 840), (168, 168), (168, 168)),
        ((1000, 500), (400, 100), (200, 100)),
        ((100, 50), (336, 336), (100, 50)),
        ((1, 1), (336, 336), (1, 1)),
        ((1, 4000), (336, 336), (1, 336)),
        ((4000, 1), (336, 336), (336, 1)),
        ((337, 336), (336, 336), (336, 335)),
    ],
)
def test_padded_images_are_sent_inside_the_input(original, target, expected):
    assert Fit("pad", target).size(original) == expected


@given(original=sizes, target=sizes)
def test_a_padded_image_fits_keeps_its_shape_and_is_never_enlarged(original, target):
    size = Fit("pad", target).size(original)
    assert all(
        1 <= new <= min(old, limit) for new, old, limit in zip(size, original, target, strict=True)
    )
    # Within half a pixel of the same factor on both sides, but never less than one pixel.
    factor = min(1, target[0] / original[0], target[1] / original[1])
    for new, old in zip(size, original, strict=True):
        assert abs(new - old * factor) <= 0.5 + 1e-9 or new == 1
    assert size == original or any(new == limit for new, limit in zip(size, target, strict=True))


def test_downscale_averages_instead_of_skipping_pixels():
    checkerboard = np.indices((1000, 1000)).sum(0) % 2 * 255
    image = Image.fromarray(checkerboard.astype("u1")).convert("RGB")
    result = downscale(image, (100, 100))
    assert result.size == (100, 100)
    assert abs(pixels(result) - 127.5).max() <= 2


def test_downscale_of_a_small_image_is_a_copy_of_it():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype="u1"))
    result = downscale(image, (336, 336))
    assert np.array_equal(pixels(result), pixels(image))
    result.paste("white", (0, 0, 12, 9))
    assert pixels(image).min() < 255


def test_local_image_is_the_crop_at_full_detail():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype="u1"))
    local = crop_local(image, box(30, 20, 130, 100), (336, 336))
    assert np.array_equal(pixels(local), pixels(image)[20:100, 30:130])


def test_local_image_is_fitted_inside_the_input():
    image = Image.new("RGB", (2000, 1000), "black")
    image.paste("white", (500, 100, 1500, 600))
    local = crop_local(image, box(500, 100, 1500, 600), (336, 336))
    assert local.size == (336, 168)
    assert pixels(local).min() == 255, "nothing from outside the box comes in"


def test_whole_image_and_one_pixel_are_boxes():
    image = Image.new("RGB", (50, 40), "red")
    assert crop_local(image, box(0, 0, 50, 40), (336, 336)).size == (50, 40)
    assert crop_local(image, box(49, 39, 50, 40), (336, 336)).size == (1, 1)
    assert crop_local(image, box(*np.array([0, 0, 5, 4])), (336, 336)).size == (5, 4)


@pytest.mark.parametrize(
    ("edges", "reason"),
    [
        ((-1, 0, 10, 10), "outside"),
        ((0, -1, 10, 10), "outside"),
        ((0, 0, 51, 10), "outside"),
        ((0, 0, 10, 41), "outside"),
        ((60, 60, 70, 70), "outside"),
        ((0, 0, 10**30, 10), "outside"),
        ((10, 10, 10, 20), "empty"),
        ((10, 10, 20, 10), "empty"),
        ((20, 10, 10, 20), "empty"),
        ((0.0, 0, 10, 10), "whole pixels"),
        ((0, 0, float("nan"), 10), "whole pixels"),
        ((0, 0, "10", 10), "whole pixels"),
        ((0, None, 10, 10), "whole pixels"),
    ],
)
def test_box_of_an_untrusted_server_is_checked(edges, reason):
    with pytest.raises(ValueError, match=reason):
        crop_local(Image.new("RGB", (50, 40)), box(*edges), (336, 336))
