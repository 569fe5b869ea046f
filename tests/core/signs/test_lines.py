"""A text of several lines: where it is drawn, and what the labels say of it."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.pocket import labels
from core.signs import fonts
from core.signs.carriers import CARRIERS
from core.signs.fonts import Layout
from core.signs.render import sign_layer
from core.signs.scenes import SHAPES
from core.signs.world.streets import make_shown, sketch_sign

TEXT = "FRESH\nBREAD 24"
LAYOUTS = (Layout(TEXT), Layout(TEXT, 1.8, 0.0), Layout(TEXT, 1.0, 0.5, (2.0, 1.0)))


def test_one_line_is_drawn_where_it_was():
    face = fonts.font("", 400, 30)
    assert fonts.lines(face, "HOLD") == [("HOLD", face, 0, 0)]
    assert fonts.extent(face, "HOLD") == face.getbbox("HOLD")


def test_lines_lie_below_one_another_as_the_layout_says():
    face = fonts.font("", 400, 30)
    (_, _, right, _), (_, _, left, down) = fonts.lines(face, Layout(TEXT, leading=1.5))
    assert left == 0 < right and down == 1.5 * face.size
    centre = right + face.getlength("FRESH") / 2
    assert centre == pytest.approx(face.getlength("BREAD 24") / 2)
    assert [x for _, _, x, _ in fonts.lines(face, Layout(TEXT, align=0.0))] == [0, 0]
    (_, large, _, _), (_, small, _, _) = fonts.lines(face, Layout(TEXT, scales=(2.0, 1.0)))
    assert large.size == 2 * small.size == 2 * face.size


@pytest.mark.parametrize("layout", LAYOUTS)
def test_their_extent_holds_them(layout):
    face = fonts.font("", 400, 30)
    canvas = Image.new("L", (500, 300))
    for line, own, x, y in fonts.lines(face, layout):
        ImageDraw.Draw(canvas).text((x, y), line, 255, own)
    # The extent has side bearings.
    assert np.allclose(canvas.getbbox(), fonts.extent(face, layout), atol=10)


@pytest.mark.parametrize("shape", [*SHAPES, *CARRIERS])
@pytest.mark.parametrize("seed", range(3))
def test_a_sign_holds_its_lines_and_asks_for_them_in_one(shape, seed):
    sign = sketch_sign(np.random.default_rng(seed), "white", shape, (30, 31), written=(TEXT, ""))
    assert sign.text == "FRESH BREAD 24" and sign.layout is not None
    assert sign.written == sign.layout and sign.layout.text == TEXT
    assert sign_layer(sign).size == sign.size
    x, y = np.meshgrid(np.arange(sign.box[2]) + 0.5, np.arange(sign.box[3]) + 0.5)
    places = labels._places(sign, x, y)
    # Every character has a place but for the line break; a space within a line has one.
    assert set(np.unique(places)) == set(range(len(TEXT) + 1)) - {TEXT.index("\n") + 1}
    upper, lower = ((places > 0) & (places < 6)).nonzero(), (places > 6).nonzero()
    assert upper[0].mean() < lower[0].mean() - 15


def test_the_labels_are_where_the_ink_is():
    found = 0
    for index in range(30):
        for sign in make_shown(index).signs:
            if sign.layout is None or sign.bend:
                continue
            found += 1
            layer = np.asarray(sign_layer(sign).convert("RGB"), int)
            ink = np.abs(layer - sign.ink).sum(-1) < 40
            # As it is drawn, seen from the front: its layer's pixels are places of the sign.
            h, w = layer.shape[:2]
            flat = type(sign)(**{**vars(sign), "corners": ((0, 0), (w, 0), (w, h), (0, h))})
            x, y = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
            places = labels._places(flat, x, y)
            if sign.shape in SHAPES and sign.border is None:
                assert ink[places > 0].mean() > 5 * ink[places == 0].mean()
    assert found > 5


def test_a_text_of_one_line_has_no_layout():
    sign = sketch_sign(np.random.default_rng(0), "white", "circle", (30, 31), written=("HO", ""))
    assert sign.layout is None and sign.written == sign.text == "HO"
