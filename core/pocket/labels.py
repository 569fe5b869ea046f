"""Labels on the grid of visual tokens: where the attention should be, and what lies in each cell.

An image shows a part of the original (`shown`, all of it in the global image), padded to a centred
square. Cells of the middle stage, half as large as a visual token, carry single characters; visual
tokens carry the characters of a word that lie in them, each with its place in the word.
"""

import numpy as np

from core.cropping import Box
from core.pocket.model import GRID
from core.signs import fonts
from core.signs.carriers import CARRIERS, sag
from core.signs.questions import SceneQuestion
from core.signs.render import perspective, text_origin
from core.signs.scenes import COLORS, GLOBAL_SIDE, KINDS, SHAPES, Scene, Sign
from core.signs.world.strings import CHARACTERS, LONGEST

MAX_LENGTH = LONGEST
CHARACTER_STRIDE = 8  # pixels per cell of the middle stage, where single letters are told apart
SURFACES = (*SHAPES, *KINDS, *CARRIERS)
READABLE = 4.0  # capital height in pixels from which a cell is labelled with its character
IGNORE = -100  # what the cross-entropy leaves out
POINTS = 4  # a visual token is sampled at 4 x 4 points for the characters in it


def whole(scene: Scene) -> Box:
    """Return what the global image shows."""
    return Box(0, 0, scene.width, scene.height)


def cells(shown: Box, box) -> tuple[float, float, float, float]:
    """A box of the original in cells of the image that shows a part of it, padded to a square."""
    side = max(shown.size)
    x0, y0 = shown.left - (side - shown.width) / 2, shown.top - (side - shown.height) / 2
    left, top, right, bottom = box
    scale = GRID / side
    return (left - x0) * scale, (top - y0) * scale, (right - x0) * scale, (bottom - y0) * scale


def _coverage(shown: Box, box) -> np.ndarray:
    """(GRID, GRID): the share of each cell that a box covers."""
    left, top, right, bottom = cells(shown, box)
    cell = np.arange(GRID)
    x = np.clip(np.minimum(right, cell + 1) - np.maximum(left, cell), 0, 1)
    y = np.clip(np.minimum(bottom, cell + 1) - np.maximum(top, cell), 0, 1)
    return y[:, None] * x[None, :]


def focus(scene: Scene, question: SceneQuestion) -> np.ndarray | None:
    """Return where the answer lies: a hill on each asked object, wide as the object.

    A hill and not a plateau, because the box search has to find the object's centre to a fraction
    of a cell. All weight on one cell would do for the answer, but not for the box: of the small
    signs, the box then holds 62 %, with hills or plateaus 93 %.
    """
    if not question.boxes or question.kind == "count":
        return None
    first, *others = [hill_on(cells(whole(scene), box)) for box in question.boxes]
    return sum(others, first) / len(question.boxes)


def places(scene: Scene, question: SceneQuestion) -> tuple[tuple[int, int], ...]:
    """Row and column, of GRID x GRID, of what each name of the question stands for."""
    if len(question.names) != len(question.boxes) or question.kind == "count":
        return ()
    centres = []
    for box in question.boxes:
        left, top, right, bottom = cells(whole(scene), box)
        spot = np.floor([(top + bottom) / 2, (left + right) / 2]).clip(0, GRID - 1)
        centres.append((int(spot[0]), int(spot[1])))
    return tuple(centres)


def hill_on(box) -> np.ndarray:
    """(GRID * GRID,), sums to 1: a Gaussian on a box that is measured in cells."""
    left, top, right, bottom = box
    centre = np.arange(GRID) + 0.5
    x = np.exp(-0.5 * ((centre - (left + right) / 2) / max(0.6, (right - left) / 3)) ** 2)
    y = np.exp(-0.5 * ((centre - (top + bottom) / 2) / max(0.6, (bottom - top) / 3)) ** 2)
    hill = y[:, None] * x[None, :]
    return (hill / hill.sum()).astype(np.float32).ravel()


def inside(scene: Scene) -> np.ndarray:
    """Evenly over the image, without the padding: what the generic prompt looks at."""
    total = _coverage(whole(scene), (0, 0, scene.width, scene.height))
    return (total / total.sum()).astype(np.float32).ravel()


def surfaces(scene: Scene, shown: Box) -> np.ndarray:
    """(GRID, GRID, 2): colour and shape of the sign or object in each cell; 0 is neither."""
    labels = np.zeros((GRID, GRID, 2), np.int64)
    best = np.full((GRID, GRID), 0.2)
    colors = list(COLORS)
    objects = [(s.box, s.color, s.shape) for s in scene.signs]
    objects += [(t.box, t.color, t.kind) for t in scene.things]
    for box, color, surface in objects:
        cover = _coverage(shown, box)
        left, top, right, bottom = cells(shown, box)
        small = (right - left) * (bottom - top) < 1
        # an object smaller than a cell still owns the cell that it is mostly in, if it is shown
        mask = (cover == cover.max()) & (cover > 0) if small else cover > best
        labels[mask] = (colors.index(color) + 1, SURFACES.index(surface) + 1)
        best[mask] = cover[mask]
    return labels


def characters(scene: Scene, shown: Box) -> np.ndarray:
    """(n, n) with n cells of the middle stage a side: the character at each centre; 0 is none.

    `IGNORE` where there are letters too small to tell.
    """
    return letters(scene, shown, GLOBAL_SIDE // CHARACTER_STRIDE)[0]


def letters(scene: Scene, shown: Box, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Two (points, points) grids over the image: the character, and its place in its sign's text.

    Places count from 1; 0 is no character. `IGNORE` instead of a character too small to tell.
    """
    side = max(shown.size)
    centres = (np.arange(points) + 0.5) * side / points
    x, y = np.meshgrid(
        centres + shown.left - (side - shown.width) / 2,
        centres + shown.top - (side - shown.height) / 2,
    )
    visible = (x >= shown.left) & (x < shown.right) & (y >= shown.top) & (y < shown.bottom)
    found = np.zeros((points, points), np.int64)
    places = np.zeros((points, points), np.int64)
    for sign in scene.signs:
        place = _places(sign, x, y) * visible
        numbers = np.array([0, *(number(char) for char in sign.text)])
        if sign.letter_height * GLOBAL_SIDE / side < READABLE:
            numbers[1:] = IGNORE
        found = np.where(place > 0, numbers[place], found)
        places = np.where(place > 0, place, places)
    return found, places


def number(char: str) -> int:
    """The class of a character; of a space, none."""
    return 0 if char == " " else CHARACTERS.index(char) + 1


def spelling(found: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(GRID, GRID, MAX_LENGTH): which character at each place of a text each visual token shows.

    found, places: as `letters` gives them for GRID * POINTS points a side. 0 is none; `IGNORE` for
    a character that only touches the token.
    """
    tiles = found.reshape(GRID, POINTS, GRID, POINTS).swapaxes(1, 2).reshape(GRID, GRID, -1)
    spots = places.reshape(GRID, POINTS, GRID, POINTS).swapaxes(1, 2).reshape(GRID, GRID, -1)
    spelled = np.zeros((GRID, GRID, MAX_LENGTH), np.int64)
    for place in range(1, MAX_LENGTH + 1):
        here = spots == place
        count = here.sum(-1)
        first = np.take_along_axis(tiles, here.argmax(-1)[..., None], -1)[..., 0]
        spelled[..., place - 1] = np.where(count > 1, first, np.where(count == 1, IGNORE, 0))
    return spelled


def _places(sign: Sign, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which character of a sign's text, counted from 1, lies at points of the original; 0:
    none.
    """
    a, b, c, d, e, f, g, h = perspective(sign.corners, sign.size)  # from the original to the layer
    depth = g * x + h * y + 1
    u, v = (a * x + b * y + c) / depth, (d * x + e * y + f) / depth
    face = fonts.font(sign.family, sign.weight, sign.letter_height)
    left, top = text_origin(sign, face)
    if sign.bend:
        v = v - sag(sign.bend, sign.letter_height, u, sign.size[0])
    found, before = np.zeros(u.shape, np.int64), 0  # characters of the lines before
    for line, own, right, down in fonts.lines(face, sign.written):
        _, upper, _, lower = fonts.extent(own, line)
        edges = [left + right + own.getlength(line[:i]) for i in range(len(line) + 1)]
        place = np.searchsorted(edges, u, side="right")
        on = (place > 0) & (place <= len(line)) & (v >= top + down + upper)
        found = np.where(on & (v < top + down + lower), before + place, found)
        before += len(line) + 1  # the line break, too
    return found
