"""Another cropper, or more looks, for a question whose first answer is there already."""

from dataclasses import replace

import pytest

from core.box import Box
from core.croppers import CROPPERS, served
from core.protocol import (
    Edge,
    Server,
    SessionExpired,
    Sessions,
    Transcript,
    ask,
    first_alone,
    first_stage,
    look_anew,
    second_stage,
)
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM, picture

LOOKS = 9
GATES = {
    "asks": Gate(threshold=float("-inf")),
    "asks three times": Gate(threshold=float("-inf"), rounds=(float("-inf"),) * 2),
    "is content": Gate(threshold=float("inf")),
}


@pytest.fixture
def vlm():
    return PixelVLM()


@pytest.fixture
def edge():
    return Edge(picture(400, 300))


def _looked(transcript):
    """All of a transcript that doesn't differ from one time to the next."""
    events = tuple(
        replace(event, seconds=0.0) if hasattr(event, "seconds") else event
        for event in transcript.events
    )
    return replace(transcript, session="", events=events)


@pytest.mark.parametrize(
    ("gate", "name"),
    [(gate, name) for gate in GATES for name in served() if not GATES[gate].rounds
     or not CROPPERS[name].parts],  # which go on looking by themselves
)  # fmt: skip
def test_it_is_what_would_have_come_of_it_from_the_start(vlm, edge, gate, name, monkeypatch):
    gate, sessions = GATES[gate], Sessions()
    before = ask(edge, Server(vlm, gate, sessions, LOOKS), "What?", force=True)
    whole = ask(edge, Server(PixelVLM(), gate, cropper=name), "What?", force=True)
    sent, look = before.global_image.open().tobytes(), PixelVLM.look

    def other_than_the_global_image(self, image):
        assert image.tobytes() != sent  # nothing of the first stage is read again
        return look(self, image)

    monkeypatch.setattr(PixelVLM, "look", other_than_the_global_image)
    anew = look_anew(edge, Server(vlm, gate, sessions, cropper=name), before)
    assert _looked(anew) == _looked(whole)
    assert Transcript.from_json(anew.to_json()) == anew
    again = look_anew(edge, Server(vlm, gate, sessions), anew)
    assert _looked(again) == _looked(before)
    once_more = look_anew(edge, Server(vlm, gate, sessions, cropper=name), again)
    assert _looked(once_more) == _looked(whole)


def test_the_looks_of_another_gate(vlm, edge):
    """The first answer was asked for under a gate with one look, and now there are three."""
    sessions, once = Sessions(), GATES["asks"]
    before = ask(edge, Server(vlm, once, sessions, LOOKS), "What?")
    more = look_anew(edge, Server(vlm, GATES["asks three times"], sessions), before)
    assert len(before.boxes) == 1 < len(more.boxes) and more.boxes[0] == before.box
    assert more.gate == GATES["asks three times"]
    assert _looked(look_anew(edge, Server(vlm, once, sessions), more)) == _looked(before)


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_the_first_stage_alone_is_what_it_was(vlm, edge, gate):
    server = Server(vlm, gate, looks=LOOKS)
    first = first_stage(edge, server, "What?")
    assert first_alone(first) == first
    force = first.box is None
    looked = second_stage(edge, server, first)
    assert looked.retransmitted and force == (gate == GATES["is content"])
    assert first_alone(looked) == first


def test_a_box_of_ones_own_after_a_look(vlm, edge):
    server = Server(vlm, GATES["asks"], looks=LOOKS)
    looked = ask(edge, server, "What?")
    own = second_stage(edge, server, first_alone(looked), Box(0, 0, 20, 20))
    assert own.box == Box(0, 0, 20, 20) and len(own.messages) == 4


def test_a_session_that_is_spent_is_no_more(vlm, edge):
    server = Server(vlm, GATES["asks"])
    with pytest.raises(SessionExpired):
        look_anew(edge, server, ask(edge, server, "What?"))
