"""Calls of a model as orders: given one by one by whoever asks, carried out as batches.

What the protocol does for one question stays written for one question: it is given a VLM that
only takes orders. `core.bench.record.together` batches the orders of many samples in an order that
repeats; `core.vlm.batched` those of whoever asks a server at the moment.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from core.vlm.base import MAX_NEW_TOKENS, VLM, ModelAway, Request, Tally

# FLOPs of every order of this thread since its tally began, None where they aren't counted.
_shares: ContextVar[list[float | None] | None] = ContextVar("shares", default=None)


@dataclass(frozen=True)
class Order:
    """One call of a method that takes a batch, `…_batch`, or of one that takes none."""

    vlm: VLM  # who carries it out
    method: str  # of VLM
    arguments: tuple  # one for each list that the method takes, or as the method takes them
    settings: tuple = ()  # what it takes besides, the same for a whole batch

    @property
    def kind(self) -> tuple[int, str, tuple]:
        """Return what orders must have in common to be one batch."""
        return id(self.vlm), self.method, self.settings


@dataclass(frozen=True)
class Outcome:
    """What came of an order."""

    value: Any = None
    error: BaseException | None = None
    seconds: float = 0.0  # the order's share of the batch
    flops: float | None = None  # the same; None where the model doesn't count them


class Ordering(VLM):
    """A model that carries out nothing: it gives orders, and passes on what takes no time."""

    waited = 0.0  # of whoever asks, not of the model

    def __init__(self, vlm: VLM):
        self.info, self._vlm = vlm.info, vlm

    @abstractmethod
    def give(self, order: Order) -> Outcome:
        """Return what came of an order once it has been carried out."""

    def look(self, image):
        return self._value(Order(self._vlm, "look_batch", (image,)))

    def zoom(self, look, local):
        return self._value(Order(self._vlm, "zoom_batch", (look, local)))

    def answer(self, look, question, local=None, max_new_tokens=MAX_NEW_TOKENS, draft=()):
        request = Request(look, question, local, draft)
        return self._value(Order(self._vlm, "answer_batch", (request,), (max_new_tokens,)))

    def attend(self, look, prompt, layer=None):
        return self._value(Order(self._vlm, "attend_batch", (look, prompt), (layer,)))

    def attend_layers(self, look, prompt):
        return self._vlm.attend_layers(look, prompt)

    @property
    def abilities(self):
        return self._vlm.abilities

    def attend_heads(self, look, prompt):
        return self._value(Order(self._vlm, "attend_heads", (look, prompt)))

    def attend_gradient(self, look, prompt, layer=None):
        return self._value(Order(self._vlm, "attend_gradient", (look, prompt, layer)))

    def pixel_gradient(self, image, prompt):
        return self._value(Order(self._vlm, "pixel_gradient", (image, prompt)))

    def similarity(self, look, prompt, words):
        return self._value(Order(self._vlm, "similarity", (look, prompt, words)))

    def box_units(self, image_size):
        return self._vlm.box_units(image_size)

    def word_tokens(self, *words):
        return self._vlm.word_tokens(*words)

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
        """Yield counts of this thread's shares of all batches within."""
        shares: list[float | None] = []
        outer, tally = _shares.get(), Tally(None)
        token = _shares.set(shares)
        try:
            yield tally
        finally:
            _shares.reset(token)
            if outer is not None:
                outer += shares
        counted = [share for share in shares if share is not None]
        if len(counted) == len(shares):
            tally.flops = round(sum(counted))

    def _value(self, order: Order) -> Any:
        outcome = self.give(order)
        if (shares := _shares.get()) is not None:
            shares.append(outcome.flops)
        if outcome.error is not None:
            raise outcome.error
        return outcome.value


def carry_out(orders: Sequence[Order]) -> Iterator[dict[int, Outcome]]:
    """Yield what came of the orders, batch by batch, by their index.

    Orders of one kind are one batch. If a batch as a whole fails, its orders are carried out one by
    one, so that only those at fault do; unless there is nobody to carry out any.
    """
    for kind in dict.fromkeys(order.kind for order in orders):
        batch = {index: order for index, order in enumerate(orders) if order.kind == kind}
        whole = _attempt(list(batch.values()))
        if whole.error is None:
            seconds = whole.seconds / len(batch)
            flops = None if whole.flops is None else whole.flops / len(batch)
            each = [Outcome(value, seconds=seconds, flops=flops) for value in whole.value]
        elif len(batch) == 1 or isinstance(whole.error, ModelAway):
            each = [whole] * len(batch)
        else:
            each = [_first(_attempt([order])) for order in batch.values()]
        yield dict(zip(batch, each, strict=True))


def _attempt(orders: list[Order]) -> Outcome:
    """Return what came of a batch: a list of values, or what the model raised."""
    vlm, name = orders[0].vlm, orders[0].method
    method, given = getattr(vlm, name), [order.arguments for order in orders]
    start = time.perf_counter()
    try:
        with vlm.tally() as tally:
            if name.endswith("_batch"):
                values = method(*zip(*given, strict=True), *orders[0].settings)
            else:
                values = [method(*arguments) for arguments in given]
    except Exception as error:
        return Outcome(error=error, seconds=time.perf_counter() - start)
    return Outcome(values, seconds=time.perf_counter() - start, flops=tally.flops)


def _first(outcome: Outcome) -> Outcome:
    return outcome if outcome.error else replace(outcome, value=outcome.value[0])
