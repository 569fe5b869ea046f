"""The box search against hand-computed boxes, and against the published search, step by step."""

import json
from dataclasses import asdict
from math import ceil

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.cropping import RATIOS, Box, find_box
from core.imaging import Geometry

grids = array_shapes(min_dims=2, max_dims=2, max_side=10)
whole_maps = grids.flatmap(lambda shape: arrays(np.float64, shape, elements=st.integers(0, 9)))
float_maps = grids.flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-1e300, 1e300))
)
sides = st.integers(1, 5000)
image_sizes = st.tuples(sides, sides) | st.sampled_from(
    [(1, 1), (1, 4000), (4000, 1), (4000, 3000), (40_000, 10)]
)
base_sides = st.integers(1, 700)


def published(attention, image_size, base_side):
    """ViCrop's search as it is published: every window summed anew, one position after another."""
    (image_w, image_h), (rows, cols) = image_size, attention.shape
    block_w, block_h = image_w / cols, image_h / rows
    candidates = []  # contrast, ratio, x, y, window width, window height
    for ratio in RATIOS:
        w = min(int(base_side * ratio / block_w), cols)
        h = min(int(base_side * ratio / block_h), rows)
        if w == cols and h == rows:
            if ratio == 1:
                return Box(0, 0, image_w, image_h)
            continue
        sums, best = {}, None
        for x in range(cols - w + 1):
            for y in range(rows - h + 1):
                sums[x, y] = attention[y : y + h, x : x + w].sum()
                if best is None or sums[x, y] > sums[best]:
                    best = x, y
        x, y = best
        around = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)]
        mean = np.mean([sums[p] for p in around if p in sums])
        candidates.append(((sums[best] - mean) / (w * h), ratio, x, y, w, h))
    contrasts = [candidate[0] for candidate in candidates]
    _, ratio, x, y, w, h = candidates[contrasts.index(max(contrasts))]
    side = base_side * ratio
    edges = []
    for position, block, cells, size in ((x, block_w, w, image_w), (y, block_h, h, image_h)):
        centre = int(position * block + block * cells / 2)
        if centre < side // 2:
            centre = side // 2
        if centre > size - side // 2:
            centre = size - side // 2
        edges.append((max(0, centre - side // 2), min(size, centre + side // 2)))
    (left, right), (top, bottom) = edges
    return Box(int(left), int(top), int(right), int(bottom))


def spot(rows, cols, *cells):
    attention = np.zeros((rows, cols))
    for cell in cells:
        attention[cell] = 1
    return attention


@given(whole_maps, image_sizes, base_sides)
@example(np.ones((6, 6)), (600, 600), 200)  # nothing but ties
@example(np.arange(48.0).reshape(6, 8) % 5, (480, 270), 130)
def test_agrees_with_the_published_search(attention, image_size, base_side):
    """Wherever that is well defined: its smallest square covers at least two cells, and no side is
    so near to the image's that its rounding to even pixels leaves out the last row or column.
    """
    rows, cols = attention.shape
    base_side = max(base_side, 2 * ceil(max(image_size[0] / cols, image_size[1] / rows)))
    ends = [base_side * ratio for ratio in RATIOS]
    assume(not any(2 * (side // 2) < size <= side for side in ends for size in image_size))
    assert find_box(attention, image_size, base_side) == published(attention, image_size, base_side)


@given(whole_maps, image_sizes, base_sides)
@example(np.ones((8, 8)), (1024, 1024), 224)  # Qwen2.5-VL at 224 x 224: less than two cells
@example(np.ones((14, 14)), (4000, 4000), 224)  # a window of no cells
@example(np.ones((3, 3)), (101, 101), 101)  # one that rounding makes shorter than the image
def test_is_the_published_search_where_no_cells_are_asked_for(attention, image_size, base_side):
    box = find_box(attention, image_size, base_side, min_cells=0)
    with np.errstate(invalid="ignore"):
        assert box == published(attention, image_size, base_side)


def test_a_number_of_cells_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="min_cells must be a whole number of at least 0, not -1"):
        find_box(np.ones((4, 4)), (100, 100), 30, min_cells=-1)


@pytest.mark.parametrize("grid", [(24, 24), (16, 16), (14, 14), (9, 31)])
def test_agrees_with_the_published_search_on_float_maps(grid):
    """Of real size, smooth with peaks, as a ratio of attention rows is."""
    random = np.random.default_rng(sum(grid))
    for _ in range(5):
        attention = random.lognormal(0, 1, grid).astype(np.float32)
        for size in [(500, 375), (1024, 683), (683, 1024), (336, 336)]:
            assert find_box(attention, size, 336) == published(
                attention.astype(np.float64), size, 336
            )


def test_by_hand_one_bright_cell():
    """8 × 8 cells of 100 px, s = 200: windows of 2, 2, 2, 3, 3, 4 cells a side.

    The best 2 × 2 window with cell (5, 3) is the first: columns 2-3, rows 4-5. Its four
    neighbours hold 0, 1, 0, 1: contrast (1 - 1/2) / 4. The larger windows do worse: 3 × 3 starts
    at column 1, row 3, contrast (1 - 1/2) / 9. So the square of 200 is centred on (300, 500).
    """
    assert find_box(spot(8, 8, (5, 3)), (800, 800), 200) == Box(200, 400, 400, 600)


def test_by_hand_a_larger_patch_gets_a_larger_square():
    """3 × 3 bright cells: the 2 × 2 window is all bright, and so are two of its four neighbours;
    the other two are half bright: contrast (4 - 3) / 4 = 0.25. The 3 × 3 window (ratio 1.6 first,
    320 px) fits them: contrast (9 - 6) / 9 = 0.33. The 4 × 4 window: (9 - 7.5) / 16 = 0.09.
    """
    patch = np.zeros((8, 8))
    patch[2:5, 3:6] = 1
    assert find_box(patch, (800, 800), 200) == Box(450 - 160, 350 - 160, 450 + 160, 350 + 160)


def test_by_hand_shifted_into_the_image():
    """The bright corner cell: the window at column 6, row 0 is the only one of 2 × 2 with it, so
    its centre is (700, 100), and the square of 200 touches the corner. With ratio 1.4 (280 px,
    still 2 × 2 cells) the same centre lies nearer to the border than half a side.
    """
    corner = spot(8, 8, (0, 7))
    assert find_box(corner, (800, 800), 200) == Box(600, 0, 800, 200)
    assert find_box(corner, (800, 800), 200, ratios=(1.4,)) == Box(520, 0, 800, 280)


def test_by_hand_clamped_where_the_image_is_thinner_than_the_square():
    """800 × 100, 1 row of 8 cells: windows of 2 cells; column 4 is in windows 3 and 4, the first
    is taken; its centre is x = 400."""
    assert find_box(spot(1, 8, (0, 4)), (800, 100), 200) == Box(300, 0, 500, 100)


def test_ties_are_decided_by_column_then_row_then_ratio():
    both = spot(6, 6, (0, 5), (5, 0))
    assert find_box(both, (600, 600), 200) == Box(0, 400, 200, 600)  # left before top
    one_column = spot(6, 6, (0, 0), (5, 0))
    assert find_box(one_column, (600, 600), 200) == Box(0, 0, 200, 200)
    flat = np.full((6, 6), 0.1)  # sums of 0.1 differ by rounding when windows are differences
    assert find_box(flat, (600, 600), 200) == Box(0, 0, 200, 200)
    assert find_box(flat, (600, 600), 200, ratios=(1.4, 1.0)) == Box(0, 0, 280, 280)


def test_a_window_of_the_whole_grid():
    peak = spot(4, 4, (0, 3))
    assert find_box(peak, (300, 300), 336) == Box(0, 0, 300, 300)  # at ratio 1: the whole image
    # 400 px: ratio 1.0 sees 3 of 4 cells, all from 1.2 on see the whole grid and are skipped.
    assert find_box(peak, (400, 400), 336) == Box(64, 0, 400, 336)


@pytest.mark.parametrize(
    ("image_size", "expected"),
    [
        # Cells of 286 px: the published window is one cell, and would be none from 4,705 px on.
        ((4000, 4000), Box(1428, 1714, 2000, 2286)),
        ((14_000, 14_000), Box(5000, 6000, 7000, 8000)),
        ((14_000, 700), Box(5000, 0, 7000, 700)),
    ],
)
def test_large_originals_get_two_cells_around_the_peak(image_size, expected):
    """The first 2 × 2 window with cell (7, 6): columns 5-6, rows 6-7."""
    attention = spot(14, 14, (7, 6))
    assert find_box(attention, image_size, 336, ratios=(1.0,)) == expected


@given(whole_maps, image_sizes, base_sides)
def test_never_less_than_two_cells(attention, image_size, base_side):
    rows, cols = attention.shape
    box = find_box(attention, image_size, base_side)
    assert box.width >= min(2 * image_size[0] / cols, image_size[0])
    assert box.height >= min(2 * image_size[1] / rows, image_size[1])


@given(
    whole_maps | float_maps,
    image_sizes,
    st.floats(1e-3, 1e5) | base_sides,
    st.lists(st.floats(1, 50), min_size=1, max_size=4),
)
def test_inside_the_image_and_never_empty(attention, image_size, base_side, ratios):
    box = find_box(attention, image_size, base_side, ratios)
    assert all(type(edge) is int for edge in box.as_tuple())
    assert 0 <= box.left < box.right <= image_size[0]
    assert 0 <= box.top < box.bottom <= image_size[1]
    assert box.width == box.height or box.width == image_size[0] or box.height == image_size[1]


@given(whole_maps, image_sizes, base_sides, st.integers(-200, 200))
def test_scale_does_not_matter(attention, image_size, base_side, exponent):
    scaled = np.ldexp(attention, exponent)
    assert find_box(scaled, image_size, base_side) == find_box(attention, image_size, base_side)


@pytest.mark.parametrize("side", [3, 99, 337])
def test_a_square_as_long_as_the_image_takes_all_of_it(side):
    """The published rounding to even pixels would leave out one row."""
    assert find_box(np.ones((4, 12)), (3 * side, side), side, ratios=(1.0,)).height == side
    assert find_box(np.ones((4, 4)), (side, side), side) == Box(0, 0, side, side)


def test_the_largest_and_the_smallest_floats():
    attention = spot(8, 8, (5, 3))
    for scale in (np.finfo(np.float64).max, 5e-324, np.float32(1e-45)):
        assert find_box(attention * scale, (800, 800), 200) == Box(200, 400, 400, 600)


# The region that the grid covers


@given(whole_maps, image_sizes, base_sides)
def test_an_extent_of_the_image_changes_nothing(attention, image_size, base_side):
    extent = (0.0, 0.0, *map(float, image_size))
    assert find_box(attention, image_size, base_side, extent=extent) == find_box(
        attention, image_size, base_side
    )


@given(
    whole_maps,
    st.integers(1, 60),
    base_sides,
    st.tuples(*[st.integers(0, 3)] * 4),
    st.integers(0, 99),
)
def test_attention_on_padding_does_not_count(attention, cell, base_side, padding, glare):
    """A map with any rows and columns of padding around it finds what the map alone finds."""
    rows, cols = attention.shape
    size = cols * cell, rows * cell
    left, top, right, bottom = padding
    padded = np.pad(attention, ((top, bottom), (left, right)), constant_values=glare)
    extent = (-left * cell, -top * cell, (cols + right) * cell, (rows + bottom) * cell)
    assert find_box(padded, size, base_side, extent=extent) == find_box(attention, size, base_side)


def test_by_hand_padded():
    """800 × 400 centred on a square: 8 × 8 cells of 100 px, of which rows 2-5 lie in the image.

    Cell (3, 6) is row 1 of the image. The first 2 × 2 window with it: columns 5-6, rows 0-1.
    """
    geometry = Geometry.pad((800, 400), 336, (8, 8))
    attention = spot(8, 8, (3, 6))
    attention[0, 0] = 50  # on the padding
    assert find_box(attention, (800, 400), 200, extent=geometry.extent) == Box(500, 0, 700, 200)


def test_by_hand_center_crop():
    """800 × 400 resized to 672 × 336 and cropped to the middle: the grid covers x = 200…600.

    8 × 8 cells of 50 px, s = 100. Cell (4, 0) is in the window at column 0, rows 3-4, centred on
    x = 250, y = 200. Mapped onto the whole image it would be at x = 100.
    """
    geometry = Geometry.center_crop((800, 400), 336, (336, 336), (8, 8))
    assert geometry.extent == (200, 0, 600, 400)
    box = find_box(spot(8, 8, (4, 0)), (800, 400), 100, extent=geometry.extent)
    assert box == Box(200, 150, 300, 250)


def test_a_centre_crop_seen_by_one_window_is_asked_for_itself():
    """Not the whole image, most of which the model hasn't seen."""
    geometry = Geometry.center_crop((4000, 300), 336, (336, 336), (8, 8))
    attention = np.random.default_rng(0).random((8, 8))
    box = find_box(attention, (4000, 300), 336, extent=geometry.extent)
    assert box == Box(1832, 0, 2168, 300)


@pytest.mark.parametrize("image_size", [(1, 4000), (4000, 1), (3, 4000), (1, 1), (40_000, 10)])
@pytest.mark.parametrize("grid", [(24, 24), (7, 5), (1, 1)])
def test_an_image_thinner_than_a_cell_is_still_searched(image_size, grid):
    """No cell has its centre in such an image. The peak along its length is found all the same."""
    geometry = Geometry.pad(image_size, 336, grid)
    wide = image_size[0] >= image_size[1]
    attention = np.zeros(grid)
    attention[(slice(None), -1) if wide else -1] = 1
    box = find_box(attention, image_size, 336, extent=geometry.extent)
    assert (box.right, box.bottom) == image_size
    assert min(box.size) == min(image_size)
    base_side = max(336, 2 * ceil(max(image_size) / min(grid)))
    assert max(box.size) <= max(RATIOS) * base_side


@given(
    whole_maps | float_maps,
    image_sizes,
    base_sides,
    st.sampled_from(["pad", "crop"]),
)
def test_inside_the_image_for_any_preprocessing(attention, image_size, base_side, kind):
    geometry = (
        Geometry.pad(image_size, 336, attention.shape)
        if kind == "pad"
        else Geometry.center_crop(image_size, 336, (336, 336), attention.shape)
    )
    box = find_box(attention, image_size, base_side, extent=geometry.extent)
    assert 0 <= box.left < box.right <= image_size[0]
    assert 0 <= box.top < box.bottom <= image_size[1]


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("attention", np.ones(4)),
        ("attention", np.ones((0, 4))),
        ("attention", [[1.0, np.nan]]),
        ("attention", [[1.0, np.inf]]),
        ("image_size", (0, 10)),
        ("image_size", (10, -1)),
        ("base_side", 0),
        ("base_side", np.nan),
        ("base_side", np.inf),
        ("ratios", ()),
        ("ratios", (1.0, 0.5)),
        ("ratios", (np.nan,)),
        ("ratios", (np.inf,)),
        ("extent", (10, 0, 10, 20)),
        ("extent", (0, 20, 20, 0)),
        ("extent", (0, 0, np.nan, 20)),
        ("extent", (0, 0, np.inf, 20)),
        ("extent", (100, 0, 120, 20)),
        ("extent", (-20, 0, 0, 20)),
    ],
)
def test_arguments_other_than_described(argument, value):
    arguments = {"attention": np.ones((2, 2)), "image_size": (20, 20), "base_side": 5}
    with pytest.raises(ValueError, match=argument):
        find_box(**arguments | {argument: value})


def test_numpy_numbers_give_a_box_that_goes_into_json():
    box = find_box(np.ones((2, 2)), tuple(np.array([30, 20])), np.float32(5))
    assert json.loads(json.dumps(asdict(box))) == asdict(box)
    with pytest.raises(TypeError):
        find_box(np.ones((2, 2)), (30.5, 20), 5)


# Box


def test_box():
    box = Box(10, 20, 40, 60)
    assert (box.width, box.height, box.size, box.area) == (30, 40, (30, 40), 1200)
    assert box.as_tuple() == (10, 20, 40, 60)
    assert box.contains(box) and box.contains(Box(10, 20, 11, 21))
    for larger in [(9, 20, 40, 60), (10, 19, 40, 60), (10, 20, 41, 60), (10, 20, 40, 61)]:
        assert not box.contains(Box(*larger)) and Box(*larger).contains(box)


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        (Box(0, 0, 10, 10), Box(0, 0, 10, 10), 1),
        (Box(0, 0, 10, 10), Box(5, 0, 15, 10), 1 / 3),
        (Box(0, 0, 10, 10), Box(5, 5, 15, 15), 25 / 175),
        (Box(0, 0, 10, 10), Box(2, 2, 7, 7), 0.25),
        (Box(0, 0, 10, 10), Box(10, 0, 20, 10), 0),  # right is exclusive
        (Box(0, 0, 10, 10), Box(30, 30, 40, 40), 0),  # both sides of the overlap negative
        (Box(5, 5, 5, 5), Box(5, 5, 5, 5), 0),
    ],
)
def test_iou(a, b, iou):
    assert a.iou(b) == b.iou(a) == pytest.approx(iou)
