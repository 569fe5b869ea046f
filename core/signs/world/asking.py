"""Questions of the open world: what a sign says, however it is called, and what isn't there."""

import numpy as np

from core.signs.carriers import CARRIERS
from core.signs.questions import COLOR, SIGN_NAMES, SceneQuestion, ocr_hints, phrase
from core.signs.scenes import COLORS, KINDS, SHAPES, Scene, Sign
from core.signs.world.phrasing import ALL_TEXT, PRESENCE, TEXT, Speaker
from core.signs.world.strings import sample

# Answers of their own. Each is one token, so that being unsure of it isn't averaged away.
UNREADABLE, NO_SIGN, NO_OBJECT = "can't read it", "no such sign", "no such object"
OWN_ANSWERS = (UNREADABLE, NO_SIGN, NO_OBJECT)
CARRIER_NAMES = {
    "plate": ("{color} plate", "{color} number plate", "{color} license plate"),
    "poster": ("{color} poster", "{color} placard", "poster that is {color}"),
    "note": ("{color} note", "{color} paper", "note that is {color}"),
    "shop front": ("{color} shop front", "{color} shop sign", "{color} shop"),
    "text": ("{color} text", "{color} letters", "{color} writing", "{color} word"),
}
QUOTING = (
    'Does the {sign} say "{quote}"?',
    'Is "{quote}" written on the {sign}?',
    'Do you read "{quote}" on the {sign}?',
    'Does it say "{quote}" on the {sign}?',
)
# Of no scene. Visitors ask for such things, and for "a sign" at all.
STRANGERS = (
    "dog", "cat", "person", "man", "woman", "child", "bicycle", "bird", "table", "chair", "cow",
    "boat", "river", "mountain", "bottle", "phone", "book", "door", "fence", "bridge", "face",
    "traffic light", "hand", "bag", "plane", "ball", "horse", "motorcycle", "shoe", "computer",
)  # fmt: skip
ANY_SIGN = ("sign", "text", "word", "sign with text", "writing")
UNPOINTED = 0.5  # share of the questions about the only sign that don't name it


def name_of(rng, scene: Scene, color: str, shape: str) -> str:
    """A name for what has this colour and shape, the shorter ones only where they are enough."""
    draw = rng.random()
    if draw < 0.15 and sum(s.shape == shape for s in scene.signs) == 1 and shape != "text":
        return shape if shape in CARRIERS else f"{shape} sign"
    if draw < 0.3 and sum(s.color == color for s in scene.signs) == 1 and shape in SHAPES:
        return f"{color} sign"
    names = CARRIER_NAMES.get(shape, SIGN_NAMES)
    return names[rng.integers(len(names))].format(color=color, shape=shape)


def ask_text(
    rng: np.random.Generator, scene: Scene, sign: Sign, speaker: Speaker, hints: bool = False
) -> SceneQuestion:
    """Ask what a sign says; the only one of a scene is often asked for without a name.

    hints: OCR-like tokens follow.
    """
    names: tuple[str, ...] = ()
    if len(scene.signs) == 1 and rng.random() < UNPOINTED:
        text, kind = speaker.template(rng, ALL_TEXT), "unpointed"
    else:
        names, kind = (name_of(rng, scene, sign.color, sign.shape),), "pointed"
        text = speaker.template(rng, TEXT).format(sign=names[0])
    if hints:
        text += "\nReference OCR token: " + ", ".join(ocr_hints(rng, scene))
    return SceneQuestion("text", text, sign.text, (sign.box,), sign.letter_height, kind, names)


def ask_quoted(
    rng: np.random.Generator, scene: Scene, sign: Sign, speaker: Speaker
) -> SceneQuestion:
    """Ask whether a sign says what the question quotes: half the time it does."""
    name = name_of(rng, scene, sign.color, sign.shape)
    right = rng.random() < 0.5
    quote = sign.text if right else sample(rng, speaker.split)
    text = QUOTING[rng.integers(len(QUOTING))].format(sign=name, quote=quote.replace('"', ""))
    answer = "yes" if right or quote == sign.text else "no"
    return SceneQuestion(
        "presence", text, answer, (sign.box,), sign.letter_height, "quoted", (name,), (quote,)
    )


def ask_absent(
    rng: np.random.Generator, scene: Scene, speaker: Speaker, short: float = 0.0
) -> SceneQuestion:
    """Ask what a sign says that isn't there, often one that is nearly like one that is.

    short: the share that are named by their colour or their shape alone.
    """
    brief = _absent_in_short(rng, scene) if short and rng.random() < short else None
    name = brief or absent_name(rng, scene)
    text = speaker.template(rng, TEXT).format(sign=name)
    return SceneQuestion("text", text, NO_SIGN, (), kind="absent", names=(name,))


def absent_name(rng: np.random.Generator, scene: Scene) -> str:
    """Return the name of a sign that isn't there, often one nearly like one that is."""
    there = {(sign.color, sign.shape) for sign in scene.signs}
    nouns = (*SHAPES, *(c for c in CARRIERS if c != "text"))
    while True:
        color, shape = list(COLORS)[rng.integers(8)], nouns[rng.integers(len(nouns))]
        if scene.signs and rng.random() < 0.6:
            like = scene.signs[rng.integers(len(scene.signs))]
            color, shape = (like.color, shape) if rng.random() < 0.5 else (color, like.shape)
        if (color, shape) not in there and shape != "text":
            break
    names = CARRIER_NAMES.get(shape, SIGN_NAMES)
    return names[rng.integers(len(names))].format(color=color, shape=shape)


def _absent_in_short(rng, scene: Scene) -> str | None:
    """A name of one word and "sign", of which no sign here is; None if there are all of them."""
    colors = [c for c in COLORS if all(sign.color != c for sign in scene.signs)]
    shapes = [s for s in SHAPES if all(sign.shape != s for sign in scene.signs)]
    carriers = [c for c in CARRIERS if all(sign.shape != c for sign in scene.signs)]
    names = [f"{word} sign" for word in (*colors, *colors, *shapes)]
    names += [carrier for carrier in carriers if carrier != "text"]
    return names[rng.integers(len(names))] if names else None


def ask_kind(rng: np.random.Generator, scene: Scene, speaker: Speaker) -> SceneQuestion:
    """Ask whether there is an object of a kind, whatever its colour."""
    kind, there = KINDS[rng.integers(len(KINDS))], [thing.kind for thing in scene.things]
    if there and rng.random() < 0.5:
        kind = there[rng.integers(len(there))]
    boxes = tuple(thing.box for thing in scene.things if thing.kind == kind)
    text = speaker.template(rng, PRESENCE).format(thing=kind)
    names = (kind,) if len(boxes) < 2 else ()
    return SceneQuestion(
        "presence", text, "yes" if boxes else "no", boxes, kind="existence", names=names
    )


def ask_existence(rng: np.random.Generator, scene: Scene, speaker: Speaker) -> SceneQuestion:
    """Ask whether there is such a sign, any sign, or something that is in no scene: yes or no."""
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    draw, answer = rng.random(), "no"
    if draw < 0.4 and scene.signs:
        sign = scene.signs[rng.integers(len(scene.signs))]
        name = name_of(rng, scene, sign.color, sign.shape)
        boxes, answer = (sign.box,), "yes"
    elif draw < 0.65:
        name = absent_name(rng, scene)
    elif draw < 0.75:
        name = ANY_SIGN[rng.integers(len(ANY_SIGN))]
        answer = "yes" if scene.signs else "no"
    else:
        name = STRANGERS[rng.integers(len(STRANGERS))]
    names = () if name in ANY_SIGN else (name,)
    text = speaker.template(rng, PRESENCE).format(thing=name)
    return SceneQuestion("presence", text, answer, boxes, kind="existence", names=names)


def ask_absent_object(
    rng: np.random.Generator, scene: Scene, speaker: Speaker
) -> SceneQuestion | None:
    """The colour of an object that isn't there; None if there is one of every kind."""
    kinds = [kind for kind in KINDS if kind not in {thing.kind for thing in scene.things}]
    if not kinds:
        return None
    name = kinds[rng.integers(len(kinds))]
    text = phrase(rng, COLOR, speaker).format(thing=name)
    return SceneQuestion("attributes", text, NO_OBJECT, (), kind="absent", names=(name,))
