from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cropping import Box
from core.imaging import Codec, ImageError
from core.protocol import MessageError, QuestionError, Sessions
from core.transcript import Transcript
from core.uncertainty import METRICS, Gate
from core.vlm.base import ModelAway
from dashboard.case import ask_elsewhere, ask_first, ask_second, look_through

QUESTION = "What does the sign say?"
OPEN, CLOSED = Gate("min_entropy", 0.0), Gate("min_entropy", 100.0)


class Counting:
    """A model that counts how often it is run."""

    def __init__(self, vlm):
        self._vlm, self.answers = vlm, 0

    def __getattr__(self, name):
        return getattr(self._vlm, name)

    def answer(self, *args, **kwargs):
        self.answers += 1
        return self._vlm.answer(*args, **kwargs)


def _first(vlm, image, gate=OPEN, sessions=None):
    codecs = Codec("jpeg", 60), Codec("webp", 50)
    return ask_first(
        vlm, Sessions() if sessions is None else sessions, image, QUESTION, gate, *codecs
    )


def test_another_gate_decides_again_without_the_model(vlm, scene_file):
    model = Counting(vlm)
    case = _first(model, scene_file)
    assert case.transcript.uncertain and case.contradicted is None
    for metric in METRICS.values():
        value = Gate(metric.name).uncertainty(case.transcript.scores[metric.name])
        above, below = Gate(metric.name, value + 0.1), Gate(metric.name, value - 0.1)
        for gate in (above, below):
            judged = case.judged(gate)
            asks = (gate is below) == metric.higher_is_uncertain
            assert judged.transcript.uncertain is asks
            assert (judged.contradicted is None) is asks  # it was sent where the gate said yes
            assert Transcript.from_dict(judged.transcript.to_dict()) == judged.transcript
    assert model.answers == 1


def test_the_second_stage_follows_the_gate_as_judged(vlm, scene_file):
    sessions = Sessions()
    case = _first(vlm, scene_file, OPEN, sessions).judged(CLOSED)
    second = ask_second(vlm, sessions, case)
    assert second.transcript.retransmitted and second.transcript.forced
    assert second.transcript.gate == CLOSED

    case = _first(vlm, scene_file, CLOSED, sessions)
    assert case.transcript.box is None
    second = ask_second(vlm, sessions, case.judged(OPEN))
    assert second.transcript.box and not second.transcript.forced
    assert (
        second.transcript.second
        == ask_second(vlm, sessions, _first(vlm, scene_file, OPEN, sessions)).transcript.second
    )


def test_judging_after_the_second_stage_keeps_the_record_valid(vlm, scene_file):
    sessions = Sessions()
    case = ask_second(vlm, sessions, _first(vlm, scene_file, OPEN, sessions))
    assert not case.transcript.forced
    closed = case.judged(CLOSED).transcript
    assert closed.forced and closed.second == case.transcript.second
    assert Transcript.from_dict(closed.to_dict()) == closed


def test_a_forgotten_first_stage_is_run_again_in_silence(vlm, scene_file):
    sessions = Sessions()
    case = _first(vlm, scene_file, OPEN, sessions)
    expected = ask_second(vlm, sessions, replace(case))
    again = ask_second(vlm, sessions, case)  # its session is spent
    assert again.transcript.first == expected.transcript.first
    assert again.transcript.second == expected.transcript.second
    assert again.transcript.box == expected.transcript.box
    assert len(again.transcript.messages) == 4


class Leaving(Counting):
    """An engine that can be gone."""

    gone = False

    def answer(self, *args, **kwargs):
        if self.gone:
            raise ModelAway("http://there can't be reached.")
        return super().answer(*args, **kwargs)


def test_while_an_engine_is_gone_the_first_answer_stays_and_can_be_gone_on_from(vlm, scene_file):
    model, sessions = Leaving(vlm), Sessions()
    case = _first(model, scene_file, sessions=sessions)
    model.gone = True
    with pytest.raises(ModelAway):
        ask_second(model, sessions, case)
    model.gone = False
    again = ask_second(model, sessions, case)
    assert again.transcript.answer == ask_second(vlm, Sessions(), case).transcript.answer
    assert model.answers == 2  # the first stage was held


def test_each_image_has_its_own_codec(vlm, scene_file):
    sessions = Sessions()
    transcript = ask_second(vlm, sessions, _first(vlm, scene_file, OPEN, sessions)).transcript
    assert (transcript.global_image.format, transcript.local_image.format) == ("jpeg", "webp")


def test_a_box_of_ones_own_stands_beside_the_servers(vlm, scene_file):
    sessions = Sessions()
    case = ask_second(vlm, sessions, _first(vlm, scene_file, OPEN, sessions))
    same = ask_elsewhere(vlm, sessions, case, case.transcript.box)
    assert same.transcript == case.transcript
    assert same.elsewhere.second == case.transcript.second  # the same crop, the same answer
    box = Box(0, 0, 64, 80)
    other = ask_elsewhere(vlm, sessions, case, box)
    assert (other.transcript, other.elsewhere.box) == (case.transcript, box)
    assert other.elsewhere.local_image.open().size == (64, 80)
    assert other.judged(CLOSED).elsewhere.forced
    with pytest.raises(MessageError, match="outside the image"):
        ask_elsewhere(vlm, sessions, case, Box(0, 0, 10_000, 10))


def test_the_models_own_layer_gives_the_case_its_maps(vlm, scene_file):
    sessions = Sessions()
    case = ask_second(vlm, sessions, _first(vlm, scene_file, OPEN, sessions))
    attention, box = look_through(vlm, sessions, case, vlm.info.attention_layer)
    assert box == case.transcript.box
    np.testing.assert_allclose(attention.relative, case.transcript.attention.relative, rtol=1e-3)


def test_bytes_are_those_of_the_file(vlm, scene_file):
    assert _first(vlm, scene_file).transcript.original_bytes == Path(scene_file).stat().st_size


@pytest.mark.parametrize("image", [None, "", "/nowhere/at/all.jpg"])
def test_no_image_is_one_sentence(vlm, image):
    with pytest.raises(ImageError, match=r"choose") as error:
        _first(vlm, image)
    assert "\n" not in str(error.value) and "/nowhere" not in str(error.value)


def test_an_empty_question_costs_no_work(vlm, scene_file):
    model = Counting(vlm)
    with pytest.raises(QuestionError):
        ask_first(model, Sessions(), scene_file, "  ", OPEN, Codec(), Codec())
    assert model.answers == 0
