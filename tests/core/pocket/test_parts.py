"""Which part a question plays, and what is tried for a part."""

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from core.imaging import Codec
from core.pocket import samples
from core.pocket.parts import (
    AT_ONCE,
    CREDIT,
    MISSED,
    MORE,
    NEEDLESS,
    PARTS,
    PHOTOGRAPH,
    RESIGNED,
    STAYS_WRONG,
    WITH_CROP,
    WORLDS,
    outcome,
    signs_for,
)
from core.protocol import Edge, Server, ask
from core.signs import photographs
from core.signs.world.asking import NO_SIGN
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM, picture

OPEN = WORLDS["open"]


class Says(PixelVLM):
    """Says one thing to the global image and another to both."""

    def __init__(self, first, second):
        super().__init__()
        self.words = first, second

    def answer(self, look, question, local=None, **options):
        said = super().answer(look, question, local, **options)
        return replace(said, text=self.words[local is not None])


ALWAYS, NEVER = Gate("min_entropy", 0.0), Gate("min_entropy", 99.0)


@pytest.mark.parametrize(
    ("gate", "first", "second", "played"),
    [
        (ALWAYS, "A", "A", NEEDLESS), (ALWAYS, "B", "A", WITH_CROP),
        (ALWAYS, "B", "C", STAYS_WRONG), (ALWAYS, "A", "B", None),
        (NEVER, "A", "A", AT_ONCE), (NEVER, "B", "A", MISSED),
        (NEVER, "B", "C", RESIGNED), (NEVER, "A", "B", None),
    ],
)  # fmt: skip
def test_what_became_of_an_answer(gate, first, second, played):
    server = Server(Says(first, second), gate)
    assert outcome(ask(Edge(picture()), server, "What?", force=True), "A") == played


def _part(name):
    return next(part for part in (*PARTS, *MORE) if part.file == name)


def _candidates(name, count=3):
    part = _part(name)
    tried = (OPEN.candidate(part, index) for index in range(part.start, part.start + 200))
    return list(islice(filter(None, tried), count))


def test_the_open_world_has_every_part_of_the_closed_one_and_more():
    assert WORLDS["closed"].parts == PARTS and OPEN.parts == (*PARTS, *MORE)
    assert len({part.file for part in OPEN.parts}) == len(OPEN.parts)
    played = {name for part in OPEN.parts for name in part.outcomes}
    assert played == {AT_ONCE, WITH_CROP, STAYS_WRONG, NEEDLESS, MISSED, RESIGNED}


def test_the_size_of_the_letters_is_the_parts():
    for name in ("corner", "near"):
        low, high = _part(name).letters
        for tried in _candidates(name, 2):
            scene = OPEN.scene(tried.of["scene"])
            assert low <= tried.question.letter_height * scene.scale <= high
            assert len(tried.question.answer) >= 3


def test_what_is_not_there_is_answered_so():
    """Nothing has a box; the scene itself has signs."""
    for tried in _candidates("absent"):
        assert tried.question.answer == NO_SIGN and tried.question.boxes == ()
        assert OPEN.scene(tried.of["scene"]).signs


def test_no_scene_shows_a_photograph_that_somebody_must_be_named_for(monkeypatch):
    def available(split):
        return ("umang_by_Abhishek_Mudgal.jpg",)

    before = [OPEN.scene(index) is None for index in range(30)]
    monkeypatch.setattr(photographs, "available", available)
    after = [OPEN.scene(index) is None for index in range(30)]
    assert all(now for now, then in zip(after, before, strict=True) if then)
    shown = [OPEN.scene(index) for index in range(30)]
    assert all(scene is None or (not scene.photograph and not scene.effects) for scene in shown)
    assert 0 < sum(after) < 30


@pytest.fixture
def rocket(tmp_path, monkeypatch):
    Image.effect_noise((320, 200), 60).convert("RGB").save(tmp_path / PHOTOGRAPH)
    monkeypatch.setattr(photographs, "folders", lambda: (tmp_path,))
    photographs.available.cache_clear()
    photographs.picture.cache_clear()
    yield
    photographs.available.cache_clear()
    photographs.picture.cache_clear()


def test_a_photograph_says_whose_it_is_and_is_free(rocket):
    (row,) = [line for line in photographs.__doc__.splitlines() if line.startswith("| rocket ")]
    assert row.count("|") == 4
    assert [cell.strip() for cell in row.split("|")[2:4]] == CREDIT.split(", ")
    first, second = _candidates("photograph", 2)
    assert first.of["source"] == CREDIT
    assert first.question.answer == NO_SIGN and first.question != second.question
    assert np.array_equal(first.picture(), second.picture())


CODEC = Codec("jpeg", 92)


def test_a_part_is_played_by_the_first_that_can(rocket, monkeypatch):
    monkeypatch.setattr(samples, "SCENES_TRIED", 10)
    vlm = Says(NO_SIGN, NO_SIGN)
    original, entry = samples.pick(vlm, OPEN, _part("absent"), ALWAYS, CODEC)
    assert (entry["outcome"], entry["answer"]) == (NEEDLESS, NO_SIGN)
    assert original.startswith(b"\xff\xd8") and entry["file"] == "absent.jpg"


def test_what_is_preferred_is_looked_for_further_on(monkeypatch):
    """The first scene is resigned, the second missed."""

    class Late(Says):
        def answer(self, look, question, local=None, **options):
            self.words = self.words if question == texts[0] else ("B", answers[1])
            return super().answer(look, question, local, **options)

    part = _part("missed")
    found = _candidates("missed", 2)
    texts, answers = zip(*((c.question.text, c.question.answer) for c in found), strict=True)
    _, entry = samples.pick(Late("B", "C"), OPEN, part, NEVER, CODEC)
    assert (entry["outcome"], entry["scene"]) == (MISSED, found[1].of["scene"])
    monkeypatch.setattr(samples, "SCENES_TRIED", found[1].of["scene"] - part.start)
    _, entry = samples.pick(Says("B", "C"), OPEN, part, NEVER, CODEC)
    assert (entry["outcome"], entry["scene"]) == (RESIGNED, found[0].of["scene"])


def test_what_the_crop_mended_is_no_guess(monkeypatch):
    """A second answer that is right and as unsure as the first plays no part."""
    monkeypatch.setattr(samples, "SCENES_TRIED", 40)
    part, (tried,) = _part("corner"), _candidates("corner", 1)
    text = tried.question.answer

    class Mended(Says):
        """Reads the first scene's text behind both images, as sure as it is told."""

        def answer(self, look, question, local=None, **options):
            said = super().answer(look, question, local, **options)
            certain = self.sure and local is not None
            return replace(said, logits=1000 * said.logits) if certain else said

    vlm, gate = Mended("B", text), Gate("min_entropy", 0.1)
    vlm.sure = False
    assert samples.pick(vlm, OPEN, part, gate, CODEC) is None
    vlm.sure = True
    _, entry = samples.pick(vlm, OPEN, part, gate, CODEC)
    assert (entry["outcome"], entry["answer"]) == (WITH_CROP, text)


def test_parts_that_nobody_plays_are_named_and_the_others_are_written(
    monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(photographs, "available", lambda split: (PHOTOGRAPH,))
    vlm = Says("B", "C")
    vlm.info = replace(vlm.info, thresholds={"min_entropy": 99.0})  # never asked again
    monkeypatch.setattr("core.vlm.load_vlm", lambda *_, **__: vlm)
    monkeypatch.setattr(samples, "SCENES_TRIED", 12)
    few = replace(OPEN, parts=(_part("object"), _part("needless"), _part("missed")))
    monkeypatch.setitem(WORLDS, "open", few)
    monkeypatch.setattr("sys.argv", ["samples", "--world", "open", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        samples.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said == "No scene plays object, needless with this model.\n"
    (entry,) = json.loads((tmp_path / "samples.json").read_text())
    assert (entry["file"], entry["outcome"]) == ("missed.jpg", RESIGNED)
    assert (tmp_path / "missed.jpg").is_file()


def test_the_photograph_has_to_be_there(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(photographs, "folders", lambda: ())
    photographs.available.cache_clear()
    monkeypatch.setattr("sys.argv", ["samples", "--world", "open", "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        samples.main()
    photographs.available.cache_clear()
    assert "rocket.jpg isn't here: pip install scikit-image" in capsys.readouterr().err


def test_a_plate_to_spell_is_no_shop_front():
    (plate,) = (part for part in PARTS if part.file == "plate")
    plate = replace(plate, letters=(0, 99))
    scenes = filter(None, map(OPEN.scene, range(200)))
    found = [sign for scene in scenes for sign in signs_for(plate, scene)]
    assert len(found) > 10
    assert not {sign.shape for sign in found} & {"poster", "note", "shop front", "text"}
