"""Who looks where an engine answers."""

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.cropping import find_box
from core.imaging import Codec
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from core.vlm import load_vlm
from core.vlm.engine.looking import GRID, TILES, _hill, _tiles, named_box
from tests.support.engine import engine

NEVER = Gate(threshold=float("inf"))


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ('{"box": [100, 200, 300, 400]}', (0.1, 0.2, 0.3, 0.4)),
        (' \n{"box": [0, 0, 1000, 1000]}\n', (0, 0, 1, 1)),
        ('```json\n{"box": [1.5, 2, 3, 4]}\n```', (0.0015, 0.002, 0.003, 0.004)),
        ('[{"bbox_2d": [10, 20, 30, 40], "label": "sign"}]', (0.01, 0.02, 0.03, 0.04)),
        ('{"box": [100, 200, 300]}', None),
        ('{"box": [100, 200, 300, 400, 500]}', None),
        ('{"box": [300, 200, 100, 400]}', None),  # its edges in the wrong order
        ('{"box": [100, 200, 100, 400]}', None),  # empty
        ('{"box": [100, 200, 300, 1001]}', None),  # in pixels, perhaps: nobody can tell
        ('{"box": [-1, 200, 300, 400]}', None),
        ('{"box": ["100", 200, 300, 400]}', None),
        ('{"box": [true, 200, 300, 400]}', None),
        ('{"box": [NaN, 200, 300, 400]}', None),
        ('{"box": [1e999, 200, 300, 400]}', None),
        ('Here it is: {"box": [100, 200, 300, 400]}', None),
        ('[{"bbox_2d": [1, 2, 3, 4]}, {"bbox_2d": [1, 2, 3, 4]}]', None),
        ("[100, 200, 300, 400]", None),
        ("[" * 100_000, None),
        ("the sign on the left", None),
        ("", None),
    ],
)
def test_a_box_is_read_strictly(text, box):
    assert named_box(text) == (box and pytest.approx(box))


@given(st.text(max_size=60))
def test_no_text_is_too_odd_to_be_read(text):
    named_box(text)


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(st.integers(300, 4000), st.integers(300, 4000)),
    st.tuples(*[st.floats(0.02, 0.9)] * 2),
    st.tuples(*[st.floats(0, 1)] * 2),
)
def test_what_the_engine_named_is_what_the_search_finds(size, sides, place):
    """Whatever was named, and wherever: its middle is in the box, give or take a cell."""
    (w, h), (x, y) = sides, (p * (1 - s) for p, s in zip(place, sides, strict=True))
    row = np.outer(_hill(y, y + h), _hill(x, x + w)).astype(np.float32)
    box = find_box(row, size, 336)
    for low, high, at, side in (
        (box.left, box.right, x + w / 2, size[0]), (box.top, box.bottom, y + h / 2, size[1]),
    ):  # fmt: skip
        assert low - side / GRID <= at * side <= high + side / GRID


def test_a_reply_without_a_box_is_counted_and_the_middle_looked_at(caplog):
    scene = Edge(Image.new("RGB", (400, 400), (90, 120, 40)), Codec("png"))
    with engine(says={"Where in the picture": "on the left"}) as (url, _):
        vlm = load_vlm(f"openai:{url}#fake", look="ask", resolution=64)
        with caplog.at_level(logging.WARNING):
            box = ask(scene, Server(vlm, NEVER), "What is it?", force=True).box
        ask(scene, Server(vlm, NEVER), "What else?", force=True)
        assert vlm.looks.failures == 2 and "named no box" in caplog.text
    assert box.left < 200 < box.right and box.top < 200 < box.bottom


@pytest.mark.parametrize("size", [(64, 48), (1, 1), (3, 200)])
def test_tiles_are_all_of_the_image(size):
    image = Image.effect_noise(size, 50).convert("RGB")
    tiles = _tiles(image)
    assert len(tiles) == TILES * TILES and all(min(tile.size) >= 1 for tile in tiles)
    if min(size) >= TILES:
        assert sum(tile.width * tile.height for tile in tiles) == size[0] * size[1]


def test_tiles_ask_about_parts_of_the_global_image_and_nothing_else():
    """No byte more of the original reaches the server than by any other way to look."""
    image = Image.effect_noise((400, 400), 90).convert("RGB")
    scene = Edge(image, Codec("png"))
    with engine() as (url, fake):
        vlm = load_vlm(f"openai:{url}#fake", look="tiles", resolution=64)
        before = len(fake.log)
        transcript = ask(scene, Server(vlm, NEVER), "What is it?", force=True)
        # Two answers, and one yes or no for each of the tiles.
        assert len(fake.log) - before == 2 + TILES * TILES
    assert [m.image_bytes > 0 for m in transcript.messages] == [
        True, False, False, False, True, False,
    ]  # fmt: skip
    assert len(transcript.attention.question) == TILES and transcript.look == "tiles"
    rows = np.array(transcript.attention.question)
    assert ((rows >= 0) & (rows <= 1)).all() and np.ptp(rows) > 0
    best = np.unravel_index(rows.argmax(), rows.shape)
    x, y = ((best[1] + 0.5) * 100, (best[0] + 0.5) * 100)
    box = transcript.box
    assert box.left <= x <= box.right and box.top <= y <= box.bottom
