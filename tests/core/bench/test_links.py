import numpy as np
import pytest

from core.bench.curves import full, initial
from core.bench.links import over_link
from core.bench.synthetic import synthetic_run
from core.channel import PRESETS, Fixed, Link


def test_seconds_of_a_slow_link_are_its_bytes_and_the_computing():
    run = synthetic_run(200)
    slow = over_link(run, Link(Fixed(8e3)))  # a byte a millisecond, each way
    for point in (initial, full):
        expected = point(run).seconds + point(run).bytes / 1000
        assert point(slow).seconds == pytest.approx(expected)
    assert np.array_equal(slow.first_score, run.first_score)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_takes_longer_than_no_link(name):
    run = synthetic_run(50)
    assert (over_link(run, PRESETS[name]).first_seconds > run.first_seconds).all()
