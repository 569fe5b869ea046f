"""Several looks at one question: where each falls, and when there is another."""

from dataclasses import dataclass, replace

import pytest
from PIL import Image

from core.box import Box
from core.cropping import OVERLAP
from core.imaging import Codec
from core.protocol import (
    CropRequest,
    Edge,
    MessageRecord,
    Server,
    SessionExpired,
    Sessions,
    Transcript,
    ask,
    first_stage,
    look_anew,
    second_stage,
)
from core.uncertainty import Gate
from core.vlm.base import Look, VLMError
from tests.support.pixels import PixelVLM, picture

ALWAYS, NEVER = float("-inf"), float("inf")
SIZE = (400, 400)


def gate(*rounds, first=ALWAYS):
    return Gate("min_entropy", first, rounds=rounds)


@pytest.fixture
def edge():
    return Edge(picture(*SIZE, spot=(250, 90)), Codec("jpeg", 80), Codec("png"))


@dataclass(frozen=True, eq=False)
class Both(Look):
    image: Image.Image
    local: Image.Image


class ZoomingVLM(PixelVLM):
    """Finds the brightest cell of a local image there; how much it attends to it can be set."""

    weight = 0.9  # of the question's attention that is on the local image

    def zoom(self, look, local):
        return Both(local.size, look.image, local)

    def answer(self, look, question, local=None, max_new_tokens=20, draft=()):
        if not isinstance(look, Both):
            return super().answer(look, question, local, max_new_tokens, draft)
        plain = super().look(look.image)
        generation = super().answer(plain, question, look.local, max_new_tokens, draft)
        return replace(
            generation,
            attention=generation.attention * (1 - self.weight),
            inside=self.attend(look, question),
        )

    def attend(self, look, prompt, layer=None):
        if isinstance(look, Both):
            return self.weight * super().attend(super().look(look.local), prompt, layer)
        return super().attend(look, prompt, layer)


def test_one_look_is_all_there_is_unless_rounds_are_asked_for(edge):
    once = ask(edge, Server(PixelVLM(), gate()), "What?")
    assert once.rounds == () and len(once.stages) == 2 and once.boxes == (once.box,)
    more = ask(edge, Server(PixelVLM(), gate(NEVER)), "What?")
    assert (more.second, more.box, more.rounds) == (once.second, once.box, ())
    kinds = [[message.kind for message in t.messages] for t in (once, more)]
    assert kinds[0] == kinds[1]


def test_as_long_as_the_answer_is_uncertain_it_looks_again(edge):
    t = ask(edge, Server(PixelVLM(), gate(ALWAYS, ALWAYS)), "What?")
    assert len(t.rounds) == 2 and t.answer == t.rounds[-1].stage.answer
    assert [message.kind for message in t.messages] == [
        "question", "crop request", *("local image", "crop request") * 2, "local image", "answer",
    ]  # fmt: skip
    for i, box in enumerate(t.boxes):
        others = t.boxes[:i]
        assert all(box.shared(b) < OVERLAP * min(box.area, b.area) for b in others)
    sent = t.rounds[0].local_image.open()
    assert sent.tobytes() == edge.crop(t.boxes[1], PixelVLM().info.fit).tobytes()
    alone = PixelVLM()
    look = alone.look(t.global_image.open())
    expected = alone.answer(look, "What?", t.rounds[1].local_image.open())
    assert t.answer == expected.text  # from the global image and the newest local one alone


def test_each_round_has_an_eta_of_its_own(edge):
    t = ask(edge, Server(PixelVLM(), gate(ALWAYS, ALWAYS)), "What?")
    uncertainty = [t.gate.uncertainty(stage.scores["min_entropy"]) for stage in t.stages]
    for rounds, looks in (
        ((uncertainty[1], uncertainty[2]), 3),  # reached
        ((uncertainty[1], uncertainty[2] + 0.01), 2),
        ((uncertainty[1] + 0.01, ALWAYS), 1),
    ):
        server = Server(PixelVLM(), gate(*rounds))
        assert len(ask(edge, server, "What?").boxes) == looks
        assert len(server.sessions) == 0  # spent


def test_what_is_in_the_local_image_is_looked_at_more_closely(edge):
    server = Server(ZoomingVLM(), gate(ALWAYS))
    t = ask(edge, server, "What?")
    (second,) = t.rounds
    assert second.attention is not None and second.box.width < t.box.width
    assert second.box.left <= 260 < second.box.right and second.box.top <= 100 < second.box.bottom
    left, top, right, bottom = second.attention.extent  # of the local image's grid, in the original
    assert (left, top, right, bottom) == pytest.approx(t.box.as_tuple(), abs=1e-6)
    names = [step.name for step in t.steps]
    assert names.count("relative attention") == 2  # of the global image, and inside the local one


def test_what_is_not_in_the_local_image_is_looked_for_elsewhere(edge):
    vlm = ZoomingVLM()
    vlm.weight = 0.1
    t = ask(edge, Server(vlm, gate(ALWAYS)), "What?")
    assert t.rounds[0].attention is None
    plain = ask(edge, Server(PixelVLM(), gate(ALWAYS)), "What?")
    assert t.boxes == plain.boxes


def test_a_box_that_shows_nothing_finer_is_not_sent_again():
    """The local image has every pixel of the original already."""
    small = Edge(picture(70, 70, spot=(10, 10)), Codec("png"))
    t = ask(small, Server(ZoomingVLM(), gate(ALWAYS)), "What?")
    assert all(one.attention is None for one in t.rounds)


def test_the_second_looks_of_a_content_gate_can_be_several(edge):
    t = ask(edge, Server(PixelVLM(), gate(ALWAYS, first=NEVER)), "What?", force=True)
    assert t.forced and len(t.boxes) == 2


def test_rounds_are_part_of_a_transcript(edge):
    t = ask(edge, Server(ZoomingVLM(), gate(ALWAYS, NEVER)), "What?")
    again = Transcript.from_json(t.to_json())
    assert again == t and again.gate.rounds == (ALWAYS, NEVER)
    assert again.answer == t.rounds[0].stage.answer
    assert all(isinstance(event, MessageRecord) for event in t.messages)


def test_a_transcript_of_version_4_had_one_look(edge):
    t = ask(edge, Server(PixelVLM(), gate()), "What?")
    data = t.to_dict() | {"version": 4}
    for name in ("cropper", "box_fallback", "rounds", "date", "look"):
        del data[name]
    for stage in (data["first"], data["second"]):
        del stage["bounds"]
    del data["gate"]["rounds"], data["attention"]["searched"]
    assert Transcript.from_dict(data) == replace(t, date=None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d["rounds"][0]["box"].update(right=9000), r"rounds\[0\].box"),
        (lambda d: d["rounds"][0]["local_image"].update(data="AAAA"), r"rounds\[0\].local_image"),
        (lambda d: d["gate"].update(rounds=["often"]), r"gate.rounds\[0\]"),
        (lambda d: d["rounds"].append({}), r"rounds\[1\]"),
    ],
)
def test_what_is_wrong_in_a_round_is_named(edge, change, field):
    data = ask(edge, Server(PixelVLM(), gate(ALWAYS)), "What?").to_dict()
    change(data)
    with pytest.raises(ValueError, match=field):
        Transcript.from_dict(data)


def test_a_session_goes_on_under_one_name_and_is_spent_at_the_end(edge):
    server = Server(PixelVLM(), gate(ALWAYS))
    opened = first_stage(edge, server, "What?")
    local = edge.local_image(opened.session, edge.crop(opened.box, server.fit))
    reply = server.handle(local)
    assert isinstance(reply.message, CropRequest) and reply.message.session == opened.session
    assert len(server.sessions) == 1
    last = edge.local_image(opened.session, edge.crop(reply.message.box, server.fit))
    assert server.handle(last).message.session is None
    with pytest.raises(SessionExpired):
        server.handle(last)


def test_a_session_that_is_kept_is_counted_once(edge):
    sessions = Sessions()
    server = Server(PixelVLM(), gate(ALWAYS), sessions)
    first_stage(edge, server, "What?")
    held = sessions.nbytes
    first_stage(edge, server, "What else?")
    assert sessions.nbytes == 2 * held


def test_nothing_replaces_a_box_of_a_server_that_looks_on_from_it(edge):
    server = Server(PixelVLM(), gate(ALWAYS))
    opened = first_stage(edge, server, "What?")
    with pytest.raises(ValueError, match="goes on from its own box"):
        second_stage(edge, server, opened, Box(0, 0, 50, 50))


def test_rounds_are_numbers():
    with pytest.raises(ValueError, match="NaN"):
        Gate(rounds=(float("nan"),))
    assert Gate(rounds=[0.5]).rounds == (0.5,)


@pytest.mark.parametrize("name", ["attention", "saliency", "centre", "random", "truth", "blank"])
def test_every_cropper_looks_again(edge, name):
    truth = (Box(250, 90, 270, 110),)
    server = Server(ZoomingVLM(), gate(ALWAYS, ALWAYS), cropper=name, truth=truth)
    t = ask(edge, server, "What?")
    assert 1 <= len(t.boxes) <= 3 and t.cropper == name
    assert len(t.stages) == 1 + len(t.boxes)


def test_each_rounds_events_begin_with_the_search_for_its_box(edge):
    server = Server(ZoomingVLM(), gate(ALWAYS, ALWAYS))
    t = ask(edge, server, "What?")
    assert len(t.rounds) == 2
    for one in t.rounds:
        names = [getattr(event, "name", event) for event in t.events]
        assert names[one.began - 1] == "score tokens"  # of the answer before it
    first, second = (t.events[one.began] for one in t.rounds)
    assert first.name == "relative attention"  # inside the local image
    assert second.where == "server" and t.rounds[1].began > t.rounds[0].began


class SeveralVLM(PixelVLM):
    """Was trained on several images, and notes what it is shown."""

    def __init__(self):
        super().__init__()
        self.info, self.shown = replace(self.info, several=True), []

    def answer(self, look, question, local=None, max_new_tokens=20, draft=()):
        images = local if isinstance(local, list) else [local]
        self.shown.append([None if image is None else image.tobytes() for image in images])
        return super().answer(look, question, images[-1], max_new_tokens, draft)


def test_local_images_are_kept_for_a_model_that_was_trained_on_several(edge):
    vlm = SeveralVLM()
    server = Server(vlm, gate(ALWAYS, ALWAYS), keeps=True)
    t = ask(edge, server, "What?")
    sent = [i.open().tobytes() for i in (t.local_image, *(one.local_image for one in t.rounds))]
    assert vlm.shown == [[None], sent[:1], sent[:2], sent]
    assert t.keeps and Transcript.from_json(t.to_json()) == t and len(server.sessions) == 0
    tokens = sum(map(vlm.visual_tokens, (t.global_image.size, t.local_image.size)))
    steps = [step for step in t.steps if step.name == "second answer"]
    assert steps[2].flops > steps[1].flops > steps[0].flops == vlm.info.prefill_flops(tokens)
    alone = ask(edge, Server(vlm, gate(ALWAYS, ALWAYS)), "What?")
    assert not alone.keeps and alone.boxes == t.boxes
    again = first_stage(edge, server, "What?")  # asked from the start, it begins with none
    second_stage(edge, server, again)
    assert [len(images) for images in vlm.shown[-3:]] == [1, 2, 3]


def test_what_is_kept_takes_memory(edge):
    server = Server(SeveralVLM(), gate(ALWAYS), keeps=True)
    opened = first_stage(edge, server, "What?")
    held, local = server.sessions.nbytes, edge.crop(opened.box, server.fit)
    message = edge.local_image(opened.session, local)
    server.handle(message)
    assert server.sessions.nbytes == held + len(message.image)


def test_others_are_shown_the_newest_alone():
    with pytest.raises(VLMError, match="trained on a global and one local image"):
        Server(PixelVLM(), gate(ALWAYS), keeps=True)


def test_a_transcript_of_version_5_counted_no_prompts_and_kept_nothing(edge):
    t = ask(edge, Server(PixelVLM(), gate(ALWAYS)), "What?")
    data = t.to_dict() | {"version": 5}
    del data["keeps"], data["rounds"][0]["began"]
    for stage in (data["first"], data["second"], data["rounds"][0]["stage"]):
        del stage["prompt_tokens"]
    (one,) = t.rounds
    old = replace(one, began=None, stage=replace(one.stage, prompt_tokens=0))
    assert Transcript.from_dict(data).rounds == (old,)
    data["rounds"] = [7]
    with pytest.raises(ValueError, match=r"rounds\[0\]"):
        Transcript.from_dict(data)


def test_looked_at_anew_its_rounds_begin_where_their_search_does(edge):
    sessions = Sessions()
    opened = ask(edge, Server(ZoomingVLM(), gate(), sessions, looks=2), "What?")
    anew = look_anew(edge, Server(ZoomingVLM(), gate(ALWAYS), sessions), opened)
    whole = ask(edge, Server(ZoomingVLM(), gate(ALWAYS)), "What?")
    assert len(anew.events) == len(whole.events)
    assert [one.began for one in anew.rounds] == [one.began for one in whole.rounds]
