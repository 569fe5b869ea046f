import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench.analysis.curves import asked_by, random_curve, tradeoff
from core.bench.analysis.outcomes import (
    ASKED,
    NOT_ASKED,
    confusion,
    samples_near,
    samples_of_kind,
    ways,
)
from core.uncertainty import METRICS, Gate
from tests.support.strategies import patient, runs


def _kind(first: float, second: float, asked: bool) -> str:
    """By the words of the table, one sample at a time."""
    match bool(first >= 0.5), bool(second >= 0.5):
        case True, True:
            return "needless" if asked else "spared"
        case True, False:
            return "harmful" if asked else "averted"
        case False, True:
            return "useful" if asked else "missed"
        case _:
            return "hopeless" if asked else "resigned"


@patient
@given(runs(), st.sampled_from(sorted(METRICS)), st.sampled_from([None, 1]))
def test_the_confusion_at_every_point_is_that_of_its_gate(run, metric, first):
    curve = tradeoff(run, metric, first)
    found = confusion(run, curve)
    answered = run.answered
    for index, eta in enumerate(curve.threshold):
        asked = asked_by(run, Gate(metric, eta, first))
        kinds = [
            _kind(*scores)
            for scores in zip(answered.first_score, answered.second_score, asked, strict=True)
        ]
        assert [kinds.count(kind) for kind in ASKED] == found.asked[index].tolist()
        assert [kinds.count(kind) for kind in NOT_ASKED] == found.not_asked[index].tolist()


@patient
@given(runs(), st.sampled_from(sorted(METRICS)), st.floats(allow_nan=False))
def test_every_sample_is_of_one_kind_and_the_nearest_come_first(run, metric, eta):
    gate = Gate(metric, eta)
    uncertainty = run.answered.uncertainty(metric)
    found = [samples_of_kind(run, gate, kind) for kind in (*ASKED, *NOT_ASKED)]
    assert sorted(np.concatenate(found)) == list(range(len(run.answered)))
    if np.isfinite(eta):
        for samples in (*found, samples_near(run, gate)):
            assert (np.diff(np.abs(uncertainty[samples] - eta)) >= 0).all()


@patient
@given(runs())
def test_at_an_infinite_threshold_the_extreme_sample_is_nearest(run):
    uncertainty = run.answered.uncertainty()
    assert uncertainty[samples_near(run, Gate(threshold=np.inf))[0]] == uncertainty.max()
    assert uncertainty[samples_near(run, Gate(threshold=-np.inf))[0]] == uncertainty.min()


@patient
@given(runs())
def test_ways_add_up_to_the_answered_samples(run):
    assert np.bincount(ways(run), minlength=4).sum() == len(run.answered)


@patient
@given(runs())
def test_what_is_no_kind_or_no_curve_of_a_metric_is_refused(run):
    with pytest.raises(ValueError, match="needless, harmful"):
        samples_of_kind(run, Gate(), "lucky")
    with pytest.raises(ValueError):
        confusion(run, random_curve(run))
