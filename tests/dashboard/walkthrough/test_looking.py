"""Who looks, and how often: chosen on the page, and changed after the first answer."""

import json
import zipfile
from base64 import b64decode
from concurrent.futures import Future
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace

import gradio as gr
import pytest

from core.box import Box
from core.croppers import CROPPERS, DEFAULT, Cropper, Found, served
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from dashboard.across.travel import Travel
from dashboard.hosting.live import LiveModel
from dashboard.visits.visit import Visit
from dashboard.walkthrough.tab import Walkthrough
from tests.support.pixels import PixelVLM, picture

QUESTION = "What is bright?"
ALWAYS, CODECS = ("min_entropy", 0.0), ("jpeg", 75, "jpeg", 75)


class Plain(PixelVLM):
    """A model that tells nothing of its gradients."""

    abilities = frozenset()


@pytest.fixture
def image(tmp_path):
    picture(400, 300).save(path := tmp_path / "spot.png")
    return str(path)


@pytest.fixture
def vlm():
    return PixelVLM()


@pytest.fixture
def tab(vlm):
    return walkthrough(vlm)


def walkthrough(vlm):
    model = Future()
    model.set_result(vlm)
    with gr.Blocks():
        return Walkthrough(LiveModel("pixels", model), ())


def visitor(image):
    visit = Visit(metric="min_entropy")
    visit.take(image)
    return visit


def asked(tab, image, cropper="relative", looks=1, eta=0.0):
    """Both stages; returns visit and case."""
    visit = visitor(image)
    both = (image, QUESTION, "min_entropy", eta, *CODECS, cropper, looks)
    *_, last = tab.ask_both(visit, *both)
    return visit, last


def otherwise(tab, visit, case, cropper="relative", looks=1, eta=0.0):
    return list(tab.look_otherwise(visit, case, "min_entropy", eta, "lte", cropper, looks))


def text(update):
    return update if isinstance(update, str) else update.value


def whole(image, cropper, looks=1):
    gate = Gate("min_entropy", 0.0, rounds=(0.0,) * (looks - 1))
    return ask(Edge(image), Server(PixelVLM(), gate, cropper=cropper), QUESTION)


@pytest.mark.parametrize("cropper", ["relative", "saliency", "blank"])
@pytest.mark.parametrize("looks", [1, 3])
def test_the_page_asks_as_it_is_set(tab, image, cropper, looks):
    _, shown = asked(tab, image, cropper, looks)
    expected, transcript = whole(image, cropper, looks), shown[tab.case].transcript
    assert (transcript.boxes, transcript.stages) == (expected.boxes, expected.stages)
    assert [m.byte_count for m in transcript.messages] == [m.byte_count for m in expected.messages]


def test_another_cropper_moves_the_box_and_the_answers_after_the_first(tab, vlm, image):
    visit, before = asked(tab, image)
    first, seen = before[tab.case].transcript, len(vlm.seen)
    [after] = otherwise(tab, visit, before[tab.case], "saliency", 2)
    now, expected = after[tab.case].transcript, whole(image, "saliency", 2)
    assert now.first == first.first and now.session == first.session
    assert (now.boxes, now.stages[1:]) == (expected.boxes, expected.stages[1:])
    # Two local images, and the global one no second time.
    assert len(vlm.seen) - seen == len(now.boxes) == 2
    assert "Saliency" in text(after[tab.look.second_html])
    tab.table.noted(visit, before[tab.case])
    table = tab.table.noted(visit, after[tab.case])
    assert [row.looked_at for row in visit.asked_in_visit.rows] == [
        ("relative", 1),
        ("saliency", 2),
    ]
    assert "Saliency" in table[tab.table.table] and "look 2" in table[tab.table.table]
    [back] = otherwise(tab, visit, after[tab.case])
    assert back[tab.case].transcript.boxes == first.boxes
    tab.table.noted(visit, back[tab.case])
    assert len(visit.asked_in_visit.rows) == 2


def test_without_a_second_look_nothing_moves(tab, image):
    visit, shown = asked(tab, image, eta=100.0)
    case = shown[tab.case]
    assert otherwise(tab, visit, case, "attention", eta=100.0) == [{tab.looking.status: ""}]
    assert otherwise(tab, visit, None, "attention") == [{tab.looking.status: ""}]
    # What is set then, is what is taken.
    [then] = tab.look_again(visit, case, *ALWAYS, "lte", "attention", 2)
    assert then[tab.case].transcript.cropper == "attention"
    assert then[tab.case].transcript.boxes == whole(image, "attention", 2).boxes


def test_several_looks_are_drawn_as_they_came(tab, image):
    _, shown = asked(tab, image, looks=3)
    transcript = shown[tab.case].transcript
    assert len(transcript.boxes) == 3
    looks = text(shown[tab.look.looks_html])
    assert looks.count("<article") == 3 and "no more looks to take" in looks
    for box, stage in zip(transcript.boxes, transcript.stages[1:], strict=True):
        assert f"{box.width} × {box.height}, {box.left}, {box.top}" in looks
        assert stage.answer.replace("<", "&lt;").replace(">", "&gt;") in looks
    answers = text(shown[tab.board.answers_html])
    assert 'id="fourth-answer"' in answers and 'id="fifth-answer"' not in answers
    assert text(shown[tab.board.picture_html]).count('class="outline"') == 3
    assert text(shown[tab.board.notes_html]).count("The gate is asked again") == 2
    assert text(shown[tab.records.log_html]).count("local-bytes") == 3
    packed = next(iter(tab.records.pack_pictures(visitor(image), shown[tab.case])))
    names = zipfile.ZipFile(BytesIO(b64decode(packed[tab.records.parcel]["base64"]))).namelist()
    assert {"local.jpeg", "local-2.jpeg", "local-3.jpeg"} <= set(names)
    once = asked(tab, image)[1]
    assert text(once[tab.look.looks_html]) == ""


def test_eta_moved_after_several_looks_says_that_less_would_have_been_sent(tab, image):
    _, shown = asked(tab, image, looks=3)
    case = shown[tab.case]
    assert case.contradicted is None and case.judged(Gate("min_entropy", 0.0)).contradicted is None
    first = case.transcript.first
    unsure = replace(first, scores={**first.scores, "min_entropy": (99.0,) * len(first.tokens)})
    case = replace(case, transcript=replace(case.transcript, first=unsure))
    moved = case.judged(Gate("min_entropy", 90.0))  # only the first answer is asked again by it
    assert moved.transcript.uncertain and moved.transcript.gate.rounds == (90.0, 90.0)
    assert moved.contradicted == Gate("min_entropy", 0.0, rounds=(0.0, 0.0))
    assert "sent at η = 0.00" in text(tab.records.judged(moved)[tab.records.log_html])


def test_a_cropper_that_the_model_cannot_do_says_why(image):
    tab = walkthrough(Plain())
    choices = dict(
        (name, label) for label, name in tab.looking.offer("gradient")[tab.looking.cropper].choices
    )
    assert set(choices) == set(served()) and "(not this model)" in choices["gradient"]
    assert choices["relative"] == "Relative attention"
    assert "hasn&#39;t got" in tab.looking.explain("gradient")
    assert "eq. 22" in tab.looking.explain("relative")
    assert "role=" not in tab.looking.explain("relative")
    visit = visitor(image)
    [refused] = tab.ask_both(visit, image, QUESTION, *ALWAYS, *CODECS, "gradient", 1)
    assert list(refused) == [tab.asking.status] and "choose another" in refused[tab.asking.status]
    visit, shown = asked(tab, image)
    assert otherwise(tab, visit, shown[tab.case], "gradient") == [{tab.looking.status: ""}]


def test_the_page_knows_a_new_cropper_from_its_entry(tab, image, monkeypatch):
    corner = Cropper("corner", "Corner", "The corner.", "", lambda _: Found((Box(0, 0, 9, 9),)))
    monkeypatch.setitem(CROPPERS, "corner", corner)
    assert ("Corner", "corner") in tab.looking.offer("corner")[tab.looking.cropper].choices
    assert "The corner." in tab.looking.explain("corner")
    _, shown = asked(tab, image, "corner")
    assert shown[tab.case].transcript.box == Box(0, 0, 9, 9)


@pytest.mark.parametrize(
    ("cropper", "looks", "words"),
    [("truth", 1, "cropper must be one of"), (None, 1, "cropper must be"), ("<b>", 1, "cropper"),
     ("relative", 0, "1 to 5"), ("relative", 6, "1 to 5"), ("relative", None, "1 to 5"),
     ("relative", float("inf"), "1 to 5"), ("tree", 2, "set the looks to 1")],
)  # fmt: skip
def test_what_is_no_setting_is_one_sentence(tab, image, cropper, looks, words):
    [update] = tab.ask_both(visitor(image), image, QUESTION, *ALWAYS, *CODECS, cropper, looks)
    assert list(update) == [tab.asking.status] and words in update[tab.asking.status]
    visit, shown = asked(tab, image)
    [update] = otherwise(tab, visit, shown[tab.case], cropper, looks)
    assert list(update) == [tab.looking.status] and words in update[tab.looking.status]


@pytest.mark.parametrize(("cropper", "looks"), [("attention", 3), ("tree", 1)])
def test_a_box_of_ones_own_after_several_looks(tab, image, cropper, looks):
    visit, shown = asked(tab, image, cropper, looks)
    [own] = tab.look.answer_elsewhere(visit, shown[tab.case], *ALWAYS, [0, 0, 90, 90])
    elsewhere = own[tab.case].elsewhere
    assert len(elsewhere.messages) == 4 and elsewhere.rounds == ()
    assert own[tab.case].transcript == shown[tab.case].transcript


def test_an_address_sets_who_looks_and_how_often(tab):
    travel = SimpleNamespace(walkthrough=tab)
    told = {"cropper": "attention", "looks": "3"}
    assert Travel._looking(travel, told) == {tab.looking.cropper: "attention", tab.looking.looks: 3}
    who, often = tab.looking.cropper, tab.looking.looks
    assert Travel._looking(travel, {"cropper": "tree"}) == {who: "tree", often: 1}
    assert Travel._looking(travel, {"looks": "2"}) == {who: DEFAULT, often: 2}
    for wrong in (
        {},
        {"cropper": "nobody"},
        {**told, "looks": "x"},
        {**told, "cropper": "truth"},
    ):
        assert Travel._looking(travel, wrong) == {}


def test_a_transcript_of_a_cropper_not_known_here_is_drawn(tab, image):
    _, shown = asked(tab, image)
    case = shown[tab.case]
    strange = replace(case, transcript=replace(case.transcript, cropper="<i>mine</i>"))
    assert "&lt;i&gt;mine" in text(tab.second_shown(strange)[tab.look.second_html])
    assert json.loads(case.transcript.to_json())["cropper"] in CROPPERS
