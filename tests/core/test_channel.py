"""Closed forms of the links, held to simulation, and to numbers worked out by hand."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bench.runs.metadata import Metadata
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from core.channel import PRESETS, Awgn, Fixed, Link, Rayleigh, Traffic, expected_rounds
from core.channel import _lambert as lambert
from core.cropping import Box
from core.messages import Answer, CropRequest, LocalImage, Question
from core.transcript import MessageRecord
from core.uncertainty import METRICS

rng = np.random.default_rng(0)
links = st.builds(
    Link,
    uplink=st.one_of(
        st.builds(Fixed, st.floats(1e2, 1e9)),
        st.builds(Awgn, st.floats(1e3, 1e9), st.floats(-40, 60)),
        st.builds(Rayleigh, st.floats(1e3, 1e9), st.floats(-40, 60)),
    ),
    round_trip=st.floats(0, 10),
    loss=st.floats(0, 0.9),
    payload=st.integers(1, 10_000),
    overhead=st.integers(0, 100),
    duty_cycle=st.floats(0.001, 1),
)


def simulated(link, byte_count, trials, draw):
    """Mean seconds up, and on the air, playing packets one by one; draw(n) -> which failed."""
    full, last = divmod(byte_count, link.payload)
    sizes = [link.payload] * full + [last] * (last > 0)
    total, air = 0.0, 0.0
    for _ in range(trials):
        waiting = np.array(sizes)
        while len(waiting):
            burst = 8 * (waiting + link.overhead).sum() / link.uplink.rate
            air += burst
            total += burst / link.duty_cycle + link.round_trip
            waiting = waiting[draw(len(waiting))]
        total -= link.round_trip / 2  # nobody waits for the last acknowledgement
    return total / trials, air / trials


def test_capacity_by_hand():
    assert Awgn(1e6, 0.0).rate == pytest.approx(1e6)  # SNR 1: one bit per Hz and second
    assert Awgn(20e6, 10 * math.log10(15)).rate == pytest.approx(80e6)


def test_plain_link():
    link = Link(Fixed(8_000), Fixed(80_000), round_trip=0.2)
    assert float(link.seconds(1_000, "up")) == pytest.approx(1.1)
    assert float(link.seconds(1_000, "down")) == pytest.approx(0.2)
    assert float(link.seconds(0, "up")) == 0
    assert math.isnan(link.joules(1_000, "up"))
    powered = dataclasses.replace(link, transmit_watts=2.0, receive_watts=0.5)
    assert float(powered.joules(1_000, "up")) == pytest.approx(2.0)
    assert float(powered.joules(1_000, "down")) == pytest.approx(0.05)


def test_loss_against_simulation():
    link = Link(Fixed(1e6), round_trip=0.05, loss=0.2, payload=500, overhead=20, duty_cycle=0.5)
    seconds, air = simulated(link, 4_800, 4_000, lambda n: rng.random(n) < 0.2)
    assert float(link.seconds(4_800, "up")) == pytest.approx(seconds, rel=0.01)
    assert float(link.airtime(4_800, "up")) == pytest.approx(air, rel=0.01)


@pytest.mark.parametrize("channel", [Rayleigh(1e6, 10.0), Rayleigh(1e6, 10.0, 0.1)])
def test_fading_against_simulation(channel):
    """Packets fail when the SNR drawn for them can't carry the rate, or when they are lost."""
    link = Link(channel, round_trip=0.02, loss=0.1, payload=600)

    def draw(n):
        snr = rng.exponential(10.0, n)
        return (channel.bandwidth * np.log2(1 + snr) < channel.rate) | (rng.random(n) < 0.1)

    seconds, air = simulated(link, 6_000, 4_000, draw)
    assert float(link.seconds(6_000, "up")) == pytest.approx(seconds, rel=0.015)
    assert float(link.airtime(6_000, "up")) == pytest.approx(air, rel=0.015)


@given(st.floats(-30, 40))
def test_best_rate_over_fading(snr_db):
    """No outage serves better than the one chosen; found by trying a thousand."""
    best = Rayleigh(1.0, snr_db)
    targets = np.linspace(0.001, 0.989, 1_000)
    rates = [Rayleigh(1.0, snr_db, float(t)) for t in targets]
    others = [channel.rate * (1 - channel.outage) for channel in rates]
    goodput = best.rate * (1 - best.outage)
    assert max(others) <= goodput * (1 + 1e-9)
    assert max(others) >= goodput * 0.99
    # Its rate and its outage belong together.
    assert Rayleigh(1.0, snr_db, best.outage).rate == pytest.approx(best.rate)


@given(st.floats(-10, 10))
def test_lambert(exponent):
    x = lambert(10**exponent)
    assert x * math.exp(x) == pytest.approx(10**exponent, rel=1e-12)


def test_rounds():
    draws = rng.geometric(1 - 0.3, size=(20_000, 50))  # rounds that each of 50 packets needs
    simulated_mean = draws.max(axis=1).mean()
    assert float(expected_rounds(50, 0.3)) == pytest.approx(simulated_mean, rel=0.01)
    assert expected_rounds([[0, 1], [1, 0]], 0.5) == pytest.approx(np.array([[0, 2], [2, 0]]))
    assert expected_rounds([3, 1], 0.0).tolist() == [1, 1]


@settings(deadline=None)
@given(links, st.integers(1, 10**7), st.integers(1, 10**6))
def test_more_takes_longer(link, count, more):
    one, two = link.seconds([count, count + more], "up")
    assert 0 < one < two < math.inf
    assert link.airtime(count, "up") <= link.seconds(count, "up")
    worse = dataclasses.replace(link, loss=link.loss + 0.05)
    assert worse.seconds(count, "up") > one
    # Two messages never arrive before one of the same bytes.
    assert one + link.seconds(more, "up") >= two * (1 - 1e-9)


def test_full_lora_frame():
    """Semtech AN1200.13 for SF 7, 125 kHz, 4/5, explicit header, 235 bytes of physical payload."""
    symbols = 12.25 + 8 + 5 * math.ceil((8 * 235 - 4 * 7 + 28 + 16) / (4 * 7))
    lora = PRESETS["lora"]
    assert float(lora.airtime(222, "up")) == pytest.approx(symbols * 2**7 / 125e3, rel=0.005)


def test_presets():
    assert all(link.name and link.source for link in PRESETS.values())
    slow_to_fast = ["lora", "nb-iot", "lte-m", "3g", "lte", "wifi", "5g"]
    airtimes = [float(PRESETS[name].airtime(5_000, "up")) for name in slow_to_fast]
    assert airtimes == sorted(airtimes, reverse=True)
    # P = α · rate + β, by hand for LTE.
    assert PRESETS["lte"].transmit_watts == pytest.approx(0.43839 * 6 + 1.28804)


def test_a_search_takes_its_round_trips():
    run = run_of([message.byte_count for message in MESSAGES])
    columns = {"search_up_bytes": 30_000, "search_down_bytes": 300, "search_round_trips": 3}
    searched = dataclasses.replace(
        run, **{name: np.array([value, np.nan]) for name, value in columns.items()}
    )
    for link in (PRESETS["lte"], PRESETS["nb-iot"]):
        plain, more = (Traffic.of_run(one).seconds(link)[1] for one in (run, searched))
        each = link.seconds(10_000, "up") + link.seconds(100, "down")
        np.testing.assert_allclose(more - plain, [3 * each, 0])
    assert searched.second_message_bytes[0] - run.second_message_bytes[0] == 30_300


MESSAGES = [  # of one question that is asked twice
    Question((4000, 3000), b"g" * 3_001, "jpeg", "Was heißt „größer“?"),
    Answer('nine "inches"\n', "s" * 22),
    CropRequest("s" * 22, Box(0, 9, 1000, 3000)),
    LocalImage("s" * 22, b"l" * 4_001, "jpeg"),
    Answer("zwölf"),
]


def run_of(sizes):
    metadata = Metadata(
        "m", None, None, "d", "s", None, "jpeg", 75, "{question}", {}, "none", "2026-01-01", ""
    )
    record = Record(
        id="0", image_id="0", question="q", prompt="q", answers="[]", first_answer=MESSAGES[1].text,
        second_answer=MESSAGES[4].text, first_score=0, second_score=1, global_bytes=3_001,
        local_bytes=4_001, reference_bytes=9_000, question_message_bytes=sizes[0],
        answer_message_bytes=sizes[1], crop_request_message_bytes=sizes[2],
        local_image_message_bytes=sizes[3], refined_message_bytes=sizes[4], first_flops=1,
        second_flops=1, first_seconds=1, second_seconds=1, box=MESSAGES[2].box,
        scores={name: (1.0,) for name in METRICS},
    )  # fmt: skip
    failed = Record(id="1", image_id="1", question="q", prompt="q", answers="[]", error="broken")
    return Run.from_records([record, failed], metadata)


def test_a_run_and_its_transcripts_agree():
    sizes = [message.byte_count for message in MESSAGES]
    traffic = Traffic.of_run(run_of(sizes))
    columns = [getattr(traffic, f.name).tolist() for f in dataclasses.fields(traffic)]
    assert columns == [[size, 0] for size in [*sizes, 0, 0, 0]]  # to the byte; nobody searched

    senders = ["edge", "server", "server", "edge", "server"]
    records = [
        MessageRecord(sender, message.kind, message.byte_count, message.image_bytes, "")
        for sender, message in zip(senders, MESSAGES, strict=True)
    ]
    for link in PRESETS.values():
        first, second = traffic.seconds(link)
        assert first.tolist() == pytest.approx([link.message_seconds(records[:2]), 0])
        both = link.message_seconds([records[0], *records[2:]])
        assert (first + second).tolist() == pytest.approx([both, 0])
        energy = sum(stage[0] for stage in traffic.joules(link))
        expected = link.message_joules([records[0], *records[2:]])
        assert energy == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fixed(0),
        lambda: Fixed(math.nan),
        lambda: Awgn(-1, 0),
        lambda: Awgn(1e6, math.inf),
        lambda: Rayleigh(1e6, 10, 0.0),
        lambda: Rayleigh(1e6, 10, 1.0),
        lambda: Link(Fixed(1), round_trip=-1),
        lambda: Link(Fixed(1), loss=1.0),
        lambda: Link(Fixed(1), payload=0),
        lambda: Link(Fixed(1), duty_cycle=0),
        lambda: Link(Fixed(1), transmit_watts=math.nan),
        lambda: Link(Fixed(1)).seconds(-1, "up"),
        lambda: Link(Fixed(1)).seconds(1.5, "up"),
        lambda: expected_rounds(1, 1.0),
    ],
)
def test_values_out_of_range(make):
    with pytest.raises(ValueError, match="must"):
        make()
