"""A message under one key is answered once, however often and whenever it comes."""

import asyncio

import pytest

from core.server.replies import Abandoned, KeyReused, Replies


class Work:
    def __init__(self, *outcomes):
        self.outcomes, self.calls, self.go = list(outcomes), 0, asyncio.Event()

    async def __call__(self):
        self.calls += 1
        await self.go.wait()
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_repeated_while_under_way_and_afterwards():
    async def scene():
        replies, work = Replies(10, 60), Work("reply")
        tasks = [asyncio.ensure_future(replies.once("k", b"m", work)) for _ in range(3)]
        await asyncio.sleep(0)
        work.go.set()
        assert await asyncio.gather(*tasks) == ["reply"] * 3
        assert await replies.once("k", b"m", work) == "reply"
        assert work.calls == 1
        with pytest.raises(KeyReused):
            await replies.once("k", b"another message", work)

    asyncio.run(scene())


def test_a_failure_is_not_kept():
    async def scene():
        replies, work = Replies(10, 60), Work(ValueError("no"), "reply")
        work.go.set()
        with pytest.raises(ValueError, match="no"):
            await replies.once("k", b"m", work)
        assert await replies.once("k", b"m", work) == "reply"

    asyncio.run(scene())


@pytest.mark.parametrize("cancelled", [True, False])
def test_whoever_comes_second_takes_over_from_one_that_left(cancelled):
    async def scene():
        replies, work = Replies(10, 60), Work(*([] if cancelled else [Abandoned()]), "reply")
        first = asyncio.ensure_future(replies.once("k", b"m", work))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(replies.once("k", b"m", work))
        await asyncio.sleep(0)
        if cancelled:
            first.cancel()
            await asyncio.sleep(0)
        work.go.set()
        assert await second == "reply"
        with pytest.raises((asyncio.CancelledError, Abandoned)):
            await first
        assert work.calls == 2

    asyncio.run(scene())


def test_bounded_in_number_and_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("core.server.replies.time.monotonic", lambda: now[0])

    async def scene():
        replies = Replies(3, 60)
        for i in range(10):
            work = Work(i)
            work.go.set()
            await replies.once(str(i), b"m", work)
        assert len(replies) == 3
        again = Work("anew")
        again.go.set()
        assert await replies.once("9", b"m", again) == 9
        now[0] = 61.0
        assert await replies.once("9", b"m", again) == "anew"
        assert len(replies) == 1

    asyncio.run(scene())
