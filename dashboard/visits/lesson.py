"""A lesson in class mode: what is shown so far of one question, and what the class votes on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from core.server.phone.rooms import Room


class Step(IntEnum):
    """What is shown, one thing after the other."""

    NOTHING = 0
    PICTURE = 1  # the global image alone; no model has run
    ANSWER = 2
    GAUGE = 3
    BOX = 4
    SECOND = 5


NEXT = {  # what the button says that leads to a step
    Step.PICTURE: "Show the picture as it is sent",
    Step.ANSWER: "Show the answer",
    Step.GAUGE: "Show the gauge",
    Step.BOX: "Show where it looks",
    Step.SECOND: "Show the second answer",
}
QUESTIONS = {  # that a class votes on -> what it is asked, and when
    "read": ("Can the model read it?", Step.PICTURE),
    "right": ("Is the answer right?", Step.ANSWER),
    "again": ("Will it ask again?", Step.ANSWER),
}


@dataclass
class Lesson:
    """How far a teacher has come with a picture; the room is the class's."""

    room: Room
    step: Step = Step.NOTHING

    def anew(self) -> None:
        """Begin again, with another picture or another question."""
        self.reach(Step.NOTHING)

    def reach(self, step: Step) -> None:
        """Show everything up to a step, and let the class vote on what comes next."""
        self.step = step
        open_now = {name: text for name, (text, when) in QUESTIONS.items() if when == step}
        self.room.put(open_now, anew=step <= Step.PICTURE)

    @property
    def following(self) -> Step | None:
        """Return the step that comes next; None if all is shown."""
        return None if self.step == Step.SECOND else Step(self.step + 1)

    @property
    def shown(self) -> str:
        """Return the names of what is shown, as the style sheet knows them."""
        return " ".join(step.name.lower() for step in Step if Step.NOTHING < step <= self.step)
