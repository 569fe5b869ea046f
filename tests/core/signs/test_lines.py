"""A text of several lines: where it is drawn, and what the labels say of it."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.pocket import labels
from core.signs import fonts
from core.signs.carriers import CARRIERS
from core.signs.render import sign_layer
from core.signs.scenes import SHAPES
from core.signs.world.streets import sketch_sign

TEXT = "FRESH\nBREAD 24"


def test_one_line_is_drawn_where_it_was():
    face = fonts.font("", 400, 30)
    assert fonts.lines(face, "HOLD") == [("HOLD", 0, 0)]
    assert fonts.extent(face, "HOLD") == face.getbbox("HOLD")


def test_lines_are_centred_and_their_extent_holds_them():
    face = fonts.font("", 400, 30)
    (first, right, _), (second, left, down) = fonts.lines(face, TEXT)
    assert (first, second, left) == ("FRESH", "BREAD 24", 0) and right > 0 and down > 30
    centre = right + face.getlength(first) / 2
    assert centre == pytest.approx(face.getlength(second) / 2, abs=1)
    box = fonts.extent(face, TEXT)
    canvas = Image.new("L", (400, 200))
    for line, x, y in fonts.lines(face, TEXT):
        ImageDraw.Draw(canvas).text((x, y), line, 255, face)
    assert np.allclose(canvas.getbbox(), box, atol=5)  # the extent has side bearings


@pytest.mark.parametrize("shape", [*SHAPES, *CARRIERS])
def test_a_sign_holds_its_lines_and_asks_for_them_in_one(shape):
    sign = sketch_sign(np.random.default_rng(0), "white", shape, (30, 31), written=(TEXT, ""))
    assert sign.text == "FRESH BREAD 24" and sign.written == TEXT
    assert sign_layer(sign).size == sign.size
    x, y = np.meshgrid(np.arange(sign.box[2]) + 0.5, np.arange(sign.box[3]) + 0.5)
    places = labels._places(sign, x, y)
    # Every character has a place but for the line break; a space within a line has one.
    assert set(np.unique(places)) == set(range(len(TEXT) + 1)) - {TEXT.index("\n") + 1}
    middle = places[:, places.shape[1] // 2]
    assert middle[middle > 0].tolist() == sorted(middle[middle > 0])
    assert middle.max() > TEXT.index("\n") + 1 > middle[middle > 0].min()  # both lines are in it


def test_a_text_of_one_line_has_no_layout():
    sign = sketch_sign(np.random.default_rng(0), "white", "circle", (30, 31), written=("HO", ""))
    assert sign.layout == "" and sign.written == sign.text == "HO"
