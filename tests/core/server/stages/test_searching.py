"""A cropper that searches: what it asks the edge for, what of that costs, and how it ends."""

import pytest

from core.box import Box
from core.croppers import CROPPERS, Cropper, CropperError, Found, Need
from core.croppers.tree import NEAREST, SMALL
from core.edge.client import Client, EdgeError
from core.edge.device import Edge
from core.imaging import Codec
from core.messages import CropRequest, SecondLook, SessionExpired
from core.protocol import Server, Sessions, Transcript, ask, first_stage, second_stage
from core.uncertainty import Gate
from tests.support.pixels import SIDE, PixelVLM, picture
from tests.support.serving import serving

ALWAYS, NEVER = Gate(threshold=float("-inf")), Gate(threshold=float("inf"))


class SeeingVLM(PixelVLM):
    """Says yes where it sees the bright spot; that it can answer, where the spot fills much."""

    def yes(self, look, prompt):
        pixels = look.image.convert("L")
        bright = sum(pixels.histogram()[200:]) / (pixels.width * pixels.height)
        self.asked = [*getattr(self, "asked", []), (prompt, pixels.size)]
        if prompt.startswith("Question"):
            return 0.9 if bright > 0.1 else 0.2
        return min(0.5 + 20 * bright, 1.0)


@pytest.fixture
def edge():
    return Edge(picture(400, 300, spot=(310, 60)), Codec("png"))


def kinds(t):
    return [message.kind for message in t.messages]


@pytest.mark.parametrize("gate", [ALWAYS, NEVER])
def test_every_part_is_a_round_trip_and_the_answer_is_from_the_last_of_them(edge, gate):
    t = ask(edge, Server(SeeingVLM(), gate, cropper="tree"), "Where is the spot?", force=True)
    assert t.cropper == "tree" and t.box_fallback == ""
    assert t.box.contains(Box(315, 65, 325, 75)) and max(t.box.size) < 120
    wish = ["question", "crop request"]
    wish = wish if gate is ALWAYS else ["question", "answer", "second look", "crop request"]
    trips = (len(t.messages) - len(wish) - 2) // 2
    assert kinds(t) == [*wish, *["local image", "crop request"] * trips, "local image", "answer"]
    assert trips >= 4
    asked = [m.text for m in t.messages if m.kind == "crop request"]
    assert len(set(asked)) == len(asked)  # no part is sent twice, not for the answer either
    assert "Send {}, {} to {}, {} in detail.".format(*t.box.as_tuple()) in asked
    sent = edge.crop(t.box, SeeingVLM().info.fit)
    assert t.local_image.open().tobytes() == sent.tobytes()
    vlm = SeeingVLM()
    answer = vlm.answer(vlm.look(t.global_image.open()), "Where is the spot?", sent)
    assert t.answer == answer.text
    assert Transcript.from_json(t.to_json()) == t


def test_each_question_of_a_part_is_a_step_with_its_cost(edge):
    vlm = SeeingVLM()
    t = ask(edge, Server(vlm, ALWAYS, cropper="tree"), "Where is the spot?")
    steps = [step for step in t.steps if step.name == "yes or no"]
    assert len(steps) == len(vlm.asked) == len(set(vlm.asked[:2])) + len(vlm.asked) - 2
    assert all(step.flops for step in steps)
    parts = kinds(t).count("crop request")
    looked = [step for step in t.steps if step.name == "find box"]
    assert len(looked) == parts + 1  # after each part, and before the first


def test_the_map_shows_where_it_was_said_to_be(edge):
    t = ask(edge, Server(SeeingVLM(), ALWAYS, cropper="tree"), "Where is the spot?")
    shown = t.attention.searched
    row, col = max(((i, j) for i in range(8) for j in range(8)), key=lambda at: shown[at[0]][at[1]])
    left, top, right, bottom = t.attention.extent
    x, y = left + (col + 0.5) * (right - left) / 8, top + (row + 0.5) * (bottom - top) / 8
    assert abs(x - 320) < 60 and abs(y - 70) < 60


def test_parts_that_the_global_image_shows_as_finely_cost_no_byte():
    small = Edge(picture(SIDE - 2, 20, spot=(4, 0)), Codec("png"))
    vlm = SeeingVLM()
    t = ask(small, Server(vlm, ALWAYS, cropper="tree"), "Where is the spot?")
    assert kinds(t) == ["question", "crop request", "local image", "answer"]
    assert t.box == Box(0, 0, SIDE - 2, 20) and t.box_fallback == SMALL
    square = Edge(picture(SIDE, SIDE, spot=(10, 10)), Codec("png"))
    vlm = SeeingVLM()
    t = ask(square, Server(vlm, ALWAYS, cropper="tree"), "Where is the spot?")
    assert kinds(t) == ["question", "crop request", "local image", "answer"] and vlm.asked


def test_where_nothing_is_found_the_part_that_came_nearest_is_looked_at(edge):
    class Blind(SeeingVLM):
        def yes(self, look, prompt):
            return 0.1

    t = ask(edge, Server(Blind(), ALWAYS, cropper="tree"), "Where is the spot?")
    assert t.box_fallback == NEAREST and t.second is not None


def test_several_croppers_may_look_on_from_one_first_stage(edge):
    vlm, sessions = SeeingVLM(), Sessions()
    opened = first_stage(edge, Server(vlm, NEVER, sessions, looks=4), "Where is the spot?")
    boxes = [
        second_stage(edge, Server(vlm, NEVER, sessions, cropper=name), opened).box
        for name in ("attention", "tree", "tree", "attention")
    ]
    assert boxes[0] == boxes[3] and boxes[1] == boxes[2] != boxes[0]
    assert len(sessions) == 0 == sessions.nbytes


def test_a_search_that_is_asked_for_again_goes_on_where_it_was(edge):
    server = Server(SeeingVLM(), NEVER, cropper="tree")
    opened = first_stage(edge, server, "Where is the spot?")
    wish = SecondLook(opened.session)
    first = server.handle(wish).message
    assert server.handle(wish).message == first
    local = edge.local_image(opened.session, edge.crop(first.box, server.fit))
    second = server.handle(local).message
    asked = len(server.vlm.asked)
    assert server.handle(wish).message == second != first
    assert len(server.vlm.asked) == asked  # what it said of a part is known


def test_what_is_held_of_a_search_is_counted_and_expires(edge, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("core.sessions.time.monotonic", lambda: now[0])
    sessions = Sessions(max_seconds=60)
    server = Server(SeeingVLM(), ALWAYS, sessions, cropper="tree")
    opened = first_stage(edge, server, "Where is the spot?")
    before, box = sessions.nbytes, opened.box
    for _ in range(3):
        now[0] += 50  # a search may take longer than that, as long as the edge keeps answering
        local = edge.local_image(opened.session, edge.crop(box, server.fit))
        reply = server.handle(local)
        assert isinstance(reply.message, CropRequest) and reply.searching
        box = reply.message.box
    assert sessions.nbytes > before
    now[0] += 61
    with pytest.raises(SessionExpired, match="ask it again"):
        server.handle(edge.local_image(opened.session, edge.crop(box, server.fit)))
    assert sessions.nbytes == 0


def test_looks_that_do_not_go_together_are_refused(edge):
    rounds = Gate(threshold=0.0, rounds=(0.1,))
    with pytest.raises(CropperError, match="further ones: set the looks to 1 .*, or choose"):
        Server(SeeingVLM(), rounds, cropper="tree")
    server = Server(SeeingVLM(), ALWAYS, cropper="tree")
    assert server.looks_at_most == 1 + CROPPERS["tree"].parts
    opened = first_stage(edge, server, "Where is the spot?")
    with pytest.raises(ValueError, match="goes on from its own box"):
        second_stage(edge, server, opened, Box(0, 0, 50, 50))


def test_a_model_that_says_neither_yes_nor_no_is_told_so():
    class Mute(PixelVLM):
        abilities = frozenset()

    with pytest.raises(CropperError, match="probabilities of yes and of no as the first word"):
        Server(Mute(), ALWAYS, cropper="tree")


def test_a_cropper_of_ones_own_may_ask_for_parts(edge):
    """It ends in a box that it hasn't seen: that is asked for like any other."""
    halves = Box(0, 0, 200, 300), Box(200, 0, 400, 300)

    def find(clues):
        best = max(halves, key=lambda box: clues.yes("Is it here?", box))
        return Found((Box(best.left + 50, 0, best.right, 200),))

    needs = frozenset({Need.YES, Need.PARTS})
    one = Cropper("halves", "Halves", "One half.", "", find, needs, parts=2)
    t = ask(edge, Server(SeeingVLM(), ALWAYS, cropper=one), "Where?")
    assert t.box == Box(250, 0, 400, 200)
    assert kinds(t) == ["question", *["crop request", "local image"] * 3, "answer"]


def test_over_http_the_same_parts_cross_and_as_many_bytes(edge):
    local, question = Server(SeeingVLM(), ALWAYS, cropper="tree"), "Where is the spot?"
    expected = ask(edge, local, question)
    with serving(ALWAYS, vlm=SeeingVLM(), cropper="tree") as (url, _):
        with Client(url, codec=Codec("png"), looks=89) as client:
            assert client.info()["looks"] == 89
            result = client.ask(edge.image, question)
        assert result.answer == expected.answer and expected.box in result.boxes
        sizes = [size for e in result.exchanges for size in (e.sent, e.received)]
        assert sizes == [message.byte_count for message in expected.messages]
        why = r"may ask for 89 local images, and 5 .*--looks"
        with Client(url, codec=Codec("png")) as client, pytest.raises(EdgeError, match=why):
            client.ask(edge.image, question)
