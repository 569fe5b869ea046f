"""Questions for a text by its place, or for a part of it, are answered by where and what it is."""

from dataclasses import replace

import numpy as np
import pytest

from core.signs.fonts import Layout
from core.signs.world import by_place
from core.signs.world.by_place import PLACES, ask_by_place, ask_part
from core.signs.world.phrasing import Speaker
from core.signs.world.streets import make_shown, make_street


@pytest.fixture(scope="module")
def sign():
    return next(s for i in range(99) for s in make_shown(i).signs)


def written(sign, text: str):
    return replace(sign, text=text.replace("\n", " "), layout=Layout(text))


def test_the_sign_at_an_end_is_asked_for_where_it_is_clear_which():
    rng, places = np.random.default_rng(0), set()
    for index in range(40):
        scene = make_street("train", index)
        for _ in range(4):
            one = ask_by_place(rng, scene, Speaker())
            if one is None:
                continue
            (sign,) = (s for s in scene.signs if (s.box,) == one.boxes)
            (place,) = one.kept
            axis, end = PLACES[place]
            places.add(place)
            assert one.answer == sign.text and place in one.text
            middle = [(s.box[axis] + s.box[axis + 2]) / 2 for s in scene.signs]
            assert end(middle) == (sign.box[axis] + sign.box[axis + 2]) / 2
    assert places == set(PLACES)


def test_two_signs_above_one_another_are_not_told_apart_by_left_and_right(sign):
    left, top = sign.box[:2]
    scene = replace(make_shown(0), width=400, height=1600)
    first, second = sign.moved(-left, -top), sign.moved(-left, 900 - top)
    scene = replace(scene, signs=(first, second))
    rng = np.random.default_rng(1)
    asked = [ask_by_place(rng, scene, Speaker()) for _ in range(40)]
    assert {one.kept[0] for one in asked if one} == {"top", "bottom"}
    assert ask_by_place(rng, replace(scene, signs=(first,)), Speaker()) is None


def test_a_part_is_a_line_the_number_the_name_or_everything(sign):
    rng = np.random.default_rng(2)
    answers = {}
    for _ in range(300):
        one = ask_part(rng, written(sign, "LINDEN ROW\n48"), Speaker())
        answers.setdefault(one.answer, set()).add(one.kept)
    assert set(answers) == {"LINDEN ROW 48", "LINDEN ROW", "48"}
    assert {("last",), ("bottom",), ("second",), ()} == answers["48"]
    assert {("first",), ("top",), ()} == answers["LINDEN ROW"] and answers["LINDEN ROW 48"] == {()}
    both = {ask_part(rng, written(sign, "5 km\n48"), Speaker()).answer for _ in range(200)}
    assert both == {"5 km 48", "5 km", "48"}


def test_a_text_of_one_line_has_no_parts(sign):
    assert ask_part(np.random.default_rng(3), replace(sign, layout=None), Speaker()) is None


def test_forms_say_which_place_they_mean():
    for forms in (by_place.SIGN_AT, by_place.LINE):
        for part in (forms.questions, forms.clauses, forms.commands, forms.notes):
            assert all("{place}" in one for one in part)
