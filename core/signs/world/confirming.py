"""Questions about a text without reading it out: is it this word, is it red, which colour is it?

A question of yes or no needn't quote: "Does it say garage?" asks as well as "Does the red sign say
"Garage"?". Case is not asked for. Some sentences are kept for the test.
"""

import numpy as np

from core.signs.questions import SceneQuestion
from core.signs.scenes import COLORS, Scene, Sign, Thing
from core.signs.world.asking import name_of
from core.signs.world.phrasing import Forms, Speaker
from core.signs.world.strings import sample

# Whether it says so, of a sign that is named, and of the only one.
NAMED = {
    "train": (
        "Does the {sign} say {quote}?", "Does it say {quote} on the {sign}?",
        "Is {quote} written on the {sign}?", "Is it {quote} on the {sign}?",
        "Does the {sign} read {quote}?", "The {sign} says {quote}, right?",
        "Do you read {quote} on the {sign}?", "Is the word on the {sign} {quote}?",
        "{sign}: {quote}?", "Can you see {quote} on the {sign}?",
    ),
    "test": ("Is there {quote} on the {sign}?", "Would the text on the {sign} be {quote}?"),
}  # fmt: skip
UNNAMED = {
    "train": (
        "Does it say {quote}?", "Does the sign say {quote}?", "Does this say {quote}?",
        "Is {quote} written here?", "Is this {quote}?", "Is the word {quote} in the image?",
        "Do you see the word {quote}?", "Can you read {quote}?", "It says {quote}, doesn't it?",
        "Does the text say {quote}?", "{quote}?", "Is {quote} there?", "Is the text {quote}?",
        "Does it read {quote}?", "Is it the word {quote}?",
    ),
    "test": ("Would that be {quote}?", "Does the picture say {quote}?", "Is {quote} to be read?"),
}  # fmt: skip
QUOTED = 0.4  # share of them with quotation marks
HAS_COLOR = Forms(
    ("Is the {thing} {color}?", "Is the color of the {thing} {color}?", "Is this {thing} {color}?",
     "Does the {thing} have the color {color}?", "Is that a {color} {thing}?"),
    ("whether the {thing} is {color}", "if the {thing} is {color}"),
    ("check whether the {thing} is {color}",),
    ("{thing} {color}?", "{color} {thing}?", "{thing}: {color}, yes or no?"),
)  # fmt: skip
INK = Forms(
    ("What color are the letters on the {sign}?", "What color is the text on the {sign}?",
     "What is the color of the letters of the {sign}?",
     "Which color has the writing on the {sign}?",
     "In what color is the {sign} written?", "What color does the text of the {sign} have?"),
    ("what color the letters on the {sign} are", "what color the text on the {sign} is"),
    ("name the color of the letters on the {sign}", "tell me the color of the text on the {sign}"),
    ("color of the letters on {sign}?", "{sign}: color of the text?", "{sign} letters color"),
)  # fmt: skip
GROUND = Forms(
    ("What color is the background of the {sign}?", "What is the ground color of the {sign}?",
     "What color is the {sign} behind the letters?"),
    ("what color the background of the {sign} is",),
    ("name the color of the {sign}'s background",),
    ("background color of {sign}?", "{sign} background color"),
)  # fmt: skip
NEAR = 75  # how far from a named colour a colour may be that goes by its name, in RGB


def ask_says(rng: np.random.Generator, scene: Scene, sign: Sign, speaker: Speaker) -> SceneQuestion:
    """Ask whether a sign says a text, or a word of it: half the time it does."""
    split = speaker.split if speaker.split in NAMED else "train"
    alone = len(scene.signs) == 1 and rng.random() < 0.7
    name = "" if alone else _name(rng, scene, sign)
    choices = (UNNAMED if alone else NAMED)[split]
    quote = _asked(rng, sign.text, speaker.split)
    answer = "yes" if says(sign.text, quote) else "no"
    marked = f'"{quote}"' if rng.random() < QUOTED and '"' not in quote else quote
    text = choices[rng.integers(len(choices))].format(sign=name, quote=marked)
    names = (name,) if name else ()
    return SceneQuestion(
        "presence", text, answer, (sign.box,), sign.letter_height, "says", names, (quote,)
    )


def says(text: str, quote: str) -> bool:
    """Return whether these words follow one another in a text; case doesn't count."""
    words, asked = text.casefold().split(), quote.casefold().split()
    starts = range(len(words) - len(asked) + 1)
    return any(words[start : start + len(asked)] == asked for start in starts)


def _asked(rng, text: str, split: str) -> str:
    """What is asked for: the text, a word of it, it with another letter, or another text."""
    draw, words = rng.random(), text.split()
    if draw < 0.5:
        return words[rng.integers(len(words))] if len(words) > 1 and draw < 0.2 else text
    if draw < 0.6 and len(text) > 3 and text.isalpha():
        at = int(rng.integers(len(text)))
        other = chr(ord("A") + int(rng.integers(26)))
        return text[:at] + (other if text[at].isupper() else other.lower()) + text[at + 1 :]
    return sample(rng, split)


def ask_has_color(rng: np.random.Generator, scene: Scene, speaker: Speaker) -> SceneQuestion | None:
    """Ask whether a sign or object, the only one of its name, has a colour; None without any."""
    called: list[tuple[str, Thing | Sign]] = [(thing.kind, thing) for thing in scene.things]
    called += [(sign.noun, sign) for sign in scene.signs]
    if len(scene.signs) == 1:
        called += [("sign", sign) for sign in scene.signs if sign.shape != "text"] * 2
    nouns = [noun for noun, _ in called]
    alone = [(noun, part) for noun, part in called if noun == "sign" or nouns.count(noun) == 1]
    if not alone:
        return None
    name, part = alone[rng.integers(len(alone))]
    color = part.color if rng.random() < 0.5 else list(COLORS)[rng.integers(len(COLORS))]
    text = speaker.template(rng, HAS_COLOR).format(thing=name, color=color)
    answer = "yes" if color == part.color else "no"
    return SceneQuestion(
        "attributes", text, answer, (part.box,), kind="has-color", names=(name,), kept=(color,)
    )


def ask_ink(
    rng: np.random.Generator, scene: Scene, sign: Sign, speaker: Speaker
) -> SceneQuestion | None:
    """Ask for the colour of a sign's letters, or of what is behind them.

    None for what is written on the wall, and for letters of a colour without a name.
    """
    by_shape = sum(other.noun == sign.noun for other in scene.signs) == 1
    letters = rng.random() < 0.65 or not by_shape  # a name with the ground's colour tells it
    color = named(sign.ink) if letters else sign.color
    if sign.shape == "text" or color is None:
        return None
    name = sign.noun if by_shape else _name(rng, scene, sign)
    name = "sign" if len(scene.signs) == 1 and rng.random() < 0.6 else name
    text = speaker.template(rng, INK if letters else GROUND).format(sign=name)
    return SceneQuestion("attributes", text, color, (sign.box,), kind="ink", names=(name,))


def named(rgb: tuple[int, int, int]) -> str | None:
    """The name of a colour, or None where it lies between those that have one."""
    away = {name: float(np.linalg.norm(np.subtract(rgb, c))) for name, c in COLORS.items()}
    nearest = min(away, key=away.__getitem__)
    return nearest if away[nearest] < NEAR else None


def _name(rng, scene: Scene, sign: Sign) -> str:
    return name_of(rng, scene, sign.color, sign.shape)
