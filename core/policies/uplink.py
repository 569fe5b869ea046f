"""How long the shared uplink is busy, as far as a server can know.

Edges may say how long a message waited at theirs before it was sent. Where they don't, the server
still sees its own local images: what it asked for and doesn't have yet waits for the link; the
oldest of them has waited since it was asked for; and one that arrives has measured the queue it
found. A queue found then can't have drained by more than the time that has passed.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

__all__ = ["Uplink"]


class Uplink:
    """The queue of an uplink that several edges share. May be told by several threads at once.

    crop_seconds: of the link, that a local image is expected to take. patience: seconds after
    which one isn't waited for any more.
    """

    def __init__(
        self,
        crop_seconds: float,
        patience: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.crop_seconds, self.patience, self._clock = crop_seconds, patience, clock
        self._asked: OrderedDict[Hashable, float] = OrderedDict()  # crop -> when, rising
        self._found, self._when = 0.0, clock()  # seconds of work in the queue, and when
        self._lock = threading.Lock()

    def ask(self, crop: Hashable) -> None:
        """A local image was asked for."""
        with self._lock:
            self._asked[crop] = self._clock()

    def arrived(self, crop: Hashable) -> bool:
        """A local image is there. Return whether it was waited for; others are passed over."""
        with self._lock:
            asked = self._asked.pop(crop, None)
            if asked is None:
                return False
            now = self._clock()
            self._note(max(now - asked - self.crop_seconds, 0.0), now)
            return True

    def report(self, seconds: float) -> None:
        """A message waited so long before it was sent, or longer: the queue may be on its way."""
        with self._lock:
            now = self._clock()
            if seconds > self._found - (now - self._when):
                self._note(seconds, now)

    def waiting(self) -> int:
        """Return how many local images were asked for and aren't there yet."""
        with self._lock:
            self._forget(self._clock())
            return len(self._asked)

    def wait(self) -> float:
        """Return the seconds of work that are expected to wait for the link now."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            oldest = next(iter(self._asked.values()), now)
            found = self._found - (now - self._when)
            own = len(self._asked) * self.crop_seconds
            return max(own, now - oldest - self.crop_seconds, found, 0.0)

    def _note(self, seconds: float, now: float) -> None:
        self._found, self._when = seconds, now

    def _forget(self, now: float) -> None:
        while self._asked and now - next(iter(self._asked.values())) > self.patience:
            self._asked.popitem(last=False)
