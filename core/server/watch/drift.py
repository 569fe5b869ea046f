"""A watch for a world that has shifted under a certificate.

It compares what is asked again with what the certificate expects.

A promise holds for images drawn like those that η was set on. If they aren't any more, the gate
usually asks more often, or less: of the last questions, more or fewer than chance allows. A band
for that number follows from the certificate: having seen k of n asked for, the next t are asked for
K times with the beta-binomial probability (Jeffreys' prior, a = k + 1/2, b = n - k + 1/2)

    P(K) = C(t, K) B(K + a, t - K + b) / B(a, b),

which knows that k of n is itself an estimate. Nothing needs to be known of right or wrong answers.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

WINDOW = 200  # questions looked back on
EVERY = 50  # after as many it is looked: each look may raise a false alarm
TAIL = 1e-4  # probability that a look does


class Drift:
    """Counts who is asked again, in the last questions. May be told by several threads at once."""

    def __init__(self, asked: int, questions: int):
        """asked of questions: where η was set."""
        self.expected = asked / questions
        self.total = 0
        self.shifted = False  # at the last look
        self._bands = {t: band(asked, questions, t) for t in range(EVERY, WINDOW + 1, EVERY)}
        self._last: deque[bool] = deque(maxlen=WINDOW)
        self._lock = threading.Lock()

    def note(self, asked: bool) -> str | None:
        """Take note of a question; returns a sentence when the world turns out to have shifted, or
        to be back."""
        with self._lock:
            self._last.append(asked)
            self.total += 1
            if self.total % EVERY:
                return None
            before, (low, high) = self.shifted, self.band
            count = sum(self._last)
            self.shifted = not low <= count <= high
            if self.shifted == before:
                return None
            said = (
                f"{count} of the last {len(self._last)} questions were asked again, and the "
                f"certificate expects {low} to {high}"
            )
        if not self.shifted:
            return f"{said}: its promise may hold again."
        return f"{said}: the images are no longer like those η was set on, set it anew."

    @property
    def band(self) -> tuple[int, int]:
        """Return the least and the most of the last questions that are to be asked again."""
        return self._bands[max(EVERY, len(self._last) // EVERY * EVERY)]

    @property
    def share(self) -> float:
        """Asked again of the last questions; NaN before the first."""
        last = list(self._last)
        return sum(last) / len(last) if last else float("nan")


def band(asked: int, questions: int, count: int, tail: float = TAIL) -> tuple[int, int]:
    """Return between which the number asked for of `count` lies, but for `tail` on both sides.

    asked of questions: what was seen. Beta-binomial, from each probability to the next.
    """
    a, b = asked + 0.5, questions - asked + 0.5
    k = np.arange(count)
    steps = np.log((count - k) / (k + 1)) + np.log((k + a) / (count - k - 1 + b))
    logs = np.append(0.0, np.cumsum(steps))
    chances = np.exp(logs - logs.max())
    below = np.cumsum(chances) / chances.sum()
    above = np.cumsum(chances[::-1])[::-1] / chances.sum()
    return int(np.argmax(below > tail / 2)), int(count - np.argmax(above[::-1] > tail / 2))
