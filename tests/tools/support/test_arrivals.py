"""When the load command's questions are due."""

import numpy as np
import pytest

from tools.support.arrivals import bursts, poisson


def test_poisson_arrivals_have_the_rate_and_its_spread():
    due = poisson(20.0, 500.0)
    assert (np.diff(due) >= 0).all() and due[0] >= 0 and due[-1] < 500
    assert len(due) == pytest.approx(10_000, rel=0.04)  # four deviations
    gaps = np.diff(due)  # exponential: deviation and mean are equal
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)
    assert (poisson(20.0, 500.0) == due).all() and len(poisson(20.0, 500.0, seed=1)) != len(due)


def test_bursts_come_at_once_and_keep_the_rate():
    due = bursts(4.0, 10.0, size=8)
    assert due.tolist() == np.repeat([0.0, 2.0, 4.0, 6.0, 8.0], 8).tolist()


@pytest.mark.parametrize(
    "schedule",
    [lambda: poisson(0, 10), lambda: poisson(1, -1), lambda: bursts(float("inf"), 1),
     lambda: bursts(1, 1, size=0)],
)  # fmt: skip
def test_schedules_that_make_no_sense(schedule):
    with pytest.raises(ValueError, match="must be positive|at least 1"):
        schedule()
