import numpy as np
import pytest

from core.signs import render as render_module
from core.signs.questions import ask_text
from core.signs.render import draw_background, render
from core.signs.scenes import LETTER_ORIGINAL, SPLITS, make_scene, scene_rng
from core.signs.words import DIGITS, LETTERS, WORDS, sample_text
from core.signs.world import faces
from core.signs.world.streets import make_street_crowd


def test_a_scene_is_its_seed():
    assert make_scene("test", 3) == make_scene("test", 3)
    assert make_scene("test", 3) != make_scene("test", 3, seed=1)


def test_splits_never_share_a_scene():
    streams = {scene_rng(split, 7).integers(2**62) for split in SPLITS}
    assert len(streams) == len(SPLITS)
    with pytest.raises(ValueError, match="train, validation, test"):
        scene_rng("dev", 0)


@pytest.mark.parametrize("index", range(40))
def test_everything_lies_inside_apart_and_named_once(index):
    scene = make_scene("train", index)
    assert 800 <= max(scene.width, scene.height) <= 1600
    apart_inside_and_named_once(scene)
    for sign in scene.signs:
        assert sign.letter_height >= LETTER_ORIGINAL and 1 <= len(sign.text) <= 6


def test_a_crowd_is_many_signs_that_are_hard_to_read_but_not_impossible():
    crowds = [make_street_crowd(index) for index in range(20)]
    for crowd in crowds:
        apart_inside_and_named_once(crowd)
        heights = [sign.letter_height * crowd.scale for sign in crowd.signs]
        assert len(heights) >= 4 and min(heights) > 3.2 and max(heights) < 11.3
        assert all(sign.family in faces.families("train") for sign in crowd.signs)
    assert np.mean([len(crowd.signs) for crowd in crowds]) > 9
    assert crowds[3] == make_street_crowd(3) != make_street_crowd(3, seed=1)


def apart_inside_and_named_once(scene):
    everything = [*scene.signs, *scene.things]
    names = [item.name for item in everything]
    assert len(set(names)) == len(names)
    for item in everything:
        left, top, right, bottom = item.box
        assert 0 <= left < right <= scene.width and 0 <= top < bottom <= scene.height
    for i, a in enumerate(everything):
        for b in everything[i + 1 :]:
            apart = a.box[2] <= b.box[0] or b.box[2] <= a.box[0]
            assert apart or a.box[3] <= b.box[1] or b.box[3] <= a.box[1]


def test_the_signs_colour_is_where_its_box_is():
    scene = next(s for s in (make_scene("train", i) for i in range(99)) if len(s.signs) >= 2)
    pixels = np.asarray(render(scene)).astype(int)
    for sign in scene.signs:
        left, top, right, bottom = sign.box
        inside = pixels[top:bottom, left:right].reshape(-1, 3)
        near = (np.abs(inside - sign.rgb).max(axis=1) <= 3).mean()
        assert near > 0.15, sign.name


def test_perspective_takes_the_corners_to_the_layer():
    corners = [(3, 4), (90, 1), (95, 60), (0, 55)]
    a, b, c, d, e, f, g, h = render_module.perspective(corners, (80, 50))
    for (x, y), expected in zip(corners, [(0, 0), (80, 0), (80, 50), (0, 50)], strict=True):
        scale = g * x + h * y + 1
        got = ((a * x + b * y + c) / scale, (d * x + e * y + f) / scale)
        assert got == pytest.approx(expected, abs=1e-6)


def test_backgrounds_have_the_size_asked_for():
    for seed in range(8):
        assert draw_background(np.random.default_rng(seed), 120, 80).size == (120, 80)


def test_what_is_written():
    rng = np.random.default_rng(0)
    texts = {sample_text(rng) for _ in range(500)}
    assert all(1 <= len(text) <= 6 for text in texts)
    assert all(text in WORDS or set(text) <= set(LETTERS + DIGITS) for text in texts)
    assert {len(text) for text in texts} == {1, 2, 3, 4, 5, 6}


def test_the_closed_world_stays_what_the_shipped_runs_were_recorded_in():
    """Drawn by version 5's code (commit 0029521), in whatever typefaces are installed."""
    scenes = [make_scene("test", index) for index in range(8)]
    assert [scene.signs[0].text for scene in scenes] == [
        "0600", "6", "6D", "7235", "VRRL", "497300", "METRO", "DMAGC",
    ]  # fmt: skip
    asked = [
        ask_text(scene_rng("test", index, 40_000), scene, scene.signs[0]).text
        for index, scene in enumerate(scenes[:4])
    ]
    assert asked == [
        "What are the letters on the circle that is purple?",
        "What does it say on the green diamond sign?",
        "Tell me what the black rectangle says.",
        "Read the diamond that is red.",
    ]
