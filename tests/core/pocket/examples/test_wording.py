import numpy as np

from core.cropping import Box
from core.pocket.examples import wording
from core.signs.questions import SceneQuestion
from core.signs.scenes import Scene
from core.signs.world.asking import NO_SIGN, UNREADABLE


def test_what_is_in_doubt_is_taught_as_doubt():
    rng = np.random.default_rng(0)
    absent = SceneQuestion("text", "", NO_SIGN, (), kind="absent")
    behind_one = {wording.in_doubt(rng, absent, 1.0, seen=1).answer for _ in range(40)}
    assert behind_one >= {NO_SIGN, UNREADABLE} and len(behind_one) > 5
    assert {wording.in_doubt(rng, absent, 1.0, seen=2).answer for _ in range(9)} == {NO_SIGN}
    small = SceneQuestion("text", "", "STOP", ((0, 0, 9, 9),), 3)
    for seen in (1, 2):
        told = {
            wording.in_doubt(rng, small, wording.ILLEGIBLE_WEIGHT, seen).answer for _ in range(40)
        }
        assert told == {"STOP", UNREADABLE}
        assert wording.in_doubt(rng, small, 1.0, seen) == small


def test_what_nobody_can_read_weighs_less():
    scene = Scene(1600, 1600, (), (), 0)
    sign = SceneQuestion("text", "", "A", ((100, 100, 200, 150),), 20)  # 2.4 px in the global image
    assert wording.legibility(scene, sign) == wording.ILLEGIBLE_WEIGHT
    assert wording.legibility(scene, sign, Box(0, 0, 300, 300)) == 1
    assert wording.legibility(scene, sign, Box(700, 700, 1000, 1000)) == wording.ILLEGIBLE_WEIGHT
    assert wording.legibility(scene, SceneQuestion("presence", "", "yes", ())) == 1


def test_words_that_carry_the_question_are_never_left_out():
    text = "What is the color of the sign that is a red circle?\nA. color\nB. of\nC. the\nD. is"
    rng = np.random.default_rng(0)
    shortened = {
        wording.without_words(rng, text, ("sign that is a red circle",)) for _ in range(99)
    }
    assert len(shortened) > 10
    for short in shortened:
        first, _, listing = short.partition("\n")
        assert " color " in f" {first} " and first.endswith("sign that is a red circle?")
        assert set(first.split()) <= set(text.split()) and listing == text.partition("\n")[2]
