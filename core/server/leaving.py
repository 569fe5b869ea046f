"""Leaving without losing a question: who has begun is answered, who comes is sent elsewhere.

A first stage is held by one server, and its second stage can be answered nowhere else. So a server
that is to end (SIGTERM) says at /ready that it isn't for new questions, refuses them, and waits
for the local images that it asked for. The proxy before several servers sends questions to another
one; without another, edges come back to the one that takes its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from core.messages import CropRequest, Message, Question
from core.server.admission import Queue
from core.server.problems import Problem

__all__ = ["Leaving"]

REMEMBERED = 1024  # sessions, before those that are gone are forgotten


class Leaving:
    """What a service still owes when it is to end. For one event loop.

    seconds: that it waits at most once `begin` was called. queue: of those who wait and work. held:
    whether a session is.
    """

    def __init__(self, seconds: float, queue: Queue, held: Callable[[str], bool]):
        self.seconds, self.queue, self.held = seconds, queue, held
        self._asked: set[str] = set()  # sessions that a local image was asked for
        self._until: float | None = None

    def begin(self) -> None:
        """Take no new questions from now on. Again: go without waiting any longer."""
        now = time.monotonic()
        self._until = now if self.begun else now + self.seconds

    @property
    def begun(self) -> bool:
        return self._until is not None

    @property
    def over(self) -> bool:
        """Return whether it was begun, and nothing is owed any more or the time is up."""
        if self._until is None:
            return False
        busy = self.queue.working or len(self.queue) or self.owed()
        return not busy or time.monotonic() >= self._until

    def owed(self) -> int:
        """Return for how many sessions held here a local image is yet to come."""
        self._asked = {session for session in self._asked if self.held(session)}
        return len(self._asked)

    def check(self, kind: str = Question.kind) -> None:
        """Raise Problem for a message of a kind that begins something, if nothing is begun here
        any more."""
        if self.begun and kind == Question.kind:
            raise Problem(
                503, "leaving", "This server is being shut down: send the question again.",
                Retry_After="1",
            )  # fmt: skip

    def note(self, reply: Message) -> None:
        """Take note of what was replied."""
        if isinstance(reply, CropRequest):
            self._asked.add(reply.session)
            if len(self._asked) > REMEMBERED:
                self.owed()
