"""Rooms: votes, numbers of phones, and bounds on both; the rules, and the routes to them."""

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from core.server.admission import Busy
from core.server.app import create_app
from core.server.phone import rooms as rules
from core.server.phone.rooms import Asked, RoomError, Rooms
from core.server.phone.voting import BODY
from tests.support.pixels import PixelVLM

DEVICES = [f"{number:032x}" for number in range(300)]
ASKED = Asked(again=True, sent=5_000, whole=3_000_000, uncertainty=0.7, seconds=1.5)
TOLD = {
    "device": DEVICES[0], "again": True, "sent": 5_000, "whole": 3_000_000,
    "uncertainty": 0.7, "seconds": 1.5,
}  # fmt: skip


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def generous(monkeypatch):
    """No test is about how fast this machine is."""
    monkeypatch.setattr(rules, "PER_ROOM", (1e6, 10**6))
    monkeypatch.setattr(rules, "PER_DEVICE", (1e6, 10**6))


def opened(*questions):
    room = Rooms().new()
    room.put({name: f"Is it {name}?" for name in questions}, anew=True)
    return room


votes = st.lists(
    st.tuples(st.sampled_from(DEVICES[:6]), st.sampled_from(["a", "b"]), st.booleans()), max_size=40
)


@given(votes)
def test_a_tally_counts_the_last_vote_of_each_device(cast):
    room, last = opened("a", "b"), {}
    for device, question, yes in cast:
        room.vote(device, question, room.round, yes)
        last[question, device] = yes
    for question in ("a", "b"):
        kept = [yes for (name, _), yes in last.items() if name == question]
        assert room.tally(question) == (sum(kept), len(kept) - sum(kept))


def test_another_picture_begins_with_no_votes_and_takes_none_for_the_last():
    room = opened("a")
    before = room.round
    room.vote(DEVICES[0], "a", before, True)
    room.put({"b": "?"})
    with pytest.raises(RoomError, match="closed"):
        room.vote(DEVICES[0], "a", before, True)
    assert room.tally("a") == (1, 0)  # what was voted stays beside what came
    room.put({"a": "?"}, anew=True)
    with pytest.raises(RoomError, match="closed"):
        room.vote(DEVICES[0], "a", before, True)
    assert room.tally("a") == (0, 0)


def test_rooms_know_nothing_of_each_other_and_nothing_is_left_of_a_closed_one():
    rooms = Rooms()
    one, other = rooms.new(), rooms.new()
    for room in (one, other):
        room.put({"a": "?"})
    one.vote(DEVICES[0], "a", one.round, True)
    one.tell(DEVICES[0], ASKED)
    assert other.tally("a") == (0, 0) and other.asked() == ()
    assert rooms.find(one.code.lower()) is one
    rooms.close(one)
    with pytest.raises(RoomError, match="no such class"):
        rooms.find(one.code)
    assert len(rooms) == 1


def test_a_room_goes_when_its_owner_doesnt_look_and_the_memory_of_all_is_bounded():
    clock = Clock()
    rooms = Rooms(clock)
    first = rooms.new()
    for _ in range(rules.MOST_ROOMS - 1):
        rooms.new()
    with pytest.raises(Busy):
        rooms.new()
    clock.now = rules.IDLE - 1
    assert first.asked() == ()  # looked at
    clock.now = rules.IDLE + 1
    assert rooms.new() is not first and len(rooms) == 2
    assert rooms.find(first.code) is first

    first.put({"a": "?"})
    for device in DEVICES[: rules.MOST_DEVICES]:
        first.vote(device, "a", 0, True)
    with pytest.raises(Busy, match="as many devices"):
        first.vote(DEVICES[-1], "a", 0, True)
    first.vote(DEVICES[0], "a", 0, False)  # who is in may go on
    for _ in range(rules.MOST_ASKED + 10):
        first.tell(DEVICES[0], ASKED)
    assert len(first.asked()) == rules.MOST_ASKED


@pytest.mark.parametrize(
    "change",
    [{"sent": 0}, {"whole": -1}, {"sent": 2**31}, {"uncertainty": float("nan")},
     {"seconds": float("inf")}, {"seconds": -1.0}],
)  # fmt: skip
def test_impossible_numbers_are_refused(change):
    with pytest.raises(RoomError, match="reload"):
        Asked(**(vars(ASKED) | change))


@pytest.mark.parametrize("device", ["", "x" * 32, "a" * 31, "A" * 32, "<script>" * 4])
def test_only_random_names_vote(device):
    room = opened("a")
    with pytest.raises(RoomError, match="no name"):
        room.vote(device, "a", room.round, True)


def test_one_device_and_one_room_have_a_rate(monkeypatch):
    monkeypatch.setattr(rules, "PER_DEVICE", (0.001, 3))
    monkeypatch.setattr(rules, "PER_ROOM", (0.001, 5))
    room = opened("a")
    for _ in range(3):
        room.vote(DEVICES[0], "a", room.round, True)
    with pytest.raises(Busy):
        room.vote(DEVICES[0], "a", room.round, True)
    room.vote(DEVICES[1], "a", room.round, True)
    with pytest.raises(Busy):
        room.vote(DEVICES[2], "a", room.round, True)


@pytest.fixture
def served():
    rooms = Rooms()
    room = rooms.new()
    room.put({"a": "Is it?"}, anew=True)
    return TestClient(create_app(PixelVLM(), rooms=rooms)), room


def test_a_phone_votes_and_tells_and_reads_nothing_back(served):
    client, room = served
    at = f"/phone/rooms/{room.code}"
    assert client.get(at).json() == {"round": room.round, "open": {"a": "Is it?"}}
    vote = {"device": DEVICES[0], "round": room.round, "yes": True}
    told = [client.put(f"{at}/votes/a", json=vote), client.post(f"{at}/asked", json=TOLD)]
    assert [(reply.status_code, reply.content) for reply in told] == [(204, b"")] * 2
    assert room.tally("a") == (1, 0) and room.asked() == (ASKED,)
    assert client.get(at).json() == {"round": room.round, "open": {"a": "Is it?"}}
    late = client.put(f"{at}/votes/a", json=vote | {"round": room.round - 1})
    assert late.status_code == 409 and "closed" in late.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 422),
        (b"[]", 422),
        (b'{"device": 1}', 422),
        (b"x" * (BODY + 1), 413),
        (b"\xff", 422),
    ],
)
def test_what_isnt_a_vote_is_refused(served, body, status):
    client, room = served
    for send, path in ((client.put, "votes/a"), (client.post, "asked")):
        reply = send(f"/phone/rooms/{room.code}/{path}", content=body)
        assert reply.status_code == status and reply.json()["detail"]
    assert room.tally("a") == (0, 0) and room.asked() == ()


def test_more_than_the_numbers_is_refused_so_that_no_picture_comes_by_accident(served):
    client, room = served
    reply = client.post(f"/phone/rooms/{room.code}/asked", json=TOLD | {"question": "?"})
    assert reply.status_code == 422 and room.asked() == ()


def test_without_a_room_there_is_none():
    other = TestClient(create_app(PixelVLM(), rooms=Rooms())).get("/phone/rooms/BCDFGH")
    assert other.status_code == 404 and other.json()["code"] == "no_room"
    assert TestClient(create_app(PixelVLM())).get("/phone/rooms/BCDFGH").status_code == 404
