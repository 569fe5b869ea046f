import numpy as np
import pytest
from PIL import Image

from core.pocket.examples import strips
from core.pocket.examples.example import to_input
from core.pocket.examples.strips import padded, primer_example, small_example, strip_example
from core.signs.render import sign_layer
from core.signs.world.asking import UNREADABLE


def _strip(index, seed):
    return strip_example(index, seed, rows=(3, 4, 6, 8)[index % 4])


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
            assert np.array_equal(square.images[0], to_input(picture))
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
    real = strips.conditions.draw
    monkeypatch.setattr(strips.conditions, "draw", lambda *args: drawn.append(1) or real(*args))
    real_draw_sign = strips.draw_sign
    for easy, angles in turned.items():

        def draw_sign(image, sign, angles=angles):
            (x0, y0), (x1, y1) = sign.corners[:2]
            angles.append(abs(np.degrees(np.arctan2(y1 - y0, x1 - x0))))
            real_draw_sign(image, sign)

        monkeypatch.setattr(strips, "draw_sign", draw_sign)
        drawn.clear()
        for index in range(16):
            strip_example(index, 0, 6, easy)
        assert len(drawn) == (0 if easy else 16)
    assert max(turned[1.0]) < 15 < max(turned[0.0])


def test_a_text_that_fills_its_room_is_short_enough_and_large(monkeypatch):
    """Of two letters in a high strip, as pictures of a short word are."""
    monkeypatch.setattr(strips, "FILLING", 1.0)
    heights = []
    for index in range(40):
        rng = np.random.default_rng(index)
        wall = Image.new("RGB", (192, 128))
        (sign,), _ = strips._in_columns(rng, wall, 1, strips.UPRIGHT)
        assert len(sign.text) <= 3
        heights.append(sign.letter_height)
    assert max(heights) > 100 > 40 > min(heights)


def test_an_edge_lies_under_the_letters_and_around_them():
    rng = np.random.default_rng(0)
    plain = strips.sketch_sign(rng, "red", "rectangle", (40, 41), written=("HO", ""))
    for edge in (strips.Edge((0, 255, 0), 3), strips.Edge((0, 255, 0), 0, (3, 3))):
        before = np.asarray(sign_layer(plain).convert("RGB"), int)
        after = np.asarray(sign_layer(strips.replace(plain, edge=edge)).convert("RGB"), int)
        inked = (before == plain.ink).all(-1)
        assert inked.sum() > 200 and (after[inked] == plain.ink).all()
        green = (after == (0, 255, 0)).all(-1)
        assert green.sum() > 100 and not (green & inked).any()


def test_light_from_a_side_falls_off_across_the_picture():
    image = Image.new("RGB", (60, 40), (100, 100, 100))
    for index in range(8):
        lit = np.asarray(strips._lit_from_a_side(np.random.default_rng(index), image), int)
        corners = lit[[0, 0, -1, -1], [0, -1, 0, -1], 0]
        assert corners.max() - corners.min() > 15 and abs(lit.mean() - 100) < 3


def test_a_small_picture_lies_in_the_middle_of_a_grey_square_and_its_letters_where_the_labels_say():
    for index in range(24):
        example = small_example(index, 0)
        (pixels,) = example.images
        assert pixels.shape == (192, 192, 3) and example.grid == (12, 12)
        grey = (pixels == 127).all(-1)
        rows, columns = np.flatnonzero(~grey.all(1)), np.flatnonzero(~grey.all(0))
        assert abs(rows[0] + rows[-1] - 191) <= 2 and abs(columns[0] + columns[-1] - 191) <= 2
        for branch in example.branches:
            ((left, top, right, bottom),) = branch.question.boxes
            assert columns[0] <= left + 2 and right - 2 <= columns[-1] + 1
            assert rows[0] <= top + 2 and bottom - 2 <= rows[-1] + 1
        assert {branch.question.answer for branch in example.branches} - {UNREADABLE}
