from itertools import groupby

import numpy as np
import pytest

from core.cropping import Box, find_box
from core.hits import holds
from core.pocket import labels
from core.pocket.labels import GRID, MAX_LENGTH
from core.signs.questions import SceneQuestion
from core.signs.scenes import GLOBAL_SIDE, Scene, Sign, make_scene


def _scene(width, height, box):
    sign = Sign("circle", "red", "A", 20, "", 400, (0, 0, 0), (9, 9, 9), None, (1, 1), (), box)
    return Scene(width, height, (sign,), (), 0)


@pytest.mark.parametrize("size", [(1200, 1200), (1600, 900), (900, 1200)])
def test_labels_lie_where_the_padded_image_has_the_object(size):
    width, height = size
    box = (int(0.6 * width), int(0.2 * height), int(0.9 * width), int(0.5 * height))
    scene = _scene(width, height, box)
    focus = labels.focus(scene, SceneQuestion("text", "", "A", (box,), 20)).reshape(GRID, GRID)
    assert focus.sum() == pytest.approx(1)
    rows, columns = np.mgrid[:GRID, :GRID] + 0.5
    side = max(size)
    x = (columns * focus).sum() / GRID * side - (side - width) / 2
    y = (rows * focus).sum() / GRID * side - (side - height) / 2
    assert x == pytest.approx(0.75 * width, abs=side / GRID / 2)
    assert y == pytest.approx(0.35 * height, abs=side / GRID / 2)
    circle = labels.SURFACES.index("circle") + 1
    assert labels.surfaces(scene, labels.whole(scene))[..., 1].max() == circle
    beside = Box(box[2], box[3], width, height)
    assert labels.surfaces(scene, beside).max() == 0
    inside = Box(box[0] + 20, box[1] + 20, box[0] + 120, box[1] + 120)
    assert (labels.surfaces(scene, inside)[..., 1] == circle).all()


def test_generic_attention_is_even_inside_and_nothing_in_the_padding():
    target = labels.inside(_scene(1600, 800, (0, 0, 10, 10))).reshape(GRID, GRID)
    assert target[:3].sum() == 0 and target[9:].sum() == 0
    assert np.allclose(target[3:9], 1 / (6 * GRID))


def test_the_attention_asked_for_leads_the_box_search_to_small_signs():
    """The hill on the asked sign is what the box search needs: it finds the sign's centre."""
    hits = []
    for index in range(60):
        scene = make_scene("validation", index)
        side = GLOBAL_SIDE / scene.scale
        dx, dy = (side - scene.width) / 2, (side - scene.height) / 2
        extent = (-dx, -dy, side - dx, side - dy)
        for sign in scene.signs:
            if sign.letter_height * scene.scale <= 4:
                question = SceneQuestion("text", "", sign.text, (sign.box,), sign.letter_height)
                hill = labels.focus(scene, question).reshape(GRID, GRID)
                size = (scene.width, scene.height)
                box = find_box(hill, size, GLOBAL_SIDE, extent=extent)
                hits.append(holds(box, Box(*sign.box)))
    assert len(hits) > 50 and np.mean(hits) > 0.88


def test_characters_lie_on_the_letters_of_their_sign():
    """The label at a point is the character that is drawn there, in the order of the text."""
    read = 0
    for index in range(30):
        scene = make_scene("train", index)
        for sign in scene.signs:
            left, top, right, bottom = sign.box
            side = max(right - left, bottom - top)
            shown = Box(left, top, left + side, top + side)
            alone = Scene(scene.width, scene.height, (sign,), (), 0)
            if sign.letter_height * GLOBAL_SIDE / side < 20 or len(sign.text) < 2:
                continue
            found = labels.characters(alone, shown)
            columns = [found[:, c][found[:, c] > 0] for c in range(found.shape[1])]
            text = [labels.CHARACTERS[np.bincount(c).argmax() - 1] for c in columns if len(c)]
            assert [char for char, _ in groupby(text)] == [char for char, _ in groupby(sign.text)]
            read += 1
    assert read > 10


def test_letters_too_small_to_tell_are_not_labelled():
    for index in range(20):
        scene = make_scene("train", index)
        tiny = [s for s in scene.signs if s.letter_height * scene.scale < labels.READABLE]
        alone = Scene(scene.width, scene.height, tuple(tiny), (), 0)
        assert labels.characters(alone, labels.whole(scene)).max() <= 0


def test_spelling_tells_each_place_of_the_text_by_itself():
    """Whatever visual tokens show the second letter of a sign, they show that letter."""
    read = 0
    for index in range(40):
        scene = make_scene("train", index)
        for sign in scene.signs:
            alone = Scene(scene.width, scene.height, (sign,), (), 0)
            shown = Box(*sign.box)
            if sign.letter_height * GLOBAL_SIDE / max(shown.size) < 12:
                continue
            letters = labels.letters(alone, shown, GRID * labels.POINTS)
            spelled = labels.spelling(*letters).reshape(-1, MAX_LENGTH)
            text = ""
            for place in spelled.T:
                seen = set(place[place > 0].tolist())
                assert len(seen) <= 1
                text += "".join(labels.CHARACTERS[one - 1] for one in seen)
            assert text == sign.text
            read += 1
    assert read > 30


def test_spelling_leaves_out_what_only_touches_a_token_and_what_is_too_small():
    found, places = np.zeros((2, GRID * labels.POINTS, GRID * labels.POINTS), np.int64)
    found[0, 0:3], places[0, 0:3] = 7, 1
    found[0, 3:5], places[0, 3:5] = 9, 2  # one point in the first token, one in the second
    found[0, 5:8], places[0, 5:8] = labels.IGNORE, 3
    spelled = labels.spelling(found, places)
    assert spelled[0, 0, :4].tolist() == [7, labels.IGNORE, 0, 0]
    assert spelled[0, 1, :4].tolist() == [0, labels.IGNORE, labels.IGNORE, 0]
    assert not spelled[0, :2, 4:].any()
    assert not spelled[1:].any() and not spelled[:, 2:].any()
