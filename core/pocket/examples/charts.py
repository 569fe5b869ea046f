"""Eye charts: images full of text, whose every letter has a label."""

import numpy as np
from PIL import ImageDraw

from core.pocket.examples.example import through_codec
from core.pocket.labels import CHARACTER_STRIDE, POINTS, number, spelling
from core.pocket.model import GRID
from core.signs import conditions, fonts
from core.signs.render import draw_background
from core.signs.scenes import COLORS, GLOBAL_SIDE, ink_for, jitter, scene_rng
from core.signs.world import faces
from core.signs.world.strings import sample


def chart_example(index: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image full of text, and which characters lie in its cells and visual tokens (0: none).

    Returns pixels (192, 192, 3) uint8, characters (24, 24) and spelling (12, 12, MAX_LENGTH), both
    int64.
    """
    rng = scene_rng("train", index, seed + 30_000)
    image = draw_background(rng, GLOBAL_SIDE, GLOBAL_SIDE)
    draw = ImageDraw.Draw(image)
    cells = GLOBAL_SIDE // CHARACTER_STRIDE
    labels = np.zeros((cells, cells), np.int64)
    found, numbered = np.zeros((2, GRID * POINTS, GRID * POINTS), np.int64)
    families = faces.families("train")
    y = int(rng.integers(1, 8))
    while y < GLOBAL_SIDE - 6:
        letter = int(np.exp(rng.uniform(np.log(6), np.log(34))))
        x: float = int(rng.integers(0, 12))
        while x < GLOBAL_SIDE - letter:
            family, weight = families[rng.integers(len(families))], int(rng.choice(fonts.WEIGHTS))
            text = faces.written(sample(rng, "train"), family)
            if text is None:
                continue
            face = fonts.font(family, weight, letter)
            left, top, right, bottom = fonts.extent(face, text)
            pad = max(2, letter // 4)
            rgb = jitter(rng, COLORS[list(COLORS)[rng.integers(8)]])
            panel = (x, y, x + right - left + 2 * pad, y + bottom - top + 2 * pad)
            if panel[3] > GLOBAL_SIDE:
                break
            draw.rectangle(panel, fill=rgb)
            origin = (x + pad - left, y + pad - top)
            draw.text(origin, text, ink_for(rng, rgb), face)
            numbers = [number(char) for char in text]
            rows = (y + pad, y + pad + bottom - top)
            edges = [origin[0] + face.getlength(text[:i]) for i in range(len(text) + 1)]
            _mark(labels, edges, rows, numbers, margin=0.25)
            _mark(found, edges, rows, numbers)
            _mark(numbered, edges, rows, range(1, len(text) + 1))
            x = panel[2] + int(rng.integers(2, 14))
        y += int(letter * 1.5) + int(rng.integers(3, 14))
    image = conditions.apply(image, conditions.draw(rng, 0.3))
    return np.asarray(through_codec(rng, image)), labels, spelling(found, numbered)


def _mark(grid, edges, rows, values, margin=0.0) -> None:
    """Give each cell whose centre lies on a character (or, in height, near one) its value.

    edges: of the characters, in pixels, one more than values. margin: in cells.
    """
    cells = len(grid)
    stride = GLOBAL_SIDE / cells
    top, bottom = (edge / stride - 0.5 for edge in rows)
    first, last = int(np.ceil(top - margin)), int(np.floor(bottom + margin))
    for row in range(max(0, first), min(cells, last + 1)):
        for value, left, right in zip(values, edges, edges[1:], strict=False):
            begin, end = left / stride - 0.5, right / stride - 0.5
            for column in range(max(0, int(np.ceil(begin))), min(cells, int(np.floor(end)) + 1)):
                grid[row, column] = value
