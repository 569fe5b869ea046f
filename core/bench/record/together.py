"""Many askers of one model, whose calls are made as batches.

What the protocol does for one question stays written for one question. Here each asker runs it in
a thread of its own, on a VLM that only takes orders. When all of them wait for an answer, their
orders are carried out as one batch, and each goes on. Only one thread runs at any time, always in
the same order. So batches are composed the same in every repetition, and times are not blurred.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from copy import copy
from queue import SimpleQueue
from typing import Any

from core.vlm.base import MAX_NEW_TOKENS, VLM
from core.vlm.orders import Order, Ordering, Outcome, carry_out


class _Abandoned(BaseException):
    """Ends the threads that still wait when the work as a whole ends early."""


class Asker(Ordering):
    """The model as one of several askers sees it."""

    def __init__(self, vlm: VLM):
        super().__init__(vlm)
        self.to_main: SimpleQueue[Order | Outcome] = SimpleQueue()
        self.from_main: SimpleQueue[Outcome] = SimpleQueue()

    def answer(self, look, question, local=None, max_new_tokens=MAX_NEW_TOKENS, draft=()):
        # No draft: the answers of a batch are decoded all at once.
        return super().answer(look, question, local, max_new_tokens)

    def in_full_detail(self) -> Asker | None:
        """Return the same asker of that model; what it waits isn't counted here."""
        if (vlm := self._vlm.in_full_detail()) is None:
            return None
        other = copy(self)
        other.info, other._vlm, other.waited = vlm.info, vlm, 0.0
        return other

    def give(self, order: Order) -> Outcome:
        start = time.perf_counter()
        self.to_main.put(order)
        outcome = self.from_main.get()
        self.waited += time.perf_counter() - start - outcome.seconds
        return outcome


def together(
    vlm: VLM, work: Callable[[Asker, Any], Any], items: Sequence[Any]
) -> list[Any | Exception]:
    """``work(asker, item)`` for every item, their calls of the model batched.

    Returns what each gave, or the exception that it raised. If a batch as a whole fails, its orders
    are carried out one by one, so that only those at fault do.
    """
    askers = [Asker(vlm) for _ in items]
    results: list[Any] = [None] * len(items)

    def run(asker: Asker, item: Any) -> None:
        try:
            outcome = Outcome(work(asker, item))
        except _Abandoned:
            return
        except Exception as error:
            outcome = Outcome(error=error)
        asker.to_main.put(outcome)

    waiting: dict[int, Order] = {}

    def hear(index: int) -> None:
        """Let one asker run until it waits or is done."""
        said = askers[index].to_main.get()
        if isinstance(said, Order):
            waiting[index] = said
        else:
            results[index] = said.value if said.error is None else said.error

    try:
        for index, (asker, item) in enumerate(zip(askers, items, strict=True)):
            threading.Thread(target=run, args=(asker, item), daemon=True).start()
            hear(index)
        while waiting:
            orders = dict(sorted(waiting.items()))
            for index, outcome in _all(orders).items():
                del waiting[index]
                askers[index].from_main.put(outcome)
                hear(index)
    finally:
        for index in waiting:  # interrupted
            askers[index].from_main.put(Outcome(error=_Abandoned()))
    return results


def _all(orders: dict[int, Order]) -> dict[int, Outcome]:
    """Return what came of all orders, before any asker goes on: so batches repeat."""
    found: dict[int, Outcome] = {}
    for outcomes in carry_out(list(orders.values())):
        found |= outcomes
    return {list(orders)[index]: outcome for index, outcome in found.items()}
