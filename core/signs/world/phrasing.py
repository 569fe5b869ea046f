"""Ways of asking: classes of phrasing, of which some are kept for validation and some for the test.

A question has a matter (what a sign says, a colour, a count, ...) and a manner. Of each matter
there are forms: direct questions, clauses ("what the sign says"), commands, and notes of a few
words. A class of phrasing is a set of frames that such a form is put into, so a class that is held
out is held out for every matter.
"""

from dataclasses import dataclass

import numpy as np

from core.signs import questions as closed
from core.signs.carriers import CARRIERS
from core.signs.scenes import COLORS, KINDS, SHAPES
from core.signs.world.strings import vocabulary


@dataclass(frozen=True)
class Forms:
    questions: tuple[str, ...]
    clauses: tuple[str, ...]
    commands: tuple[str, ...]  # without a full stop
    notes: tuple[str, ...]


def _known(templates: tuple[str, ...], ending: str) -> tuple[str, ...]:
    """The closed world's training templates that end so."""
    return tuple(t for t in templates[: -closed.HELD_OUT] if t.endswith(ending))


TEXT = Forms(
    (*_known(closed.TEXT, "?"), "Can you read the {sign}?", "What do you read on the {sign}?",
     "What do you see written on the {sign}?", "What stands on the {sign}?"),
    ("what the {sign} says", "what is written on the {sign}", "what you read on the {sign}",
     "what it says on the {sign}", "which word is on the {sign}", "what text the {sign} shows"),
    ("read the {sign}", "read out the {sign}", "read what is written on the {sign}",
     "tell me what the {sign} says", "read me the text of the {sign}", "say what is on the {sign}"),
    ("text on {sign}", "{sign} text?", "{sign}: what text?", "{sign}, what does it say",
     "read {sign}", "{sign} says?", "words on {sign}", "the {sign} says", "what on {sign}"),
)  # fmt: skip
ALL_TEXT = Forms(  # where there is but one thing to read
    ("What is written in the image?", "What does it say?", "What is written here?",
     "What does the sign say?", "What can you read?", "What text is in the picture?",
     "Can you read this?", "What word is this?", "What is the text?", "What does this say?",
     "Which word do you see?", "What is written on the sign?"),
    ("what is written in the image", "what it says", "what the sign says", "what this says",
     "what you can read", "what text is in the image", "what is written here"),
    ("read the text", "read this", "read the sign", "read what is written", "read it",
     "tell me what is written in the image", "read the word in the picture"),
    ("text?", "text", "read", "what text", "written?", "the text says", "word?", "sign text"),
)  # fmt: skip
PRESENCE = Forms(
    closed.PRESENCE[: -closed.HELD_OUT],
    ("whether there is a {thing}", "if there is a {thing} in the image", "if you see a {thing}",
     "whether the picture shows a {thing}"),
    ("check whether there is a {thing}", "look for a {thing}"),
    ("{thing}?", "any {thing}?", "a {thing}, yes or no?", "{thing} there?"),
)  # fmt: skip
COLOR = Forms(
    _known(closed.COLOR, "?"),
    ("what color the {thing} is", "which color the {thing} has",
     "what the color of the {thing} is"),
    ("name the color of the {thing}", "tell me the color of the {thing}"),
    ("color of {thing}?", "{thing} color", "{thing}: which color?"),
)  # fmt: skip
SHAPE = Forms(
    _known(closed.SHAPE, "?"),
    ("what shape the {color} sign is", "which shape the {color} sign has"),
    ("name the shape of the {color} sign", "tell me the shape of the {color} sign"),
    ("shape of {color} sign?", "{color} sign shape", "{color} sign: which shape?"),
)
COUNT = Forms(
    _known(closed.COUNT, "?"),
    ("how many {things} there are", "how many {things} you see", "the number of {things}"),
    ("count the {things}", "tell me how many {things} there are"),
    ("number of {things}?", "how many {things}", "{things}: how many?"),
)
RELATION = Forms(
    closed.RELATION[: -closed.HELD_OUT],
    ("whether the {a} is {relation} the {b}", "if the {a} lies {relation} the {b}"),
    ("check whether the {a} is {relation} the {b}",),
    ("{a} {relation} {b}?", "{a} {relation} the {b}, yes or no?"),
)
FORMS = {
    closed.TEXT: TEXT,
    closed.PRESENCE: PRESENCE,
    closed.COLOR: COLOR,
    closed.SHAPE: SHAPE,
    closed.COUNT: COUNT,
    closed.RELATION: RELATION,
}

# {q} a question, {c} a clause, {i} a command, {n} a note, {s} a sentence about something else.
CLASSES = {
    "plain": ("{q}",),
    "command": ("{i}.", "{i}!", "Now {i}."),
    "polite": ("Please {i}.", "Could you please {i}?", "{q} Thank you.", "Please tell me {c}.",
               "Would you {i}, please?", "Excuse me, {q}"),
    "indirect": ("I would like to know {c}.", "Tell me {c}.", "I wonder {c}.",
                 "I want to know {c}.",
                 "Let me know {c}.", "I need to know {c}."),
    "asked back": ("Can you tell me {c}?", "Could you tell me {c}?", "Do you know {c}?",
                   "Can you say {c}?", "Can you {i}?", "Do you see {c}?"),
    "sentence before": ("{s} {q}", "{s} {i}.", "{s} Tell me {c}."),
    "sentence after": ("{q} {s}", "{i}. {s}"),
    "note": ("{n}",),
    # of validation
    "curious": ("I am curious {c}.", "It would help me to learn {c}.", "I forgot {c}."),
    # of the test
    "reported": ("My friend asks {c}.", "She wanted to find out {c}.", "The client inquires {c}."),
    "conditional": ("If you look closely, {q}", "Suppose you stood there: {q}",
                    "When you look at the photo, {q}"),
    "role": ("You are a careful assistant. Your task: {i}.",
             "Act as a helper for the blind and {i}.",
             "As an expert, {i}."),
    "can't": ("I can't figure out {c}, help!", "It is hard for me to make out {c}.",
              "My eyes are bad: {q}"),
}  # fmt: skip
HELD_OUT = {"validation": ("curious",), "test": ("reported", "conditional", "role", "can't")}
KNOWN = tuple(name for name in CLASSES if not any(name in names for names in HELD_OUT.values()))
_WEIGHTS = np.array([3, 1, 1, 1, 1, 1, 1, 1.5])  # of the known classes: plain ones first
SENTENCES = {
    "train": (
        "I am standing in the street.", "This is my town.", "Look at this picture.",
        "I took this photo yesterday.", "We are on holiday.", "I am a visitor here.",
        "Hello!", "Good morning.", "It is late.", "I have a question.", "There is a lot to see.",
        "Answer briefly.", "Be careful.", "Thanks in advance.", "I can't read it from here.",
        "It is quite small.", "My phone made this picture.", "Take your time.",
    ),
    "validation": ("We just came out of the station.", "Sorry for the blurry photo."),
    "test": ("My sister sent me this.", "Here is what my camera saw.", "The weather was bad.",
             "I promised to write it down.", "Nobody else is around."),
}  # fmt: skip
STRAY = 0.12  # share of training questions with words in it that mean nothing here
TYPING_ERRORS = 0.12  # share of training questions with typing errors


@dataclass(frozen=True)
class Speaker:
    """Phrases questions in some of the classes.

    split: of the sentences and words about something else.
    """

    split: str = "train"
    classes: tuple[str, ...] = KNOWN

    def template(self, rng: np.random.Generator, matter) -> str:
        """Return a question with slots for names.

        matter: `Forms`, or the templates of the closed world that stand for them.
        """
        forms = matter if isinstance(matter, Forms) else FORMS[matter]
        weights = _WEIGHTS if self.classes == KNOWN else np.ones(len(self.classes))
        name = self.classes[rng.choice(len(self.classes), p=weights / weights.sum())]
        frame = _pick(rng, CLASSES[name])
        command = _pick(rng, forms.commands)
        text = (
            frame.replace("{q}", _pick(rng, forms.questions))
            .replace("{c}", _pick(rng, forms.clauses))
            .replace("{i}", command)
            .replace("{n}", _pick(rng, forms.notes))
            .replace("{s}", self.sentence(rng))
        )
        text = text.replace("color ", "colour ") if rng.random() < 0.3 else text
        return text if self.split != "train" else text.rstrip("?.") if rng.random() < 0.1 else text

    def sentence(self, rng) -> str:
        """Something that has nothing to do with the question."""
        if self.split == "train" and rng.random() < 0.5:
            words = " ".join(_stray_word(rng, self.split) for _ in range(rng.integers(2, 8)))
            return f"{words}."
        return _pick(rng, SENTENCES[self.split])


def _pick(rng, choices: tuple[str, ...]) -> str:
    return choices[rng.integers(len(choices))]


def _stray_word(rng, split) -> str:
    """A common word that says nothing about what is asked."""
    words = vocabulary(split)
    while True:
        word = words[int(min(4000, len(words)) * rng.random())].lower()
        if word not in _MEANINGFUL:
            return word


_MEANINGFUL = frozenset(
    (*COLORS, *SHAPES, *KINDS, *" ".join(CARRIERS).split(), "left", "right", "above", "below")
)


def disturbed(rng, text: str, names: tuple[str, ...]) -> str:
    """A training question as people type it: with stray words, or with typing errors.

    Never inside `names`, and only in the first line.
    """
    draw = rng.random()
    if draw < STRAY:
        return _with_strays(rng, text, names)
    return with_typing_errors(rng, text, names) if draw < STRAY + TYPING_ERRORS else text


def _with_strays(rng, text: str, names) -> str:
    line, newline, rest = text.partition("\n")
    for _ in range(rng.integers(1, 4)):
        gaps = [i for i, c in enumerate(line) if c == " " and not _inside(line, i, names)]
        at = gaps[rng.integers(len(gaps))] if gaps and rng.random() < 0.7 else 0
        word = _stray_word(rng, "train")
        line = f"{line[:at]} {word}{line[at:]}" if at else f"{word} {line}"
    return line + newline + rest


def with_typing_errors(rng, text: str, names: tuple[str, ...], count: int | None = None) -> str:
    """One or two letters (or `count`) outside `names` left out, doubled, swapped or mistaken."""
    line, newline, rest = text.partition("\n")
    for _ in range(count or rng.integers(1, 3)):
        places = [i for i, c in enumerate(line) if c.isalpha() and not _inside(line, i, names)]
        if not places:
            break
        at = places[rng.integers(len(places))]
        wrong = chr(ord("a") + int(rng.integers(26)))
        following = line[at + 1 : at + 2]
        line = (
            line[:at]
            + (
                line[at + 1 :],
                line[at] + line[at:],
                following + line[at] + line[at + 2 :] if following.isalpha() else line[at:],
                wrong + line[at + 1 :],
            )[rng.integers(4)]
        )
    return line + newline + rest


def _inside(line: str, at: int, names) -> bool:
    for name in names:
        start = line.find(name)
        while start >= 0:
            if start <= at < start + len(name):
                return True
            start = line.find(name, start + 1)
    return False


def calm(text: str) -> str:
    """The question as the model reads it: in small letters, but for what it quotes.

    Not changed: what stands between double quotation marks, the letter of an option ("A. red"),
    and the tokens that an OCR found. The chat template does the same (`model.CHAT_TEMPLATE`).
    """
    return "\n".join(_calm_line(line) for line in text.split("\n"))


def _calm_line(line: str) -> str:
    if line.lower().startswith("reference ocr token:"):
        return line
    quoted, out = False, []
    for at, char in enumerate(line):
        quoted ^= char in QUOTES
        kept = quoted or (at == 0 and line[1:3] == ". ")
        out.append(char if kept else char.lower())
    return "".join(out)


QUOTES = '"“”„«»'


def corpus() -> list[str]:
    """Every frame and form of the known classes, small, for training the tokenizer."""
    lines: list[str] = []
    for forms in (ALL_TEXT, *FORMS.values()):
        for templates in (forms.questions, forms.clauses, forms.commands, forms.notes):
            lines += templates
    lines += [frame for name in KNOWN for frame in CLASSES[name]] + list(SENTENCES["train"])
    lines += [" colour", " grey", " gray"]
    slots = "sign thing things color a b relation q c i n s".split()
    return [line.format(**dict.fromkeys(slots, "")).lower() for line in lines]
