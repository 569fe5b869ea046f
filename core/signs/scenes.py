"""Scenes of signs and small objects, laid out from a seed.

A `Scene` says what is where; `render.py` draws it and `questions.py` asks about it. All lengths
are pixels of the original image. Letter heights are chosen by what is left of them in the global
image: log-uniform between illegible and plainly legible there, but never smaller than what a crop
at full detail can show.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from core.signs import fonts
from core.signs.carriers import CARRIERS, carrier_size
from core.signs.words import sample_text

GLOBAL_SIDE = 192  # the longer side of the global image; pocket's input is 192 x 192
COLORS = {
    "red": (205, 32, 38),
    "orange": (245, 130, 20),
    "yellow": (250, 215, 30),
    "green": (25, 140, 60),
    "blue": (30, 75, 185),
    "purple": (125, 45, 150),
    "white": (245, 245, 242),
    "black": (24, 24, 26),
}
SHAPES = ("rectangle", "circle", "triangle", "diamond", "hexagon")
KINDS = ("star", "heart", "tree", "house", "car", "lamp", "flag", "cup", "fish", "key")
# How often a kind is drawn: "popular" negatives of the presence questions need a skew (as POPE).
KIND_WEIGHTS = tuple(1 / (rank + 2) for rank in range(len(KINDS)))
ASPECTS = ((1, 1), (4, 3), (3, 4), (3, 2), (16, 9))
SPLITS = ("train", "validation", "test")
LETTER_GLOBAL = (1.8, 20.0)  # capital height in pixels of the global image, smallest and largest
LETTER_ORIGINAL = 14  # capital height in pixels of the original, smallest
SIDE_GLOBAL = (4, 32)  # side of an object in pixels of the global image, smallest and largest
CROWD_LETTERS = (3.5, 11.0)  # as `LETTER_GLOBAL`, in a crowd
CROWD_SIDES = (3, 12)  # as `SIDE_GLOBAL`, in a crowd


@dataclass(frozen=True)
class Edge:
    """What parts letters from their ground: an outline, a shadow, or both.

    The letters once more, under them, thicker by `width` and moved by `shift`; pixels.
    """

    rgb: tuple[int, int, int]
    width: int
    shift: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Sign:
    shape: str
    color: str
    text: str
    letter_height: int  # of a capital, in pixels of the original
    family: str
    weight: int
    rgb: tuple[int, int, int]
    ink: tuple[int, int, int]
    border: tuple[int, int, int] | None
    size: tuple[int, int]  # width, height before the perspective
    corners: tuple[tuple[float, float], ...]  # where the layer's four corners lie in the image
    box: tuple[int, int, int, int]  # left, top, right, bottom of what is drawn
    bend: float = 0.0  # how far the middle of the text is drawn lower than its ends, in letters
    edge: Edge | None = None  # of the letters
    layout: fonts.Layout | None = None  # of a text of several lines

    @property
    def written(self) -> str | fonts.Layout:
        """The text as it is drawn: a space of `text` may be a line break."""
        return self.layout or self.text

    @property
    def name(self) -> str:
        return f"{self.color} {self.shape}"

    @property
    def noun(self) -> str:
        return self.shape if self.shape in CARRIERS else f"{self.shape} sign"

    def moved(self, dx: int, dy: int) -> "Sign":
        left, top, right, bottom = self.box
        return replace(
            self,
            corners=tuple((x + dx, y + dy) for x, y in self.corners),
            box=(left + dx, top + dy, right + dx, bottom + dy),
        )


@dataclass(frozen=True)
class Thing:
    """A small object without text."""

    kind: str
    color: str
    rgb: tuple[int, int, int]
    box: tuple[int, int, int, int]

    @property
    def name(self) -> str:
        return f"{self.color} {self.kind}"


@dataclass(frozen=True)
class Scene:
    width: int
    height: int
    signs: tuple[Sign, ...]
    things: tuple[Thing, ...]
    background_seed: int
    effects: tuple[tuple[str, float], ...] = ()  # of light, lens and camera (`world.conditions`)
    photograph: str = ""  # in the background (`world.photographs`); "": it is drawn
    wall: tuple[int, int, int] | None = None  # the background's only colour, if it has but one

    @property
    def scale(self) -> float:
        """Pixels of the global image per pixel of the original."""
        return GLOBAL_SIDE / max(self.width, self.height)


def scene_rng(split: str, index: int, seed: int = 0) -> np.random.Generator:
    """The random numbers of one scene. Splits never share a stream: the split is in the key."""
    if split not in SPLITS:
        raise ValueError(f"Unknown split {split!r}; choose one of {', '.join(SPLITS)}.")
    return np.random.default_rng([seed, SPLITS.index(split), index])


def _slight(rng: np.random.Generator) -> float:
    return rng.normal(0, 3)


def make_scene(
    split: str,
    index: int,
    seed: int = 0,
    held_out_fonts: bool | None = None,
    text: Callable[[np.random.Generator], str] = sample_text,
    turn: Callable[[np.random.Generator], float] = _slight,
    letters_global: tuple[float, float] = LETTER_GLOBAL,
    families: tuple[str, ...] | None = None,
    smallest_letter: float = LETTER_ORIGINAL,
) -> Scene:
    """Scene `index` of a split. Test scenes use the held-out fonts unless told otherwise.

    text: what is written on a sign; turn: by how many degrees it is turned; letters_global: as
    `LETTER_GLOBAL`; families: of its letters; smallest_letter: as `LETTER_ORIGINAL`. Each is the
    closed world's unless told otherwise.
    """
    rng = scene_rng(split, index, seed)
    held_out = split == "test" if held_out_fonts is None else held_out_fonts
    long_side = int(800 * 2 ** rng.random())
    aspect = ASPECTS[rng.integers(len(ASPECTS))]
    width = round(long_side * min(1, aspect[0] / aspect[1]))
    height = round(long_side * min(1, aspect[1] / aspect[0]))
    scale = GLOBAL_SIDE / long_side
    smallest, largest = in_original(letters_global, scale)
    letters = max(smallest_letter, smallest), largest
    sides = in_original(SIDE_GLOBAL, scale)
    families = families or fonts.families(held_out) or ("",)
    taken: list[tuple[int, int, int, int]] = []
    sketch = partial(sketch_sign, families=families, letters=letters, text=text, turn=turn)
    signs = place_signs(rng, width, height, taken, (2, 7), sketch)
    things = place_things(rng, width, height, taken, (0, 6), sides)
    return Scene(width, height, tuple(signs), tuple(things), int(rng.integers(2**31)))


def in_original(lengths: tuple[float, float], scale: float) -> tuple[float, float]:
    """Two lengths of the global image in pixels of the original."""
    return lengths[0] / scale, lengths[1] / scale


def place_signs(rng, width, height, taken, counts, sketch, nouns=SHAPES):
    """Signs with different names, `counts[0]` to `counts[1] - 1` if there is room for them.

    sketch: makes a sign at the origin, of a colour and one of the nouns.
    """
    names = [(color, noun) for color in COLORS for noun in nouns]
    order = rng.permutation(len(names))
    signs = []
    for index in order[: rng.integers(*counts)]:
        for _ in range(12):  # a large sign may not fit between the others: draw again
            sign = sketch(rng, *names[index])
            place = find_place(rng, sign.box[2:], width, height, taken)
            if place is not None:
                signs.append(sign.moved(*place))
                taken.append(signs[-1].box)
                break
    return signs


def sketch_sign(
    rng,
    color: str,
    shape: str,
    families,
    letters: tuple[float, float],
    text=sample_text,
    turn=_slight,
) -> Sign:
    """A sign at the origin, its letters between two heights (log-uniform, original pixels).

    text: what is written on it; turn: by how many degrees it is turned.
    """
    letter = round(np.exp(rng.uniform(*np.log(letters))))
    text = text(rng)
    layout = fonts.Layout(text) if "\n" in text else None
    family, weight = families[rng.integers(len(families))], int(rng.choice(fonts.WEIGHTS))
    face = fonts.font(family, weight, letter)
    size = sign_size(shape, layout or text, face, rng.uniform(1.1, 1.5))
    corners, box = corners_of(rng, size, turn(rng))
    rgb = jitter(rng, COLORS[color])
    ink = ink_for(rng, rgb)
    border = ink if rng.random() < 0.4 else None
    return Sign(
        shape, color, on_one_line(text), letter, family, weight, rgb, ink, border, size, corners,
        box, layout=layout,
    )  # fmt: skip


def on_one_line(text: str) -> str:
    """Return what is asked for of a text that may have several lines."""
    return text.replace("\n", " ")


def place_things(rng, width, height, taken, counts, sides):
    """Objects with different names, as `_place_signs`, their sides log-uniform."""
    names = [(color, kind) for color in COLORS for kind in KINDS]
    weights = np.array([KIND_WEIGHTS[KINDS.index(kind)] for _, kind in names])
    count = int(rng.integers(*counts))
    chosen = rng.choice(len(names), size=count, replace=False, p=weights / weights.sum())
    things = []
    for index in chosen:
        color, kind = names[index]
        side = int(np.exp(rng.uniform(*np.log(sides))))
        place = find_place(rng, (side, side), width, height, taken)
        if place is None:
            continue
        box = (place[0], place[1], place[0] + side, place[1] + side)
        taken.append(box)
        things.append(Thing(kind, color, jitter(rng, COLORS[color]), box))
    return things


def sign_size(shape: str, text: str | fonts.Layout, font, margin: float) -> tuple[int, int]:
    """Width and height of a sign of that shape which holds the text with a margin around it."""
    left, top, right, bottom = fonts.extent(font, text)
    w, h = (right - left) * margin, (bottom - top) * margin
    w = max(w, 0.6 * h)
    if shape in CARRIERS:
        return carrier_size(shape, w, h)
    if shape == "rectangle":
        return round(w + 0.6 * h), round(1.7 * h)
    if shape == "circle":
        side = 1.05 * float(np.hypot(w, h))
        return round(side), round(side)
    if shape == "triangle":  # the text lies low in it: at its top the triangle is w wide
        return round(1.15 * w + 2.3 * h), round(1.0 * w + 2.0 * h)
    if shape == "diamond":
        return round(1.05 * (w + h)), round(1.05 * (w + h))
    return round(w + 1.25 * h), round(0.9 * w + 1.1 * h)  # hexagon


def find_place(rng, size, width, height, taken):
    """Top left corner of a free spot, or None. Signs keep a gap of an eighth of their size."""
    w, h = size
    gap = max(6, int(0.08 * max(w, h)))
    if w + 2 * gap >= width or h + 2 * gap >= height:
        return None
    for _ in range(20):
        left = int(rng.integers(gap, width - w - gap))
        top = int(rng.integers(gap, height - h - gap))
        box = (left - gap, top - gap, left + w + gap, top + h + gap)
        if not any(_overlap(box, other) for other in taken):
            return left, top
    return None


def _overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def corners_of(rng, size, degrees: float, side_view: float = 0.04):
    """Corners and box, at the origin, of a sign that is turned and seen slightly from the side."""
    w, h = size
    angle = np.deg2rad(degrees)
    corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], float) - (w / 2, h / 2)
    corners *= 1 + rng.uniform(-side_view, side_view, size=(4, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = corners @ turn.T
    corners -= corners.min(axis=0)
    right, bottom = np.ceil(corners.max(axis=0))
    return tuple((float(x), float(y)) for x, y in corners), (0, 0, int(right), int(bottom))


def jitter(rng, rgb):
    return tuple(int(np.clip(c + rng.normal(0, 10), 0, 255)) for c in rgb)


def luminance(rgb) -> float:
    return (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / 255


def ink_for(rng, rgb):
    """A letter colour that can be read on `rgb`: mostly black or white, sometimes tinted."""
    dark = luminance(rgb) > 0.5
    base = np.array([20, 20, 24] if dark else [242, 242, 240])
    tinted = base + rng.uniform(0, 0.3) * rng.normal(0, 120, size=3)
    ink = tuple(int(np.clip(c, 0, 255)) for c in tinted)
    return ink if abs(luminance(ink) - luminance(rgb)) > 0.35 else tuple(int(c) for c in base)
