"""Many askers of one model, whose calls are made as batches.

What the protocol does for one question stays written for one question. Here each asker runs it in
a thread of its own, on a VLM that only takes orders. When all of them wait for an answer, their
orders are carried out as one batch, and each goes on. Only one thread runs at any time, always in
the same order. So batches are composed the same in every repetition, and times are not blurred.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

from core.vlm.base import MAX_NEW_TOKENS, VLM, Request, Tally


@dataclass(frozen=True)
class _Order:
    vlm: VLM  # who carries it out
    method: str  # of VLM, the one that takes a batch
    arguments: tuple  # one for each list that the method takes
    settings: tuple = ()  # what it takes besides, the same for a whole batch


@dataclass(frozen=True)
class _Outcome:
    """The outcome of an order, or of all that an asker does."""

    value: Any = None
    error: BaseException | None = None
    seconds: float = 0.0  # the asker's share of the batch
    flops: float | None = None  # the same; None where the model doesn't count them


class _Abandoned(BaseException):
    """Ends the threads that still wait when the work as a whole ends early."""


class Asker(VLM):
    """The model as one of several askers sees it."""

    def __init__(self, vlm: VLM):
        self.info, self._vlm = vlm.info, vlm
        self.waited = 0.0  # seconds spent waiting beyond this asker's share of the batches
        self.prompt_tokens: list[int] = []  # of every answer so far
        self._flops: list[float | None] = []  # of every order so far
        self.to_main: SimpleQueue[_Order | _Outcome] = SimpleQueue()
        self.from_main: SimpleQueue[_Outcome] = SimpleQueue()

    def look(self, image):
        return self._give("look_batch", (image,))

    def answer(self, look, question, local=None, max_new_tokens=MAX_NEW_TOKENS, draft=()):
        # No draft: the answers of a batch are decoded all at once.
        request = Request(look, question, local)
        generation = self._give("answer_batch", (request,), (max_new_tokens,))
        self.prompt_tokens.append(generation.prompt_tokens)
        return generation

    def attend(self, look, prompt, layer=None):
        return self._give("attend_batch", (look, prompt), (layer,))

    def geometry(self, image_size):
        return self._vlm.geometry(image_size)

    def visual_tokens(self, image_size):
        return self._vlm.visual_tokens(image_size)

    def prompt_text(self, question, n_images):
        return self._vlm.prompt_text(question, n_images)

    def decode_token(self, token_id):
        return self._vlm.decode_token(token_id)

    @contextmanager
    def tally(self) -> Iterator[Tally]:
        """Yield counts of each asker's share of a batch."""
        before, tally = len(self._flops), Tally(None)
        yield tally
        shares = self._flops[before:]
        counted = [share for share in shares if share is not None]
        if len(counted) == len(shares):
            tally.flops = round(sum(counted))

    def in_full_detail(self) -> Asker | None:
        """Return the same asker of that model; what it waits isn't counted here."""
        if (vlm := self._vlm.in_full_detail()) is None:
            return None
        other = copy(self)
        other.info, other._vlm, other.waited = vlm.info, vlm, 0.0
        return other

    def _give(self, method: str, arguments: tuple, settings: tuple = ()) -> Any:
        start = time.perf_counter()
        self.to_main.put(_Order(self._vlm, method, arguments, settings))
        outcome = self.from_main.get()
        self.waited += time.perf_counter() - start - outcome.seconds
        self._flops.append(outcome.flops)
        if outcome.error is not None:
            raise outcome.error
        return outcome.value


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
            outcome = _Outcome(work(asker, item))
        except _Abandoned:
            return
        except Exception as error:
            outcome = _Outcome(error=error)
        asker.to_main.put(outcome)

    waiting: dict[int, _Order] = {}

    def hear(index: int) -> None:
        """Let one asker run until it waits or is done."""
        said = askers[index].to_main.get()
        if isinstance(said, _Order):
            waiting[index] = said
        else:
            results[index] = said.value if said.error is None else said.error

    try:
        for index, (asker, item) in enumerate(zip(askers, items, strict=True)):
            threading.Thread(target=run, args=(asker, item), daemon=True).start()
            hear(index)
        while waiting:
            for index, outcome in _carry_out(waiting).items():
                del waiting[index]
                askers[index].from_main.put(outcome)
                hear(index)
    finally:
        for index in waiting:  # interrupted
            askers[index].from_main.put(_Outcome(error=_Abandoned()))
    return results


def _carry_out(orders: dict[int, _Order]) -> dict[int, _Outcome]:
    outcomes: dict[int, _Outcome] = {}
    kinds = {i: (id(o.vlm), o.method, o.settings) for i, o in sorted(orders.items())}
    for kind in dict.fromkeys(kinds[i] for i in orders):
        batch = {i: orders[i] for i in kinds if kinds[i] == kind}
        whole = _attempt(list(batch.values()))
        if whole.error is None:
            seconds = whole.seconds / len(batch)
            flops = None if whole.flops is None else whole.flops / len(batch)
            each = [_Outcome(value, seconds=seconds, flops=flops) for value in whole.value]
        else:
            each = [_first(_attempt([order])) for order in batch.values()]
        outcomes |= zip(batch, each, strict=True)
    return outcomes


def _attempt(orders: list[_Order]) -> _Outcome:
    """Return what came of a batch: a list of values, or what the model raised."""
    vlm, lists = orders[0].vlm, zip(*(order.arguments for order in orders), strict=True)
    start = time.perf_counter()
    try:
        with vlm.tally() as tally:
            values = getattr(vlm, orders[0].method)(*lists, *orders[0].settings)
    except Exception as error:
        return _Outcome(error=error, seconds=time.perf_counter() - start)
    return _Outcome(values, seconds=time.perf_counter() - start, flops=tally.flops)


def _first(outcome: _Outcome) -> _Outcome:
    return outcome if outcome.error else replace(outcome, value=outcome.value[0])
