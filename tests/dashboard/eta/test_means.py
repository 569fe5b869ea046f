"""What an η means on a link, against the same sums sample by sample."""

import numpy as np
import pytest

from core.bench import operating_point
from core.channel import PRESETS, Traffic
from core.uncertainty import METRICS, Gate
from dashboard.eta.means import means, said
from tools.doubles.synthetic import synthetic_run

RUN = synthetic_run(500)


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
@pytest.mark.parametrize("first", [None, 1])
def test_costs_are_those_of_asking_each_sample(metric, first):
    link, values = PRESETS["lte"], RUN.uncertainty(metric, first)
    thresholds = np.quantile(values, [0, 0.3, 0.9, 1])  # of samples: ties at η count
    found = means(RUN, metric, first, thresholds, link)
    traffic = Traffic.of_run(RUN)
    for i, eta in enumerate(thresholds):
        asked = values >= eta if METRICS[metric].higher_is_uncertain else values <= eta
        for name, first_cost, more in (
            ("seconds", *traffic.seconds(link)),
            ("joules", *traffic.joules(link)),
        ):
            if name == "seconds":
                first_cost, more = first_cost + RUN.first_seconds, more + RUN.second_seconds
            expected = (first_cost + np.where(asked, more, 0)).mean()
            assert getattr(found, name)[i] == pytest.approx(expected)


def test_it_is_one_sentence_with_a_link_whose_energy_is_known_or_not():
    gate = Gate("min_entropy", 0.5)
    sentence = said(RUN, gate, PRESETS["lte"])
    assert "On 4G LTE (median of 2012) a question then takes" in sentence and "mJ of" in sentence
    size = 1_000 * operating_point(RUN, gate).bytes
    assert sentence.endswith(f"1,000 questions a day send {size / 1e6:.3g} MB.")
    assert "energy that isn't known" in said(RUN, gate, PRESETS["nb-iot"])
    never = said(RUN, Gate("min_entropy", float("inf")), PRESETS["lte"])
    assert never != sentence
