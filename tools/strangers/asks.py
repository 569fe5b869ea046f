"""A picture of the benchmark, and what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from tools.strangers.drawing import Part

KINDS = (
    "one line",  # what a single text says
    "several lines",  # all lines of a sign, joined by spaces
    "says",  # yes or no about a text
    "colour",  # of a sign, of letters; some are yes or no
    "pointed",  # one of several texts, told by its colour, shape or place
    "absent",  # a sign or an object that isn't there
    "presence",  # yes or no: is there one?
    "price or number",
)

NOTHING = tuple(
    "can't read it|no such object|no such sign|no such thing|no such text|nothing|none|no|no text|"
    "no writing|no words|there is no text|there is none|there is no writing|not there|"
    "there is nothing|there is no sign|no sign|there is no price|no price|it doesn't say|"
    "it does not say|nothing is written|unknown|not visible|no number|there is no number".split("|")
)


class Ask:
    """A question of a kind, with every answer that a fair judge would accept."""

    def __init__(self, kind: str, question: str, *answers: str):
        self.kind, self.question, self.answers = kind, question, answers


@dataclass(frozen=True)
class Picture:
    name: str  # of its file; the ending says how it is stored
    size: tuple[int, int]
    parts: tuple[Part, ...]  # drawn in this order
    asks: tuple[Ask, ...]


one_line = partial(Ask, "one line")
lines = partial(Ask, "several lines")
says = partial(Ask, "says")
colour = partial(Ask, "colour")
pointed = partial(Ask, "pointed")
presence = partial(Ask, "presence")
number = partial(Ask, "price or number")


def no_sign(question: str) -> Ask:
    return Ask("absent", question, "no such sign")


def no_object(question: str) -> Ask:
    return Ask("absent", question, "no such object")


def nothing(question: str) -> Ask:
    """Return a question about what isn't there, to which any way of saying so is an answer."""
    return Ask("absent", question, *NOTHING)
