import numpy as np
import pytest

from core.cropping import Box
from core.pocket.evaluate import box_around, holds, interval, random_box_hit


def test_a_box_holds_centre_and_four_fifths():
    target = Box(100, 100, 200, 200)
    assert holds(Box(0, 0, 180, 300), target)
    assert not holds(Box(0, 0, 179, 300), target)
    assert not holds(Box(0, 0, 140, 300), target)


def test_random_boxes_hit_as_often_as_geometry_says():
    assert random_box_hit(Box(0, 0, 400, 400), Box(10, 10, 20, 20), (400, 400)) == 1
    share = random_box_hit(Box(0, 0, 100, 1000), Box(495, 0, 505, 9), (1000, 1000))
    assert share == pytest.approx(0.1, abs=0.04)


def test_the_box_around_an_object_is_one_the_search_could_ask_for():
    assert box_around((500, 500, 540, 520), (1600, 900), 192) == Box(424, 414, 616, 606)
    assert box_around((0, 0, 300, 100), (1600, 900), 192).size == (330, 330)
    assert box_around((0, 0, 900, 900), (1000, 900), 192).size == (384, 384)


def test_wilson_interval():
    assert interval(np.array([True] * 50 + [False] * 50)) == " 50.0 %  [40.4, 59.6]  n = 100"
    assert interval(np.array([], bool)) == "no questions"
