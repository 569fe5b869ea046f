import re

import pytest

from core.channel import PRESETS, Fixed, Link
from core.protocol import Edge, Server, ask
from core.transcript import Step
from core.uncertainty import Gate
from dashboard.drawing import timeline, wording

SLOW = Link(Fixed(8_000.0), name="a kilobyte a second")


@pytest.fixture(scope="module", params=[0.0, 100.0], ids=["asked for", "forced"])
def transcript(vlm, samples, request):
    server = Server(vlm, Gate(threshold=request.param))
    return ask(Edge(str(samples / "0.jpg")), server, "What does the sign say?", force=True)


def test_the_table_of_messages_adds_up(transcript):
    shown = timeline.messages(transcript.messages, transcript.original_bytes)
    total = sum(message.byte_count for message in transcript.messages)
    assert f"{total:,} bytes in {len(transcript.messages)} messages" in shown
    for message in transcript.messages:
        assert f">{message.byte_count:,}</td>" in shown


def test_everything_happens_once_and_in_order(transcript):
    events = transcript.events
    assert [e for e in events if isinstance(e, Step)] == list(transcript.steps)
    assert [e for e in events if not isinstance(e, Step)] == list(transcript.messages)
    names = [e.name if isinstance(e, Step) else e.kind for e in events]
    told = names.index("crop request")
    assert names[told - 2 : told] == ["relative attention", "find box"]
    if transcript.forced:  # the answer had gone out before anybody asked where to look
        assert names.index("answer") < names.index("second look") < told - 2
    assert names[told + 1 : told + 4] == ["crop", "encode local", "local image"]
    assert names[-1] == "answer"


@pytest.mark.parametrize("link", [SLOW, PRESETS["5g"]], ids=lambda link: link.name)
def test_bars_are_seconds_to_scale_and_follow_each_other(transcript, link):
    shown = timeline.timeline(transcript, link)
    bars = re.findall(r"margin-left:([\d.]+)%;width:([\d.]+)%", shown)
    starts, lengths = zip(*[(float(a), float(b)) for a, b in bars], strict=True)
    assert len(bars) == len(transcript.events)
    for start, length, following in zip(starts, lengths, starts[1:], strict=False):
        assert start + length == pytest.approx(following, abs=0.02)
    assert starts[-1] + lengths[-1] == pytest.approx(100, abs=0.02)
    sending = link.message_seconds(transcript.messages)
    total = sending + sum(step.seconds for step in transcript.steps)
    assert f'id="total-seconds">{wording.seconds(total)}<' in shown
    assert f"{wording.seconds(sending)} of it on the link" in shown
    sent = [
        length / 100 * total
        for event, length in zip(transcript.events, lengths, strict=True)
        if not isinstance(event, Step)
    ]
    rounding = len(sent) * 0.005 / 100 * total  # of the widths, in % with two digits
    assert sum(sent) == pytest.approx(sending, abs=rounding)
