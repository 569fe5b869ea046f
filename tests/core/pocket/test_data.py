import numpy as np
import pytest

from core.pocket import data
from core.pocket.data import GRID, chart_example, closeup_example, scene_example
from core.pocket.evaluate import holds
from core.pocket.questions import Question
from core.pocket.scenes import Scene, Sign, make_scene


def _scene(width, height, box):
    sign = Sign("circle", "red", "A", 20, "", 400, (0, 0, 0), (9, 9, 9), None, (1, 1), (), box)
    return Scene(width, height, (sign,), (), 0)


@pytest.mark.parametrize("size", [(1200, 1200), (1600, 900), (900, 1200)])
def test_labels_lie_where_the_padded_image_has_the_object(size):
    width, height = size
    box = (int(0.6 * width), int(0.2 * height), int(0.9 * width), int(0.5 * height))
    scene = _scene(width, height, box)
    focus = data.focus(scene, Question("text", "", "A", (box,), 20)).reshape(GRID, GRID)
    assert focus.sum() == pytest.approx(1)
    rows, columns = np.mgrid[:GRID, :GRID] + 0.5
    side = max(size)
    x = (columns * focus).sum() / GRID * side - (side - width) / 2
    y = (rows * focus).sum() / GRID * side - (side - height) / 2
    assert x == pytest.approx(0.75 * width, abs=side / GRID / 2)
    assert y == pytest.approx(0.35 * height, abs=side / GRID / 2)
    circle = data.SURFACES.index("circle") + 1
    assert data.surfaces(scene, data.whole(scene))[..., 1].max() == circle
    beside = data.Box(box[2], box[3], width, height)
    assert data.surfaces(scene, beside).max() == 0
    inside = data.Box(box[0] + 20, box[1] + 20, box[0] + 120, box[1] + 120)
    assert (data.surfaces(scene, inside)[..., 1] == circle).all()


def test_generic_attention_is_even_inside_and_nothing_in_the_padding():
    target = data.inside(_scene(1600, 800, (0, 0, 10, 10))).reshape(GRID, GRID)
    assert target[:3].sum() == 0 and target[9:].sum() == 0
    assert np.allclose(target[3:9], 1 / (6 * GRID))


def test_examples_are_what_their_index_says():
    for make in (closeup_example, lambda i, seed: scene_example(i, seed, 0.7)):
        first, again, other = make(5, 0), make(5, 0), make(6, 0)
        assert all(np.array_equal(a, b) for a, b in zip(first.images, again.images, strict=True))
        assert [b.question for b in first.branches] == [b.question for b in again.branches]
        assert not np.array_equal(first.images[0], other.images[0])


def test_a_scene_asks_behind_one_and_behind_two_images():
    example = scene_example(0, 0, 0.7)
    assert len(example.images) == 3
    assert {branch.local for branch in example.branches} == {None, 1, 2}
    assert {branch.question.family for branch in example.branches} >= {"generic", "text"}


def test_chart_labels_lie_on_ink():
    pixels, labels = chart_example(3, 0)
    assert labels.shape == (24, 24) and 0.05 < (labels > 0).mean() < 0.9
    assert pixels.shape == (192, 192, 3)


def test_crops_stay_inside_and_reach_their_target():
    rng = np.random.default_rng(0)
    for _ in range(50):
        box = data.box_near(rng, (1600, 900), (1500, 800, 1590, 890))
        assert 0 <= box.left < 1590 < 1500 + box.width and box.right <= 1600
        assert 0 <= box.top < 890 and 800 < box.bottom <= 900


def test_the_attention_asked_for_leads_the_box_search_to_small_signs():
    """The hill on the asked sign is what the box search needs: it finds the sign's centre."""
    from core.cropping import Box, find_box

    hits = []
    for index in range(60):
        scene = make_scene("validation", index)
        side = data.GLOBAL_SIDE / scene.scale
        dx, dy = (side - scene.width) / 2, (side - scene.height) / 2
        extent = (-dx, -dy, side - dx, side - dy)
        for sign in scene.signs:
            if sign.letter_height * scene.scale <= 4:
                question = Question("text", "", sign.text, (sign.box,), sign.letter_height)
                hill = data.focus(scene, question).reshape(GRID, GRID)
                size = (scene.width, scene.height)
                box = find_box(hill, size, data.GLOBAL_SIDE, extent=extent)
                hits.append(holds(box, Box(*sign.box)))
    assert len(hits) > 50 and np.mean(hits) > 0.88


def test_what_nobody_can_read_weighs_less():
    scene = _scene(1600, 1600, (100, 100, 200, 150))
    sign = Question("text", "", "A", ((100, 100, 200, 150),), 20)  # 2.4 px in the global image
    assert data.legibility(scene, sign) == data.ILLEGIBLE_WEIGHT
    assert data.legibility(scene, sign, data.Box(0, 0, 300, 300)) == 1
    assert data.legibility(scene, sign, data.Box(700, 700, 1000, 1000)) == data.ILLEGIBLE_WEIGHT
    assert data.legibility(scene, Question("presence", "", "yes", ())) == 1


@pytest.mark.parametrize("size", [(192, 108), (120, 192), (192, 192), (100, 80)])
def test_pixels_are_prepared_as_the_processor_does(size):
    from PIL import Image

    from core.pocket.model import build_processor
    from core.pocket.tokenizer import build_tokenizer

    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))
    processor = build_processor(build_tokenizer()).image_processor
    real = processor(images=image, return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)
    real = (real * 0.25 + 0.5) * 255
    assert np.abs(real - data.to_input(image)).max() <= 1
