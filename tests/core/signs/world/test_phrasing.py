import numpy as np
import pytest

from core.signs import questions as closed
from core.signs.world import phrasing
from core.signs.world.phrasing import CLASSES, FORMS, HELD_OUT, KNOWN, Speaker

SLOTS = {"sign": "red circle", "thing": "cup", "things": "signs", "color": "red",
         "a": "red cup", "b": "blue key", "relation": "above"}  # fmt: skip


def test_classes_of_phrasing_are_held_out_whole():
    held_out = [name for names in HELD_OUT.values() for name in names]
    assert set(KNOWN).isdisjoint(held_out) and set(KNOWN) | set(held_out) == set(CLASSES)
    known = {frame for name in KNOWN for frame in CLASSES[name]}
    assert all(frame not in known for name in held_out for frame in CLASSES[name])
    assert len(HELD_OUT["test"]) >= 3 and not set(HELD_OUT["test"]) & set(HELD_OUT["validation"])


@pytest.mark.parametrize("matter", [*FORMS, phrasing.ALL_TEXT])
def test_every_class_can_ask_every_matter(matter):
    rng = np.random.default_rng(0)
    for name in CLASSES:
        for _ in range(10):
            text = Speaker("test", (name,)).template(rng, matter).format(**SLOTS)
            assert text.strip() and not set("{}") & set(text)


def test_the_closed_worlds_held_out_sentences_are_not_trained_either():
    trained = set(phrasing.corpus())
    for templates in FORMS:
        if templates is not closed.TEXT:  # of these, those of version 5 became known ones
            assert not {t.lower() for t in templates[-closed.HELD_OUT :]} & trained


def test_names_survive_typing_errors_and_stray_words():
    rng = np.random.default_rng(1)
    text, names = 'What does the red circle say?\nA. red\nB. "Blue"', ("red circle",)
    changed = {phrasing.disturbed(rng, text, names) for _ in range(300)}
    changed |= {phrasing.with_typing_errors(rng, text, names) for _ in range(100)}
    assert len(changed) > 80
    for other in changed:
        line, _, rest = other.partition("\n")
        assert "red circle" in line and rest == text.partition("\n")[2]


def test_a_question_is_read_in_small_letters_but_for_what_it_quotes():
    assert phrasing.calm('DOES IT Say "STOP Here"?') == 'does it say "STOP Here"?'
    assert phrasing.calm("Which Color?\nA. Red\nB. Blue") == "which color?\nA. red\nB. blue"
    assert phrasing.calm("Read\nReference OCR token: STOP") == "read\nReference OCR token: STOP"
