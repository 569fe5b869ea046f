"""Rooms in which a class votes, and is told what its phones asked: the rules, without HTTP or page.

A room belongs to whoever opened it, who alone can read it. Devices have random names; nothing is
kept of them but their last vote on each question, and numbers on what they asked. All of it goes
with the room, and a room goes when its owner closes it or hasn't looked at it for a while.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.server.admission import Busy, Rate

__all__ = ["Asked", "Room", "RoomError", "Rooms"]

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words; no digits to mistake for letters
LETTERS = 6
DEVICE = 32  # hexadecimal digits of a device's name
IDLE = 3600.0  # seconds for which a room waits for its owner
MOST_ROOMS, MOST_DEVICES, MOST_ASKED = 64, 250, 500
PER_ROOM, PER_DEVICE = (100.0, 400), (2.0, 10)  # requests a second on average, and at once
MOST_BYTES, MOST_SECONDS = 2**30, 3600.0


class RoomError(Exception):
    """What a device can't do here; the text is one sentence that says what to do."""


@dataclass(frozen=True)
class Asked:
    """What came of one question of a phone: numbers only. Raises RoomError for impossible ones."""

    again: bool  # a local image was asked for
    sent: int  # bytes of its messages
    whole: int  # bytes of the photo
    uncertainty: float | None
    seconds: float

    def __post_init__(self) -> None:
        numbers = self.seconds, self.uncertainty or 0.0
        possible = (
            0 < self.sent <= MOST_BYTES
            and 0 < self.whole <= MOST_BYTES
            and all(map(math.isfinite, numbers))
            and 0 <= self.seconds <= MOST_SECONDS
        )
        if not possible:
            raise RoomError("These numbers can't be of a question: reload the page.")


@dataclass
class Room:
    """One class. Every method may be called from any thread.

    open: the questions that may be voted on now, and their texts. round: counts the pictures, so
    that a vote that comes late isn't taken for one on the next.
    """

    code: str
    clock: Callable[[], float] = time.monotonic
    open: Mapping[str, str] = field(default_factory=dict)
    round: int = 0
    _votes: dict[str, dict[str, bool]] = field(default_factory=dict)  # by question and device
    _devices: set[str] = field(default_factory=set)
    _asked: deque[Asked] = field(default_factory=lambda: deque(maxlen=MOST_ASKED))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._seen = self.clock()
        self._rate, self._device_rate = Rate(*PER_ROOM), Rate(*PER_DEVICE, clients=MOST_DEVICES)

    @property
    def idle(self) -> float:
        """Seconds since the owner looked."""
        return self.clock() - self._seen

    def put(self, questions: Mapping[str, str], anew: bool = False) -> None:
        """Let these questions be voted on, and no others. anew: of another picture."""
        with self._lock:
            self.open = dict(questions)
            if anew:
                self.round += 1
                self._votes.clear()

    def vote(self, device: str, question: str, round: int, yes: bool) -> None:
        """Take a device's vote, in place of its earlier one. Raises RoomError or Busy."""
        with self._lock:
            self._admit(device)
            if question not in self.open or round != self.round:
                raise RoomError("This vote is closed: wait for the next one.")
            self._votes.setdefault(question, {})[device] = yes

    def tell(self, device: str, asked: Asked) -> None:
        """Take what came of a phone's question. Raises RoomError or Busy."""
        with self._lock:
            self._admit(device)
            self._asked.append(asked)

    def visit(self) -> None:
        """Count a request that says no device's name. Raises Busy if there are too many."""
        with self._lock:
            self._rate.take(self.code)

    def tally(self, question: str) -> tuple[int, int]:
        """Return how many say yes, and how many no. For the owner."""
        with self._lock:
            self._seen = self.clock()
            votes = self._votes.get(question, {}).values()
            return sum(votes), len(votes) - sum(votes)

    def asked(self) -> tuple[Asked, ...]:
        """Return what the phones told, the oldest first; the last MOST_ASKED. For the owner."""
        with self._lock:
            self._seen = self.clock()
            return tuple(self._asked)

    def _admit(self, device: str) -> None:
        if len(device) != DEVICE or not set(device) <= set("0123456789abcdef"):
            raise RoomError("This device has no name to vote by: reload the page.")
        if device not in self._devices and len(self._devices) >= MOST_DEVICES:
            raise Busy("There are as many devices in this room as it takes.", 60)
        self._rate.take(self.code)
        self._device_rate.take(device)
        self._devices.add(device)


class Rooms:
    """All rooms of a server; few, and none for long. Safe to call from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._rooms: dict[str, Room] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rooms)

    def new(self) -> Room:
        """Open a room. Raises Busy if there are as many as there may be."""
        with self._lock:
            self._sweep()
            if len(self._rooms) >= MOST_ROOMS:
                raise Busy("There are as many classes as this server takes: try again later.", 60)
            code = "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
            room = self._rooms[code] = Room(code, self._clock)
            return room

    def find(self, code: str) -> Room:
        """Return the room of a code, in capitals or not. Raises RoomError if there is none."""
        with self._lock:
            self._sweep()
            room = self._rooms.get(code.upper())
        if room is None:
            raise RoomError("There is no such class any more: read the code again.")
        return room

    def close(self, room: Room) -> None:
        """Forget a room, and all that was said in it."""
        with self._lock:
            self._rooms.pop(room.code, None)

    def _sweep(self) -> None:
        for room in [room for room in self._rooms.values() if room.idle > IDLE]:
            del self._rooms[room.code]
