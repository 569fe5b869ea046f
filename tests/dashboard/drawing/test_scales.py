import math

import pytest

from core.uncertainty import METRICS
from dashboard.drawing.scales import ends, share


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("eta", [0.0, 0.5, math.inf])
def test_every_value_lies_on_the_scale(metric, value, eta):
    low, high = scale = ends(metric, value, eta)
    assert math.isfinite(low) and math.isfinite(high)
    assert low <= value <= high and 0 <= share(eta, scale) <= 1


def test_the_scale_keeps_its_end_while_eta_moves_a_little():
    bits = METRICS["min_entropy"]
    assert ends(bits, 0.7, 0.5) == ends(bits, 0.7, 0.8) == (0, 1)
    assert ends(bits, 0.7, math.inf) == (0, 1) and ends(bits, 100.0) == (0, 111)
    assert ends(METRICS["probability_margin"], 0.7, 9.0) == (0, 1)


def test_a_metric_without_a_least_value_has_a_scale_below_zero():
    low, high = ends(METRICS["energy"], -12.5, -9.0)
    assert low < -12.5 and high > -9.0
    assert share(-12.5, (low, high)) < share(-9.0, (low, high))
