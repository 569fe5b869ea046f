"""One model that many threads ask at the same time, whose calls are carried out as batches.

Nobody waits for a batch to fill: whatever has been ordered while the model was at work is the next
one. Only those who are between two calls of theirs are waited for, a few milliseconds (`PAUSE`):
else half of them would always come just too late, and batches stay half full.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from core.vlm.base import VLM
from core.vlm.orders import Order, Ordering, Outcome, carry_out

__all__ = ["Batched", "batched"]

PAUSE = 0.01  # seconds at most that a batch waits for those who are about to order


def batched(vlm: VLM, at_once: int) -> VLM:
    """Return the model with the calls of up to `at_once` threads batched, if that makes it faster.

    A model whose batches are no faster than its single calls is returned as it is, and so is one
    that batches already.
    """
    if isinstance(vlm, Batched) or not vlm.batches or at_once < 2:
        return vlm
    return Batched(vlm, at_once)


class Batched(Ordering):
    """A model that carries out what several threads order as batches, in a thread of its own.

    at_once: orders in a batch, at most.
    """

    def __init__(self, vlm: VLM, at_once: int):
        super().__init__(vlm)
        self.at_once = at_once
        self._orders: list[tuple[Order, Future[Outcome]]] = []  # waiting, first come first
        self._changed = threading.Condition()
        self._asking = 0  # threads that may order something at any moment, or have
        self._running = False
        # Its thread ends when nobody holds this any more: it holds no reference back while idle.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")

    @contextmanager
    def asking(self) -> Iterator[None]:
        with self._changed:
            self._asking += 1
        try:
            yield
        finally:
            with self._changed:
                self._asking -= 1
                self._changed.notify()

    def in_full_detail(self) -> VLM | None:
        vlm = self._vlm.in_full_detail()
        return vlm and batched(vlm, self.at_once)

    def give(self, order: Order) -> Outcome:
        outcome: Future[Outcome] = Future()
        with self._changed:
            self._orders.append((order, outcome))
            self._changed.notify()
            if not self._running:
                self._running = True
                self._thread.submit(self._run)
        return outcome.result()

    def _run(self) -> None:
        """Carry out a batch, and what is ordered meanwhile after it."""
        if not (batch := self._next()):
            return
        try:
            for outcomes in carry_out([order for order, _ in batch]):
                for index, outcome in outcomes.items():
                    batch[index][1].set_result(outcome)
        finally:  # whatever has happened, nobody waits for ever
            for _, future in batch:
                if not future.done():
                    future.set_result(Outcome(error=RuntimeError("The batch was broken off.")))
            self._thread.submit(self._run)

    def _next(self) -> list[tuple[Order, Future[Outcome]]]:
        with self._changed:
            self._changed.wait_for(self._full, PAUSE)
            batch = self._orders[: self.at_once]
            del self._orders[: self.at_once]
            self._running = bool(batch)
            return batch

    def _full(self) -> bool:
        """Return whether there is nobody to wait for."""
        return len(self._orders) >= min(self.at_once, self._asking)
