"""Questions about a scene: reading text, presence of an object, attributes.

The three families mirror TextVQA, POPE and GQA / A-OKVQA. Each question is asked in one of many
phrasings; the last few of every list are kept for the test ("held out").
"""

from dataclasses import dataclass, replace

import numpy as np

from core.signs.scenes import COLORS, KINDS, SHAPES, Scene, Sign
from core.signs.words import DIGITS, LETTERS

FAMILIES = ("text", "presence", "attributes")
HELD_OUT = 4  # phrasings kept for the test, at the end of each list
GENERIC_PROMPT = "Write a general description of the image."


@dataclass(frozen=True)
class SceneQuestion:
    family: str
    text: str
    answer: str
    boxes: tuple[tuple[int, int, int, int], ...]  # what has to be seen, in original pixels
    letter_height: int = 0  # of the asked sign, in original pixels; 0 where no text is read
    kind: str = ""  # negatives of presence: random, popular, adversarial; attributes: what is asked
    names: tuple[str, ...] = ()  # of what is seen in `boxes`, in the words of the question
    kept: tuple[str, ...] = ()  # its other words without which it asks for something else


SIGN_NAMES = (
    "{color} {shape} sign",
    "{color} {shape}",
    "{shape} that is {color}",
    "{color} sign with the {shape} shape",
    "{color} {shape}-shaped sign",
    "sign that is a {color} {shape}",
)
TEXT = (
    "What does the {sign} say?",
    "What is written on the {sign}?",
    "Read the {sign}.",
    "What is the text on the {sign}?",
    "Which word is on the {sign}?",
    "What can you read on the {sign}?",
    "Please read the {sign}.",
    "Tell me what the {sign} says.",
    "What text is on the {sign}?",
    "What are the letters on the {sign}?",
    "What does it say on the {sign}?",
    "Read out the {sign}.",
    "What word does the {sign} show?",
    "What is printed on the {sign}?",
    "Read what is written on the {sign}.",
    "The {sign} says what?",
    "Can you read the {sign}?",
    "What do you see written on the {sign}?",
    "Which text does the {sign} have?",
    "Read me the text of the {sign}.",
)
PRESENCE = (
    "Is there a {thing} in the image?",
    "Is there a {thing}?",
    "Do you see a {thing}?",
    "Can you see a {thing} in the image?",
    "Does the image show a {thing}?",
    "Is a {thing} in the picture?",
    "Does the picture contain a {thing}?",
    "Is a {thing} visible?",
    "Is there any {thing} here?",
    "Do you find a {thing} in this image?",
    "Can a {thing} be seen?",
    "Does this image have a {thing}?",
)
COLOR = (
    "What color is the {thing}?",
    "What is the color of the {thing}?",
    "Which color does the {thing} have?",
    "Tell me the color of the {thing}.",
    "The {thing} is which color?",
    "In what color is the {thing}?",
    "Name the color of the {thing}.",
    "What color does the {thing} have?",
)
SHAPE = (
    "What shape is the {color} sign?",
    "What is the shape of the {color} sign?",
    "Which shape does the {color} sign have?",
    "Tell me the shape of the {color} sign.",
    "The {color} sign has which shape?",
    "Name the shape of the {color} sign.",
    "Of what shape is the {color} sign?",
    "What shape does the {color} sign have?",
)
COUNT = (
    "How many {things} are there?",
    "How many {things} do you see?",
    "How many {things} are in the image?",
    "Count the {things}.",
    "What is the number of {things}?",
    "Tell me how many {things} there are.",
    "How many {things} can you see?",
    "How many {things} does the image show?",
)
RELATION = (
    "Is the {a} {relation} the {b}?",
    "Is the {a} {relation} the {b} in the image?",
    "Does the {a} lie {relation} the {b}?",
    "Can you see the {a} {relation} the {b}?",
    "Do you see the {a} {relation} the {b}?",
    "Is it true that the {a} is {relation} the {b}?",
    "Would you say the {a} is {relation} the {b}?",
    "Is the place of the {a} {relation} the {b}?",
)
RELATIONS = ("to the left of", "to the right of", "above", "below")


def phrase(rng: np.random.Generator, templates: tuple[str, ...], held_out) -> str:
    """Return one of the templates: of the held-out ones, or of those used in training.

    held_out: a bool, or who phrases the open world's questions (`world.phrasing.Speaker`).
    """
    if not isinstance(held_out, bool):
        return held_out.template(rng, templates)
    choices = templates[-HELD_OUT:] if held_out else templates[:-HELD_OUT]
    return choices[rng.integers(len(choices))]


def ask_text(rng, scene: Scene, sign: Sign, held_out=False, hints=False) -> SceneQuestion:
    """A question about what a sign says; with `hints`, OCR-like tokens follow (as TextVQA+OCR)."""
    name = SIGN_NAMES[rng.integers(len(SIGN_NAMES))]
    same_shape = [s for s in scene.signs if s.shape == sign.shape]
    same_color = [s for s in scene.signs if s.color == sign.color]
    if len(same_shape) == 1 and rng.random() < 0.15:
        name = "{shape} sign"
    elif len(same_color) == 1 and rng.random() < 0.15:
        name = "{color} sign"
    name = name.format(color=sign.color, shape=sign.shape)
    text = phrase(rng, TEXT, held_out).format(sign=name)
    if hints:
        text += "\nReference OCR token: " + ", ".join(ocr_hints(rng, scene))
    return SceneQuestion("text", text, sign.text, (sign.box,), sign.letter_height, names=(name,))


def ocr_hints(rng, scene: Scene) -> list[str]:
    """Return what a text detector might have found: some signs missing, some letters misread."""
    tokens = []
    for index in rng.permutation(len(scene.signs)):
        text = scene.signs[index].text
        if rng.random() < 0.25:
            continue
        wrong = 0.12 if rng.random() < 0.6 else 0.4
        alphabet = LETTERS + DIGITS
        tokens.append(
            "".join(alphabet[rng.integers(33)] if rng.random() < wrong else c for c in text)
        )
    return tokens or ["none"]


def ask_presence(
    rng, scene: Scene, held_out=False, kind: str | None = None
) -> SceneQuestion | None:
    """Ask whether there is a coloured object. `kind`: yes, random, popular or adversarial (as
    POPE).
    """
    kind = kind or ("yes" if rng.random() < 0.5 else str(rng.choice(NEGATIVES)))
    present = {thing.name: thing for thing in scene.things}
    boxes: tuple = ()
    if kind == "yes":
        if not present:
            return None
        name, thing = list(present.items())[rng.integers(len(present))]
        boxes, answer = (thing.box,), "yes"
    else:
        name = _absent(rng, scene, present, kind)
        if name is None:
            return None
        answer = "no"
    text = phrase(rng, PRESENCE, held_out).format(thing=name)
    return SceneQuestion("presence", text, answer, boxes, kind=kind, names=(name,))


NEGATIVES = ("random", "popular", "adversarial")


def _absent(rng, scene, present, kind):
    """An object that is not there. Popular: of a frequent kind. Adversarial: like one present."""
    colors = list(COLORS)
    for _ in range(20):
        if kind == "adversarial" and scene.things:
            thing = scene.things[rng.integers(len(scene.things))]
            other_color = rng.random() < 0.5
            color = colors[rng.integers(8)] if other_color else thing.color
            what = thing.kind if other_color else KINDS[rng.integers(len(KINDS))]
        else:
            color = colors[rng.integers(8)]
            what = KINDS[rng.integers(3 if kind == "popular" else len(KINDS))]
        if f"{color} {what}" not in present:
            return f"{color} {what}"
    return None


def ask_attribute(
    rng, scene: Scene, held_out=False, kind: str | None = None
) -> SceneQuestion | None:
    """Colour, shape, count, relation, or a multiple choice of the first two."""
    kind = kind or str(rng.choice(("color", "shape", "count", "relation", "choice")))
    if kind == "choice":
        return _as_choice(
            rng, ask_attribute(rng, scene, held_out, str(rng.choice(("color", "shape"))))
        )
    return {
        "color": _ask_color,
        "shape": _ask_shape,
        "count": _ask_count,
        "relation": _ask_relation,
    }[kind](rng, scene, held_out)


def _ask_color(rng, scene, held_out):
    things = [(t.kind, t.color, t.box) for t in scene.things]
    things += [(s.noun, s.color, s.box) for s in scene.signs]
    names = [name for name, _, _ in things]
    unique = [t for t in things if names.count(t[0]) == 1]
    if not unique:
        return None
    name, color, box = unique[rng.integers(len(unique))]
    text = phrase(rng, COLOR, held_out).format(thing=name)
    return SceneQuestion("attributes", text, color, (box,), kind="color", names=(name,))


def _ask_shape(rng, scene, held_out):
    colors = [sign.color for sign in scene.signs]
    unique = [s for s in scene.signs if colors.count(s.color) == 1 and s.shape in SHAPES]
    if not unique:
        return None
    sign = unique[rng.integers(len(unique))]
    text = phrase(rng, SHAPE, held_out).format(color=sign.color)
    names = (f"{sign.color} sign",)
    return SceneQuestion("attributes", text, sign.shape, (sign.box,), kind="shape", names=names)


def _ask_count(rng, scene, held_out):
    colors = list(COLORS)
    if rng.random() < 0.4:
        things, found = "signs", list(scene.signs)
    elif rng.random() < 0.5:
        color = colors[rng.integers(8)]
        things, found = f"{color} signs", [s for s in scene.signs if s.color == color]
    else:
        shape = SHAPES[rng.integers(len(SHAPES))]
        things, found = f"{shape} signs", [s for s in scene.signs if s.shape == shape]
    text = phrase(rng, COUNT, held_out).format(things=things)
    boxes = tuple(sign.box for sign in found)
    return SceneQuestion("attributes", text, str(len(found)), boxes, kind="count", names=(things,))


def _ask_relation(rng, scene, held_out):
    everything = [(f"{s.color} {s.noun}", s.box) for s in scene.signs]
    everything += [(t.name, t.box) for t in scene.things]
    if len(everything) < 2:
        return None
    for _ in range(10):
        first, second = rng.choice(len(everything), size=2, replace=False)
        relation = RELATIONS[rng.integers(4)]
        (a, box_a), (b, box_b) = everything[first], everything[second]
        axis = 0 if "left" in relation or "right" in relation else 1
        gap = (box_a[axis] + box_a[axis + 2] - box_b[axis] - box_b[axis + 2]) / 2
        if abs(gap) < 0.08 * max(scene.width, scene.height):
            continue  # too close to call
        first_is_smaller = gap < 0
        answer = "yes" if first_is_smaller == (relation in ("to the left of", "above")) else "no"
        text = phrase(rng, RELATION, held_out).format(a=a, b=b, relation=relation)
        boxes, names = (box_a, box_b), (a, b)
        return SceneQuestion("attributes", text, answer, boxes, kind="relation", names=names)
    return None


def _as_choice(rng, question: SceneQuestion | None) -> SceneQuestion | None:
    if question is None:
        return None
    pool = list(COLORS) if question.kind == "color" else list(SHAPES)
    others = [value for value in pool if value != question.answer]
    options = [question.answer, *(others[i] for i in rng.permutation(len(others))[:3])]
    options = [options[i] for i in rng.permutation(4)]
    listing = "\n".join(
        f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=True)
    )
    answer = "ABCD"[options.index(question.answer)]
    text = f"{question.text}\n{listing}"
    return replace(question, text=text, answer=answer, kind="choice")


def describe(scene: Scene) -> SceneQuestion:
    """The generic description, the denominator of relative attention: it looks everywhere."""
    signs, things = len(scene.signs), len(scene.things)
    return SceneQuestion(
        "generic", GENERIC_PROMPT, f"a street with {signs} signs and {things} objects", ()
    )


def corpus() -> list[str]:
    """Every phrasing and every answer word, for training the tokenizer."""
    names = [n.format(color=c, shape=s) for n in SIGN_NAMES for c in COLORS for s in SHAPES]
    lines = [
        GENERIC_PROMPT,
        "a street with signs and objects",
        "Detail: ",
        "Answer:",
        "Reference OCR token: ",
    ]
    lines += ["Answer the question using a single word or phrase."]
    lines += ["Answer with the option's letter from the given choices directly."]
    for templates in (TEXT, PRESENCE, COLOR, SHAPE, COUNT, RELATION):
        for template in templates:
            slots = dict.fromkeys(("sign", "thing", "things", "color", "a", "b", "relation"), "")
            lines.append(template.format(**slots))
    lines += [f"the {name}" for name in names] + [f"the {k}" for k in KINDS for _ in COLORS]
    lines += ["yes", "no", *COLORS, *SHAPES, *RELATIONS] * 20
    return lines
