from dataclasses import replace

import numpy as np
import pytest

from core.bench.analysis.calibration import threshold_for_budget
from core.bench.analysis.curves import (
    COSTS,
    full,
    high_resolution,
    initial,
    operating_point,
    tradeoff,
)
from core.bench.analysis.links import over_link
from core.bench.runs.files import load_run
from core.channel import PRESETS, Fixed, Link
from core.uncertainty import Gate
from tests.support.paths import ROOT
from tools.doubles.synthetic import synthetic_run

RUNS = ROOT / "assets" / "runs"


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


def with_high_resolution(run, size=14_000):
    n = len(run)
    return replace(
        run, hd_answer=np.full(n, "schön", object), hd_score=run.second_score,
        hd_bytes=np.full(n, size - 200.0), hd_question_message_bytes=np.full(n, size - 60.0),
        hd_answer_message_bytes=np.full(n, 60.0),
        hd_flops=4 * run.first_flops, hd_seconds=np.full(n, 0.36),
    )  # fmt: skip


def test_high_resolution_crosses_the_link_too():
    """0.36 s was said of 14 kB over NB-IoT, which alone take 1.7 s at its peak rate."""
    run = with_high_resolution(synthetic_run(20))
    link = PRESETS["nb-iot"]
    answer = 60
    expected = 0.36 + float(link.seconds(14_000 - answer, "up") + link.seconds(answer, "down"))
    assert high_resolution(over_link(run, link)).seconds == pytest.approx(expected)
    assert expected > 0.36 + 1.6 + 13.9 * 8 / 66
    unknown = over_link(synthetic_run(5), link)
    assert np.isnan(unknown.hd_seconds).all() and high_resolution(unknown) is None


@pytest.mark.parametrize("link", [None, "lora", "rayleigh"])
def test_one_function_costs_every_strategy_on_every_axis(link):
    """Against a loop over questions that looks a link's time up message by message."""
    link = link and PRESETS[link]
    run = with_high_resolution(synthetic_run(12, max_tokens=2))
    timed = over_link(run, link) if link else run
    gate = Gate("min_entropy", float(np.median(run.uncertainty())))
    asked = run.uncertainty() >= gate.threshold
    for strategy, sent in (("initial", asked & False), ("full", asked | True), (gate, asked),
                           (asked, asked)):  # fmt: skip
        point = operating_point(run, strategy, link)
        assert point.seconds == pytest.approx(
            np.mean([timed.first_seconds[i] + sent[i] * timed.second_seconds[i] for i in range(12)])
        )
        assert point.bytes == pytest.approx(
            np.mean(run.first_message_bytes + sent * run.second_message_bytes)
        )
        assert point.additional_cost == sent.mean()
        assert point.flops == np.mean(run.first_flops + sent * run.second_flops)
        # And a curve over a link passes through it.
        curve = tradeoff(timed)
        if strategy is gate:
            k = curve.at([gate.threshold])[0]
            for name in COSTS:
                assert curve.cost(name)[k] == pytest.approx(getattr(point, name))
    wide = operating_point(run, "high_resolution", link)
    assert wide.bytes == 14_000 and wide.flops == 4e9
    assert wide.seconds == high_resolution(timed).seconds
    with pytest.raises(ValueError, match="must be initial, full or high_resolution, not 'never'"):
        operating_point(run, "never", link)


def test_a_bundled_run_over_slow_links():
    """900 s over LoRa once gave η = −inf and the seconds of everything; high resolution over NB-IoT
    took the seconds of a faster link.
    """
    run = load_run(RUNS / "signs-text-q75.parquet")
    slow = over_link(run, PRESETS["lora"])
    found = threshold_for_budget(slow, 900, cost="seconds")
    assert np.isfinite(found.gate.threshold) and 899 < found.expected.seconds <= 900
    assert found.on(slow).seconds == pytest.approx(found.expected.seconds)
    assert full(slow).seconds == pytest.approx(1_634, abs=3)
    assert operating_point(run, "high_resolution", PRESETS["nb-iot"]).seconds > 3.3
