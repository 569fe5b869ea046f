import numpy as np
import pytest

from core.signs.questions import HELD_OUT
from core.signs.scenes import GLOBAL_SIDE
from core.signs.search import (
    APART,
    AREA,
    CROP,
    LARGEST_SENT,
    SAME,
    SMALLEST_LETTER,
    SMALLEST_SIDE,
    distance,
    make_search,
    render_search,
)


@pytest.fixture(scope="module")
def searches():
    return [make_search("test", index) for index in range(24)]


def test_the_same_for_the_same_index_whatever_was_made_before(searches):
    assert [make_search("test", index) for index in (5, 2)] == [searches[5], searches[2]]
    assert make_search("validation", 2) != searches[2]


def test_originals_are_large_and_what_is_asked_for_is_small(searches):
    for search in searches:
        scene, question = search.scene, search.question
        long_side = max(scene.width, scene.height)
        assert SMALLEST_SIDE <= long_side <= 2 * SMALLEST_SIDE
        assert question.letter_height >= SMALLEST_LETTER
        assert question.letter_height * GLOBAL_SIDE / (CROP * long_side) <= LARGEST_SENT
        for left, top, right, bottom in question.boxes:
            assert 0 <= left < right <= scene.width and 0 <= top < bottom <= scene.height
            share = (right - left) * (bottom - top) / (scene.width * scene.height)
            assert AREA[0] <= share <= AREA[1]


def test_what_is_asked_for_stands_among_many_that_bear_other_names(searches):
    for search in searches:
        names = [sign.name for sign in search.scene.signs]
        assert len(set(names)) == len(names) >= 8
        boxes = [o.box for o in (*search.scene.signs, *search.scene.things)]
        assert not any(_overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    alike = [
        any(s.color == t.color or s.shape == t.shape for t in search.scene.signs[1:])
        for search in searches
        for s in search.scene.signs[:1]
    ]
    assert np.mean(alike) > 0.9


def _overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def test_one_sign_is_read(searches):
    asked = [search for search in searches if search.question.kind == "one sign"]
    assert len(asked) > len(searches) / 2
    for search in asked:
        assert search.question.answer == search.scene.signs[0].text
        assert search.question.boxes == (search.scene.signs[0].box,)


def test_two_signs_that_no_crop_holds_are_compared(searches):
    asked = [search for search in searches if search.question.kind == "two signs"]
    assert {search.question.answer for search in asked} == {"yes", "no"}
    for search in asked:
        a, b = search.scene.signs[:2]
        long_side = max(search.scene.width, search.scene.height)
        assert distance(a, b) >= APART * long_side > 2 * CROP * long_side
        assert search.question.boxes == (a.box, b.box)
        assert search.question.answer == ("yes" if a.text == b.text else "no")
        assert all(name.count(sign.color) for name, sign in zip(search.question.names, (a, b),
                                                                strict=True))  # fmt: skip


def test_phrasings_are_held_out():
    def ways(held_out):
        for index in range(40):
            question = make_search("test", index, held_out_phrasings=held_out).question
            if question.kind == "two signs":
                a, b = question.names
                yield next(t for t in SAME if t.format(a=a, b=b) == question.text)

    assert set(ways(True)) <= set(SAME[-HELD_OUT:])
    assert set(ways(False)) <= set(SAME[:-HELD_OUT])


def test_the_picture_is_the_scene():
    scene = make_search("test", 0).scene
    image = render_search(scene)
    assert (image.size, image.mode) == ((scene.width, scene.height), "RGB")
    assert image.tobytes() == render_search(scene).tobytes()
    for sign in scene.signs:
        left, top, right, bottom = sign.box
        w, h = right - left, bottom - top
        middle = image.crop((left + w // 4, top + h // 4, right - w // 4, bottom - h // 4))
        apart = np.abs(np.asarray(middle).astype(int) - sign.rgb).max(axis=2)
        assert np.mean(apart < 20) > 0.2, sign.name
    assert np.asarray(image).std(axis=(0, 1)).min() > 5
