import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from core.bench.plots.style import HEAT
from core.cropping import Box
from core.transcript import Attention
from dashboard.drawing import maps

BOX = Box(100, 50, 200, 150)


def _attention(extent):
    weights = ((0.0, 1.0), (0.5, 0.25))
    return Attention(((0.1, 0.2), (0.3, 0.4)), ((1.0, 1.0), (1.0, 1.0)), weights, extent)


def _shares(style):
    return [float(v) for v in re.findall(r":(-?[\d.]+)%", style)]


@pytest.mark.parametrize("extent", [(0, 0, 400, 200), (0, -100, 400, 300), (100, 0, 300, 200)])
def test_tiles_and_box_lie_where_they_belong(extent):
    shown = maps.maps(Image.new("RGB", (400, 200)), _attention(extent), BOX, 3, 3)
    source, rest = r'src="data:image/png;base64,([^"]*)"', r'\s+alt="[^"]*" style="([^"]*)"'
    tiles = re.findall(rf'class="tile (heatmap[^"]*)" {source}{rest}', shown)
    assert [name for name, _, _ in tiles] == ["heatmap", "heatmap-question", "heatmap-generic"]
    left, top, right, bottom = extent
    for _, _, style in tiles:
        expected = [left / 4, top / 2, (right - left) / 4, (bottom - top) / 2]
        assert _shares(style) == pytest.approx(expected)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(tiles[0][1]))))
    assert pixels.shape == (2, 2, 3)
    assert tuple(pixels[0, 1]) == HEAT[-1] and tuple(pixels[0, 0]) == HEAT[0]
    (outline,) = re.findall(r'class="outline" style="([^"]*)"', shown)
    assert _shares(outline) == pytest.approx([25, 25, 25, 50])


def test_it_says_which_layer_it_shows():
    image, attention = Image.new("RGB", (40, 20)), _attention((0, 0, 40, 20))
    assert "the layer this model is used with" in maps.maps(image, attention, BOX, 3, 3)
    assert "used with layer 3" in maps.maps(image, attention, BOX, 1, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (640, 480)])
def test_a_box_of_any_original_can_be_edited(size):
    box = Box(0, 0, *size)
    shown = maps.box_editor(Image.new("RGB", size), box)
    values = [int(v) for v in re.findall(r'data-edge="\w+" value="(\d+)"', shown)]
    assert tuple(values) == box.as_tuple()
    assert f'data-width="{size[0]}" data-height="{size[1]}"' in shown
    assert int(re.search(r'data-smallest="(\d+)"', shown)[1]) <= min(size)
