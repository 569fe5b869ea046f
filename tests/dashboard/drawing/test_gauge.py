import math
import re
from dataclasses import replace

import pytest

from core.protocol import Edge, Server, ask
from core.uncertainty import METRICS, Gate
from dashboard.drawing import gauge


@pytest.fixture(scope="module")
def transcript(vlm, samples):
    return ask(Edge(str(samples / "0.jpg")), Server(vlm, Gate()), "What does the sign say?")


def _needle(shown):
    line = re.search(
        r'class="needle" x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"', shown
    )
    x1, y1, x2, y2 = map(float, line.groups())
    return 1 - math.atan2(y1 - y2, x2 - x1) / math.pi  # share of the scale


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("eta", [0.0, 0.4, 3.0, math.inf])
def test_the_needle_is_on_the_side_of_the_verdict(transcript, metric, eta):
    judged = transcript.with_gate(Gate(metric, eta))
    shown = gauge.gauge(judged)
    colours = re.findall(r'<path class="(\w+)" d="M([\d.]+) [^"]* ([\d.]+) [\d.]+"', shown)
    (left, start, turn), (right, _, end) = colours
    assert {left, right} == {"confident", "uncertain"}
    assert float(start) < float(end) and float(start) <= float(turn) <= float(end)
    at = gauge.CENTRE[0] - gauge.RADIUS * math.cos(math.pi * _needle(shown))
    state = left if at < float(turn) - 0.5 else right if at > float(turn) + 0.5 else None
    assert state in (None, "uncertain" if judged.uncertain else "confident")
    assert f"{judged.uncertainty:.2f}" in shown


def test_it_says_what_it_shows(transcript):
    shown = gauge.gauge(replace(transcript, gate=Gate("min_entropy", 0.5)))
    assert 'role="img"' in shown and "η is 0.50" in shown
