"""The handlers, called as Gradio calls them."""

import base64
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from html import unescape
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from core.transcript import Transcript
from core.uncertainty import METRICS, Gate
from core.vlm import VLMError
from core.vlm.loading.revision import revision_named
from dashboard.hosting.live import LiveModel
from dashboard.inputs import eta_slider
from dashboard.samples import load_samples
from dashboard.visits.visit import Visit
from dashboard.walkthrough.explained import FAILED
from dashboard.walkthrough.tab import Walkthrough
from tests.support import heic

QUESTION = "What does the sign say?"


@pytest.fixture(scope="module")
def tab(vlm, samples):
    model = Future()
    model.set_result(vlm)
    with gr.Blocks():
        return Walkthrough(LiveModel("pocket", model), load_samples(samples))


def _content(update):
    """What an update puts into an HTML element."""
    return update if isinstance(update, str) else update.value


def _said(tab, updates):
    """The sentences of all status lines in the last update."""
    places = (tab.asking.status, tab.board.status_below, tab.asking.image_status)
    return " ".join(updates[place] for place in places if updates.get(place))


def _one_alert(text):
    assert text.count('role="alert"') == 1 and "Traceback" not in text and "\n" not in text
    sentence = unescape(text.split(">", 1)[1].rsplit("<", 1)[0])
    assert sentence.endswith(".") and len(sentence) < 250
    return sentence


def _asked(image, question=QUESTION, metric="min_entropy", eta=0.0, quality=75, format="jpeg"):
    return _visit(image), image, question, metric, eta, format, quality, "jpeg", 75


def _visit(image=None):
    """Somebody who has this image before them."""
    visit = Visit(metric="min_entropy")
    visit.take(image)
    return visit


def _ask(tab, image, question=QUESTION, **settings):
    return list(tab.ask_both(*_asked(image, question, **settings)))


def _step(tab, image, question=QUESTION, **settings):
    [update] = tab.ask_step(*_asked(image, question, **settings))
    return update


def test_both_stages_at_once(tab, scene_file):
    first, both = _ask(tab, scene_file)
    assert 'id="first-answer"' in first[tab.board.answers_html]
    assert "under way" in first[tab.asking.status]
    assert not first[tab.look.stage_2].visible and both[tab.look.stage_2].visible
    assert "heatmap" in both[tab.look.maps_html] and "box-editor" in both[tab.look.box_html]
    assert 'id="second-answer"' in both[tab.board.answers_html]
    assert _said(tab, both) == ""
    assert not both[tab.board.go_on].visible  # nothing is left to do


def test_step_by_step_equals_both_at_once(tab, scene_file):
    step = _step(tab, scene_file)
    assert step[tab.board.second].interactive and not step[tab.board.anyway].visible
    [then] = tab.look_again(_visit(), step[tab.case], "min_entropy", 0.0)
    both = _ask(tab, scene_file)[-1]
    assert then[tab.case].transcript.second == both[tab.case].transcript.second
    assert then[tab.case].transcript.box == both[tab.case].transcript.box


def test_a_closed_gate_stops_and_can_be_forced(tab, scene_file):
    [only] = _ask(tab, scene_file, eta=100.0)
    assert not only[tab.case].transcript.retransmitted
    assert not only[tab.board.second].interactive and only[tab.board.anyway].visible
    [forced] = tab.look_again(_visit(), only[tab.case], "min_entropy", 100.0)
    assert forced[tab.case].transcript.forced
    assert "forced" in forced[tab.board.verdict_html]


def test_moving_eta_decides_again_as_stage_two_will(tab, scene_file):
    step = _step(tab, scene_file, eta=100.0)
    case = step[tab.case]
    moved = tab.judge(_visit(), case, "min_entropy", 0.0)
    assert "Uncertain" in moved[tab.board.verdict_html] and moved[tab.board.second].interactive
    assert "η = 100.00" in _content(
        moved[tab.records.log_html]
    )  # what was sent was sent under that
    assert tab.case not in moved  # a judgement changes nothing that a running stage writes
    [then] = tab.look_again(_visit(), case, "min_entropy", 0.0)
    assert not then[tab.case].transcript.forced
    assert then[tab.case].transcript.gate.threshold == 0.0


@pytest.mark.parametrize("eta", [None, "many", float("nan")])
def test_judging_waits_for_a_number(tab, scene_file, eta):
    step = _step(tab, scene_file, eta=1.0)
    assert list(tab.judge(_visit(), step[tab.case], "min_entropy", eta)) == [tab.board.verdict_html]
    assert list(tab.judge(_visit(), None, "min_entropy", 1.0)) == [tab.board.verdict_html]


@pytest.mark.parametrize(
    ("question", "words"), [("", "empty"), (" \n ", "empty"), ("x" * 10_000, "10,000 characters")]
)
def test_a_question_that_cant_be_asked(tab, scene_file, question, words):
    [update] = _ask(tab, scene_file, question)
    assert words in _one_alert(update[tab.asking.status])
    assert list(update) == [tab.asking.status]  # nothing else on the page changes


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", ["text", "empty", "truncated", "huge", "noise"])
def test_a_file_that_is_no_image(tab, bad_files, scene_file, name):
    [update] = _ask(tab, bad_files[name])
    asked = _one_alert(update[tab.asking.status])
    assert list(update) == [tab.asking.status]
    visit = _visit(scene_file)
    brought = tab.asking.bring(visit, {"path": bad_files[name]})
    assert _one_alert(brought[tab.asking.image_status]).startswith(asked)
    assert brought[tab.asking.image] == scene_file  # the image before stays
    assert set(brought) == {tab.asking.image, tab.asking.image_status} and visit == _visit(
        scene_file
    )
    for nothing in (_visit(), _visit("/nowhere.jpg")):
        assert tab.asking.bring(nothing, {"path": bad_files[name]})[tab.asking.image] is None


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1)])
def test_extreme_shapes_are_answered_or_explained(tab, tmp_path, size):
    path = str(tmp_path / "image.png")
    Image.new("RGB", size, "red").save(path)
    last = _ask(tab, path)[-1]
    if last.get(tab.case) is None:
        _one_alert(last[tab.asking.status])
    else:
        assert last[tab.case].transcript.original_size == size
        assert "heatmap" in last[tab.look.maps_html]


@pytest.mark.parametrize(
    "settings", [{"eta": None}, {"eta": float("nan")}, {"metric": "mood"}, {"quality": 0},
                 {"quality": None}, {"quality": float("inf")}, {"format": "bmp"}],
)  # fmt: skip
def test_settings_no_slider_would_send(tab, scene_file, settings):
    [update] = _ask(tab, scene_file, **settings)
    _one_alert(update[tab.asking.status])


def test_no_image_and_no_case(tab):
    [update] = _ask(tab, None)
    assert "choose a sample or upload one" in _one_alert(update[tab.asking.status])
    [update] = tab.look_again(_visit(), None, "min_entropy", 0.5)
    assert "ask first" in _one_alert(update[tab.board.status_below])


def test_a_defect_is_logged_and_not_shown(tab, scene_file, monkeypatch, caplog):
    def broken(*args):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("dashboard.inputs.ask_first", broken)
    with caplog.at_level(logging.ERROR):
        [update] = _ask(tab, scene_file)
    assert _one_alert(update[tab.asking.status]) in FAILED
    assert "secret detail" in caplog.text


class Event:
    def __init__(self, **data):
        vars(self).update(data)


def test_what_is_shown_belongs_together(tab, samples, scene_file):
    visit, sample = _visit(scene_file), load_samples(samples)[1]
    chosen = tab.asking.choose(Event(index=1), visit)
    assert chosen[tab.asking.image] == str(sample.path) and chosen[tab.asking.cards] == 1
    assert chosen[tab.asking.question] == sample.question
    brought = tab.asking.bring(visit, {"path": scene_file})
    # The browser empties the box if it still holds that question.
    assert brought[tab.asking.outgrown] == [sample.question] and brought[tab.asking.cards] is None
    mine = tab.asking.bring(visit, {"path": str(samples / "2.jpg")})
    assert mine[tab.asking.outgrown] == [""] and tab.asking.question not in mine
    removed = tab.asking.bring(visit, None)
    opened = tab.asking.place(visit, scene_file, QUESTION, "From a run.", Gate("energy", 0.5))
    assert opened[tab.asking.cards] is None and visit.own_eta and visit.metric == "energy"
    for update in (chosen, brought, mine, removed, opened):
        assert update[tab.case] is None and not update[tab.board.seen].visible
        assert not update[tab.records.column].visible and not update[tab.board.go_on].visible
        for part in update.keys() & {tab.asking.outgrown, tab.records.parcel}:
            part.postprocess(update[part])  # as Gradio does; a text that isn't JSON is an error


def test_an_answer_that_comes_after_another_picture_was_chosen_is_not_shown(tab, scene_file):
    visit, *asked = _asked(scene_file)
    updates = tab.ask_both(visit, *asked)
    case = next(updates)[tab.case]  # the first answer
    tab.asking.choose(Event(index=1), visit)
    assert list(updates) == [{tab.asking.status: ""}]
    left = tab.tidy(visit, case, "min_entropy", 0.0)
    assert left[tab.case] is None and not left[tab.board.seen].visible
    assert list(tab.judge(visit, case, "min_entropy", 0.0)) == [tab.board.verdict_html]
    for run in (
        tab.ask_step(visit, *asked),
        tab.look_again(visit, case, "min_entropy", 0.0),
        tab.look.look_through(visit, case, 0),
        tab.look.answer_elsewhere(visit, case, "min_entropy", 0.0, [0, 0, 120, 100]),
        tab.records.pack_transcript(visit, case, "min_entropy", 0.0),
    ):
        [update] = run
        assert list(update.values()) == [""]


def test_an_upload_that_is_asked_about_at_once_keeps_its_answer(tab, samples, scene_file):
    visit, upload = _visit(scene_file), str(samples / "2.jpg")
    [update] = tab.ask_step(visit, {"path": upload}, *_asked(upload)[2:])
    case = update[tab.case]
    brought = tab.asking.bring(visit, {"path": upload})
    assert tab.case not in brought and visit.original == upload
    assert tab.tidy(visit, case, "min_entropy", 0.0)[tab.board.verdict_html]


@pytest.mark.parametrize("suffix", ["heic", "tiff", "gif"])
def test_what_browsers_do_not_draw_is_asked_about_itself(tab, scene_file, tmp_path, suffix):
    heic.write()
    picture, upload, visit = Image.open(scene_file), str(tmp_path / f"a.{suffix}"), _visit()
    frames = {"save_all": True, "append_images": [picture.rotate(180)]} if suffix == "gif" else {}
    picture.save(upload, {"heic": "HEIF"}.get(suffix, suffix.upper()), **frames)
    shown = tab.asking.bring(visit, {"path": upload})[tab.asking.image]
    assert shown.endswith(".png") and Image.open(shown).size == picture.size
    [update] = tab.ask_step(visit, {"path": shown}, *_asked(shown)[2:])
    assert update[tab.case].image == upload
    assert update[tab.case].transcript.original_bytes == Path(upload).stat().st_size


@pytest.mark.parametrize(
    ("why", "words"), [("size", "70 MB"), ("folder", "folder"), ("way", "arrive")]
)
def test_what_the_browser_did_not_send_is_one_sentence(tab, scene_file, why, words):
    event = Event(name="<b>a.jpg", why=why, size=70_000_000)
    refused = tab.asking.refuse(event, _visit(scene_file))
    assert (
        words in _one_alert(refused[tab.asking.image_status])
        and "<b>" not in refused[tab.asking.image_status]
    )
    assert refused[tab.asking.image] == scene_file


def test_a_slider_that_was_touched_stays(tab, vlm, samples):
    visit, model = _visit(), Future()
    with gr.Blocks():
        early = Walkthrough(LiveModel("pocket", model), load_samples(samples))
    assert early.set_eta(visit, None, "min_entropy", 0.7) and visit.own_eta
    with ThreadPoolExecutor(1) as pool:
        adapted = pool.submit(early.gate.adapt, visit, "probability_margin")
        while visit.own_eta:  # until it waits for the model
            time.sleep(0.001)
        early.set_eta(visit, None, "probability_margin", 0.1)
        model.set_result(vlm)
        slider = adapted.result()
    assert "value" not in slider.constructor_args and slider.maximum == 1
    assert visit.metric == "probability_margin"


def test_users_do_not_see_each_other(tab, samples):
    """Two users take their steps in turns; each gets what a user alone gets."""
    questions = {"0.jpg": "What does the red circle say?", "2.jpg": "Is there a star?"}
    alone = {n: _ask(tab, str(samples / n), q)[-1][tab.case] for n, q in questions.items()}
    started = {n: _step(tab, str(samples / n), q)[tab.case] for n, q in questions.items()}
    for name, case in started.items():
        [done] = tab.look_again(_visit(), case, "min_entropy", 0.0)
        assert done[tab.case].transcript.question == questions[name]
        assert done[tab.case].transcript.second == alone[name].transcript.second
        assert done[tab.case].transcript.local_image == alone[name].transcript.local_image


def test_sessions_are_bounded(tab, scene_file):
    for _ in range(3):
        _step(tab, scene_file)
    sessions = tab.live.current().sessions
    assert 0 < len(sessions) <= sessions.limit


@pytest.mark.parametrize("metric", METRICS)
def test_the_slider_fits_the_metric_and_the_model(tab, vlm, metric):
    default = vlm.info.thresholds[metric]
    slider = tab.gate.adapt(_visit(), metric)
    assert slider.value == default and slider.minimum <= default <= slider.maximum
    assert METRICS[metric].unit in slider.label
    assert eta_slider("min_entropy", 7.3)["maximum"] >= 7.3


def test_a_question_asked_too_early_waits_for_the_model(vlm, samples, scene_file):
    model = Future()
    with gr.Blocks():
        early = Walkthrough(LiveModel("pocket", model), load_samples(samples))
    updates = early.ask_step(*_asked(scene_file))
    assert "being loaded" in next(updates)[early.asking.status]
    model.set_result(vlm)
    assert 'id="first-answer"' in next(updates)[early.board.answers_html]


def test_another_layer_and_back(tab, vlm, scene_file):
    case = _ask(tab, scene_file)[-1][tab.case]
    own = vlm.info.attention_layer
    [other] = tab.look.look_through(_visit(), case, own - 1)
    assert f"Layer {own - 1}:" in other[tab.look.maps_html] and tab.case not in other
    [back] = tab.look.look_through(_visit(), case, own)
    assert "the layer this model is used with" in back[tab.look.maps_html]
    for layer in (-1, vlm.info.layers, None, "first"):
        [update] = tab.look.look_through(_visit(), case, layer)
        _one_alert(update[tab.look.status_layer])
        assert list(update) == [tab.look.status_layer]


def test_a_box_of_ones_own(tab, scene_file):
    case = _ask(tab, scene_file)[-1][tab.case]
    [update] = tab.look.answer_elsewhere(_visit(), case, "min_entropy", 0.0, [0, 0, 120, 100])
    assert 'id="elsewhere-answer"' in update[tab.look.elsewhere_html]
    assert update[tab.case].transcript == case.transcript
    judged = tab.judge(_visit(), update[tab.case], "probability_margin", 0.5)
    assert "probability margin" in judged[tab.look.elsewhere_html]  # it stays, under the new gate
    assert tab.judge(_visit(), case, "min_entropy", 0.0)[tab.look.elsewhere_html] == ""
    for box in (None, [], [1, 2, 3], [5, 5, 5, 5], [0, 0, 1e9, 9], ["a"] * 4, [0, 0, None, 9]):
        [update] = tab.look.answer_elsewhere(_visit(), case, "min_entropy", 0.0, box)
        _one_alert(update[tab.look.status_box])
        assert list(update) == [tab.look.status_box]


def test_downloads_are_of_the_case_under_the_gate_as_it_stands(tab, scene_file):
    case = _ask(tab, scene_file)[-1][tab.case]
    [update] = tab.records.pack_transcript(_visit(), case, "min_entropy", 9.0)
    data = base64.b64decode(update[tab.records.parcel]["base64"])
    judged = case.transcript.with_gate(Gate("min_entropy", 9.0))
    digest = revision_named(tab.live.current().vlm.info)  # of a directory: of its files
    assert digest and Transcript.from_json(data) == replace(judged, revision=digest)
    [update] = tab.records.pack_pictures(_visit(), case)
    assert update[tab.records.parcel]["name"] == "pictures.zip"
    for pack in (tab.records.pack_transcript, tab.records.pack_pictures):
        [update] = pack(_visit(), None, "min_entropy", 0.5)
        assert "ask first" in _one_alert(update[tab.records.status_files])


def test_another_link_takes_other_seconds(tab, scene_file):
    case = _ask(tab, scene_file)[-1][tab.case]
    shown = {
        link: tab.judge(_visit(), case, "min_entropy", 0.0, link)[tab.records.log_html]
        for link in ("lora", "5g")
    }
    assert "LoRa" in shown["lora"] and "5G" in shown["5g"] and shown["lora"] != shown["5g"]


def test_the_models_own_sentence_is_shown(tab, scene_file, monkeypatch):
    def refuses(*args):
        raise VLMError("The question is too long for this model.")

    monkeypatch.setattr("dashboard.inputs.ask_first", refuses)
    [update] = _ask(tab, scene_file)
    assert "too long for this model" in _one_alert(update[tab.asking.status])
