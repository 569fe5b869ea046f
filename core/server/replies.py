"""Replies that are given again: a message sent twice under one key is answered only once.

An edge that lost the connection can't know whether its message arrived. It sends it again with
the same `Idempotency-Key`, and gets what it would have got: the second stage of a session, which
can be taken only once, is safe to repeat. For one event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class KeyReused(ValueError):
    """Another message came under a key that was used before."""


class Abandoned(Exception):
    """The sender of the message has gone, and nothing has been done about it yet."""


@dataclass
class _Held(Generic[T]):
    digest: bytes  # of the message
    expires: float
    reply: asyncio.Future[T]


class Replies(Generic[T]):
    """Replies that are held: at most `limit`, the oldest dropped first, none for longer than
    `seconds`.

    Failures aren't kept: a message that failed is tried again when it comes again.
    """

    def __init__(self, limit: int, seconds: float):
        self.limit, self.seconds = limit, seconds
        self._held: OrderedDict[str, _Held[T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    async def once(self, key: str, message: bytes, work: Callable[[], Awaitable[T]]) -> T:
        """The reply to `message`: held, under way, or what `work` gives now.

        Raises KeyReused if the key belongs to another message, and what `work` raises.
        """
        digest = hashlib.sha256(message).digest()
        while (held := self._find(key)) is not None:
            if held.digest != digest:
                raise KeyReused("This Idempotency-Key belongs to another message: use a new one.")
            try:
                return await asyncio.shield(held.reply)
            except Abandoned:
                continue  # by the one that sent it first; this one is still there
        held = _Held(
            digest, time.monotonic() + self.seconds, asyncio.get_running_loop().create_future()
        )
        self._held[key] = held
        if len(self._held) > self.limit:
            self._held.popitem(last=False)
        try:
            reply = await work()
        except BaseException as error:
            if self._held.get(key) is held:
                del self._held[key]
            gone = isinstance(error, asyncio.CancelledError)
            held.reply.set_exception(Abandoned() if gone else error)
            held.reply.exception()  # seen: perhaps nobody else waits for it
            raise
        held.reply.set_result(reply)
        return reply

    def _find(self, key: str) -> _Held[T] | None:
        now = time.monotonic()
        while self._held and next(iter(self._held.values())).expires <= now:
            self._held.popitem(last=False)
        return self._held.get(key)
