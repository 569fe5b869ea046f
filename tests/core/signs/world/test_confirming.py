"""Questions of yes or no about a text, and for the colour of letters, are answered by the sign."""

from dataclasses import replace

import numpy as np
import pytest

from core.pocket.examples.wording import reworded
from core.signs.scenes import COLORS
from core.signs.world import confirming
from core.signs.world.confirming import ask_has_color, ask_ink, ask_says, named, says
from core.signs.world.phrasing import Speaker
from core.signs.world.streets import make_shown, make_street


@pytest.fixture(scope="module")
def scenes():
    shown = [make_shown(index) for index in range(60)]
    return [
        scene for scene in (*shown, *(make_street("train", i) for i in range(8))) if scene.signs
    ]


@pytest.mark.parametrize(
    ("text", "quote", "right"),
    [
        ("GARAGE", "garage", True),
        ("FRESH BREAD", "bread", True),
        ("FRESH BREAD", "fresh bread", True),
        ("FRESH BREAD", "bread fresh", False),
        ("FRESH BREAD", "read", False),
        ("A", "AB", False),
    ],
)
def test_a_sign_says_words_that_follow_one_another_in_whatever_case(text, quote, right):
    assert says(text, quote) is right


def test_half_of_what_is_asked_for_is_there_and_the_question_says_what(scenes):
    rng = np.random.default_rng(0)
    asked = [(s.signs[0], ask_says(rng, s, s.signs[0], Speaker())) for s in scenes * 6]
    for sign, one in asked:
        (quote,) = one.kept
        assert quote in one.text and one.boxes == (sign.box,)
        assert (one.answer == "yes") == says(sign.text, quote)
    share = np.mean([one.answer == "yes" for _, one in asked])
    assert 0.4 < share < 0.6
    assert 0.2 < np.mean(['"' in one.text for _, one in asked]) < 0.6
    # With more than one sign there, a question says which one it means.
    assert all(one.names for (_, one), s in zip(asked, scenes * 6, strict=True) if len(s.signs) > 1)


def test_what_is_asked_for_stays_as_it_is_when_people_type(scenes):
    rng = np.random.default_rng(1)
    for scene in scenes * 4:
        one = reworded(rng, ask_says(rng, scene, scene.signs[0], Speaker()))
        assert one.kept[0] in one.text
        colored = ask_has_color(rng, scene, Speaker())
        if colored is not None:
            typed = reworded(rng, colored)
            assert typed.kept[0] in typed.text and typed.names[0] in typed.text


def test_a_colour_is_that_of_the_only_thing_of_its_name(scenes):
    rng, found = np.random.default_rng(2), 0
    for scene in scenes:
        one = ask_has_color(rng, scene, Speaker())
        if one is None:
            continue
        found += 1
        (part,) = (p for p in (*scene.signs, *scene.things) if (p.box,) == one.boxes)
        assert (one.answer == "yes") == (one.kept == (part.color,))
        noun = one.names[0]
        assert noun == "sign" or noun in (getattr(part, "noun", ""), getattr(part, "kind", ""))
    assert found > 30


def test_letters_and_ground_have_colours_of_their_own(scenes):
    rng, answers = np.random.default_rng(3), []
    for scene in scenes * 4:
        for sign in scene.signs:
            one = ask_ink(rng, scene, sign, Speaker())
            if one is None:
                assert sign.shape == "text" or named(sign.ink) is None
                continue
            ground = "ground" in one.text or "behind" in one.text
            assert one.answer == (sign.color if ground else named(sign.ink))
            assert not ground or sign.color not in one.text  # or the question tells its answer
            answers.append(ground)
    assert 0.1 < np.mean(answers) < 0.5


def test_a_colour_without_a_name_is_not_asked_for(scenes):
    assert {named(rgb) for rgb in COLORS.values()} == set(COLORS)
    assert named((128, 128, 128)) is None
    sign = replace(scenes[0].signs[0], ink=(128, 128, 128), shape="circle")
    scene = replace(scenes[0], signs=(sign, replace(sign, color="red")))
    rng = np.random.default_rng(4)
    assert all(ask_ink(rng, scene, sign, Speaker()) is None for _ in range(9))


def test_the_test_asks_in_sentences_that_training_never_hears():
    for choices in (confirming.NAMED, confirming.UNNAMED):
        assert not set(choices["train"]) & set(choices["test"])
        assert all("{quote}" in one for split in choices.values() for one in split)
