import numpy as np
import pytest
from PIL import Image

from core.bench.plots.style import HEAT
from core.cropping import Box
from dashboard.drawing.overlays import LONGEST_SIDE, heatmap, outline, spotlight


def _brightness(image):
    return np.asarray(image.convert("RGB"), dtype=float)


def _one_hot(rows, cols, row, col):
    return tuple(tuple(float((r, c) == (row, col)) for c in range(cols)) for r in range(rows))


@pytest.mark.parametrize("size", [(960, 480), (300, 700), (2400, 1200), (40, 40)])
def test_heat_lies_on_its_cell(size):
    width, height = size
    heat = heatmap(Image.new("RGB", size, "grey"), _one_hot(3, 4, 1, 2), (0, 0, width, height))
    yellow = _brightness(heat)[..., 0] > 180
    rows, cols = np.nonzero(yellow)
    assert rows.min() / heat.height == pytest.approx(1 / 3, abs=0.01)
    assert (rows.max() + 1) / heat.height == pytest.approx(2 / 3, abs=0.01)
    assert cols.min() / heat.width == pytest.approx(2 / 4, abs=0.01)
    assert (cols.max() + 1) / heat.width == pytest.approx(3 / 4, abs=0.01)


def test_a_padded_grid_reaches_beyond_the_image():
    # 400 x 200 padded to a square: the grid starts 100 px above the image.
    heat = heatmap(Image.new("RGB", (400, 200), "grey"), _one_hot(4, 4, 1, 0), (0, -100, 400, 300))
    yellow = _brightness(heat)[..., 0] > 180
    rows, cols = np.nonzero(yellow)
    assert (rows.min(), rows.max() + 1) == (0, heat.height // 2)
    assert (cols.min(), cols.max() + 1) == (0, heat.width // 4)


def test_what_the_grid_does_not_cover_stays_grey():
    image = Image.new("RGB", (400, 200), (10, 200, 90))
    heat = _brightness(heatmap(image, ((1.0,),), (100, 0, 300, 200)))
    left, middle = heat[100, 50], heat[100, 200]
    assert left[0] == left[1] == left[2]
    assert middle[0] > middle[2]  # yellow


def test_a_map_of_zeros_is_dark_and_no_error():
    heat = heatmap(Image.new("RGB", (50, 50), "black"), ((0.0, 0.0),), (0, 0, 50, 50))
    assert tuple(heat.getpixel((5, 5))) == pytest.approx([0.65 * c for c in HEAT[0]], abs=1)


def test_spotlight_keeps_the_box_and_dims_the_rest():
    rng = np.random.default_rng(1)
    original = Image.fromarray(rng.integers(60, 256, (300, 400, 3), dtype=np.uint8))
    shown = spotlight(original, Box(100, 50, 300, 250))
    assert shown.size == original.size
    inside = (slice(80, 220), slice(130, 270))
    assert (_brightness(shown)[inside] == _brightness(original)[inside]).all()
    assert _brightness(shown)[260:].mean() < _brightness(original)[260:].mean() - 20


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (7, 3)])
def test_any_image_can_be_drawn_on(size):
    box = Box(0, 0, *size)
    shown = spotlight(Image.new("RGB", size), box)
    assert max(shown.size) <= LONGEST_SIDE and min(shown.size) >= 1
    heat = heatmap(Image.new("RGB", size), ((0.1, 0.2), (0.3, 0.4)), (0, 0, *size))
    assert outline(heat, box, size).size == heat.size


def test_outline_follows_the_scale_and_leaves_its_argument():
    image = Image.new("RGB", (100, 100), "white")
    drawn = _brightness(outline(image, Box(200, 400, 600, 800), (1000, 1000)))
    rows, cols = np.nonzero(drawn.sum(axis=2) < 3 * 255)
    assert (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1) == (20, 40, 60, 80)
    assert image.getpixel((20, 40)) == (255, 255, 255)
