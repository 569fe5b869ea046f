import numpy as np
import pytest

from core.signs import questions as q
from core.signs.scenes import make_scene

SCENES = [make_scene("train", i) for i in range(30)]
RNG = np.random.default_rng(0)


def _templates_used(templates, held_out):
    return {q.phrase(RNG, templates, held_out) for _ in range(400)}


@pytest.mark.parametrize("templates", [q.TEXT, q.PRESENCE, q.COLOR, q.SHAPE, q.COUNT, q.RELATION])
def test_held_out_phrasings_are_never_trained_on(templates):
    train, test = _templates_used(templates, False), _templates_used(templates, True)
    assert len(test) == q.HELD_OUT and not train & test
    assert train | test == set(templates)


def test_text_question_names_one_sign_and_knows_its_text():
    for scene in SCENES:
        for sign in scene.signs:
            question = q.ask_text(RNG, scene, sign)
            assert question.answer == sign.text and question.boxes == (sign.box,)
            fitting = [
                s
                for s in scene.signs
                if (s.color in question.text or not any(c in question.text for c in q.COLORS))
                and (s.shape in question.text or not any(k in question.text for k in q.SHAPES))
            ]
            assert fitting == [sign]


def test_hints_are_sometimes_right_and_sometimes_wrong():
    right = wrong = 0
    for scene in SCENES:
        texts = {sign.text for sign in scene.signs}
        for hint in q.ocr_hints(RNG, scene):
            right += hint in texts
            wrong += hint not in texts and hint != "none"
    assert right > 10 and wrong > 10


@pytest.mark.parametrize("kind", q.NEGATIVES)
def test_negatives_are_really_absent(kind):
    asked = 0
    for scene in SCENES:
        question = q.ask_presence(RNG, scene, kind=kind)
        if question is None:
            continue
        asked += 1
        assert question.answer == "no"
        assert not any(thing.name in question.text for thing in scene.things)
    assert asked > 20


def test_positives_are_really_there():
    for scene in SCENES:
        question = q.ask_presence(RNG, scene, kind="yes")
        if question is not None:
            assert any(thing.name in question.text for thing in scene.things)


def test_relations_agree_with_the_places():
    for scene in SCENES * 3:
        question = q.ask_attribute(RNG, scene, kind="relation")
        if question is None:
            continue
        a, b = question.boxes
        axis = 0 if "left" in question.text or "right" in question.text else 1
        before = a[axis] + a[axis + 2] < b[axis] + b[axis + 2]
        wanted = "left" in question.text or "above" in question.text
        assert question.answer == ("yes" if before == wanted else "no")


def test_choices_hold_the_answer_under_its_letter():
    for scene in SCENES:
        question = q.ask_attribute(RNG, scene, kind="choice")
        if question is None:
            continue
        options = dict(line.split(". ") for line in question.text.splitlines()[1:])
        assert len(set(options.values())) == 4
        value = options[question.answer]
        items = [i for i in (*scene.signs, *scene.things) if i.box == question.boxes[0]]
        assert value in (items[0].color, getattr(items[0], "shape", None))


def test_counts():
    for scene in SCENES:
        question = q.ask_attribute(RNG, scene, kind="count")
        assert question.answer == str(len(question.boxes))
