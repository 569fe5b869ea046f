"""Every cropper, through the protocol, against the same battery of checks."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.bench.record.together import together
from core.croppers import CROPPERS, DEFAULT, Clues, Cropper, Found, Need, cropper, served
from core.cropping import Box, find_box
from core.protocol import Edge, Server, ask, second_stage
from core.transcript import Transcript
from core.uncertainty import Gate
from tests.support.pixels import SIDE, PixelVLM, picture

ALWAYS = Gate(threshold=-1.0)
TRUE = (Box(150, 40, 170, 60),)


@pytest.fixture
def vlm():
    return PixelVLM()


@pytest.fixture
def edge():
    return Edge(picture())


def looked(vlm, edge, name, question="What?", truth=TRUE):
    return ask(edge, Server(vlm, ALWAYS, cropper=name, truth=truth), question)


@pytest.mark.parametrize("name", CROPPERS)
def test_an_entry_says_what_it_is(name):
    one = CROPPERS[name]
    assert one.name == name and one.label[0].isupper() and one.rule.endswith(".")
    assert one.source or one.control
    assert cropper(name) is cropper(one) is one


@pytest.mark.parametrize("name", CROPPERS)
def test_every_cropper_looks_inside_the_image_and_always_at_the_same_place(vlm, edge, name):
    t = looked(vlm, edge, name)
    assert Box(0, 0, *edge.image.size).contains(t.box) and t.box.area > 0
    assert t.cropper == name and bool(t.box_fallback) == (name == "ask")  # it can't name a box
    again = looked(PixelVLM(), Edge(picture()), name)
    assert (again.box, again.answer, again.attention) == (t.box, t.answer, t.attention)
    assert Transcript.from_json(t.to_json()) == t


@pytest.mark.parametrize("name", CROPPERS)
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (31, 33), (2_000, 90)])
def test_a_picture_of_any_shape_is_looked_into(vlm, name, size):
    truth = (Box(0, 0, 1, 1),)
    t = looked(vlm, Edge(Image.new("RGB", size, "teal")), name, truth=truth)
    assert Box(0, 0, *size).contains(t.box) and t.box.area > 0


@pytest.mark.parametrize("name", CROPPERS)
def test_nothing_is_read_that_an_entry_does_not_declare(vlm, edge, name, monkeypatch):
    """A model's pass costs, so its cost has to be known from the entry."""
    read = set()
    monkeypatch.setattr(Clues, "_need", lambda self, need: read.add(need))
    looked(vlm, edge, name)
    assert read == CROPPERS[name].needs


def test_what_is_not_declared_is_not_given(vlm, edge):
    sly = replace(CROPPERS["attention"], find=CROPPERS["relative"].find)
    with pytest.raises(AssertionError, match="GENERIC declares it"):
        looked(vlm, edge, sly)


def test_the_default_is_eq_22_and_no_other_gate_or_step_than_before(vlm, edge):
    t = ask(edge, Server(vlm, ALWAYS), "What?")
    assert t.cropper == DEFAULT == "relative" and t.attention.searched is None
    weights, extent = np.asarray(t.attention.relative), t.attention.extent
    assert t.box == find_box(weights, edge.image.size, SIDE, extent=extent)
    names = [step.name for step in t.steps if step.where == "server"]
    assert names[3:5] == ["relative attention", "find box"]


def test_attention_alone_reads_the_image_no_second_time(vlm, edge):
    t = looked(vlm, edge, "attention")
    assert t.attention.generic is t.attention.relative is None
    assert t.attention.searched == t.attention.question == t.attention.shown
    assert "relative attention" not in [step.name for step in t.steps]
    cheaper = sum(step.flops or 0 for step in t.steps)
    assert cheaper < sum(step.flops or 0 for step in looked(vlm, edge, "relative").steps)


@pytest.mark.parametrize("name", ["centre", "random", "blank"])
def test_controls_differ_in_the_place_or_the_sight_alone(vlm, edge, name):
    own, control = looked(vlm, edge, "relative"), looked(vlm, edge, name)
    assert control.box.size == own.box.size
    flops = [sum(step.flops or 0 for step in t.steps) for t in (own, control)]
    assert flops[0] == flops[1]


def test_the_centre_is_the_middle(vlm, edge):
    box = looked(vlm, edge, "centre").box
    assert (box.left + box.right, box.top + box.bottom) == pytest.approx((200, 100), abs=2)


def test_a_random_place_goes_by_the_question_and_the_image(vlm):
    edges = Edge(picture(400, 300)), Edge(picture(400, 300, spot=(10, 10)))
    boxes = {looked(vlm, edge, "random", f"What {i}?").box for edge in edges for i in range(5)}
    assert len(boxes) == 10


def test_random_places_are_spread_evenly(vlm):
    edge = Edge(picture(400, 300))
    centres = [looked(vlm, edge, "random", f"What {i}?").box for i in range(200)]
    share = [(box.left / (400 - box.width), box.top / (300 - box.height)) for box in centres]
    assert np.mean(share, axis=0) == pytest.approx((0.5, 0.5), abs=0.08)
    assert np.std(share, axis=0) == pytest.approx((0.29, 0.29), abs=0.05)


def test_the_true_box_is_looked_at_whole_where_it_is_known(vlm, edge):
    t = looked(vlm, edge, "truth")
    assert t.box.contains(TRUE[0]) and t.box.size == looked(vlm, edge, "relative").box.size
    large = Box(0, 0, 200, 90)
    assert looked(vlm, edge, "truth", truth=(large,)).box.contains(large)
    unknown = looked(vlm, edge, "truth", truth=())
    assert unknown.box == looked(vlm, edge, "centre").box
    assert unknown.box_fallback == "The data set doesn't say where to look."


def test_without_a_data_set_nobody_can_be_asked_for_the_true_box(vlm):
    with pytest.raises(ValueError, match="needs the true box, which only a data set knows"):
        Server(vlm, ALWAYS, cropper="truth")
    assert set(CROPPERS) - set(served()) == {"truth"}


def test_a_blank_crop_costs_what_a_real_one_does_and_shows_nothing(vlm, edge):
    own, blank = looked(vlm, edge, "relative"), looked(vlm, edge, "blank")
    assert blank.box == own.box and blank.local_image == own.local_image
    assert [m.byte_count for m in blank.messages[:3]] == [m.byte_count for m in own.messages[:3]]
    assert vlm.seen[-1].size == own.local_image.size
    assert vlm.seen[-1].getcolors() == [(np.prod(vlm.seen[-1].size), (128, 128, 128))]
    # Nothing but the size of the crop can have reached the answer.
    other = looked(vlm, Edge(picture(spot=(150, 40))), "blank")
    assert other.answer == blank.answer


def test_saliency_finds_what_stands_out_and_asks_no_model(edge):
    vlm = PixelVLM()
    image = Image.new("RGB", (400, 300), "#808080")
    image.paste("white", (310, 210, 350, 250))
    t = looked(vlm, Edge(image), "saliency")
    assert t.box.contains(Box(310, 210, 350, 250))
    assert len(vlm.seen) == 2 and t.attention.relative is None
    turned = looked(vlm, Edge(image.transpose(Image.Transpose.ROTATE_180)), "saliency")
    assert turned.box.contains(Box(50, 50, 90, 90))


def test_a_cropper_of_ones_own_needs_no_registry(vlm, edge):
    corner = Cropper("corner", "Corner", "The corner.", "", lambda _: Found((Box(0, 0, 9, 9),)))
    t = looked(vlm, edge, corner)
    assert (t.cropper, t.box) == ("corner", Box(0, 0, 9, 9))
    assert Transcript.from_json(t.to_json()).cropper == "corner"


def test_questions_of_a_batch_do_not_wait_for_each_other(edge):
    """Each waits for the model in a thread of its own, and the model for all of them."""
    vlm = PixelVLM()

    def work(asker, question):
        return ask(edge, Server(asker, ALWAYS), question).box

    together(vlm, work, ["What?", "Where?", "Who?"])


def test_an_unknown_name_is_told_the_known_ones(vlm):
    with pytest.raises(ValueError, match="one of relative, attention, .* not 'nowhere'"):
        Server(vlm, ALWAYS, cropper="nowhere")


def test_several_boxes_are_asked_for_best_first(vlm, edge):
    seen = {}

    def find(clues):
        wanted = replace(clues, count=3)
        for name, one in CROPPERS.items():
            seen[name] = one.find(replace(wanted, needs=frozenset(Need))).boxes
        return CROPPERS["relative"].find(clues)

    every = Cropper("every", "Every", "All.", "", find, frozenset(Need))
    looked(vlm, Edge(picture(400, 300)), every)
    for name, boxes in seen.items():
        assert 1 <= len(boxes) <= 3 and len(set(boxes)) == len(boxes), name
    assert len(seen["relative"]) == len(seen["attention"]) == 3


def test_a_forced_look_and_a_box_of_ones_own_keep_the_cropper(vlm, edge):
    server = Server(vlm, Gate(threshold=float("inf")), cropper="attention")
    t = ask(edge, server, "What?", force=True)
    assert t.cropper == "attention" and t.attention.searched is not None and t.forced
    first = ask(edge, server, "What?")
    own = second_stage(edge, server, first, Box(0, 0, 20, 20))
    assert own.attention is None and own.box == Box(0, 0, 20, 20)
