"""Who may come in, and when: a rate for each client, and a queue that is fair between them.

For one event loop; nothing here is safe to call from another thread.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque

__all__ = ["Busy", "Queue", "Rate"]


class Busy(Exception):
    """Not now: the server has as much to do as it can. `retry_after` is in whole seconds."""

    def __init__(self, message: str, retry_after: float):
        super().__init__(message)
        self.retry_after = max(1, math.ceil(retry_after))


class Rate:
    """A token bucket for each client: `rate` requests a second on average, `burst` at once.

    rate: 0 lets everyone through. At most `clients` are remembered, those seen last.
    """

    def __init__(self, rate: float, burst: int, clients: int = 10_000):
        self.rate, self.burst, self.clients = rate, burst, clients
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, at a time

    def take(self, client: str) -> None:
        """One request of this client. Raises Busy if it has made too many."""
        if not self.rate:
            return
        now = time.monotonic()
        tokens, then = self._buckets.get(client, (float(self.burst), now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        if tokens < 1:
            raise Busy("You ask too often: wait a moment.", (1 - tokens) / self.rate)
        self._buckets[client] = tokens - 1, now
        self._buckets.move_to_end(client)
        if len(self._buckets) > self.clients:
            self._buckets.popitem(last=False)


class Queue:
    """`workers` may work at once; the others wait, each client in its own line.

    Whoever is done calls the next client's first in line, the clients in turn. So one that sends
    a hundred requests waits for its own, and one that sends a single request waits for at most one
    of each of the others. At most `waiting` wait in all. When there is no room, the last of the
    longest line has to go, unless that is the one that comes.
    """

    def __init__(self, workers: int, waiting: int, waiting_per_client: int, max_wait: float):
        self.workers, self.waiting = workers, waiting
        self.waiting_per_client, self.max_wait = waiting_per_client, max_wait
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._length = 0
        self._working = 0
        self._seconds = 0.1  # running mean of the work for one request

    def __len__(self) -> int:
        """Return how many wait."""
        return self._length

    @property
    def working(self) -> int:
        return self._working

    async def enter(self, client: str) -> float:
        """Wait for this client's turn; returns the seconds it took. Then `leave` must be called.

        Raises Busy if there is no room to wait; if, by what work took lately, it won't be done
        within `max_wait` and others wait before it; or if its turn didn't come within `max_wait`.
        """
        if self._working < self.workers:  # then nobody waits
            self._working += 1
            return 0.0
        ticket = self._line_up(client)
        start = time.monotonic()
        try:
            await asyncio.wait((ticket,), timeout=self.max_wait)
        except asyncio.CancelledError:
            if ticket.done() and ticket.exception() is None:
                self._call_next()  # the turn had just come
            else:
                self._withdraw(client, ticket)
            raise
        if not ticket.done():
            self._withdraw(client, ticket)
            raise self._busy("The server has been too busy to answer: try again.")
        ticket.result()  # raises Busy if it was sent away
        return time.monotonic() - start

    def leave(self, seconds: float | None) -> None:
        """The work is done, and took so long; None: there was nothing to do."""
        if seconds is not None:
            self._seconds += 0.1 * (seconds - self._seconds)
        self._call_next()

    def _line_up(self, client: str) -> asyncio.Future[None]:
        line = self._lines.get(client, ())
        if len(line) >= self.waiting_per_client:
            raise self._busy(f"You have {len(line)} requests waiting: wait for their answers.")
        ahead = self._ahead(client)
        if ahead and self._seconds * (ahead / self.workers + 1) > self.max_wait:
            # Told now, it comes back in time; told after max_wait, it would have waited in vain, or
            # been answered when its sender had given it up.
            raise self._busy("The server has too much to do: try again.")
        if self._length >= self.waiting:
            longest = max(self._lines, key=lambda name: len(self._lines[name]), default=client)
            if len(self._lines.get(longest, ())) <= len(line) + 1:
                raise self._busy("The server is full: try again.")
            last = self._lines[longest][-1]
            self._withdraw(longest, last)
            last.set_exception(self._busy("The server is full: try again."))
        ticket = asyncio.get_running_loop().create_future()
        self._lines.setdefault(client, deque()).append(ticket)
        self._length += 1
        return ticket

    def _ahead(self, client: str) -> int:
        """Return how many will be called before the next that this client sends."""
        own = len(self._lines.get(client, ()))
        others = (line for name, line in self._lines.items() if name != client)
        return own + sum(min(len(line), own + 1) for line in others)

    def _withdraw(self, client: str, ticket: asyncio.Future[None]) -> None:
        line = self._lines.get(client)
        if line and ticket in line:
            line.remove(ticket)
            self._length -= 1
            if not line:
                del self._lines[client]

    def _call_next(self) -> None:
        if not self._lines:
            self._working -= 1
            return
        client, line = self._lines.popitem(last=False)
        ticket = line.popleft()
        self._length -= 1
        if line:
            self._lines[client] = line  # at the end: the others first
        ticket.set_result(None)  # its turn: as many work as before

    @property
    def wait(self) -> float:
        """Seconds of work ahead of who is at work now, by what work took lately."""
        return self._seconds * (self._length + max(self._working - 1, 0)) / self.workers

    def _busy(self, message: str) -> Busy:
        return Busy(message, self._seconds * (self._length + 1) / self.workers)
