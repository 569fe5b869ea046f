from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench import confusion, operating_point, random_curve, tradeoff
from core.uncertainty import METRICS, Gate
from dashboard.eta.places import (
    PLACES,
    Scale,
    at_share,
    scale,
    slider,
    table,
    within,
)
from tools.doubles.synthetic import synthetic_run

RUN = synthetic_run(500)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("first", [None, 1])
def test_every_place_has_what_core_says_of_its_gate(metric, first):
    curve, places = tradeoff(RUN, metric, first), scale(RUN, metric, first)
    rows = table(RUN, curve, places, "bytes")
    assert rows["count"] == len(rows["asked"]) == len(places.thresholds) <= PLACES + 3
    for row in range(0, places.count, 97):
        point = operating_point(RUN, Gate(metric, float(places.thresholds[row]), first))
        assert rows["asked"][row] == pytest.approx(point.retransmitted, rel=1e-6)
        assert rows["accuracy"][row] == pytest.approx(point.accuracy, rel=1e-6)
        assert rows["cost"][row] == rows["bytes"][row] == pytest.approx(point.bytes, rel=1e-6)
        asked = sum(kind[row] for kind in rows["asked_kinds"])
        assert asked == round(point.retransmitted * len(RUN))
        at_random = random_curve(RUN).accuracy_at(point.bytes, "bytes")
        assert rows["random"][row] == pytest.approx(at_random, rel=1e-4)
        kinds, at = confusion(RUN, curve), curve.at(places.thresholds[row])
        assert [kind[row] for kind in rows["asked_kinds"]] == kinds.asked[at].tolist()
        assert [kind[row] for kind in rows["not_asked_kinds"]] == kinds.not_asked[at].tolist()


@pytest.mark.parametrize("metric", METRICS)
def test_the_slider_goes_from_everything_to_nothing(metric):
    places = scale(RUN, metric)
    ends = [
        operating_point(RUN, Gate(metric, eta)).retransmitted
        for eta in (places.minimum, places.maximum)
    ]
    assert sorted(ends) == [0, 1]


def test_places_are_what_a_browser_makes_of_minimum_and_step():
    places = Scale(-0.3, 0.1, 8)
    assert places.thresholds.tolist() == [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4]
    assert places.nearest(0.149) == 0.1 and places.nearest(99) == 0.4
    assert Scale(0, 5.0, 3).digits == 0 and Scale(0, 0.002, 3).digits == 3


def test_a_run_without_any_spread_has_a_slider():
    values = {name: np.full(RUN.offsets[-1], 0.25) for name in RUN.scores}
    flat = replace(RUN, scores=values)
    for metric in METRICS:
        places = scale(flat, metric, 1)
        asked = tradeoff(flat, metric, 1)
        rows = table(flat, asked, places, "additional_cost")
        assert set(rows["asked"]) == {0.0, 1.0}


@pytest.mark.parametrize("metric", METRICS)
def test_a_share_is_met_as_nearly_as_places_allow(metric):
    curve, places = tradeoff(RUN, metric), scale(RUN, metric)
    for share in (0.0, 0.4, 1.0):
        eta = at_share(curve, places, share)
        assert abs(operating_point(RUN, Gate(metric, eta)).retransmitted - share) < 0.02


@pytest.mark.parametrize("metric", METRICS)
def test_the_place_for_a_calibrated_threshold_asks_for_no_more_or_no_less(metric):
    places = scale(RUN, metric)
    for eta in np.quantile(RUN.uncertainty(metric), [0.1, 0.5, 0.93]):
        around = [within(places, eta, metric), eta, within(places, eta, metric, more=True)]
        assert np.ptp(around) <= places.step * (1 + 1e-9)
        asked = [operating_point(RUN, Gate(metric, t)).retransmitted for t in around]
        assert asked == sorted(asked)
    assert {within(places, s * np.inf, metric) for s in (1, -1)} == {places.minimum, places.maximum}


def test_the_slider_says_its_unit_and_its_side():
    bits = slider("min_entropy", scale(RUN, "min_entropy"), 0.4)
    assert "(bits)" in bits["label"] and "or more" in bits["info"] and bits["value"] == 0.4
    assert "or less" in slider("probability_margin", scale(RUN, "probability_margin"), 0.4)["info"]


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
@given(tenths=st.lists(st.integers(0, 60), min_size=1, max_size=6), of=st.sampled_from([10, 30]))
def test_one_end_of_the_slider_asks_for_everything_and_the_other_for_nothing(metric, tenths, of):
    """Values that lie on places, where dividing by the step is rounded to either side."""
    values = np.array(tenths) / of
    run = synthetic_run(len(values), max_tokens=1)
    run = replace(run, scores={metric: values})
    places = scale(run, metric)
    asked = [
        operating_point(run, Gate(metric, eta)).retransmitted
        for eta in (places.minimum, places.maximum)
    ]
    assert sorted(asked) == [0, 1]
