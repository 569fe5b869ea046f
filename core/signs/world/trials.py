"""What pocket is measured by: plain scenes and questions of which one thing is changed at a time.

A trial is a scene of the closed world's plain kind, with strings of the open world, and a question
about it. Its condition says what is different; everything else is as in the trial `PLAIN`. Strings
and sentences are those of the split, typefaces are held out from training.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from math import ceil, floor
from typing import Any

import numpy as np
from PIL import Image

from core.signs import questions as closed
from core.signs.questions import SceneQuestion
from core.signs.render import render
from core.signs.scenes import (
    LETTER_GLOBAL,
    LETTER_ORIGINAL,
    Scene,
    Sign,
    find_place,
    make_scene,
    place_things,
    scene_rng,
)
from core.signs.scenes import sketch_sign as sketch_closed_sign
from core.signs.words import WORDS
from core.signs.world import asking, confirming, faces, phrasing, purposes, strings
from core.signs.world.phrasing import HELD_OUT, KNOWN, Speaker

SEED = 110_000  # of the scenes and questions
SIZE = 10_000  # trials of a condition and split
PLAIN = "plain"


@dataclass(frozen=True)
class Condition:
    label: str
    strings: tuple[str, ...] = ("upper", "alphanumeric")  # kinds, of which one is drawn for a sign
    effects: tuple[tuple[str, float], ...] = ()
    tilt: float = 0.0  # degrees, to either side
    letters: tuple[float, float] = LETTER_GLOBAL
    smallest: float = LETTER_ORIGINAL  # capital height in pixels of the original, least
    side: int | None = None  # longer one, to which the picture is brought; None: as rendered
    # (rng, scene, sign, split) -> SceneQuestion, or None where a scene has nothing to ask about
    ask: Callable | None = None
    # (rng, scene) -> what is left of the scene, or comes to it; None: it stays as it is
    change: Callable | None = None
    signless: bool = False  # scenes without a sign are asked about, too


def _plain(rng, scene, sign, split) -> SceneQuestion:
    return closed.ask_text(rng, scene, sign)


def _capitals(rng, scene, sign, split) -> SceneQuestion:
    question = _plain(rng, scene, sign, split)
    return replace(question, text=question.text.upper())


def _phrased(rng, scene, sign, split, classes) -> SceneQuestion:
    speaker = Speaker(split, HELD_OUT[split] if classes == "held out" else classes)
    pointed = replace(scene, signs=(*scene.signs, sign))  # never taken for the only one
    return asking.ask_text(rng, pointed, sign, speaker)


def _mistyped(rng, scene, sign, split) -> SceneQuestion:
    question = _plain(rng, scene, sign, split)
    text = phrasing.with_typing_errors(rng, question.text, question.names, count=2)
    return replace(question, text=text)


def _color(rng, scene, sign, split, british: bool) -> SceneQuestion | None:
    question = closed.ask_attribute(rng, scene, kind="color")
    if question is None or not british:
        return question
    return replace(question, text=question.text.replace("color", "colour"))


def _unpointed(rng, scene, sign, split) -> SceneQuestion:
    text = phrasing.ALL_TEXT.questions[rng.integers(len(phrasing.ALL_TEXT.questions))]
    return SceneQuestion("text", text, sign.text, (sign.box,), sign.letter_height, "unpointed")


def _purpose(rng, scene, sign, split) -> SceneQuestion:
    return purposes.ask_purpose(rng, sign, split)


def _too_small(rng, scene, sign, split) -> SceneQuestion:
    return replace(_plain(rng, scene, sign, split), answer=asking.UNREADABLE)


def _absent(rng, scene, sign, split) -> SceneQuestion:
    return asking.ask_absent(rng, scene, Speaker(split, ("plain",)))


def _absent_object(rng, scene, sign, split) -> SceneQuestion | None:
    return asking.ask_absent_object(rng, scene, Speaker(split, ("plain",)))


def _says(rng, scene, sign, split) -> SceneQuestion:
    return confirming.ask_says(rng, scene, sign, Speaker(split, ("plain",)))


def _ink(rng, scene, sign, split) -> SceneQuestion | None:
    return confirming.ask_ink(rng, scene, sign, Speaker(split, ("plain",)))


def _other_name(rng, scene, sign, split) -> SceneQuestion:
    return asking.ask_absent(rng, scene, Speaker(split, ("plain",)), short=1.0)


def _any_sign(rng, scene, sign, split) -> SceneQuestion:
    name = ("sign", "text", "sign with text")[rng.integers(3)]
    text = closed.phrase(rng, closed.PRESENCE, split == "test").format(thing=name)
    boxes = tuple(sign.box for sign in scene.signs)
    return SceneQuestion("presence", text, "yes" if boxes else "no", boxes, kind="existence")


def _any_thing(rng, scene, sign, split) -> SceneQuestion:
    return asking.ask_kind(rng, scene, Speaker(split, ("plain",)))


def _alone(rng, scene: Scene) -> Scene:
    return replace(scene, signs=scene.signs[:1])


def _perhaps_without_signs(rng, scene: Scene) -> Scene:
    return scene if rng.random() < 0.5 else replace(scene, signs=())


def _one_large_thing(rng, scene: Scene) -> Scene:
    """Nothing but an object whose side is a third to four fifths of the picture's shorter one."""
    short = min(scene.width, scene.height)
    things = place_things(rng, scene.width, scene.height, [], (1, 2), (short / 3, 0.8 * short))
    return replace(scene, signs=(), things=tuple(things))


CONDITIONS = {
    PLAIN: Condition("unseen words and random strings, in capitals"),
    "list-words": Condition("words of version 5's list", ("list",)),
    "words": Condition("unseen words, in capitals", ("upper",)),
    "letters": Condition("random letters", ("letters",)),
    "letters-digits": Condition("random letters and digits, all 36", ("alphanumeric",)),
    "cases": Condition("unseen words, small letters or mixed", ("lower", "title", "mixed")),
    "long": Condition("unseen words of 7 to 12 letters", ("long",)),
    "pairs": Condition("two unseen words", ("pair",)),
    "prices": Condition("prices, times, punctuation", ("price", "marked")),
    "telephone": Condition("7 to 10 digits", ("telephone",)),
    "known-phrasing": Condition("known classes of phrasing", ask=partial(_phrased, classes=KNOWN)),
    "other-phrasing": Condition(
        "held-out classes of phrasing", ask=partial(_phrased, classes="held out")
    ),
    "capitals": Condition("the question in capitals", ask=_capitals),
    "color": Condition('the question for a "color"', ask=partial(_color, british=False)),
    "colour": Condition('the question for a "colour"', ask=partial(_color, british=True)),
    "indirect": Condition(
        "I would like to know what ...", ask=partial(_phrased, classes=("indirect",))
    ),
    "sentence": Condition(
        "a sentence before it", ask=partial(_phrased, classes=("sentence before",))
    ),
    "mistyped": Condition("two typing errors outside the name", ask=_mistyped),
    "unpointed": Condition("one sign, and a question that names none", ask=_unpointed,
                           change=_alone),
    "purpose": Condition("one sign, and a question that says what it is for", ask=_purpose,
                         change=_alone),
    "tilt": Condition("turned by 20 degrees", tilt=20),
    "dark": Condition("brightness x 0.35", effects=(("dark", 0.35),)),
    "contrast": Condition("contrast x 0.4", effects=(("contrast", 0.4),)),
    "grey": Condition("without colour", effects=(("grey", 1.0),)),
    "blur": Condition("blur of 3 px", effects=(("blur", 3.0),)),
    "noise": Condition("noise of 25 levels", effects=(("noise", 25.0),)),
    "close-up": Condition("letters of 50 to 90 px", ("short",), letters=(50.0, 90.0)),
    "small-picture": Condition("a picture of 480 pixels", side=480),
    "large-picture": Condition("a picture of 3,000 pixels", side=3000),
    "too-small": Condition(
        "letters of 2 px, which no crop shows", letters=(0.1, 0.5), smallest=2.0, ask=_too_small
    ),
    "absent": Condition("a sign that isn't there", ask=_absent),
    "absent-object": Condition("an object that isn't there", ask=_absent_object),
    "alike": Condition("two signs alike: either"),
    "lines": Condition("several lines on a sign", ("lines",)),
    "says": Condition("one sign, and whether it says a word", ask=_says, change=_alone),
    "letters-color": Condition("the color of a sign's letters or ground", ask=_ink),
    "other-name": Condition(
        "the only sign, asked for by a colour or shape that it hasn't", letters=(6.0, 40.0),
        ask=_other_name, change=_alone,
    ),
    "any-sign": Condition("whether there is a sign at all", ask=_any_sign,
                          change=_perhaps_without_signs, signless=True),
    "large-object": Condition("whether there is an object, which fills the picture",
                              ask=_any_thing, change=_one_large_thing, signless=True),
}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    scene: Scene
    question: SceneQuestion
    answers: tuple[str, ...]
    index: int  # of the scene
    zoom: float = 1.0  # of the picture, against the scene

    def picture(self) -> Image.Image:
        """Return what is looked at; the question's box and letters are in its pixels."""
        image = render(self.scene)
        if self.zoom == 1:
            return image
        size = round(image.width * self.zoom), round(image.height * self.zoom)
        return image.resize(size, Image.Resampling.LANCZOS)


def trial(name: str, split: str, index: int) -> Trial:
    """Trial `index` of a condition: the scene of that index, or the next that has what it takes."""
    for candidate in count(index, SIZE):
        found = _trial(name, split, candidate)
        if found is not None:
            return found
    raise AssertionError("count() ends nowhere")


def scene_of(name: str, split: str, index: int) -> Scene:
    """The scene of a condition, without a question."""
    condition = CONDITIONS[name]

    def turn(rng):
        return rng.normal(0, 3) + (condition.tilt if rng.random() < 0.5 else -condition.tilt)

    more: dict[str, Any] = {"turn": turn} if condition.tilt else {}
    families = None if split == "test" else faces.families(split)
    scene = make_scene(
        split, index, SEED, text=partial(_text, split, condition.strings),
        letters_global=condition.letters,
        smallest_letter=condition.smallest, families=families, **more,
    )  # fmt: skip
    if condition.change is not None:
        scene = condition.change(scene_rng(split, index, SEED + 2), scene)
    return replace(scene, effects=condition.effects)


def _trial(name: str, split: str, index: int) -> Trial | None:
    scene = scene_of(name, split, index)
    rng, condition = scene_rng(split, index, SEED + 1), CONDITIONS[name]
    if not scene.signs and not condition.signless:
        return None
    if name == "alike":
        return _alike(rng, scene, split, index)
    sign = scene.signs[rng.integers(len(scene.signs))] if scene.signs else None
    question = (condition.ask or _plain)(rng, scene, sign, split)
    if question is None:
        return None
    side = condition.side
    zoom = side / max(scene.width, scene.height) if side else 1.0
    return Trial(scene, _zoomed(question, zoom), (question.answer,), index, zoom)


def _zoomed(question: SceneQuestion, zoom: float) -> SceneQuestion:
    boxes = tuple(
        (floor(zoom * left), floor(zoom * top), ceil(zoom * right), ceil(zoom * bottom))
        for left, top, right, bottom in question.boxes
    )
    return replace(question, boxes=boxes, letter_height=round(zoom * question.letter_height))


def _text(split: str, kinds: tuple[str, ...], rng: np.random.Generator) -> str:
    kind = kinds[rng.integers(len(kinds))]
    if kind == "list":
        return WORDS[rng.integers(len(WORDS))]
    if kind == "short":  # what a picture can hold in letters of that size
        return strings.sample(rng, split, "alphanumeric")[:3]
    return strings.sample(rng, split, kind)


def _alike(rng, scene: Scene, split: str, index: int) -> Trial | None:
    """A scene with a second sign of the same colour and shape; either is a right answer."""
    first = scene.signs[rng.integers(len(scene.signs))]
    second = _twin(rng, scene, first, split)
    if second is None or second.text == first.text:
        return None
    scene = replace(scene, signs=(*scene.signs, second))
    question = closed.ask_text(rng, scene, first)
    question = replace(question, boxes=(first.box, second.box))
    return Trial(scene, question, (first.text, second.text), index)


def _twin(rng, scene: Scene, sign: Sign, split: str) -> Sign | None:
    size = sign.letter_height
    families = (sign.family,)
    twin = sketch_closed_sign(
        rng, sign.color, sign.shape, families, (0.8 * size, 1.2 * size),
        partial(_text, split, CONDITIONS[PLAIN].strings),
    )  # fmt: skip
    taken = [sign.box for sign in scene.signs] + [thing.box for thing in scene.things]
    place = find_place(rng, twin.box[2:], scene.width, scene.height, taken)
    return None if place is None else twin.moved(*place)
