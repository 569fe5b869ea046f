"""Class mode, its handlers called as Gradio calls them, in any order."""

from concurrent.futures import Future

import gradio as gr
import pytest
from starlette.requests import Request

from core.server.phone.rooms import MOST_ROOMS, Rooms
from dashboard.hosting.live import LiveModel
from dashboard.samples import load_samples
from dashboard.visits.lesson import Step
from dashboard.visits.visit import Visit
from dashboard.walkthrough.tab import Walkthrough
from tests.support.pixels import PixelVLM

SETTINGS = ("min_entropy", 0.0, "jpeg", 75, "jpeg", 75, "relative", 1)


@pytest.fixture
def tab(samples):
    model = Future()
    model.set_result(PixelVLM())
    with gr.Blocks():
        return Walkthrough(LiveModel("pixels", model), load_samples(samples), rooms=Rooms())


def visitor(query=b""):
    scope = {
        "type": "http", "method": "GET", "path": "/", "query_string": query, "scheme": "http",
        "headers": [(b"host", b"192.168.0.2:7860")], "server": ("192.168.0.2", 7860),
    }  # fmt: skip
    return gr.Request(Request(scope))


def taught(tab, image):
    visit = Visit(metric="min_entropy")
    visit.take(image)
    shown = tab.in_class.turn(visit, True, visitor())
    assert visit.lesson.room.code in shown[tab.in_class.invitation]
    return visit


def step_on(tab, visit, image, case=None, question="What is bright?"):
    """Press the button once; return what it changed."""
    shown = {}
    for update in tab.in_class.advance(visit, case, image, question, *SETTINGS):
        shown |= update
    return shown


def revealed(tab, update):
    return update.get(tab.in_class.reveal, "")


def test_from_the_global_image_to_the_second_answer(tab, scene_file):
    visit = taught(tab, scene_file)
    first = step_on(tab, visit, scene_file)
    assert "global-image" in first[tab.board.picture_html] and first[tab.case] is None
    assert revealed(tab, first) == '<span data-shown="picture"></span>'
    case, seen = None, []
    for _ in range(4):
        update = step_on(tab, visit, scene_file, case)
        case = update.get(tab.case, case)
        seen.append(revealed(tab, update).split('"')[1].split()[-1])
    assert seen == ["answer", "gauge", "box", "second"]
    assert case.transcript.retransmitted
    assert not update[tab.in_class.next].interactive
    assert list(step_on(tab, visit, scene_file, case)) == [tab.in_class.tally]  # nothing is left


def test_an_upload_begins_anew_and_tells_nothing_before(tab, samples, scene_file):
    visit = taught(tab, scene_file)
    for _ in range(2):
        step_on(tab, visit, scene_file)
    assert visit.lesson.step == Step.ANSWER
    upload = str(samples / "2.jpg")
    brought = tab.asking.bring(visit, {"path": upload})
    assert revealed(tab, brought) == "" and visit.lesson.step == Step.NOTHING
    shown = tab.in_class.picture_first(visit, {"path": upload}, "?", *SETTINGS)
    assert visit.lesson.step == Step.PICTURE and shown[tab.board.answers_html] == ""


def test_enter_asks_nothing_and_begins_anew(tab, scene_file):
    visit = taught(tab, scene_file)
    for _ in range(2):
        step_on(tab, visit, scene_file)
    [update] = tab.ask_both(visit, scene_file, "Another?", *SETTINGS)
    assert update[tab.case] is None and visit.lesson.step == Step.PICTURE


def test_what_goes_wrong_is_one_sentence_and_the_step_stays(tab, scene_file):
    visit = taught(tab, None)
    assert "choose a sample" in step_on(tab, visit, None)[tab.asking.status]
    assert visit.lesson.step == Step.NOTHING
    visit.take(scene_file)
    step_on(tab, visit, scene_file)
    assert "empty" in step_on(tab, visit, scene_file, question=" ")[tab.asking.status]
    assert visit.lesson.step == Step.PICTURE
    visit.lesson.reach(Step.ANSWER)
    assert "ask first" in step_on(tab, visit, scene_file)[tab.asking.status]  # no case any more
    assert visit.lesson.step == Step.ANSWER


def test_off_it_does_nothing_and_two_teachers_have_two_rooms(tab, scene_file):
    off = Visit()
    assert list(step_on(tab, off, scene_file)) == [tab.in_class.tally]
    assert list(tab.in_class.tick(off, None, "min_entropy", 0.0)) == [tab.in_class.tally]
    assert list(tab.in_class.restore(off, visitor(b"mode=other"))) == [tab.in_class.status]
    one, other = (taught(tab, scene_file) for _ in range(2))
    assert one.lesson.room is not other.lesson.room and len(tab.in_class.rooms) == 2
    tab.in_class.turn(one, False, visitor())
    assert one.lesson is None and len(tab.in_class.rooms) == 1
    tab.in_class.restore(one, visitor(b"mode=class"))
    assert one.lesson is not None


def test_a_server_full_of_classes_says_so(tab, scene_file):
    for _ in range(MOST_ROOMS):
        tab.in_class.rooms.new()
    visit = Visit()
    shown = tab.in_class.turn(visit, True, visitor())
    assert visit.lesson is None and shown[tab.in_class.switch] is False
    assert "as many classes" in shown[tab.in_class.status]


def test_the_tally_has_the_gates_word_only_with_the_gauge(tab, scene_file):
    visit = taught(tab, scene_file)
    step_on(tab, visit, scene_file)
    case = step_on(tab, visit, scene_file)[tab.case]
    room = visit.lesson.room
    room.vote("0" * 32, "again", room.round, True)
    before = tab.in_class.tick(visit, case, "min_entropy", 0.0)[tab.in_class.tally]
    assert "<strong>1</strong> yes" in before and "gate" not in before
    step_on(tab, visit, scene_file, case)
    for eta, says in ((0.0, "yes"), (99.0, "no")):
        after = tab.in_class.tick(visit, case, "min_entropy", eta)[tab.in_class.tally]
        assert f"the gate: <strong>{says}</strong>" in after
    assert tab.in_class.tick(visit, case, "min_entropy", None)  # waits for a number
