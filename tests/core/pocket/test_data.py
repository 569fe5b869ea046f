import numpy as np
import pytest

from core.pocket import data
from core.pocket.data import GRID, chart_example, closeup_example, scene_example
from core.pocket.questions import Question
from core.pocket.scenes import Scene, Sign


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
    assert data.surfaces(scene)[..., 1].max() == data.SURFACES.index("circle") + 1


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
    from PIL import Image

    rng = np.random.default_rng(0)
    original = Image.new("RGB", (1600, 900))
    for _ in range(50):
        view = data.crop_around(rng, original, (1500, 800, 1590, 890))
        assert max(view.size) == 192


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
