import numpy as np
import pytest

from core.cropping import Box
from core.hits import box_around, contrast, holds, holds_any, random_hit


def test_a_box_holds_centre_and_four_fifths():
    target = Box(100, 100, 200, 200)
    assert holds(Box(0, 0, 180, 300), target)
    assert not holds(Box(0, 0, 179, 300), target)
    assert not holds(Box(0, 0, 140, 300), target)


def test_one_of_several_targets_will_do():
    targets = [Box(0, 0, 10, 10), Box(50, 50, 60, 60)]
    assert holds_any(Box(40, 40, 70, 70), targets)
    assert not holds_any(Box(20, 20, 40, 40), targets)
    assert not holds_any(Box(0, 0, 100, 100), [])


def test_random_boxes_hit_as_often_as_geometry_says():
    assert random_hit(Box(0, 0, 400, 400), [Box(10, 10, 20, 20)], (400, 400)) == 1
    share = random_hit(Box(0, 0, 100, 1000), [Box(495, 0, 505, 9)], (1000, 1000))
    assert share == pytest.approx(0.1, abs=0.04)


def test_the_box_around_an_object_is_one_the_search_could_ask_for():
    assert box_around(Box(500, 500, 540, 520), (1600, 900), 192) == Box(424, 414, 616, 606)
    assert box_around(Box(0, 0, 300, 100), (1600, 900), 192).size == (330, 330)
    assert box_around(Box(0, 0, 900, 900), (1000, 900), 192).size == (384, 384)


def test_contrast_is_what_a_cell_in_the_box_gets_of_one_outside():
    extent, weights = (0.0, 0.0, 20.0, 20.0), [[6.0, 2.0], [2.0, 2.0]]
    assert contrast(weights, extent, Box(0, 0, 10, 10)) == pytest.approx(3.0)
    assert np.isnan(contrast(weights, extent, Box(0, 0, 20, 20)))
    beyond = (-5.0, -5.0, 15.0, 15.0)  # padding is in the grid, and no cell lost
    assert contrast([[1.0, 1.0], [1.0, 1.0]], beyond, Box(0, 0, 5, 5)) == 1.0
    assert np.isnan(contrast([[1.0, 0.0], [0.0, 0.0]], extent, Box(0, 0, 10, 10)))
