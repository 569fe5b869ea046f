"""Training examples: eye charts, close-ups and whole scenes, rendered on the fly from a seed.

Every example is made anew from its index, so training never sees an image twice, needs no disk,
and resumes exactly where it stopped. Pixels go the way they go in use: the original is reduced by
the edge, encoded by a lossy codec, decoded, and padded to pocket's input.
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image, ImageDraw

from core.bench.boxes import holds
from core.cropping import Box
from core.imaging import Codec, crop_local, downscale
from core.pocket import fonts
from core.pocket.labels import (
    CHARACTER_STRIDE,
    CHARACTERS,
    POINTS,
    characters,
    focus,
    inside,
    letters,
    places,
    spelling,
    surfaces,
    whole,
)
from core.pocket.model import GRID
from core.pocket.questions import (
    Question,
    ask_attribute,
    ask_presence,
    ask_text,
    describe,
)
from core.pocket.render import draw_background, draw_sign, draw_thing, render
from core.pocket.scenes import (
    COLORS,
    GLOBAL_SIDE,
    KINDS,
    SHAPES,
    Scene,
    Thing,
    ink_for,
    jitter,
    make_crowd,
    make_scene,
    scene_rng,
    sketch_sign,
)
from core.pocket.words import sample_text

INPUT = (GLOBAL_SIDE, GLOBAL_SIDE)
LEGIBLE = 4.0  # capital height in pixels of an image, least
# Illegible letters teach the model to be unsure; at full weight their noise drowns the legible.
ILLEGIBLE_WEIGHT = 0.3
LEARNED_LAST = ("relation", "relation", "choice", "count", "count", "color", "shape")
SUFFIX = "\nAnswer the question using a single word or phrase."
# What is asked for: without it, nobody could tell.
ESSENTIAL = "read Read color shape How many Count number above below left right".split()
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

    question: Question
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
        square = square.resize((GLOBAL_SIDE, GLOBAL_SIDE), Image.BICUBIC)
    return np.asarray(square)


# --- whole scenes ------------------------------------------------------------------------------


def scene_example(index: int, seed: int, text_share: float) -> Example:
    """Global image, two local images, and questions behind one or two images."""
    scene = make_scene("train", index, seed)
    rng = scene_rng("train", index, seed + 10_000)
    original = render(scene)
    example = Example()
    _show(rng, example, scene, downscale(original, INPUT), whole(scene))
    example.branches.append(Branch(describe(scene), focus=inside(scene)))
    order = rng.permutation(len(scene.signs))
    asked = [ask_text(rng, scene, scene.signs[i], hints=rng.random() < 0.15) for i in order]
    asked += [other_question(rng, scene) for _ in range(6)]
    asked += [ask_attribute(rng, scene, kind="relation") for _ in range(4)]
    example.branches += _global_branches(rng, scene, asked)
    for turn in (0, 1 if rng.random() < 0.75 else 2):
        target = _target(rng, scene, turn, order)
        box = box_near(rng, original.size, target)
        _show(rng, example, scene, crop_local(original, box, INPUT), box)
        local = len(example.images) - 1
        for question in _local_questions(rng, scene, turn, order, target, text_share):
            weight = legibility(scene, question, box)
            example.branches.append(Branch(reworded(rng, question), local, weight=weight))
    return example


def crowd_example(index: int, seed: int) -> Example:
    """The global image of many small signs and objects, and questions about nearly all of them."""
    scene = make_crowd(index, seed)
    rng = scene_rng("train", index, seed + 50_000)
    example = Example()
    _show(rng, example, scene, downscale(render(scene), INPUT), whole(scene))
    asked = [ask_text(rng, scene, sign) for sign in scene.signs]
    asked += [ask_presence(rng, scene) for _ in range(4)]
    asked += [ask_attribute(rng, scene, kind="relation") for _ in range(3)]
    example.branches += _global_branches(rng, scene, asked)
    return example


def _global_branches(rng, scene: Scene, asked) -> list[Branch]:
    """Questions behind the global image, with where to look for their answers."""
    return [
        Branch(
            reworded(rng, question),
            focus=focus(scene, question),
            places=places(scene, question),
            weight=legibility(scene, question),
        )
        for question in asked
        if question is not None
    ]


def _show(rng, example: Example, scene: Scene, image: Image.Image, shown: Box) -> None:
    """Add an image of a part of the scene, as it arrives at the server, with its labels."""
    example.images.append(to_input(through_codec(rng, image)))
    example.surfaces.append(surfaces(scene, shown))
    example.characters.append(characters(scene, shown))
    example.spelling.append(spelling(*letters(scene, shown, GRID * POINTS)))


def legibility(scene: Scene, question: Question, box: Box | None = None) -> float:
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
        asked.append(ask_text(rng, scene, seen[0], hints=rng.random() < 0.15))
    if len(order) and rng.random() < text_share:  # often not in this crop: the global image has it
        sign = scene.signs[order[rng.integers(len(order))]]
        asked.append(ask_text(rng, scene, sign, hints=rng.random() < 0.15))
    for sign in scene.signs:  # a crop must not break what the global image shows
        if sign.letter_height * scene.scale >= 2 * LEGIBLE and rng.random() < 0.5:
            asked.append(ask_text(rng, scene, sign))
    thing = [t for t in scene.things if t.box == target]
    if thing:
        kind = "yes" if rng.random() < 0.5 else "adversarial"
        about = replace(scene, things=tuple(thing)) if kind == "yes" else scene
        asked.append(ask_presence(rng, about, kind=kind))
    asked += [ask_attribute(rng, scene, kind=kind) for kind in ("relation", "count")]
    asked.append(other_question(rng, scene))
    return [question for question in asked if question is not None]


def other_question(rng, scene):
    """Presence or attributes; of these, more of what is learned last."""
    if rng.random() < 0.4:
        return ask_presence(rng, scene)
    return ask_attribute(rng, scene, kind=LEARNED_LAST[rng.integers(len(LEARNED_LAST))])


def reworded(rng, question: Question) -> Question:
    """Sometimes with words left out or before it, or with the instruction of VQA benchmarks.

    Otherwise the first two words tell what kind of answer is wanted, in the training's phrasings:
    "Can you" asks for yes or no, and in others it needn't.
    """
    text = question.text
    if rng.random() < 0.3:
        text = without_words(rng, text, question.names)
    if rng.random() < 0.15:
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


# --- close-ups ---------------------------------------------------------------------------------


def closeup_example(index: int, seed: int) -> Example:
    """A strip of 192 x 96 pixels with up to four signs and objects, and every kind of question.

    Reading before finding: half the visual tokens, few things to tell apart, and nothing too small
    to see. A strip is the middle half of a global image.
    """
    rng = scene_rng("train", index, seed + 20_000)
    size = (GLOBAL_SIDE, GLOBAL_SIDE // 2)
    image = draw_background(rng, *size)
    scene = Scene(*size, *_in_columns(rng, *size), 0)
    for thing in scene.things:
        draw_thing(image, thing)
    for sign in scene.signs:
        draw_sign(image, sign)
    example = Example([np.asarray(through_codec(rng, image))], grid=(GRID // 2, GRID))
    asked = [ask_text(rng, scene, sign) for sign in scene.signs]
    asked += [question for _ in range(9) if (question := other_question(rng, scene))]
    for question in asked:
        branch = Branch(
            reworded(rng, question),
            focus=_strip_focus(scene, question),
            places=tuple((row - GRID // 4, col) for row, col in places(scene, question)),
        )
        example.branches.append(branch)
    return example


def _in_columns(rng, width, height):
    """Signs and objects side by side, each with a column for itself: at least one, at most four."""
    families = fonts.families(held_out=False) or ("",)
    sign_names = rng.permutation(len(COLORS) * len(SHAPES))
    thing_names = rng.permutation(len(COLORS) * len(KINDS))
    columns = int(rng.integers(1, 5))
    column = width // columns
    signs, things = [], []
    for i in range(columns):
        if rng.random() < 0.65:
            color, shape = divmod(int(sign_names[i]), len(SHAPES))
            for _ in range(20):
                sign = sketch_sign(rng, list(COLORS)[color], SHAPES[shape], families, (6, 44))
                w, h = sign.box[2:]
                if w < column - 4 and h < height - 4:
                    x, y = i * column + rng.integers(column - w), rng.integers(height - h)
                    signs.append(sign.moved(int(x), int(y)))
                    break
        else:
            color, kind = divmod(int(thing_names[i]), len(KINDS))
            name, side = list(COLORS)[color], int(np.exp(rng.uniform(np.log(6), np.log(40))))
            x, y = i * column + rng.integers(column - side), rng.integers(height - side)
            box = (int(x), int(y), int(x) + side, int(y) + side)
            things.append(Thing(KINDS[kind], name, jitter(rng, COLORS[name]), box))
    if not signs and not things:
        return _in_columns(rng, width, height)
    return tuple(signs), tuple(things)


def _strip_focus(scene: Scene, question: Question) -> np.ndarray | None:
    whole_focus = focus(scene, question)
    if whole_focus is None:
        return None
    strip = whole_focus.reshape(GRID, GRID)[GRID // 4 : -GRID // 4]
    return (strip / strip.sum()).ravel()


# --- eye charts --------------------------------------------------------------------------------


def chart_example(index: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image full of text, and which characters lie in its cells and visual tokens (0: none).

    Returns pixels (192, 192, 3) uint8, characters (24, 24) and spelling (12, 12, 6), both int64.
    """
    rng = scene_rng("train", index, seed + 30_000)
    image = draw_background(rng, GLOBAL_SIDE, GLOBAL_SIDE)
    draw = ImageDraw.Draw(image)
    cells = GLOBAL_SIDE // CHARACTER_STRIDE
    labels = np.zeros((cells, cells), np.int64)
    found, numbered = np.zeros((2, GRID * POINTS, GRID * POINTS), np.int64)
    families = fonts.families(held_out=False) or ("",)
    y = int(rng.integers(1, 8))
    while y < GLOBAL_SIDE - 6:
        letter = int(np.exp(rng.uniform(np.log(6), np.log(34))))
        x = int(rng.integers(0, 12))
        while x < GLOBAL_SIDE - letter:
            text = sample_text(rng)
            family, weight = families[rng.integers(len(families))], int(rng.choice(fonts.WEIGHTS))
            face = fonts.font(family, weight, letter)
            left, top, right, bottom = face.getbbox(text)
            pad = max(2, letter // 4)
            rgb = jitter(rng, COLORS[list(COLORS)[rng.integers(8)]])
            panel = (x, y, x + right - left + 2 * pad, y + bottom - top + 2 * pad)
            if panel[3] > GLOBAL_SIDE:
                break
            draw.rectangle(panel, fill=rgb)
            origin = (x + pad - left, y + pad - top)
            draw.text(origin, text, ink_for(rng, rgb), face)
            numbers = [CHARACTERS.index(char) + 1 for char in text]
            rows = (y + pad, y + pad + bottom - top)
            edges = [origin[0] + face.getlength(text[:i]) for i in range(len(text) + 1)]
            _mark(labels, edges, rows, numbers, margin=0.25)
            _mark(found, edges, rows, numbers)
            _mark(numbered, edges, rows, range(1, len(text) + 1))
            x = panel[2] + int(rng.integers(2, 14))
        y += int(letter * 1.5) + int(rng.integers(3, 14))
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
