import numpy as np
import pytest
from PIL import Image

from core.pocket import data
from core.pocket.data import (
    chart_example,
    crowd_example,
    padded,
    primer_example,
    scene_example,
    strip_example,
)
from core.pocket.labels import MAX_LENGTH
from core.signs.questions import SceneQuestion
from core.signs.scenes import Scene
from core.signs.world.asking import NO_SIGN, UNREADABLE


def _strip(index, seed):
    return strip_example(index, seed, rows=(3, 4, 6, 8)[index % 4])


def _primer(index, seed):
    return primer_example(index, seed, rows=3)


def test_examples_are_what_their_index_says():
    for make in (_strip, _primer, crowd_example, lambda i, seed: scene_example(i, seed, 0.7)):
        first, again, other = make(5, 0), make(5, 0), make(6, 0)
        assert all(np.array_equal(a, b) for a, b in zip(first.images, again.images, strict=True))
        assert [b.question for b in first.branches] == [b.question for b in again.branches]
        assert not np.array_equal(first.images[0], other.images[0])


def test_a_strip_asks_about_what_is_on_it():
    for index in range(24):
        example = _strip(index, 0)
        rows, top = example.grid[0], example.top
        assert example.images[0].shape == (16 * rows, 192, 3) and 0 <= top <= 12 - rows
        assert example.spelling[0].shape[:2] == example.surfaces[0].shape[:2] == (rows, 12)
        assert example.characters[0].shape == (2 * rows, 24)
        assert any(branch.question.family == "text" for branch in example.branches)
        for branch in example.branches:
            for left, upper, right, lower in branch.question.boxes:
                assert 0 <= left < right <= 192 and 16 * top <= upper < lower <= 16 * (top + rows)
            if branch.focus is not None:
                assert branch.focus.shape == (rows * 12,)
                assert branch.focus.sum() == pytest.approx(1)
                row, column = divmod(int(branch.focus.argmax()), 12)
                assert any(
                    left <= 16 * (column + 1) and right >= 16 * column
                    and upper <= 16 * (top + row + 1) and lower >= 16 * (top + row)
                    for left, upper, right, lower in branch.question.boxes
                )  # fmt: skip


def test_a_padded_strip_is_what_the_processor_makes_of_it():
    """Where it lies in the middle, as the picture that a visitor brings does."""
    for index in range(24):
        strip = _strip(index, 0)
        square = padded(strip)
        rows, top = strip.grid[0], strip.top
        assert square.grid == (12, 12) and square.top == 0
        if 2 * top + rows == 12:
            picture = Image.fromarray(strip.images[0])
            assert np.array_equal(square.images[0], data.to_input(picture))
        for labels, stride in (("surfaces", 1), ("characters", 2), ("spelling", 1)):
            whole, part = getattr(square, labels)[0], getattr(strip, labels)[0]
            inside = slice(stride * top, stride * (top + rows))
            assert np.array_equal(whole[inside], part)
            assert not np.delete(whole, inside, axis=0).any()
        for branch, before in zip(square.branches, strip.branches, strict=True):
            assert branch.question == before.question and branch.places == before.places
            if before.focus is not None:
                assert branch.focus.sum() == pytest.approx(1)
                assert branch.focus.argmax() == before.focus.argmax() + 12 * top


def test_the_primer_asks_one_short_question_about_the_one_text():
    for index in range(24):
        example = primer_example(index, 0, 3 + index % 2)
        (branch,) = example.branches
        assert example.images[0].shape == (16 * example.grid[0], 192, 3)
        assert branch.question.family == "text" and len(branch.question.text.split()) < 16
        assert branch.question.answer == branch.question.answer.strip() != ""
        ((left, upper, right, lower),) = branch.question.boxes
        assert 0 <= left < right <= 192
        assert 16 * example.top <= upper < lower <= 16 * (example.top + example.grid[0])
        assert len(branch.question.answer) == 1 or len(set(example.spelling[0].flat)) > 1


def test_easy_strips_are_clean_and_upright(monkeypatch):
    """One sign of each strip, by how far its upper edge is from level, and the effects drawn."""
    drawn, turned = [], {0.0: [], 1.0: []}
    real = data.conditions.draw
    monkeypatch.setattr(data.conditions, "draw", lambda *args: drawn.append(1) or real(*args))
    real_draw_sign = data.draw_sign
    for easy, angles in turned.items():

        def draw_sign(image, sign, angles=angles):
            (x0, y0), (x1, y1) = sign.corners[:2]
            angles.append(abs(np.degrees(np.arctan2(y1 - y0, x1 - x0))))
            real_draw_sign(image, sign)

        monkeypatch.setattr(data, "draw_sign", draw_sign)
        drawn.clear()
        for index in range(16):
            strip_example(index, 0, 6, easy)
        assert len(drawn) == (0 if easy else 16)
    assert max(turned[1.0]) < 15 < max(turned[0.0])


def test_what_is_in_doubt_is_taught_as_doubt():
    rng = np.random.default_rng(0)
    absent = SceneQuestion("text", "", NO_SIGN, (), kind="absent")
    behind_one = {data.in_doubt(rng, absent, 1.0, seen=1).answer for _ in range(40)}
    assert behind_one >= {NO_SIGN, UNREADABLE} and len(behind_one) > 5
    assert {data.in_doubt(rng, absent, 1.0, seen=2).answer for _ in range(9)} == {NO_SIGN}
    small = SceneQuestion("text", "", "STOP", ((0, 0, 9, 9),), 3)
    for seen in (1, 2):
        told = {data.in_doubt(rng, small, data.ILLEGIBLE_WEIGHT, seen).answer for _ in range(40)}
        assert told == {"STOP", UNREADABLE}
        assert data.in_doubt(rng, small, 1.0, seen) == small


def test_a_scene_asks_behind_one_and_behind_two_images():
    example = scene_example(0, 0, 0.7)
    assert len(example.images) == 3
    assert {branch.local for branch in example.branches} == {None, 1, 2}
    assert {branch.question.family for branch in example.branches} >= {"generic", "text"}


def test_a_crowd_asks_for_each_sign_behind_one_image():
    example = crowd_example(0, 0)
    asked = [branch.question for branch in example.branches]
    signs = len(data.make_street_crowd(0, 0).signs)
    assert len(example.images) == 1 and {branch.local for branch in example.branches} == {None}
    assert sum(q.family == "text" and q.kind != "absent" for q in asked) == signs
    assert {question.family for question in asked} == {"text", "presence", "attributes"}


def test_chart_labels_lie_on_ink():
    pixels, labels, spelling = chart_example(3, 0)
    assert spelling.shape == (12, 12, MAX_LENGTH)
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
    sign = SceneQuestion("text", "", "A", ((100, 100, 200, 150),), 20)  # 2.4 px in the global image
    assert data.legibility(scene, sign) == data.ILLEGIBLE_WEIGHT
    assert data.legibility(scene, sign, data.Box(0, 0, 300, 300)) == 1
    assert data.legibility(scene, sign, data.Box(700, 700, 1000, 1000)) == data.ILLEGIBLE_WEIGHT
    assert data.legibility(scene, SceneQuestion("presence", "", "yes", ())) == 1


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
        for branch in scene_example(index, 0, 0.7).branches:
            if len(branch.places) == 1 and branch.focus is not None:
                row, column = divmod(int(branch.focus.argmax()), 12)
                assert abs(row - branch.places[0][0]) <= 1 >= abs(column - branch.places[0][1])
            if branch.question.kind == "relation":
                assert branch.local is not None or len(branch.places) == 2
