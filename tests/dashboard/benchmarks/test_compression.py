"""The compression tab's pictures."""

import pytest

from core.cropping import Box
from core.imaging import Fit
from dashboard.benchmarks.compression_tab import _place


@pytest.mark.parametrize(
    ("how", "size", "place"),
    [
        ("pad", (100, 50), (50, 10, 60, 20)),
        ("stretch", (100, 100), (50, 20, 60, 40)),
        ("cover", (100, 100), (50, 20, 70, 40)),
    ],
)
def test_a_box_lies_where_the_global_image_shows_it(how, size, place):
    fit, original = Fit(how, (100, 100)), (1000, 500)
    assert fit.size(original) == size
    assert _place(Box(500, 100, 600, 200), size, fit.region(original)) == place
    left, top, right, bottom = _place(Box(0, 0, 1, 1), size, fit.region(original))
    assert (right - left, bottom - top) == (1, 1)
