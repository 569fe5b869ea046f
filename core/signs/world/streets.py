"""Scenes of the open world: any string, typeface and carrier, turned, bent, seen from the side."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from core.signs import conditions, fonts, photographs
from core.signs.carriers import CARRIERS
from core.signs.scenes import (
    ASPECTS,
    COLORS,
    CROWD_LETTERS,
    CROWD_SIDES,
    GLOBAL_SIDE,
    LETTER_GLOBAL,
    LETTER_ORIGINAL,
    SHAPES,
    SIDE_GLOBAL,
    Scene,
    Sign,
    corners_of,
    find_place,
    in_original,
    ink_for,
    jitter,
    luminance,
    on_one_line,
    place_signs,
    place_things,
    scene_rng,
    sign_size,
)
from core.signs.world import faces, strings


@dataclass(frozen=True)
class Look:
    """How signs may look: each a bound of what is drawn at random."""

    tilt: float = 30.0  # degrees, most; of half the signs
    side_view: float = 0.12  # by what share of its place a corner may be off, most
    bend: float = 0.6  # letters, most; of a tenth of the signs
    margin: tuple[float, float] = (1.05, 1.5)  # times its least size, a sign's size: from, to
    lines: float = 0.0  # share of the signs whose text has several lines


def sketch_sign(
    rng: np.random.Generator,
    color: str,
    shape: str,
    letters: tuple[float, float],
    split: str = "train",
    look: Look = Look(),
    written: tuple[str, str] | None = None,
) -> Sign:
    """A sign or other carrier at the origin, its letters between two heights (log-uniform, pixels).

    written: the text and its family, as `written_on` draws them.
    """
    letter = max(3, round(np.exp(rng.uniform(*np.log(letters)))))
    text, family = written or written_on(rng, shape, split, lines=look.lines)
    layout = _laid_out(rng, text) if "\n" in text else None
    weight = int(rng.choice(fonts.WEIGHTS))
    size = sign_size(
        shape, layout or text, fonts.font(family, weight, letter), rng.uniform(*look.margin)
    )
    turned = rng.uniform(-look.tilt, look.tilt) if rng.random() < 0.5 else rng.normal(0, 3)
    bend = rng.uniform(-look.bend, look.bend) if rng.random() < 0.1 else 0.0
    if bend:
        size = (size[0], round(size[1] + abs(bend) * letter))
    corners, box = corners_of(rng, size, turned, rng.uniform(0, look.side_view))
    rgb = jitter(rng, COLORS[color])
    ink = _own_ink(rng, rgb) if rng.random() < 0.3 else ink_for(rng, rgb)
    border = ink if rng.random() < 0.4 else None
    if shape == "text":  # what is written has the colour, and no ground of its own
        ink, border = rgb, None
    return Sign(
        shape, color, on_one_line(text), letter, family, weight, rgb, ink, border, size, corners,
        box, bend, layout=layout,
    )  # fmt: skip


def written_on(
    rng, shape: str, split: str, kind: str | None = None, lines: float = 0.0
) -> tuple[str, str]:
    """A text and the family that it is written in.

    kind: of string; drawn if None, and then the text has several lines with this probability.
    """
    if kind is None and lines and rng.random() < lines:
        kind = "lines"
    families = faces.families(split, handwritten=shape == "note" and rng.random() < 0.6)
    while True:
        family = families[rng.integers(len(families))]
        text = faces.written(strings.sample(rng, split, kind), family)
        if text is not None:
            return text, family


def _laid_out(rng, text: str) -> fonts.Layout:
    """Several lines as people set them: close or wide, centred or not, of one size or two."""
    count = text.count("\n") + 1
    scales: tuple[float, ...] = ()
    if rng.random() < 0.4:  # the letters' height is that of the smaller ones
        large = int(rng.integers(count))
        scale = float(rng.uniform(1.2, 2.2))
        scales = tuple(scale if row == large else 1.0 for row in range(count))
    align = 0.5 if rng.random() < 0.65 else 0.0
    return fonts.Layout(text, float(rng.uniform(0.95, 2.0)), align, scales)


def _own_ink(rng, rgb) -> tuple[int, int, int]:
    """Any colour that differs from the ground in brightness."""
    for _ in range(20):
        red, green, blue = (int(v) for v in rng.integers(0, 256, size=3))
        ink = red, green, blue
        if abs(luminance(ink) - luminance(rgb)) > 0.3:
            return ink
    return ink_for(rng, rgb)


NOUNS = (*SHAPES, *(carrier for carrier in CARRIERS if carrier != "text"))
# Letters in pixels of the global image, smallest and largest, how many signs (from, to less one),
# and what share of the scenes is so.
RANGES = (
    (LETTER_GLOBAL, (2, 7), 0.7),
    ((4.0, 40.0), (1, 5), 0.2),
    ((20.0, 90.0), (1, 3), 0.1),  # close-ups
)
PHOTOGRAPHS = 1 / 3  # share of the backgrounds, where there are any
FAINT = 0.08  # share of the scenes whose letters no crop shows
LETTER_FAINT = (3.0, 6.0)  # their capital height, in pixels of the original
ALIKE = 0.1  # share of the scenes with two signs alike
HARDEST = {"blur": (0.1, 2.0, 3.5), "grey": (0.08, 0.9, 1.0)}  # share, strength from, to
LINES = 0.2  # share of the training's signs whose text has several lines
# Of a picture that shows one thing, as people make it to try a model out.
SHOWN_SIDES = (300, 1800)  # longer side in pixels: from, to
SHOWN_LETTERS = (5.0, 60.0)  # capital height in pixels of the global image: from, to
SHOWN_THINGS = (10, 150)  # side of an object in pixels of the global image: from, to
SHOWN_LINES = 0.45  # share of the signs whose text has several lines
SHOWN_SIGNS = (0.15, 0.5, 0.2, 0.15)  # shares of the pictures without a sign, with one, ...
PLAIN_WALL = 0.5  # share of the pictures before a wall of one colour
APART = 110  # least distance of a wall's colour from what stands before it, in RGB


def name(rng) -> tuple[str, str]:
    """A colour and a shape or another carrier than the bare wall."""
    return list(COLORS)[rng.integers(len(COLORS))], NOUNS[rng.integers(len(NOUNS))]


def make_street(split: str, index: int, seed: int = 0) -> Scene:
    """Scene `index` of a split of the open world."""
    rng = scene_rng(split, index, seed + 70_000)
    long_side = int(800 * 2 ** rng.random())
    aspect = ASPECTS[rng.integers(len(ASPECTS))]
    width = round(long_side * min(1, aspect[0] / aspect[1]))
    height = round(long_side * min(1, aspect[1] / aspect[0]))
    scale = GLOBAL_SIDE / long_side
    letters_global, counts, _ = RANGES[rng.choice(len(RANGES), p=[r[2] for r in RANGES])]
    smallest, largest = in_original(letters_global, scale)
    letters = max(LETTER_ORIGINAL, smallest), largest
    if rng.random() < FAINT:
        letters = LETTER_FAINT
    look = Look(lines=LINES if split == "train" else 0.0)
    sketch = partial(sketch_sign, letters=letters, split=split, look=look)
    taken: list[tuple[int, int, int, int]] = []
    signs = place_signs(rng, width, height, taken, counts, sketch, NOUNS)
    if signs and rng.random() < ALIKE:
        twin = sketch(rng, signs[0].color, signs[0].shape)
        place = find_place(rng, twin.box[2:], width, height, taken)
        if place is not None:
            signs.append(twin.moved(*place))
            taken.append(signs[-1].box)
    sides = in_original(SIDE_GLOBAL, scale)
    things = place_things(rng, width, height, taken, (0, 6), sides)
    background = int(rng.integers(2**31))
    effects = conditions.draw(rng)
    photograph = draw_photograph(rng, split)
    if split == "train":
        effects |= _hardest(rng)
    return Scene(
        width, height, tuple(signs), tuple(things), background, tuple(effects.items()), photograph
    )


def _hardest(rng) -> dict[str, float]:
    """Of a few training scenes, an effect that pocket reads least under, and at its strongest."""
    for name, (share, *strengths) in HARDEST.items():
        if rng.random() < share:
            return {name: float(rng.uniform(*strengths))}
    return {}


def make_street_crowd(index: int, seed: int = 0) -> Scene:
    """A training scene of many signs and objects that the global image barely shows.

    Of the letters in `make_street` few are of the sizes at which reading begins to fail, and there
    every scene costs a local image or two. A crowd has six times as many of them in one global
    image.
    """
    rng = scene_rng("train", index, seed + 80_000)
    side = int(
        420 * 1.6 ** rng.random()
    )  # two to four times the global image: nothing else is sent
    scale = GLOBAL_SIDE / side
    taken: list[tuple[int, int, int, int]] = []
    sketch = partial(sketch_sign, letters=in_original(CROWD_LETTERS, scale))
    signs = place_signs(rng, side, side, taken, (8, 17), sketch, NOUNS)
    things = place_things(rng, side, side, taken, (2, 11), in_original(CROWD_SIDES, scale))
    background = int(rng.integers(2**31))
    effects = tuple(conditions.draw(rng, 0.5).items())
    photograph = draw_photograph(rng, "train")
    return Scene(side, side, tuple(signs), tuple(things), background, effects, photograph)


def make_shown(index: int, seed: int = 0) -> Scene:
    """A training scene that shows one thing, large or small: a sign, an object, two, or nothing."""
    rng = scene_rng("train", index, seed + 100_000)
    long_side = int(np.exp(rng.uniform(*np.log(SHOWN_SIDES))))
    aspect = ASPECTS[rng.integers(len(ASPECTS))]
    width = round(long_side * min(1, aspect[0] / aspect[1]))
    height = round(long_side * min(1, aspect[1] / aspect[0]))
    scale = GLOBAL_SIDE / long_side
    taken: list[tuple[int, int, int, int]] = []
    look = Look(lines=SHOWN_LINES, tilt=30.0 if rng.random() < 0.5 else 0.0)
    sketch = partial(sketch_sign, letters=in_original(SHOWN_LETTERS, scale), look=look)
    count = int(rng.choice(len(SHOWN_SIGNS), p=SHOWN_SIGNS))
    nouns = (*NOUNS, "text", "text", "text")
    signs = place_signs(rng, width, height, taken, (count, count + 1), sketch, nouns)
    things = (1, 3) if not signs and rng.random() < 0.7 else (0, 2)
    things = place_things(rng, width, height, taken, things, in_original(SHOWN_THINGS, scale))
    background = int(rng.integers(2**31))
    effects = tuple(conditions.draw(rng, long_side / SHOWN_SIDES[1]).items())
    photograph = draw_photograph(rng, "train")
    colors = [part.rgb for part in (*signs, *things)]
    wall: tuple[int, int, int] | None = _wall_behind(rng, colors)
    if rng.random() > PLAIN_WALL and not any(sign.shape == "text" for sign in signs):
        wall = None
    return Scene(width, height, tuple(signs), tuple(things), background, effects, photograph, wall)


def _wall_behind(rng, colors) -> tuple[int, int, int]:
    """A colour that parts from all of these: often white, grey or black."""
    while True:
        grey = rng.random() < 0.6
        wall = rng.integers(0, 256, size=1 if grey else 3).repeat(3 if grey else 1)
        wall = np.where(rng.random() < 0.3, 255, wall)
        if all(np.linalg.norm(wall - color) > APART for color in colors):
            red, green, blue = (int(v) for v in wall)
            return red, green, blue


def draw_photograph(rng, split: str) -> str:
    """A photograph's name for a third of the backgrounds; "" for the others, or without any."""
    names = photographs.available(split)
    return names[rng.integers(len(names))] if names and rng.random() < PHOTOGRAPHS else ""
