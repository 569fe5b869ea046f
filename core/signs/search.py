"""Scenes to search: large originals full of small signs, one of which is asked for, or two.

The signs of `core.signs.scenes` fill a good part of their picture, so wherever a second look falls
it may help. Here a sign covers a few thousandths of it at most, among many that share its colour or
its shape: whoever looks elsewhere sees nothing of use. Some questions are about two signs that no
one crop holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from PIL import Image, ImageChops

from core.signs import fonts
from core.signs.questions import SIGN_NAMES, SceneQuestion, ask_text, phrase
from core.signs.render import draw_background, draw_objects
from core.signs.scenes import (
    ASPECTS,
    COLORS,
    CROWD_SIDES,
    GLOBAL_SIDE,
    SHAPES,
    Scene,
    Sign,
    find_place,
    in_original,
    place_signs,
    place_things,
    scene_rng,
    sign_size,
    sketch_sign,
)
from core.signs.words import sample_text

SEED = 130_000
SMALLEST_SIDE = 2048  # of an original's longer side, in pixels; the largest is twice that
AREA = (0.0002, 0.005)  # share of the original that a sign's box covers, least and most
# Capital height: at least so many pixels of the original, which are 9 in a crop of pocket's own
# side as it is sent; and at most so many in a crop of two cells of its grid, as it is sent. That is
# the least that the global image can place, and there the smallest can't be read: it takes another
# look into the crop.
SMALLEST_LETTER = 12
LARGEST_SENT = 40.0
CROP = 1 / 6  # of the longer side: two of twelve cells
SIGNS, THINGS = (14, 27), (8, 21)  # in a scene: at least, and at most less one
PAIRS = 0.2  # share of the questions that are about two signs
APART = 0.4  # of the longer side: two signs of a question are at least so far apart
COARSE = 4  # pixels of the original for one of what the background is drawn in
TILE = 512  # pixels: side of the grain, which is repeated
DRAFT = 40  # pixels: capital height at which a sign's size is tried
SAME = (
    "Do the {a} and the {b} say the same?",
    "Is the same text on the {a} and the {b}?",
    "Does the {a} say the same as the {b}?",
    "Do the {a} and the {b} have the same text?",
    "Do you read the same on the {a} and the {b}?",
    "Is what the {a} says also on the {b}?",
    "Is the text of the {a} also that of the {b}?",
    "Can you read the same word on the {a} and the {b}?",
)


@dataclass(frozen=True)
class Search:
    """A scene and a question about its first sign, or about its first two."""

    scene: Scene
    question: SceneQuestion


def make_search(
    split: str, index: int, held_out_fonts: bool = True, held_out_phrasings: bool = False
) -> Search:
    """Return search `index` of a split: the same for the same arguments, whatever was made before.

    held_out_fonts, held_out_phrasings: of the signs and of the question, those kept from training.
    """
    rng = scene_rng(split, index, SEED)
    long_side = int(SMALLEST_SIDE * 2 ** rng.random())
    across, down = ASPECTS[rng.integers(len(ASPECTS))]
    width = round(long_side * min(1, across / down))
    height = round(long_side * min(1, down / across))
    families = fonts.families(held_out_fonts) or ("",)
    size = width, height
    taken: list[tuple[int, int, int, int]] = []
    asked = _asked_signs(rng, rng.random() < PAIRS, families, size, taken)
    sketch = partial(_small_sign, families=families, size=size)
    count = int(rng.integers(*SIGNS)) - len(asked)
    more = place_signs(rng, width, height, taken, (count, count + 1), sketch)
    names = {sign.name for sign in asked}
    signs = (*asked, *(sign for sign in more if sign.name not in names))
    sides = in_original(CROWD_SIDES, GLOBAL_SIDE / long_side)
    things = place_things(rng, width, height, taken, THINGS, sides)
    scene = Scene(width, height, signs, tuple(things), int(rng.integers(2**31)))
    if len(asked) == 1:
        question = ask_text(rng, scene, asked[0], held_out_phrasings)
        return Search(scene, replace(question, kind="one sign"))
    return Search(scene, _ask_same(rng, asked[0], asked[1], held_out_phrasings))


def render_search(scene: Scene) -> Image.Image:
    """Return the original of a scene, RGB: of 16 megapixels in a fraction of a second.

    The background is drawn coarse and enlarged, as what is out of focus; the signs, what stands
    around and the grain are as fine as ever.
    """
    rng = np.random.default_rng(scene.background_seed)
    coarse = draw_background(rng, -(-scene.width // COARSE), -(-scene.height // COARSE))
    image = coarse.resize((scene.width, scene.height), Image.Resampling.BILINEAR)
    _add_grain(rng, image)
    draw_objects(rng, image, scene)
    return image


def _add_grain(rng: np.random.Generator, image: Image.Image) -> None:
    """Add a sensor's noise: one tile, repeated, so that no second plane of that size is held."""
    noise = rng.normal(128, rng.uniform(0, 4), size=(TILE, TILE)).clip(0, 255).astype(np.uint8)
    tile = Image.fromarray(noise).convert("RGB")
    for left in range(0, image.width, TILE):
        for top in range(0, image.height, TILE):
            right, bottom = min(left + TILE, image.width), min(top + TILE, image.height)
            part = image.crop((left, top, right, bottom))
            image.paste(ImageChops.add(part, tile, offset=-128), (left, top))


def _small_sign(rng, color: str, shape: str, families, size) -> Sign:
    """A sign of any text."""
    while True:
        if sign := _sign_of(rng, sample_text(rng), (color, shape), families, size):
            return sign


def _sign_of(rng, text: str, name: tuple[str, str], families, size) -> Sign | None:
    """A sign at the origin that covers as much of an original of that size as `AREA` says; None
    for a text that is too long for letters that a crop can show."""
    (color, shape), family = name, families[rng.integers(len(families))]
    w, h = sign_size(shape, text, fonts.font(family, 600, DRAFT), 1.3)
    least, most = (DRAFT * np.sqrt(area * size[0] * size[1] / (w * h)) for area in AREA)
    scale = CROP * max(size) / GLOBAL_SIDE  # pixels of the original for one of the crop
    letters = max(least, SMALLEST_LETTER), min(most, LARGEST_SENT * scale)
    if letters[0] > letters[1]:
        return None
    for _ in range(8):  # its margins, weight and turn are drawn, too
        sign = sketch_sign(rng, color, shape, (family,), letters, lambda rng: text)
        if AREA[0] <= sign.box[2] * sign.box[3] / (size[0] * size[1]) <= AREA[1]:
            return sign
    return None


def _asked_signs(rng, pair: bool, families, size, taken) -> tuple[Sign, ...]:
    """The sign to be asked for, or two far apart; the first to be placed, so there is room."""
    names = [(color, shape) for color in COLORS for shape in SHAPES]
    while True:
        one, two = rng.choice(len(names), size=2, replace=False)
        text = sample_text(rng)
        first = _placed(rng, _sign_of(rng, text, names[one], families, size), size)
        if first is not None and not pair:
            taken.append(first.box)
            return (first,)
        text = text if rng.random() < 0.5 else _other_text(rng, text)
        second = _placed(rng, _sign_of(rng, text, names[two], families, size), size)
        if first and second and distance(first, second) >= APART * max(size):
            taken += [first.box, second.box]
            return first, second


def _placed(rng, sign: Sign | None, size: tuple[int, int]) -> Sign | None:
    place = find_place(rng, sign.box[2:], *size, ()) if sign else None
    return sign.moved(*place) if sign and place else None


def _other_text(rng, text: str) -> str:
    while (other := sample_text(rng)) == text:
        pass
    return other


def distance(a: Sign, b: Sign) -> float:
    """Return how far apart the middles of two signs are, in pixels of the original."""
    across = (a.box[0] + a.box[2] - b.box[0] - b.box[2]) / 2
    down = (a.box[1] + a.box[3] - b.box[1] - b.box[3]) / 2
    return float(np.hypot(across, down))


def _ask_same(rng, a: Sign, b: Sign, held_out: bool) -> SceneQuestion:
    names = tuple(
        SIGN_NAMES[rng.integers(len(SIGN_NAMES))].format(color=s.color, shape=s.shape)
        for s in (a, b)
    )
    text = phrase(rng, SAME, held_out).format(a=names[0], b=names[1])
    answer = "yes" if a.text == b.text else "no"
    letter = min(a.letter_height, b.letter_height)
    return SceneQuestion("text", text, answer, (a.box, b.box), letter, "two signs", names)
