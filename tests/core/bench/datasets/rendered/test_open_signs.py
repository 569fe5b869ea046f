import re

import numpy as np
import pytest

from core.bench.datasets import DatasetError, load_dataset
from core.bench.datasets.scoring import SCORERS
from core.signs.words import WORDS
from core.signs.world import phrasing, strings
from core.signs.world.asking import NO_OBJECT, NO_SIGN
from core.signs.world.trials import CONDITIONS, trial


def _set(condition, split="test"):
    return load_dataset("open-signs", split, options={"condition": condition})


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_sample_is_its_condition_split_and_index(condition):
    dataset = _set(condition)
    assert len(dataset) == 10_000 and dataset[2] == _set(condition)[2]
    assert SCORERS[dataset.scoring].score(dataset[2].answers[0], dataset[2]) == 1
    assert dataset[2].image_id != _set(condition, "validation")[2].image_id
    assert dataset.source["condition"] == condition


def test_one_thing_is_changed_at_a_time():
    plain = [trial("plain", "test", index) for index in range(4)]
    for name in ("capitals", "mistyped", "dark", "grey", "blur"):
        for before, index in zip(plain, range(4), strict=True):
            after = trial(name, "test", index)
            assert [s.text for s in after.scene.signs] == [s.text for s in before.scene.signs]
            assert after.answers == before.answers
            assert bool(after.scene.effects) == bool(CONDITIONS[name].effects)
            asked, plainly = after.question.text, before.question.text
            assert (asked == plainly) == bool(CONDITIONS[name].effects)
            if name == "capitals":
                assert phrasing.calm(asked) == phrasing.calm(plainly)


def test_no_string_of_the_test_was_one_of_training():
    for name in ("plain", "words", "letters-digits", "cases", "long", "pairs", "prices"):
        for index in range(8):
            assert strings.belongs(trial(name, "test", index).answers[0], "test")
    assert {_set("list-words")[index].answers[0] for index in range(8)} <= set(WORDS)


def test_signs_are_turned_larger_absent_or_two():
    tilted = [abs(_angle(sign)) for i in range(6) for sign in trial("tilt", "test", i).scene.signs]
    assert 15 < np.mean(tilted) < 25
    close = [trial("close-up", "test", index) for index in range(4)]
    assert all(t.question.letter_height * t.scene.scale >= 49 for t in close)
    for name, answer in (("absent", NO_SIGN), ("absent-object", NO_OBJECT)):
        found = trial(name, "test", 3)
        assert found.answers == (answer,) and not found.question.boxes
    alike = trial("alike", "test", 0)
    assert len(set(alike.answers)) == len(alike.question.boxes) == 2
    named = [s for s in alike.scene.signs if s.text in alike.answers]
    assert len({(s.color, s.shape) for s in named}) == 1
    assert len(trial("unpointed", "test", 1).scene.signs) == 1


def test_a_picture_of_another_size_shows_the_same():
    for name, side in (("small-picture", 480), ("large-picture", 3000)):
        plain, other = _set("plain")[3], _set(name)[3]
        assert (other.question, other.answers) == (plain.question, plain.answers)
        assert max(other.image.size) == side and max(plain.image.size) != side
        zoom = side / max(plain.image.size)
        (box,), (before,) = other.boxes, plain.boxes
        assert np.allclose(box, [zoom * edge for edge in before], atol=1)
        assert other.letter_height == pytest.approx(zoom * plain.letter_height, abs=0.5)
        small = [np.asarray(s.image.resize((32, 32))).astype(float) for s in (other, plain)]
        assert abs(small[0] - small[1]).mean() < 2


def test_what_strangers_tried_is_asked_for():
    for index in range(6):
        lines = trial("lines", "test", index)
        (sign,) = (s for s in lines.scene.signs if s.box in lines.question.boxes)
        assert sign.layout and lines.answers == (sign.layout.text.replace("\n", " "),)
        says = trial("says", "test", index)
        assert len(says.scene.signs) == 1 and says.answers[0] in ("yes", "no")
        other = trial("other-name", "test", index)
        (only,) = other.scene.signs
        assert other.answers == (NO_SIGN,) and not other.question.boxes
        assert only.letter_height * other.scene.scale >= 5
        filled = trial("large-object", "test", index).scene
        (thing,) = filled.things
        side = thing.box[2] - thing.box[0]
        assert not filled.signs and side >= 0.33 * min(filled.width, filled.height)
    whether = [trial("any-sign", "test", index) for index in range(20)]
    assert all((t.answers == ("yes",)) == bool(t.scene.signs) for t in whether)
    assert {t.answers[0] for t in whether} == {"yes", "no"}


def _angle(sign):
    (x0, y0), (x1, y1) = sign.corners[:2]
    return np.degrees(np.arctan2(y1 - y0, x1 - x0))


def test_known_and_other_phrasings_share_no_class():
    frames = {
        name: [re.escape(f).replace(r"\{", "{").replace(r"\}", "}") for f in phrasing.CLASSES[name]]
        for name in phrasing.HELD_OUT["test"]
    }
    pattern = "|".join(re.sub(r"\{.\}", ".+", f) for fs in frames.values() for f in fs)
    assert all(re.fullmatch(pattern, _set("other-phrasing")[i].prompt) for i in range(12))


def test_the_image_shows_the_condition():
    dark, plain = (np.asarray(_set(name)[0].image) for name in ("dark", "plain"))
    assert dark.mean() == pytest.approx(0.35 * plain.mean(), abs=1)


def test_an_unknown_condition_names_the_known_ones():
    with pytest.raises(DatasetError, match="list-words"):
        _set("foggy")
