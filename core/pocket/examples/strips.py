"""Strips: a few rows of visual tokens with one to three signs. Reading before finding."""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from PIL import Image

from core.pocket.examples.example import Branch, Example, through_codec
from core.pocket.examples.wording import (
    SHORT,
    SPEAKER,
    confirming_question,
    in_doubt,
    other_question,
    reworded,
)
from core.pocket.labels import POINTS, characters, focus, letters, places, spelling, surfaces, whole
from core.pocket.model import GRID, STRIDE
from core.signs import conditions
from core.signs.photographs import background
from core.signs.questions import SceneQuestion
from core.signs.render import draw_background, draw_sign, draw_thing
from core.signs.scenes import (
    COLORS,
    GLOBAL_SIDE,
    KINDS,
    Edge,
    Scene,
    Sign,
    Thing,
    ink_for,
    jitter,
    luminance,
    scene_rng,
)
from core.signs.world.asking import ask_absent, ask_text
from core.signs.world.by_place import ask_part
from core.signs.world.confirming import ask_says
from core.signs.world.phrasing import Speaker
from core.signs.world.purposes import ask_purpose, prominent
from core.signs.world.streets import Look, draw_photograph, name, sketch_sign, written_on

UPRIGHT = Look(tilt=0, side_view=0.04, bend=0)
PRIMER_DISTURBED = 0.3  # share of the primer's strips that are not clean
ANY = Look(lines=0.3)
IN_SHORT = Speaker(classes=("plain", "note"))  # of the primer
SMALLEST = 5.0  # capital height in pixels, of letters on a strip
# Of the texts on strips, what share fills its room: has no more characters than its height allows.
# In a picture of a short word letters are up to 150 px high, and a longer text's never are.
FILLING = 0.5
WIDTH = 0.45  # of a narrow character, in heights of a capital; roughly
TIGHT = (0.85, 1.0)  # margins of a text without a ground that fills its room
SMALL_SIDES = 40.0, 192.0  # width of a picture that is not enlarged, pixels: from, to
SMALL_ASPECTS = 1.0, 5.0  # times its height, its width
EDGED = 0.3  # share of the letters on strips that have an outline or a shadow
UNEVEN = 0.2  # share of the strips that are lit from one side


def strip_example(index: int, seed: int, rows: int, easy: float = 0.0) -> Example:
    """A strip of `rows` x GRID visual tokens with one to three signs, and questions about them.

    Reading before finding: a quarter to two thirds of the visual tokens, few things to tell apart,
    and nothing too small to see. A strip is some of the rows of a global image, and its visual
    tokens are where they would be in it. Mostly there is one text, and it fills the strip.

    easy: the share of strips that are clean and upright.
    """
    rng = scene_rng("train", index, seed + 20_000)
    top = int(rng.integers(0, GRID - rows + 1)) if rng.random() < 0.5 else (GRID - rows) // 2
    height = rows * STRIDE
    wall = _wall(rng, (GLOBAL_SIDE, height))
    columns = int(rng.choice((1, 2, 3), p=(0.7, 0.2, 0.1)))
    is_easy = rng.random() < easy
    signs, things = _in_columns(rng, wall, columns, UPRIGHT if is_easy else ANY)
    scene = Scene(GLOBAL_SIDE, GLOBAL_SIDE, *_lower(signs, things, top * STRIDE), 0)
    for thing in things:
        draw_thing(wall, thing)
    for sign in signs:
        draw_sign(wall, sign)
    smallest = min((sign.letter_height for sign in signs), default=20)
    effects = {} if is_easy else conditions.draw(rng, min(1.0, smallest / 20))
    if not is_easy and rng.random() < UNEVEN:
        wall = _lit_from_a_side(rng, wall)
    example = _strip(through_codec(rng, conditions.apply(wall, effects)), scene, top)
    asked: list[SceneQuestion | None] = [
        ask_text(rng, scene, sign, SPEAKER) for sign in scene.signs for _ in range(3 - columns or 1)
    ]
    if main := prominent(scene):
        asked[-1] = ask_purpose(rng, main, SPEAKER.split)
        asked.append(ask_part(rng, main, SPEAKER))
    if rng.random() < 0.3:
        asked.append(ask_absent(rng, scene, SPEAKER, SHORT))
    if rng.random() < 0.5:
        asked.append(other_question(rng, scene))
    asked.append(confirming_question(rng, scene, scene.signs[0]))
    for question in asked:
        if question is not None:
            told = in_doubt(rng, reworded(rng, question), 1.0, seen=1)
            example.branches.append(_on_strip(scene, question, told, example))
    return example


def primer_example(index: int, seed: int, rows: int) -> Example:
    """A strip that one text fills, mostly clean and upright, and one short question about it.

    The cheapest way to learn to spell what the tower sees: the charts' letters in their order.
    """
    rng = scene_rng("train", index, seed + 60_000)
    is_easy = rng.random() >= PRIMER_DISTURBED
    look = UPRIGHT if is_easy else Look()
    wall, scene = picture_of_a_text(rng, (GLOBAL_SIDE, rows * STRIDE), "train", look=look)
    image = wall if is_easy else conditions.apply(wall, conditions.draw(rng, 0.5))
    top = (GRID - rows) // 2
    signs, _ = _lower(scene.signs, (), top * STRIDE)
    scene = Scene(GLOBAL_SIDE, GLOBAL_SIDE, signs, (), 0)
    example = _strip(through_codec(rng, image), scene, top)
    question = ask_text(rng, scene, scene.signs[0], IN_SHORT)
    example.branches.append(_on_strip(scene, question, question, example))
    return example


def _strip(image: Image.Image, scene: Scene, top: int) -> Example:
    """The rows from `top` of a scene's global image, with their labels and without questions."""
    rows = image.height // STRIDE
    cut = slice(top, top + rows), slice(2 * top, 2 * (top + rows))
    everything = whole(scene)
    return Example(
        [np.asarray(image)],
        surfaces=[surfaces(scene, everything)[cut[0]]],
        characters=[characters(scene, everything)[cut[1]]],
        spelling=[spelling(*letters(scene, everything, GRID * POINTS))[cut[0]]],
        grid=(rows, GRID),
        top=top,
    )


def padded(strip: Example) -> Example:
    """The strip as it arrives in use, where a picture is padded to a square: between grey bars."""

    def among(part: np.ndarray, stride: int, fill: int = 0) -> np.ndarray:
        square = np.full((GRID * stride, GRID * stride, *part.shape[2:]), fill, part.dtype)
        square[strip.top * stride : strip.top * stride + len(part)] = part
        return square

    def spread(where: np.ndarray | None) -> np.ndarray | None:
        return None if where is None else among(where.reshape(strip.grid), 1).ravel()

    return Example(
        [among(strip.images[0], STRIDE, fill=127)],
        [replace(branch, focus=spread(branch.focus)) for branch in strip.branches],
        [among(strip.surfaces[0], 1)],
        [among(strip.characters[0], 2)],
        [among(strip.spelling[0], 1)],
    )


def small_example(index: int, seed: int) -> Example:
    """A picture smaller than the input, that one text fills, as it arrives: it isn't enlarged."""
    rng = scene_rng("train", index, seed + 95_000)
    width = round(np.exp(rng.uniform(*np.log(SMALL_SIDES))))
    height = int(np.clip(width / rng.uniform(*SMALL_ASPECTS), SMALL_SIDES[0] / 2, GLOBAL_SIDE))
    look = replace(ANY, margin=TIGHT) if rng.random() < 0.6 else ANY
    picture, scene = picture_of_a_text(rng, (width, height), "train", look=look)
    (sign,) = scene.signs
    picture = conditions.apply(picture, conditions.draw(rng, min(1.0, sign.letter_height / 20)))
    picture = _lit_from_a_side(rng, picture) if rng.random() < UNEVEN else picture
    left, top = (GLOBAL_SIDE - width) // 2, (GLOBAL_SIDE - height) // 2
    square = Image.new("RGB", (GLOBAL_SIDE, GLOBAL_SIDE), (127, 127, 127))
    square.paste(through_codec(rng, picture), (left, top))
    sign = sign.moved(left, top)
    scene = Scene(GLOBAL_SIDE, GLOBAL_SIDE, (sign,), (), 0)
    example = _strip(square, scene, 0)
    asked = [ask_text(rng, scene, sign, SPEAKER), ask_purpose(rng, sign, SPEAKER.split)]
    asked.append(ask_says(rng, scene, sign, SPEAKER))
    for question in asked:
        told = in_doubt(rng, reworded(rng, question), 1.0, seen=1)
        example.branches.append(_on_strip(scene, question, told, example))
    return example


def _on_strip(scene: Scene, question: SceneQuestion, told: SceneQuestion, strip: Example) -> Branch:
    """A question with the answer that is told, and where on the strip to look for it."""
    where = focus(scene, question)
    cut = None if where is None else _cut(where, strip.top, strip.grid[0])
    return Branch(told, focus=cut, places=places(scene, question))


def picture_of_a_text(
    rng, size: tuple[int, int], split: str, kind: str | None = None, look: Look | None = None
) -> tuple[Image.Image, Scene]:
    """A picture that one string of a kind fills, on the bare wall or a sign, and its scene."""
    wall = _wall(rng, size, split)
    bare = rng.random() < 0.5
    color, shape = ("black", "text") if bare else name(rng)
    room = size[0] - 4, size[1] - 2
    sign = _fitted(rng, color, shape, room, look or Look(), split, kind)
    w, h = sign.box[2:]
    sign = sign.moved(int(rng.integers(size[0] - w)), int(rng.integers(size[1] - h)))
    sign = _contrasting(rng, sign, wall) if bare else sign
    draw_sign(wall, sign)
    return wall, Scene(*size, (sign,), (), 0)


def _wall(rng, size: tuple[int, int], split: str = "train") -> Image.Image:
    """A background: often nearly plain, as where a word fills the picture."""
    if rng.random() < 0.6:
        photograph = draw_photograph(rng, split)
        return background(rng, photograph, size) if photograph else draw_background(rng, *size)
    ends = rng.integers(0, 256, size=3), rng.normal(0, 25, size=3)
    ramp = np.linspace(-1, 1, size[0])[None, :, None]
    plain = ends[0] + ramp * ends[1] + rng.normal(0, rng.uniform(0, 8), (size[1], size[0], 1))
    return Image.fromarray(plain.clip(0, 255).astype(np.uint8))


def _in_columns(rng, wall: Image.Image, columns: int, look: Look):
    """Signs and objects side by side, each with a column for itself; at least one sign."""
    width, height = wall.width // columns, wall.height
    signs, things, taken = [], [], set()
    for i in range(columns):
        if i and rng.random() < 0.25:
            color, kind = list(COLORS)[rng.integers(8)], KINDS[rng.integers(len(KINDS))]
            side = int(np.exp(rng.uniform(np.log(6), np.log(min(40, height - 2)))))
            x, y = i * width + rng.integers(width - side), rng.integers(height - side)
            box = (int(x), int(y), int(x) + side, int(y) + side)
            things.append(Thing(kind, color, jitter(rng, COLORS[color]), box))
            continue
        bare = columns == 1 and rng.random() < 0.55
        color, shape = ("black", "text") if bare else name(rng)
        if (color, shape) in taken:
            continue
        taken.add((color, shape))
        room = width - 4, height - 2
        longest, its_look = math.inf, look
        if rng.random() < FILLING:
            longest = max(1, round(room[0] / (WIDTH * room[1])))
            its_look = replace(look, margin=TIGHT) if bare else look
        sign = _fitted(rng, color, shape, room, its_look, longest=longest)
        w, h = sign.box[2:]
        sign = sign.moved(int(i * width + rng.integers(width - w)), int(rng.integers(height - h)))
        sign = _contrasting(rng, sign, wall) if bare else sign
        signs.append(_edged(rng, sign) if look != UPRIGHT and rng.random() < EDGED else sign)
    return tuple(signs), tuple(things)


def _fitted(
    rng,
    color: str,
    shape: str,
    room: tuple[int, int],
    look: Look,
    split: str = "train",
    kind: str | None = None,
    longest: float = math.inf,
):
    """A sign that fits into a room, as large as it can be or smaller.

    longest: the most characters that its text has; with it, the sign is as large as it can be.
    """
    share = 1 if longest < math.inf or rng.random() < 0.6 else rng.uniform(0.15, 1)
    while True:
        written = written_on(rng, shape, split, kind, look.lines)
        if _longest_line(written[0]) > longest:
            continue
        large = max(SMALLEST, 0.85 * share * room[1])
        while large >= SMALLEST:
            letters = 0.9 * large, large
            sign = sketch_sign(rng, color, shape, letters, look=look, written=written)
            left = min(room[0] / sign.box[2], room[1] / sign.box[3])
            if left > 1:
                return sign
            large *= min(0.9, left)


def _longest_line(text: str) -> int:
    return max(map(len, text.split("\n")))


def _edged(rng, sign: Sign) -> Sign:
    """The sign with an outline or a shadow to its letters, up to a tenth of their height."""
    rgb = ink_for(rng, sign.ink)
    most = max(1, round(0.1 * sign.letter_height))
    width = int(rng.integers(0, most + 1))
    away = [int(v) for v in rng.integers(-most, most + 1, size=2)]
    shift = (away[0], away[1]) if width == 0 or rng.random() < 0.4 else (0, 0)
    return replace(sign, edge=Edge(rgb, width, shift))


def _lit_from_a_side(rng, image: Image.Image) -> Image.Image:
    """The image darker towards one of its corners or sides."""
    across, down = (np.linspace(-1, 1, side) for side in image.size)
    turn = rng.uniform(0, 2 * np.pi)
    slope = np.cos(turn) * across[None, :] + np.sin(turn) * down[:, None]
    light = 1 + rng.uniform(0.1, 0.5) * slope / np.abs(slope).max()
    return Image.fromarray((np.asarray(image) * light[..., None]).clip(0, 255).astype(np.uint8))


def _contrasting(rng, sign, wall: Image.Image):
    """Letters without a ground of their own, in a colour that parts them from the wall."""
    behind = luminance(np.asarray(wall.crop(sign.box), float).mean((0, 1)))
    colors = [c for c, rgb in COLORS.items() if abs(luminance(rgb) - behind) > 0.25]
    color = colors[rng.integers(len(colors))]
    rgb = jitter(rng, COLORS[color])
    return replace(sign, color=color, rgb=rgb, ink=rgb)


def _lower(
    signs: Iterable[Sign], things: Iterable[Thing], by: int
) -> tuple[tuple[Sign, ...], tuple[Thing, ...]]:
    """The same, further down."""

    def lower(thing: Thing) -> Thing:
        left, top, right, bottom = thing.box
        return replace(thing, box=(left, top + by, right, bottom + by))

    return tuple(sign.moved(0, by) for sign in signs), tuple(map(lower, things))


def _cut(whole_focus: np.ndarray, top: int, rows: int) -> np.ndarray:
    strip = whole_focus.reshape(GRID, GRID)[top : top + rows]
    return (strip / strip.sum()).ravel()
