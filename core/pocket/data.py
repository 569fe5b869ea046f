"""Training examples: eye charts, close-ups and whole scenes, rendered on the fly from a seed.

Every example is made anew from its index, so training never sees an image twice, needs no disk,
and resumes exactly where it stopped. Pixels go the way they go in use: the original is reduced by
the edge, encoded by a lossy codec, decoded, and padded to pocket's input.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image, ImageDraw

from core.cropping import Box
from core.imaging import Codec, crop_local, downscale
from core.pocket import fonts
from core.pocket.model import GRID, STRIDE
from core.pocket.questions import (
    Question,
    ask_attribute,
    ask_presence,
    ask_text,
    describe,
)
from core.pocket.render import draw_background, draw_sign, render
from core.pocket.scenes import (
    COLORS,
    GLOBAL_SIDE,
    KINDS,
    SHAPES,
    Scene,
    Sign,
    ink_for,
    jitter,
    make_scene,
    scene_rng,
    sketch_sign,
)
from core.pocket.words import DIGITS, LETTERS, sample_text

INPUT = (GLOBAL_SIDE, GLOBAL_SIDE)
CHART_STRIDE = 8  # cells of the middle stage, where single letters are told apart
CHARACTERS = "".join(sorted(set(LETTERS + DIGITS + "IOQ")))
SURFACES = (*SHAPES, *KINDS)
SUFFIX = "\nAnswer the question using a single word or phrase."


@dataclass
class Branch:
    """A question behind the global image, or behind global and one local image."""

    question: Question
    local: int | None = None  # index into Example.images
    focus: np.ndarray | None = None  # (GRID * GRID,) where the attention should be; sums to 1


@dataclass
class Example:
    images: list[np.ndarray]  # (192, 192, 3) uint8, the first one global
    branches: list[Branch] = field(default_factory=list)
    # (GRID, GRID, 2): colour and shape of the sign or object that lies there, 0 for neither
    surfaces: np.ndarray | None = None
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
    example = Example(
        [to_input(through_codec(rng, downscale(original, INPUT)))], surfaces=surfaces(scene)
    )
    example.branches.append(Branch(describe(scene), focus=inside(scene)))
    order = rng.permutation(len(scene.signs))
    for i in order:
        question = ask_text(rng, scene, scene.signs[i], hints=rng.random() < 0.15)
        example.branches.append(Branch(suffixed(rng, question), focus=focus(scene, question)))
    for _ in range(3):
        question = other_question(rng, scene)
        if question is not None:
            example.branches.append(Branch(suffixed(rng, question), focus=focus(scene, question)))
    for turn in (0, 1 + rng.integers(2)):
        target = _target(rng, scene, turn, order)
        example.images.append(to_input(through_codec(rng, crop_around(rng, original, target))))
        local = len(example.images) - 1
        for question in _local_questions(rng, scene, turn, order, target, text_share):
            example.branches.append(Branch(suffixed(rng, question), local))
    return example


def _target(rng, scene, turn, order):
    """What a crop shows: a sign, another sign or object, or a random spot."""
    if turn == 0 and len(order):
        return scene.signs[order[0]].box
    everything = [s.box for s in scene.signs[1:]] + [t.box for t in scene.things]
    if turn == 1 and everything:
        return everything[rng.integers(len(everything))]
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
    thing = [t for t in scene.things if t.box == target]
    if thing and rng.random() < 0.7:
        asked.append(ask_presence(rng, scene, kind="yes"))
    asked.append(other_question(rng, scene))
    return [question for question in asked if question is not None]


def other_question(rng, scene):
    """Presence or attributes, half each."""
    ask = ask_presence if rng.random() < 0.5 else ask_attribute
    return ask(rng, scene)


def suffixed(rng, question: Question) -> Question:
    """Sometimes with the instruction that VQA benchmarks append."""
    if rng.random() < 0.15:
        return replace(question, text=question.text + SUFFIX)
    return question


def crop_around(rng, original: Image.Image, target) -> Image.Image:
    """A square as the box search asks for: 1 to 2 input sides, near the target, in the image."""
    width, height = original.size
    side = max(GLOBAL_SIDE * rng.uniform(1, 2), 2 * max(width, height) / GRID)
    if rng.random() < 0.3:  # large signs are also seen whole
        side = max(side, 1.1 * max(target[2] - target[0], target[3] - target[1]))
    slack = 0.3 * side
    x = (target[0] + target[2]) / 2 + rng.uniform(-slack, slack)
    y = (target[1] + target[3]) / 2 + rng.uniform(-slack, slack)
    w, h = min(round(side), width), min(round(side), height)
    left = int(np.clip(x - w / 2, 0, width - w))
    top = int(np.clip(y - h / 2, 0, height - h))
    return crop_local(original, Box(left, top, left + w, top + h), INPUT)


# --- labels on the grid ------------------------------------------------------------------------


def _cell_box(scene: Scene, box):
    """A box in cells of the global grid, as floats."""
    scale = scene.scale / STRIDE
    dx = (GRID - scene.width * scale) / 2
    dy = (GRID - scene.height * scale) / 2
    return box[0] * scale + dx, box[1] * scale + dy, box[2] * scale + dx, box[3] * scale + dy


def _coverage(scene: Scene, box) -> np.ndarray:
    """(GRID, GRID): the share of each cell of the global image that a box covers."""
    return _cover(_cell_box(scene, box), (GRID, GRID))


def _cover(box, grid: tuple[int, int]) -> np.ndarray:
    """(rows, cols): the share of each cell that a box, measured in cells, covers."""
    left, top, right, bottom = box
    rows, columns = (np.arange(cells) for cells in grid)
    x = np.clip(np.minimum(right, columns + 1) - np.maximum(left, columns), 0, 1)
    y = np.clip(np.minimum(bottom, rows + 1) - np.maximum(top, rows), 0, 1)
    return y[:, None] * x[None, :]


def focus(scene: Scene, question: Question) -> np.ndarray | None:
    """Where the answer lies: the asked objects' cells, by the share they cover."""
    if not question.boxes or question.kind == "count":
        return None
    total = sum(_coverage(scene, box) for box in question.boxes)
    return (total / total.sum()).astype(np.float32).ravel()


def inside(scene: Scene) -> np.ndarray:
    """Evenly over the image, without the padding: what the generic prompt looks at."""
    total = _coverage(scene, (0, 0, scene.width, scene.height))
    return (total / total.sum()).astype(np.float32).ravel()


def surfaces(scene: Scene) -> np.ndarray:
    """(GRID, GRID, 2): colour and shape of the sign or object in each cell; 0 is neither."""
    labels = np.zeros((GRID, GRID, 2), np.int64)
    best = np.full((GRID, GRID), 0.2)
    colors = list(COLORS)
    objects = [(s.box, s.color, s.shape) for s in scene.signs]
    objects += [(t.box, t.color, t.kind) for t in scene.things]
    for box, color, surface in objects:
        cover = _coverage(scene, box)
        small = cover.sum() < 1  # an object smaller than a cell still owns the cell it is mostly in
        mask = cover > best if not small else cover == cover.max()
        labels[mask] = (colors.index(color) + 1, SURFACES.index(surface) + 1)
        best[mask] = cover[mask]
    return labels


# --- close-ups ---------------------------------------------------------------------------------


def closeup_example(index: int, seed: int) -> Example:
    """One or two signs on a strip of 192 x 96 pixels: reading before finding."""
    rng = scene_rng("train", index, seed + 20_000)
    width, height = GLOBAL_SIDE, GLOBAL_SIDE // 2
    image = draw_background(rng, width, height)
    families = fonts.families(held_out=False) or ("",)
    signs, right = [], 0
    count = 1 if rng.random() < 0.5 else 2
    names = rng.permutation(len(COLORS) * len(SHAPES))
    for name in names[:count]:
        for _ in range(20):
            color, shape = list(COLORS)[name // len(SHAPES)], SHAPES[name % len(SHAPES)]
            sign = sketch_sign(rng, color, shape, families, (7, 44))
            if sign.box[2] < width // count - 4 and sign.box[3] < height - 4:
                break
        else:
            continue
        dx = right + int(rng.integers(0, width // count - sign.box[2]))
        sign = sign.moved(dx, int(rng.integers(0, height - sign.box[3])))
        right += width // count
        draw_sign(image, sign)
        signs.append(sign)
    if not signs:
        return closeup_example(index + 2**31, seed)
    scene = Scene(width, height, tuple(signs), (), 0)
    pixels = np.asarray(through_codec(rng, image))
    example = Example([pixels], grid=(GRID // 2, GRID))
    for sign in signs:
        question = ask_text(rng, scene, sign)
        example.branches.append(Branch(question, focus=_strip_focus(sign)))
    return example


def _strip_focus(sign: Sign) -> np.ndarray:
    total = _cover([edge / STRIDE for edge in sign.box], (GRID // 2, GRID))
    return (total / total.sum()).astype(np.float32).ravel()


# --- eye charts --------------------------------------------------------------------------------


def chart_example(index: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """An image full of text, and which character lies in each 8 x 8 cell (0: none).

    Returns pixels (192, 192, 3) uint8 and labels (24, 24) int64.
    """
    rng = scene_rng("train", index, seed + 30_000)
    image = draw_background(rng, GLOBAL_SIDE, GLOBAL_SIDE)
    draw = ImageDraw.Draw(image)
    cells = GLOBAL_SIDE // CHART_STRIDE
    labels = np.zeros((cells, cells), np.int64)
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
            _mark(labels, text, face, origin, (y + pad, y + pad + bottom - top))
            x = panel[2] + int(rng.integers(2, 14))
        y += int(letter * 1.5) + int(rng.integers(3, 14))
    return np.asarray(through_codec(rng, image)), labels


def _mark(labels, text, face, origin, rows) -> None:
    """Give each cell whose centre lies on a character (or nearest to it) that character's label."""
    cells = labels.shape[0]
    edges = [origin[0] + face.getlength(text[:i]) for i in range(len(text) + 1)]
    top, bottom = (edge / CHART_STRIDE - 0.5 for edge in rows)
    first, last = int(np.ceil(top - 0.25)), int(np.floor(bottom + 0.25))
    for row in range(max(0, first), min(cells, last + 1)):
        for char, left, right in zip(text, edges, edges[1:], strict=False):
            begin, end = left / CHART_STRIDE - 0.5, right / CHART_STRIDE - 0.5
            for column in range(max(0, int(np.ceil(begin))), min(cells, int(np.floor(end)) + 1)):
                labels[row, column] = CHARACTERS.index(char) + 1
