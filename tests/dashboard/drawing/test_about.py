"""What is said of a model beside a picture of one's own, and of answers that are guesses."""

from dataclasses import replace

import pytest

from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from dashboard.drawing import stages
from dashboard.drawing.about import BUNDLED_QUESTIONS, reads
from dashboard.drawing.words.glossary import WORDS, glossary
from dashboard.visits.visit import Visit
from tests.support.pixels import PixelVLM, picture

ASKED = ask(Edge(picture()), Server(PixelVLM(), Gate(threshold=0.0)), "What?")


def test_beside_a_picture_of_ones_own_stand_two_questions_that_the_model_understands():
    bundled, other = reads("pocket"), reads("some/model")
    assert bundled.count("data-question=") == other.count("data-question=") == 2
    assert "is a guess" in bundled and "a guess" not in other and "some/model" in other
    assert "<b>" not in reads("<b>")


def test_the_questions_for_the_bundled_model_are_of_the_kind_it_was_trained_on():
    from core.signs.scenes import KINDS
    from core.signs.world.phrasing import ALL_TEXT, PRESENCE

    # A picture of one's own seldom holds a sign of a colour and a shape that could be offered.
    assert BUNDLED_QUESTIONS[0] in ALL_TEXT.questions
    assert BUNDLED_QUESTIONS[1] in {form.format(thing="star") for form in PRESENCE.questions}
    said = " ".join(reads("pocket").split())
    assert {"star", "cup"} <= set(KINDS) and len(KINDS) == 10
    assert "a star, a cup or another of ten small objects" in said


@pytest.mark.parametrize(
    ("transcript", "unfamiliar", "why"),
    [
        (ASKED, False, "still on the unsure side"),
        (replace(ASKED, second=None), False, "is on the unsure side"),
        (ASKED.with_gate(Gate(threshold=99.0)), False, ""),
        (ASKED.with_gate(Gate(threshold=99.0)), True, "pictures like the samples"),
    ],
)
def test_an_answer_that_the_model_cant_stand_behind_is_a_guess(transcript, unfamiliar, why):
    said = stages.why_a_guess(transcript, unfamiliar)
    assert why in said and bool(said) == bool(why)
    html = stages.answers(transcript, unfamiliar)
    assert html.count('id="guess"') == bool(why)


def test_a_visit_knows_which_pictures_are_its_own():
    visit = Visit()
    visit.take("/sample.jpg")
    visit.take("/mine.heic", "/copy.png", own=True)
    visit.take("/sample.jpg")
    assert visit.is_own("/mine.heic") and not visit.is_own("/sample.jpg")
    assert visit.is_own("/under-way.jpg")


def test_the_glossary_has_ten_words():
    assert len(WORDS) == 10 and glossary().count("<dt>") == 10
