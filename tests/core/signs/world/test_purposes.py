from dataclasses import replace

import numpy as np

from core.signs.world import purposes
from core.signs.world.purposes import ask_purpose, prominent
from core.signs.world.streets import make_street
from core.signs.world.trials import trial


def test_a_question_without_a_name_is_about_the_only_or_by_far_the_largest_sign():
    scene = next(s for i in range(99) if len((s := make_street("train", i)).signs) == 3)
    tall, low, lower = (
        replace(sign, letter_height=height)
        for sign, height in zip(scene.signs, (30, 20, 10), strict=True)
    )
    assert prominent(replace(scene, signs=(lower, tall, low))) is tall
    assert prominent(replace(scene, signs=(lower, tall, replace(low, letter_height=21)))) is None
    assert prominent(replace(scene, signs=(low,))) is low
    assert prominent(replace(scene, signs=())) is None


def test_the_test_asks_in_frames_and_nouns_that_training_never_hears():
    sign = make_street("train", 0).signs[0]
    asked = {
        split: {ask_purpose(np.random.default_rng(i), sign, split).text for i in range(2000)}
        for split in ("train", "test")
    }
    assert len(asked["train"]) > 500 and len(asked["test"]) > 50
    assert not asked["train"] & asked["test"]
    for choices in (purposes.FRAMES, purposes.KINDS, purposes.HOLDERS):
        assert not set(choices["train"]) & set(choices["test"])
        assert all(len(set(part)) == len(part) for part in choices.values())
    assert "{" not in "".join(asked["train"] | asked["test"])


def test_its_trials_have_one_sign_and_ask_for_its_text():
    for index in range(8):
        found = trial("purpose", "test", index)
        (sign,) = found.scene.signs
        assert found.answers == (sign.text,) and found.question.boxes == (sign.box,)
