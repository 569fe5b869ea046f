"""Training examples: eye charts, close-ups and whole scenes, rendered on the fly from a seed.

Every example is made anew from its index, so training never sees an image twice, needs no disk,
and resumes exactly where it stopped. Pixels go the way they go in use: the original is reduced by
the edge, encoded by a lossy codec, decoded, and padded to pocket's input.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image, ImageDraw

from core.cropping import Box
from core.hits import holds
from core.imaging import Codec, crop_local, downscale
from core.pocket.labels import (
    CHARACTER_STRIDE,
    POINTS,
    characters,
    focus,
    inside,
    letters,
    number,
    places,
    spelling,
    surfaces,
    whole,
)
from core.pocket.model import GRID, STRIDE
from core.signs import conditions, fonts
from core.signs.photographs import background
from core.signs.questions import (
    SceneQuestion,
    ask_attribute,
    ask_presence,
    describe,
)
from core.signs.render import draw_background, draw_sign, draw_thing, render
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
from core.signs.world import faces
from core.signs.world.asking import (
    UNREADABLE,
    ask_absent,
    ask_absent_object,
    ask_existence,
    ask_quoted,
    ask_text,
)
from core.signs.world.phrasing import Speaker, disturbed
from core.signs.world.streets import (
    Look,
    draw_photograph,
    make_street,
    make_street_crowd,
    name,
    sketch_sign,
    written_on,
)
from core.signs.world.strings import sample

INPUT = (GLOBAL_SIDE, GLOBAL_SIDE)
LEGIBLE = 4.0  # capital height in pixels of an image, least
# Illegible letters teach the model to be unsure; at full weight their noise drowns the legible.
ILLEGIBLE_WEIGHT = 0.3
EXISTENCE = 0.15  # share of the other questions that ask for a sign, or for what no scene has
LEARNED_LAST = ("relation", "relation", "choice", "count", "count", "color", "shape")
SUFFIX = "\nAnswer the question using a single word or phrase."
# What is asked for: without it, nobody could tell.
ESSENTIAL = "read Read color shape How many Count number above below left right".split()
UPRIGHT = Look(tilt=0, side_view=0.04, bend=0)
PRIMER_DISTURBED = 0.3  # share of the primer's strips that are not clean
SPEAKER = Speaker()  # of the training
IN_SHORT = Speaker(classes=("plain", "note"))  # of the primer
SMALLEST = 5.0  # capital height in pixels, of letters on a strip
# Of the texts on strips, what share fills its room: has no more characters than its height allows.
# In a picture of a short word letters are up to 150 px high, and a longer text's never are.
FILLING = 0.5
WIDTH = 0.45  # of a narrow character, in heights of a capital; roughly
EDGED = 0.3  # share of the letters on strips that have an outline or a shadow
UNEVEN = 0.2  # share of the strips that are lit from one side
LEADS = (
    "Please answer: ",
    "Can you answer this? ",
    "Look at the image. ",
    "Do you know? ",
    "Now: ",
)


@dataclass
class Branch:
    """A question behind the global image, or behind global and one local image."""

    question: SceneQuestion
    local: int | None = None  # index into Example.images
    focus: np.ndarray | None = None  # (GRID * GRID,) where the attention should be; sums to 1
    places: tuple[tuple[int, int], ...] = ()  # row and column of what each of its names stands for
    weight: float = 1.0  # of its answer's loss, within the family


@dataclass
class Example:
    images: list[np.ndarray] = field(default_factory=list)  # (192, 192, 3) uint8, global first
    branches: list[Branch] = field(default_factory=list)
    # an image each, (GRID, GRID, 2): colour and shape of the sign or object there, 0 for neither
    surfaces: list[np.ndarray] = field(default_factory=list)
    # an image each, (24, 24): the character in each cell of the middle stage, 0 for none
    characters: list[np.ndarray] = field(default_factory=list)
    # an image each, (GRID, GRID, MAX_LENGTH): the characters in each visual token, by their place
    spelling: list[np.ndarray] = field(default_factory=list)
    grid: tuple[int, int] = (GRID, GRID)
    top: int = 0  # row of the global image's grid that the grid begins at


# --- the way of an image -----------------------------------------------------------------------


def through_codec(rng, image: Image.Image) -> Image.Image:
    """Lossy compression as on the link: mostly good quality, sometimes very poor."""
    draw = rng.random()
    if draw < 0.15:
        return image
    quality = rng.uniform(60, 96) if draw < 0.75 else np.exp(rng.uniform(np.log(3), np.log(60)))
    codec = Codec("webp" if rng.random() < 0.2 else "jpeg", int(quality))
    return codec.decode(codec.encode(image))


def to_input(image: Image.Image) -> np.ndarray:
    """Padded to a centred square with the mean colour and brought to pocket's input side."""
    side = max(image.size)
    square = Image.new("RGB", (side, side), (127, 127, 127))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    if side != GLOBAL_SIDE:
        square = square.resize((GLOBAL_SIDE, GLOBAL_SIDE), Image.Resampling.BICUBIC)
    return np.asarray(square)


# --- whole scenes ------------------------------------------------------------------------------


def scene_example(index: int, seed: int, text_share: float) -> Example:
    """Global image, two local images, and questions behind one or two images."""
    scene = make_street("train", index, seed)
    rng = scene_rng("train", index, seed + 10_000)
    original = render(scene)
    example = Example()
    _show(rng, example, scene, downscale(original, INPUT), whole(scene))
    example.branches.append(Branch(describe(scene), focus=inside(scene)))
    order = rng.permutation(len(scene.signs))
    asked: list[SceneQuestion | None] = [_text(rng, scene, scene.signs[i]) for i in order]
    asked += [ask_absent(rng, scene, SPEAKER), ask_absent_object(rng, scene, SPEAKER)]
    asked += [ask_quoted(rng, scene, scene.signs[i], SPEAKER) for i in order[:1]]
    asked += [other_question(rng, scene) for _ in range(5)]
    asked += [ask_attribute(rng, scene, SPEAKER, "relation") for _ in range(3)]
    example.branches += _global_branches(rng, scene, asked)
    for turn in (0, 1 if rng.random() < 0.75 else 2):
        target = _target(rng, scene, turn, order)
        box = box_near(rng, original.size, target)
        _show(rng, example, scene, crop_local(original, box, INPUT), box)
        local = len(example.images) - 1
        for question in _local_questions(rng, scene, turn, order, target, text_share):
            weight = legibility(scene, question, box)
            told = in_doubt(rng, reworded(rng, question), weight, seen=2)
            example.branches.append(Branch(told, local, weight=weight))
    return example


def crowd_example(index: int, seed: int) -> Example:
    """The global image of many small signs and objects, and questions about nearly all of them."""
    scene = make_street_crowd(index, seed)
    rng = scene_rng("train", index, seed + 50_000)
    example = Example()
    _show(rng, example, scene, downscale(render(scene), INPUT), whole(scene))
    asked: list[SceneQuestion | None] = [
        ask_text(rng, scene, sign, SPEAKER) for sign in scene.signs
    ]
    asked += [ask_presence(rng, scene, SPEAKER) for _ in range(4)]
    asked += [ask_attribute(rng, scene, SPEAKER, "relation") for _ in range(3)]
    asked.append(ask_absent(rng, scene, SPEAKER))
    example.branches += _global_branches(rng, scene, asked)
    return example


def _text(rng, scene: Scene, sign) -> SceneQuestion:
    return ask_text(rng, scene, sign, SPEAKER, hints=rng.random() < 0.12)


def _global_branches(rng, scene: Scene, asked: Iterable[SceneQuestion | None]) -> list[Branch]:
    """Questions behind the global image, with where to look for their answers."""
    branches = []
    for question in asked:
        if question is not None:
            weight = legibility(scene, question)
            told = in_doubt(rng, reworded(rng, question), weight, seen=1)
            branches.append(
                Branch(
                    told,
                    focus=focus(scene, question),
                    places=places(scene, question),
                    weight=weight,
                )
            )
    return branches


def in_doubt(rng, question: SceneQuestion, weight: float, seen: int) -> SceneQuestion:
    """The question with the answer that training asks for, where there is doubt.

    Behind one image (`seen`), what isn't found may be too small to see, and what can't be read may
    be guessed: answers are drawn, so that the model learns to be unsure. Behind two, it says so.
    """
    if question.kind == "absent":
        if seen == 2 or rng.random() < 1 / 3:
            return question
        guess = sample(rng, "train", "random") if question.family == "text" else "no"
        return replace(question, answer=UNREADABLE if rng.random() < 0.5 else guess)
    illegible = question.family == "text" and weight < 1
    if illegible and rng.random() < (0.4 if seen == 1 else 0.8):
        return replace(question, answer=UNREADABLE)
    return question


def _show(rng, example: Example, scene: Scene, image: Image.Image, shown: Box) -> None:
    """Add an image of a part of the scene, as it arrives at the server, with its labels."""
    example.images.append(to_input(through_codec(rng, image)))
    example.surfaces.append(surfaces(scene, shown))
    example.characters.append(characters(scene, shown))
    example.spelling.append(spelling(*letters(scene, shown, GRID * POINTS)))


def legibility(scene: Scene, question: SceneQuestion, box: Box | None = None) -> float:
    """Weight of a question: 1, or less where nobody could read the answer, only guess it.

    box: what the local image shows, if there is one.
    """
    if not question.letter_height:
        return 1.0
    letter = question.letter_height * scene.scale
    if box is not None and holds(box, Box(*question.boxes[0])):
        letter = max(letter, question.letter_height * GLOBAL_SIDE / max(box.size))
    return 1.0 if letter >= LEGIBLE else ILLEGIBLE_WEIGHT


def _target(rng, scene, turn, order):
    """What a crop shows: a sign, or else an object, another sign, or a random spot."""
    if turn == 0 and len(order):
        return scene.signs[order[0]].box
    others = [scene.signs[i] for i in order[1:]]
    choices = scene.things if scene.things and rng.random() < 0.6 else others
    if turn == 1 and choices:
        return choices[rng.integers(len(choices))].box
    x, y = int(rng.integers(scene.width)), int(rng.integers(scene.height))
    return (x, y, x + 1, y + 1)


def _local_questions(rng, scene, turn, order, target, text_share):
    seen = [sign for sign in scene.signs if sign.box == target]
    asked = []
    if seen:
        asked.append(_text(rng, scene, seen[0]))
    if len(order) and rng.random() < text_share:  # often not in this crop: the global image has it
        sign = scene.signs[order[rng.integers(len(order))]]
        asked.append(_text(rng, scene, sign))
    for sign in scene.signs:  # a crop must not break what the global image shows
        if sign.letter_height * scene.scale >= 2 * LEGIBLE and rng.random() < 0.5:
            asked.append(ask_text(rng, scene, sign, SPEAKER))
    thing = [t for t in scene.things if t.box == target]
    if thing:
        kind = "yes" if rng.random() < 0.5 else "adversarial"
        about = replace(scene, things=tuple(thing)) if kind == "yes" else scene
        asked.append(ask_presence(rng, about, SPEAKER, kind))
    asked += [ask_attribute(rng, scene, SPEAKER, kind) for kind in ("relation", "count")]
    asked.append(other_question(rng, scene))
    if rng.random() < 0.3:
        asked.append(ask_absent(rng, scene, SPEAKER))
    if seen and rng.random() < 0.3:
        asked.append(ask_quoted(rng, scene, seen[0], SPEAKER))
    return [question for question in asked if question is not None]


def other_question(rng, scene):
    """Presence or attributes; of these, more of what is learned last."""
    if rng.random() < EXISTENCE:
        return ask_existence(rng, scene, SPEAKER)
    if rng.random() < 0.4:
        return ask_presence(rng, scene, SPEAKER)
    return ask_attribute(rng, scene, SPEAKER, LEARNED_LAST[rng.integers(len(LEARNED_LAST))])


def reworded(rng, question: SceneQuestion) -> SceneQuestion:
    """Sometimes with words left out or before it, or with the instruction of VQA benchmarks.

    Otherwise the first two words tell what kind of answer is wanted, in the training's phrasings:
    "Can you" asks for yes or no, and in others it needn't.
    """
    text = question.text
    if rng.random() < 0.15:
        text = without_words(rng, text, question.names)
    else:
        text = disturbed(rng, text, question.names)
    if rng.random() < 0.1:
        text = LEADS[rng.integers(len(LEADS))] + text
    if rng.random() < 0.15:
        text += SUFFIX
    return replace(question, text=text)


def without_words(rng, text: str, names: tuple[str, ...]) -> str:
    """A fifth of the words left out of the first line, without the names and `ESSENTIAL`."""
    line, *others = text.split("\n")
    kept = "|".join(re.escape(word) for word in sorted((*names, *ESSENTIAL), key=len, reverse=True))
    parts = re.finditer(rf"(?P<kept>\b(?:{kept})\b\S*)|\S+", line)
    words = [part[0] for part in parts if part["kept"] or rng.random() < 0.8]
    return "\n".join([" ".join(words), *others])


def box_near(rng, image_size: tuple[int, int], target) -> Box:
    """A square as the box search asks for: 1 to 2 input sides, near the target, in the image."""
    width, height = image_size
    side = max(GLOBAL_SIDE * rng.uniform(1, 2), 2 * max(width, height) / GRID)
    if rng.random() < 0.3:  # large signs are also seen whole
        side = max(side, 1.1 * max(target[2] - target[0], target[3] - target[1]))
    slack = 0.3 * side
    x = (target[0] + target[2]) / 2 + rng.uniform(-slack, slack)
    y = (target[1] + target[3]) / 2 + rng.uniform(-slack, slack)
    w, h = min(round(side), width), min(round(side), height)
    left = int(np.clip(x - w / 2, 0, width - w))
    top = int(np.clip(y - h / 2, 0, height - h))
    return Box(left, top, left + w, top + h)


# --- strips ------------------------------------------------------------------------------------


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
    signs, things = _in_columns(rng, wall, columns, UPRIGHT if is_easy else Look())
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
    asked = [
        ask_text(rng, scene, sign, SPEAKER) for sign in scene.signs for _ in range(3 - columns or 1)
    ]
    if rng.random() < 0.3:
        asked.append(ask_absent(rng, scene, SPEAKER))
    if rng.random() < 0.5:
        asked.append(other_question(rng, scene))
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
        longest = math.inf
        if rng.random() < FILLING:
            longest = max(1, round(room[0] / (WIDTH * room[1])))
        sign = _fitted(rng, color, shape, room, look, longest=longest)
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
        written = written_on(rng, shape, split, kind)
        if len(written[0]) > longest:
            continue
        large = max(SMALLEST, 0.85 * share * room[1])
        while large >= SMALLEST:
            letters = 0.9 * large, large
            sign = sketch_sign(rng, color, shape, letters, look=look, written=written)
            left = min(room[0] / sign.box[2], room[1] / sign.box[3])
            if left > 1:
                return sign
            large *= min(0.9, left)


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


# --- eye charts --------------------------------------------------------------------------------


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
