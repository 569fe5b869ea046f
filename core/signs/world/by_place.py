"""Questions for a text by where it stands: the right one of two signs, the last of three lines.

And for a part of a text by what it is: the number on a plate with a name.
"""

import numpy as np

from core.signs.questions import SceneQuestion
from core.signs.scenes import Scene, Sign
from core.signs.world.phrasing import Forms, Speaker

# The axis, and whether the least or the most along it is meant.
PLACES = {"left": (0, min), "right": (0, max), "top": (1, min), "bottom": (1, max)}
SIGN_AT = Forms(
    ("What does the {place} sign say?", "What's on the {place} one?", "What is on the {place}?",
     "What's written on the sign at the {place}?", "What does the {place} one say?",
     "What is the word at the {place}?", "What does it say on the {place}?"),
    ("what the {place} sign says", "what is written at the {place}", "what the {place} one says"),
    ("read the {place} one", "read the sign at the {place}", "read what is at the {place}"),
    ("{place} sign?", "text at the {place}?", "the {place} one", "{place} one says?"),
)  # fmt: skip
LINE = Forms(
    ("What is the {place} line?", "What does the {place} line say?", "What's in the {place} line?",
     "Which word is in the {place} line?", "What is written in the {place} line?"),
    ("what the {place} line says", "what is in the {place} line"),
    ("read the {place} line", "read me the {place} line"),
    ("{place} line?", "{place} line", "the {place} line, please"),
)  # fmt: skip
NUMBER = Forms(
    ("What is the number?", "Which number is it?", "What number is on the sign?",
     "Which number do you see?", "How much is it?", "What's the price?", "What does it cost?"),
    ("which number it is", "what the number is", "how much it is"),
    ("read the number", "read only the number", "tell me the price"),
    ("number?", "the number", "how much?", "price?"),
)  # fmt: skip
NAME = Forms(
    ("What is it besides the number?", "What is the word?", "Which word is beside the number?",
     "What's the name?", "Which name is on the sign?"),
    ("which word is beside the number", "what the name is"),
    ("read the word beside the number", "read the name"),
    ("the name?", "word?", "name on the sign?"),
)  # fmt: skip
ALL_LINES = Forms(
    ("What do all the lines say?", "What is written on it, all of it?", "What do the lines say?",
     "What does the whole sign say?", "What is the whole text?"),
    ("what all the lines say", "what the whole text is"),
    ("read all lines", "read the whole sign", "read everything on it", "read all of it"),
    ("all lines?", "whole text?", "everything on it", "full text"),
)  # fmt: skip


def ask_by_place(rng: np.random.Generator, scene: Scene, speaker: Speaker) -> SceneQuestion | None:
    """Ask for the text at one end of a scene; None where it isn't clear which that is."""
    if len(scene.signs) < 2:
        return None
    place = list(PLACES)[rng.integers(len(PLACES))]
    axis, end = PLACES[place]
    centres = [(sign.box[axis] + sign.box[axis + 2]) / 2 for sign in scene.signs]
    at = centres.index(end(centres))
    apart = min(abs(c - centres[at]) for i, c in enumerate(centres) if i != at)
    if apart < 0.12 * max(scene.width, scene.height):
        return None
    sign = scene.signs[at]
    return _asked(rng, sign, speaker, SIGN_AT, sign.text, place)


def ask_part(rng: np.random.Generator, sign: Sign, speaker: Speaker) -> SceneQuestion | None:
    """Ask for a line, the number, the name or all of a text of several lines; None for others."""
    if sign.layout is None:
        return None
    lines = sign.layout.text.split("\n")
    numbers = [line for line in lines if any(char.isdigit() for char in line)]
    names = [line for line in lines if line not in numbers]
    draw = rng.random()
    if draw < 0.3:
        return _asked(rng, sign, speaker, ALL_LINES, sign.text)
    if draw < 0.65 and len(numbers) == 1:
        if len(names) == 1 and rng.random() < 0.4:
            return _asked(rng, sign, speaker, NAME, names[0])
        return _asked(rng, sign, speaker, NUMBER, numbers[0])
    places = {"first": 0, "top": 0, "last": -1, "bottom": -1, "second": 1}
    place = list(places)[rng.integers(len(places))]
    return _asked(rng, sign, speaker, LINE, lines[places[place]], place)


def _asked(rng, sign, speaker, matter: Forms, answer: str, place: str = "") -> SceneQuestion:
    text = speaker.template(rng, matter).format(place=place)
    kept = (place,) if place else ()
    return SceneQuestion(
        "text", text, answer, (sign.box,), sign.letter_height, "by place", kept=kept
    )
