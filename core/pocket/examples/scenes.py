"""Whole scenes: the global image, two local images, and questions behind one or two of them."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from PIL import Image

from core.cropping import Box
from core.imaging import crop_local, downscale
from core.pocket.examples.example import INPUT, Branch, Example, through_codec, to_input
from core.pocket.examples.wording import (
    LEGIBLE,
    SHORT,
    SPEAKER,
    confirming_question,
    existence_question,
    in_doubt,
    legibility,
    other_question,
    reworded,
)
from core.pocket.labels import (
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
from core.signs.questions import SceneQuestion, ask_attribute, ask_presence, describe
from core.signs.render import render
from core.signs.scenes import GLOBAL_SIDE, Scene, scene_rng
from core.signs.world.asking import (
    UNREADABLE,
    ask_absent,
    ask_absent_object,
    ask_text,
)
from core.signs.world.by_place import ask_by_place, ask_part
from core.signs.world.confirming import ask_has_color
from core.signs.world.purposes import ask_purpose, prominent
from core.signs.world.streets import make_shown, make_street, make_street_crowd

# A box's side in cells of the attention, from and to: pocket's config asks for three at least.
BOX_CELLS = (2.5, 5.0)


def scene_example(index: int, seed: int, text_share: float) -> Example:
    """Global image, two local images, and questions behind one or two images."""
    rng = scene_rng("train", index, seed + 10_000)
    return _looked_at_twice(rng, make_street("train", index, seed), text_share)


def shown_example(index: int, seed: int, text_share: float) -> Example:
    """The same of a picture that shows one thing, which may fill it, two things, or nothing."""
    rng = scene_rng("train", index, seed + 40_000)
    return _looked_at_twice(rng, make_shown(index, seed), text_share)


def _looked_at_twice(rng, scene: Scene, text_share: float) -> Example:
    original = render(scene)
    example = Example()
    _show(rng, example, scene, downscale(original, INPUT), whole(scene))
    example.branches.append(Branch(describe(scene), focus=inside(scene)))
    order, main = rng.permutation(len(scene.signs)), prominent(scene)
    asked: list[SceneQuestion | None] = [_text(rng, scene, scene.signs[i]) for i in order]
    asked += [ask_absent(rng, scene, SPEAKER, SHORT), ask_absent_object(rng, scene, SPEAKER)]
    asked += [confirming_question(rng, scene, scene.signs[i]) for i in order[:1]]
    if main:
        asked.append(ask_part(rng, main, SPEAKER))
    asked.append(ask_by_place(rng, scene, SPEAKER))
    asked += [other_question(rng, scene) for _ in range(5)]
    if len(scene.signs) + len(scene.things) > 2:
        asked += [ask_attribute(rng, scene, SPEAKER, "relation") for _ in range(3)]
    else:  # what little there is is asked about more often
        asked += [confirming_question(rng, scene, sign) for sign in scene.signs]
        asked += [ask_absent(rng, scene, SPEAKER, SHORT), ask_has_color(rng, scene, SPEAKER)]
        asked += [existence_question(rng, scene) for _ in range(2)]
    if main:
        asked.append(ask_purpose(rng, main, SPEAKER.split))
    example.branches += _global_branches(rng, scene, asked)
    for turn in (0, 1 if rng.random() < 0.75 else 2):
        target = _target(rng, scene, turn, order)
        box = box_near(rng, original.size, target)
        _show(rng, example, scene, crop_local(original, box, INPUT), box)
        local = len(example.images) - 1
        for question in _local_questions(rng, scene, turn, order, target, text_share):
            weight = legibility(scene, question, box)
            told = in_doubt(rng, reworded(rng, question), weight, seen=2)
            weight = 1.0 if told.answer == UNREADABLE else weight  # it is right, and no guess
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


def _show(rng, example: Example, scene: Scene, image: Image.Image, shown: Box) -> None:
    """Add an image of a part of the scene, as it arrives at the server, with its labels."""
    example.images.append(to_input(through_codec(rng, image)))
    example.surfaces.append(surfaces(scene, shown))
    example.characters.append(characters(scene, shown))
    example.spelling.append(spelling(*letters(scene, shown, GRID * POINTS)))


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
    shows_main = bool(seen) and seen[0] is prominent(scene)
    asked = []
    if seen:
        asked.append(_text(rng, scene, seen[0]))
    if shows_main:
        asked.append(ask_purpose(rng, seen[0], SPEAKER.split))
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
    if rng.random() < (0.3 if len(scene.signs) > 1 else 0.7):
        asked.append(ask_absent(rng, scene, SPEAKER, SHORT))
    if rng.random() < 0.3:
        asked.append(ask_absent_object(rng, scene, SPEAKER))
    if shows_main:
        asked.append(ask_part(rng, seen[0], SPEAKER))
    if rng.random() < 0.5:
        asked.append(ask_by_place(rng, scene, SPEAKER))
    if seen and rng.random() < 0.7:
        asked.append(confirming_question(rng, scene, seen[0]))
    if rng.random() < 0.3:
        asked.append(existence_question(rng, scene))
    return [question for question in asked if question is not None]


def box_near(rng, image_size: tuple[int, int], target) -> Box:
    """A square near the target, in the image, as the box search asks for: see `BOX_CELLS`."""
    width, height = image_size
    side = max(GLOBAL_SIDE * rng.uniform(1, 2), rng.uniform(*BOX_CELLS) * max(width, height) / GRID)
    if rng.random() < 0.3:  # large signs are also seen whole
        side = max(side, 1.1 * max(target[2] - target[0], target[3] - target[1]))
    slack = 0.3 * side
    x = (target[0] + target[2]) / 2 + rng.uniform(-slack, slack)
    y = (target[1] + target[3]) / 2 + rng.uniform(-slack, slack)
    w, h = min(round(side), width), min(round(side), height)
    left = int(np.clip(x - w / 2, 0, width - w))
    top = int(np.clip(y - h / 2, 0, height - h))
    return Box(left, top, left + w, top + h)
