"""The events of a transcript: the messages that crossed the link, and the work at its ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Self

from core.messages import Answer, CropRequest, LocalImage, Message, Question, SecondLook

Place = Literal["edge", "server"]


@dataclass(frozen=True)
class MessageRecord:
    """One message that crossed the link."""

    sender: Place
    kind: str
    byte_count: int  # length of the message on the wire
    image_bytes: int  # of these, the encoded image
    text: str  # what it says, for people

    @classmethod
    def of(cls, sender: Place, message: Message) -> Self:
        """Return the record of a message that `sender` sent."""
        match message:
            case Question():
                text = message.question
            case Answer():
                text = message.text
            case SecondLook():
                text = "Look again."
            case CropRequest():
                text = "Send {}, {} to {}, {} in detail.".format(*message.box.as_tuple())
            case LocalImage():
                text = "Here it is."
        return cls(sender, message.kind, message.byte_count, message.image_bytes, text)


@dataclass(frozen=True)
class Step:
    """One piece of work."""

    name: str
    where: Place
    seconds: float  # wall clock
    flops: int | None = None  # of a model pass as the paper counts them (eq. 17-19)
    exact_flops: int | None = None  # as executed: vision tower, text, head and decoding, too


Event = Step | MessageRecord


@contextmanager
def timed(
    steps: list[Step] | list[Event], name: str, where: Place, flops: int | None = None
) -> Iterator[None]:
    """Append what is done meanwhile to `steps`, with the seconds it takes."""
    start = time.perf_counter()
    yield
    steps.append(Step(name, where, time.perf_counter() - start, flops))
