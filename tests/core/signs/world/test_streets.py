import numpy as np
import pytest
from PIL import Image

from core.pocket import labels
from core.signs import conditions
from core.signs.carriers import CARRIERS, bent, sag
from core.signs.render import render, sign_layer
from core.signs.scenes import COLORS, SHAPES, Scene
from core.signs.world import strings
from core.signs.world.asking import (
    CARRIER_NAMES,
    NO_OBJECT,
    NO_SIGN,
    ask_absent,
    ask_absent_object,
    ask_quoted,
    ask_text,
)
from core.signs.world.phrasing import Speaker
from core.signs.world.streets import APART, NOUNS, make_shown, make_street, sketch_sign


@pytest.fixture(scope="module")
def scenes():
    return [make_street("train", index) for index in range(12)]


def test_a_street_is_what_split_and_index_say(scenes):
    assert make_street("train", 3) == scenes[3] != make_street("validation", 3)
    assert {sign.shape for scene in scenes for sign in scene.signs} > set(SHAPES[:3])
    for scene in scenes:
        for sign in scene.signs:
            left, top, right, bottom = sign.box
            assert 0 <= left < right <= scene.width and 0 <= top < bottom <= scene.height
            assert strings.belongs(sign.text, "train") or sign.text.isupper()


def test_every_carrier_shows_its_text_where_the_labels_say():
    rng = np.random.default_rng(0)
    for carrier in (*CARRIERS, "circle"):
        sign = sketch_sign(rng, "white", carrier, (30, 31), written=("HOLD", ""))
        x, y = np.meshgrid(np.arange(sign.box[2]) + 0.5, np.arange(sign.box[3]) + 0.5)
        places = labels._places(sign, x, y)
        assert set(np.unique(places)) == {0, 1, 2, 3, 4}
        plain = render_alone(sign)
        blank = render_alone(type(sign)(**{**vars(sign), "text": " " * 4}))
        ink = np.abs(plain - blank).sum(-1) > 60
        if carrier != "text":
            assert ink[places > 0].mean() > 3 * ink[places == 0].mean()


def render_alone(sign):
    layer = sign_layer(sign).convert("RGB")
    from core.signs.render import perspective

    warped = layer.transform(
        sign.box[2:], Image.PERSPECTIVE, perspective(sign.corners, layer.size), Image.BICUBIC
    )
    return np.asarray(warped, float)


def test_a_bent_line_hangs_as_its_labels_do():
    mask = Image.new("L", (80, 60))
    mask.paste(255, (0, 28, 80, 32))
    lowered = np.asarray(bent(mask, 0.5, 20))
    rows = lowered.argmax(0)
    assert np.abs(rows - 28 - sag(0.5, 20, np.arange(80) + 0.5, 80)).max() <= 0.5 + 1e-9
    assert rows[40] > 28 > rows[0]


@pytest.mark.parametrize("name", list(conditions.EFFECTS))
def test_an_effect_changes_the_picture_and_nothing_when_it_is_none(name):
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 255, (40, 60, 3), dtype=np.uint8))
    low, high = conditions.RANGES[name]
    changed = conditions.apply(image, {name: high if high != 1.0 else low})
    assert changed.size == image.size and changed.mode == "RGB"
    assert np.abs(np.asarray(changed, int) - np.asarray(image)).mean() > 1
    assert conditions.apply(image, {name: high}) == conditions.apply(image, {name: high})
    assert conditions.apply(image, {}) == image


def test_training_pictures_are_clean_or_disturbed_within_the_ranges():
    rng = np.random.default_rng(0)
    drawn = [conditions.draw(rng) for _ in range(400)]
    assert 0.3 < np.mean([not effects for effects in drawn]) < 0.5
    assert {name for effects in drawn for name in effects} == set(conditions.EFFECTS)
    for effects in drawn:
        for name, strength in effects.items():
            low, high = conditions.RANGES[name]
            assert low <= strength <= high


def test_effects_are_part_of_the_scene(scenes):
    scene = Scene(120, 90, (), (), 5, (("dark", 0.5),))
    bright = Scene(120, 90, (), (), 5)
    assert np.asarray(render(scene)).mean() == pytest.approx(
        np.asarray(render(bright)).mean() / 2, abs=1
    )


def test_what_is_asked_for_is_there_or_is_said_not_to_be(scenes):
    rng, speaker = np.random.default_rng(0), Speaker()
    for scene in scenes:
        for sign in scene.signs:
            question = ask_text(rng, scene, sign, speaker)
            assert question.answer == sign.text and question.boxes == (sign.box,)
            assert all(name in question.text for name in question.names)
            quoted = ask_quoted(rng, scene, sign, speaker)
            assert (f'"{sign.text}"' in quoted.text) == (quoted.answer == "yes") or '"' in sign.text
        absent = ask_absent(rng, scene, speaker)
        assert absent.answer == NO_SIGN and not absent.boxes
        for sign in scene.signs:
            for name in CARRIER_NAMES.get(sign.shape, ("{color} {shape}",)):
                assert name.format(color=sign.color, shape=sign.shape) != absent.names[0]
        nothing = ask_absent_object(rng, scene, speaker)
        assert nothing.answer == NO_OBJECT
        assert nothing.names[0] not in {thing.kind for thing in scene.things}


def test_nouns_are_shapes_and_carriers_with_a_ground():
    assert set(NOUNS) == {*SHAPES, *CARRIERS} - {"text"} and len(COLORS) == 8


def test_only_training_has_texts_of_several_lines():
    def several(split):
        scenes = [make_street(split, index) for index in range(30)]
        return [sign for scene in scenes for sign in scene.signs if sign.layout]

    assert several("train") and not several("test") and not several("validation")


def test_a_picture_shows_one_thing_two_or_nothing_and_they_may_be_large():
    scenes = [make_shown(index) for index in range(120)]
    assert make_shown(3) == scenes[3]
    assert {len(scene.signs) for scene in scenes} == {0, 1, 2, 3}
    assert any(not scene.signs and not scene.things for scene in scenes)
    sides = [
        (thing.box[2] - thing.box[0]) / max(scene.width, scene.height)
        for scene in scenes
        for thing in scene.things
    ]
    assert max(sides) > 0.5 and min(sides) < 0.1
    walls = [scene for scene in scenes if scene.wall is not None]
    assert 0.4 < len(walls) / len(scenes) < 0.8
    for scene in walls:
        for part in (*scene.signs, *scene.things):
            assert np.linalg.norm(np.subtract(part.rgb, scene.wall)) > APART
        image = np.asarray(render(Scene(40, 30, (), (), 0, wall=scene.wall)))
        assert (image == scene.wall).all()
    assert any(sign.layout for scene in scenes for sign in scene.signs)
