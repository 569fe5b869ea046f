"""How an image is brought to a model: what is sent, in how many pixels, and what is left out."""

from math import prod

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from core.imaging import Fit, Geometry, downscale
from core.imaging.fit import HOWS

sizes = st.tuples(st.integers(1, 5_000), st.integers(1, 5_000))
fits = st.builds(
    Fit,
    st.sampled_from(HOWS),
    st.tuples(st.integers(28, 700), st.integers(28, 700)),
    st.sampled_from([1, 28]),
)


@pytest.mark.parametrize(
    ("how", "original", "sent", "region"),
    [
        ("stretch", (4000, 3000), (336, 336), (0, 0, 4000, 3000)),
        ("stretch", (4000, 100), (336, 100), (0, 0, 4000, 100)),
        ("cover", (1920, 1080), (336, 336), (420, 0, 1500, 1080)),
        ("cover", (1080, 1920), (336, 336), (0, 420, 1080, 1500)),
        ("cover", (500, 99), (99, 99), (200, 0, 299, 99)),
        ("pad", (1920, 1080), (336, 189), (0, 0, 1920, 1080)),
        ("area", (336, 335), (336, 335), (0, 0, 336, 335)),
        ("area", (1920, 1080), (448, 252), (0, 0, 1920, 1080)),
        ("area", (30_000, 10), (11289, 10), (0, 0, 30_000, 10)),
    ],
)
def test_what_is_sent_of_an_image(how, original, sent, region):
    fit = Fit(how, (336, 336), 28 if how == "area" else 1)
    assert (fit.size(original), fit.region(original)) == (sent, region)


@given(fit=fits, original=sizes)
def test_nothing_is_enlarged_and_all_that_is_sent_is_allowed(fit, original):
    size, (left, top, right, bottom) = fit.size(original), fit.region(original)
    assert all(1 <= new <= old for new, old in zip(size, original, strict=True))
    assert fit.allows(size)
    assert 0 <= left < right <= original[0] and 0 <= top < bottom <= original[1]
    assert fit.covered(original) == pytest.approx((right - left) * (bottom - top) / prod(original))
    assert all(0 < scale <= 1 + 1e-9 for scale in fit.scale(original))
    if fit.how != "cover":
        assert fit.covered(original) == 1
    assert fit.finer(original, original) == pytest.approx(1)


@given(original=sizes)
@example(original=(428, 469))  # too large, and rounded to cells it isn't
def test_a_bounded_area_is_what_qwens_processor_would_make_of_the_original(original):
    w, h = original
    if max(original) > 28 * min(original) or w * h <= 448 * 448:
        return
    height, width = smart_resize(h, w, 28, 56 * 56, 448 * 448)
    sent = Fit("area", (448, 448), 28).size(original)
    assert sent == (min(width, w), min(height, h))


def test_a_cut_image_shows_its_centre_and_the_grid_knows_where_it_lies():
    pixels = np.zeros((90, 160, 3), dtype="u1")
    pixels[:, 35:125] = 255
    fit = Fit("cover", (30, 30))
    sent = downscale(Image.fromarray(pixels), fit)
    assert sent.size == (30, 30)
    assert np.asarray(sent)[:, 3:-3].min() == 255  # but for what the filter reaches over the edge
    assert fit.covered((160, 90)) == 0.5625
    geometry = Geometry.stretch((30, 30), (30, 30), (3, 3))
    seen = geometry.of_original((160, 90), fit.region((160, 90)))
    assert seen.extent == (35, 0, 125, 90)
    assert seen.cell(1, 1) == (65, 30, 95, 60)


def test_how_much_finer_a_crop_is():
    fit = Fit("pad", (100, 100))
    assert fit.finer((1000, 500), (100, 100)) == 10
    assert fit.finer((1000, 500), (200, 200)) == 5
    assert fit.finer((90, 90), (20, 20)) == 1  # all its detail was there before
    assert Fit("stretch", (100, 100)).finer((1000, 100), (100, 100)) == pytest.approx(10**0.5)
    assert Fit("area", (2000, 2000)).finer((1600, 1200), (300, 300)) == 1


@pytest.mark.parametrize("wrong", [("squeeze", (9, 9)), ("pad", (0, 9)), ("area", (9, 9), 10)])
def test_a_rule_that_cannot_be_followed_is_refused(wrong):
    with pytest.raises(ValueError, match="must be one of|can be brought to"):
        Fit(*wrong)
