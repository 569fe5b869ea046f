"""How a training question is worded, and which answer is asked for where there is doubt."""

import re
from dataclasses import replace

from core.cropping import Box
from core.hits import holds
from core.signs.questions import SceneQuestion, ask_attribute, ask_presence
from core.signs.scenes import GLOBAL_SIDE, Scene, Sign
from core.signs.world.asking import UNREADABLE, ask_existence, ask_kind, ask_quoted
from core.signs.world.confirming import ask_has_color, ask_ink, ask_says
from core.signs.world.phrasing import Speaker, disturbed
from core.signs.world.strings import sample

LEGIBLE = 4.0  # capital height in pixels of an image, least
# Illegible letters teach the model to be unsure; at full weight their noise drowns the legible.
ILLEGIBLE_WEIGHT = 0.3
SHORT = 0.4  # share of the absent signs that are named by their colour or shape alone
EXISTENCE = 0.15  # share of the other questions that ask for a sign, or for what no scene has
LEARNED_LAST = ("relation", "relation", "choice", "count", "count", "color", "shape")
SUFFIX = "\nAnswer the question using a single word or phrase."
# What is asked for: without it, nobody could tell.
ESSENTIAL = (
    "read Read say says letters text background color shape How many Count number above below "
    "left right"
).split()
SPEAKER = Speaker()  # of the training
LEADS = (
    "Please answer: ",
    "Can you answer this? ",
    "Look at the image. ",
    "Do you know? ",
    "Now: ",
)


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


def other_question(rng, scene):
    """Presence or attributes; of these, more of what is learned last."""
    if rng.random() < EXISTENCE:
        return existence_question(rng, scene)
    if rng.random() < 0.4:
        return ask_presence(rng, scene, SPEAKER)
    return ask_attribute(rng, scene, SPEAKER, LEARNED_LAST[rng.integers(len(LEARNED_LAST))])


def existence_question(rng, scene: Scene) -> SceneQuestion:
    """Ask for such a sign, any sign, something strange, or an object of a kind: yes or no."""
    ask = ask_kind if rng.random() < 0.5 else ask_existence
    return ask(rng, scene, SPEAKER)


def confirming_question(rng, scene: Scene, sign: Sign) -> SceneQuestion | None:
    """Ask whether the sign says something or has a colour, or which colour its letters have."""
    draw = rng.random()
    if draw < 0.2:
        return ask_quoted(rng, scene, sign, SPEAKER)
    if draw < 0.6:
        return ask_says(rng, scene, sign, SPEAKER)
    if draw < 0.8:
        return ask_has_color(rng, scene, SPEAKER)
    return ask_ink(rng, scene, sign, SPEAKER)


def reworded(rng, question: SceneQuestion) -> SceneQuestion:
    """Sometimes with words left out or before it, or with the instruction of VQA benchmarks.

    Otherwise the first two words tell what kind of answer is wanted, in the training's phrasings:
    "Can you" asks for yes or no, and in others it needn't.
    """
    text, kept = question.text, (*question.names, *question.kept)
    change = without_words if rng.random() < 0.15 else disturbed
    text = change(rng, text, kept)
    if rng.random() < 0.1:
        text = LEADS[rng.integers(len(LEADS))] + text
    if rng.random() < 0.15:
        text += SUFFIX
    return replace(question, text=text)


def without_words(rng, text: str, names: tuple[str, ...]) -> str:
    """A fifth of the words left out of the first line, without the names and `ESSENTIAL`."""
    line, *others = text.split("\n")
    kept = "|".join(re.escape(word) for word in sorted((*names, *ESSENTIAL), key=len, reverse=True))
    parts = re.finditer(rf'(?P<kept>(?<!\w)"?(?:{kept})(?!\w)\S*)|\S+', line)
    words = [part[0] for part in parts if part["kept"] or rng.random() < 0.8]
    return "\n".join([" ".join(words), *others])
