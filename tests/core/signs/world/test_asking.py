"""Questions whether something is there are answered by the scene."""

import numpy as np
import pytest

from core.signs.scenes import KINDS
from core.signs.world.asking import (
    ANY_SIGN,
    NO_SIGN,
    STRANGERS,
    ask_absent,
    ask_existence,
    ask_kind,
)
from core.signs.world.phrasing import Speaker
from core.signs.world.streets import make_street


@pytest.fixture(scope="module")
def asked():
    rng, speaker = np.random.default_rng(0), Speaker()
    scenes = [make_street("train", index) for index in range(12)]
    return [(scene, ask_existence(rng, scene, speaker)) for scene in scenes for _ in range(40)]


def test_a_yes_is_about_a_sign_that_is_there(asked):
    told = [(scene, one) for scene, one in asked if one.boxes]
    assert len(told) > 100
    for scene, one in told:
        (sign,) = (sign for sign in scene.signs if (sign.box,) == one.boxes)
        assert one.answer == "yes" and len(one.names) == 1
        assert sign.color in one.names[0] or sign.shape in one.names[0]


def test_what_has_no_box_is_no_unless_any_sign_will_do(asked):
    for scene, one in asked:
        if not one.boxes:
            any_sign = not one.names
            assert one.answer == ("yes" if any_sign and scene.signs else "no")
            if one.names and one.names[0] not in STRANGERS:  # a sign, by colour and shape
                there = {(sign.color, sign.shape) for sign in scene.signs}
                assert not any(c in one.names[0] and s in one.names[0] for c, s in there)


def test_no_scene_has_what_strangers_ask_for(asked):
    assert not set(STRANGERS) & {*KINDS, *ANY_SIGN}
    assert {one.names[0] for _, one in asked if one.names} & set(STRANGERS)
    assert all(one.text and "{" not in one.text for _, one in asked)


def test_what_is_named_by_its_colour_or_shape_alone_has_no_like():
    rng, short = np.random.default_rng(1), 0
    for index in range(12):
        scene = make_street("train", index)
        for _ in range(20):
            one = ask_absent(rng, scene, Speaker(), short=1.0)
            assert one.answer == NO_SIGN and not one.boxes
            words = one.names[0].removesuffix(" sign")
            if " " not in words:
                short += 1
                assert words not in {s.color for s in scene.signs} | {s.shape for s in scene.signs}
    assert short > 200


def test_an_object_is_there_if_one_of_its_kind_is():
    rng, answers = np.random.default_rng(2), set()
    for index in range(12):
        scene = make_street("train", index)
        for _ in range(20):
            one = ask_kind(rng, scene, Speaker())
            there = [thing for thing in scene.things if thing.box in one.boxes]
            assert (one.answer == "yes") == bool(there)
            assert len({thing.kind for thing in there}) <= 1
            assert one.names in ((), *((kind,) for kind in KINDS))
            answers.add(one.answer)
    assert answers == {"yes", "no"}
