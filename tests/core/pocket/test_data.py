import numpy as np
import pytest

from core.pocket import data
from core.pocket.data import chart_example, closeup_example, crowd_example, scene_example
from core.pocket.questions import Question
from core.pocket.scenes import Scene


def test_examples_are_what_their_index_says():
    for make in (closeup_example, crowd_example, lambda i, seed: scene_example(i, seed, 0.7)):
        first, again, other = make(5, 0), make(5, 0), make(6, 0)
        assert all(np.array_equal(a, b) for a, b in zip(first.images, again.images, strict=True))
        assert [b.question for b in first.branches] == [b.question for b in again.branches]
        assert not np.array_equal(first.images[0], other.images[0])


def test_a_strip_asks_every_kind_of_question_about_what_is_on_it():
    families = set()
    for index in range(30):
        example = closeup_example(index, 0)
        assert example.images[0].shape == (96, 192, 3)
        for branch in example.branches:
            families.add(branch.question.family)
            for left, top, right, bottom in branch.question.boxes:
                assert 0 <= left < right <= 192 and 0 <= top < bottom <= 96
            if branch.focus is not None:
                assert branch.focus.shape == (6 * 12,) and branch.focus.sum() == pytest.approx(1)
                row, column = divmod(int(branch.focus.argmax()), 12)
                assert any(
                    left <= 16 * (column + 1) and right >= 16 * column
                    and top <= 16 * (row + 1) and bottom >= 16 * row
                    for left, top, right, bottom in branch.question.boxes
                )  # fmt: skip
    assert families == {"text", "presence", "attributes"}


def test_a_scene_asks_behind_one_and_behind_two_images():
    example = scene_example(0, 0, 0.7)
    assert len(example.images) == 3
    assert {branch.local for branch in example.branches} == {None, 1, 2}
    assert {branch.question.family for branch in example.branches} >= {"generic", "text"}


def test_a_crowd_asks_for_each_sign_behind_one_image():
    example = crowd_example(0, 0)
    asked = [branch.question for branch in example.branches]
    signs = len(data.make_crowd(0, 0).signs)
    assert len(example.images) == 1 and {branch.local for branch in example.branches} == {None}
    assert sum(question.family == "text" for question in asked) == signs
    assert {question.family for question in asked} == {"text", "presence", "attributes"}


def test_chart_labels_lie_on_ink():
    pixels, labels, spelling = chart_example(3, 0)
    assert spelling.shape == (12, 12, 6)
    assert set(spelling[spelling > 0].tolist()) >= set(labels[labels > 0][:20].tolist())
    assert labels.shape == (24, 24) and 0.05 < (labels > 0).mean() < 0.9
    assert pixels.shape == (192, 192, 3)


def test_crops_stay_inside_and_reach_their_target():
    rng = np.random.default_rng(0)
    for _ in range(50):
        box = data.box_near(rng, (1600, 900), (1500, 800, 1590, 890))
        assert 0 <= box.left < 1590 < 1500 + box.width and box.right <= 1600
        assert 0 <= box.top < 890 and 800 < box.bottom <= 900


def test_what_nobody_can_read_weighs_less():
    scene = Scene(1600, 1600, (), (), 0)
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


def test_words_that_carry_the_question_are_never_left_out():
    text = "What is the color of the sign that is a red circle?\nA. color\nB. of\nC. the\nD. is"
    rng = np.random.default_rng(0)
    shortened = {data.without_words(rng, text, ("sign that is a red circle",)) for _ in range(99)}
    assert len(shortened) > 10
    for short in shortened:
        first, _, listing = short.partition("\n")
        assert " color " in f" {first} " and first.endswith("sign that is a red circle?")
        assert set(first.split()) <= set(text.split()) and listing == text.partition("\n")[2]


def test_names_are_told_the_places_that_the_attention_peaks_at():
    for index in range(20):
        for branch in scene_example(index, 0, 0.7).branches + closeup_example(index, 0).branches:
            if len(branch.places) == 1 and branch.focus is not None:
                row, column = divmod(int(branch.focus.argmax()), 12)
                assert abs(row - branch.places[0][0]) <= 1 >= abs(column - branch.places[0][1])
            if branch.question.kind == "relation":
                assert branch.local is not None or len(branch.places) == 2
