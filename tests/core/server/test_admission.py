"""Turns: bounded, fair, and never lost, whoever comes, waits or goes."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.server.admission import Busy, Queue, Rate


def test_a_burst_and_then_the_rate(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("core.server.admission.time.monotonic", lambda: now[0])
    rate = Rate(2.0, burst=3)
    for _ in range(3):
        rate.take("a")
    with pytest.raises(Busy) as refused:
        rate.take("a")
    assert refused.value.retry_after == 1
    rate.take("b")  # another client's allowance is its own
    now[0] += 0.5
    rate.take("a")
    with pytest.raises(Busy):
        rate.take("a")
    now[0] += 1000  # a long pause saves up no more than a burst
    for _ in range(3):
        rate.take("a")
    with pytest.raises(Busy):
        rate.take("a")


def test_only_so_many_clients_are_remembered():
    rate = Rate(1.0, burst=1, clients=10)
    for i in range(1000):
        rate.take(str(i))
    assert len(rate._buckets) == 10
    with pytest.raises(Busy):
        rate.take("999")


def test_a_rate_of_none():
    rate = Rate(0, burst=1)
    for _ in range(1000):
        rate.take("a")


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


def enter(queue, client, order):
    async def come():
        await queue.enter(client)
        order.append(client)

    return asyncio.ensure_future(come())


def test_clients_take_turns():
    """One request of b waits for one of a, not for all five."""

    async def scene():
        queue, order = Queue(1, 100, 100, 10.0), []
        await queue.enter("first")
        tasks = [enter(queue, "a", order) for _ in range(5)]
        await settle()
        tasks += [enter(queue, client, order) for client in ("b", "c", "b")]
        await settle()
        assert len(queue) == 8
        for _ in range(8):
            queue.leave(0.1)
            await settle()
        assert order == ["a", "b", "c", "a", "b", "a", "a", "a"]
        queue.leave(0.1)
        assert (len(queue), queue.working) == (0, 0)
        await asyncio.gather(*tasks)

    asyncio.run(scene())


def test_nobody_waits_longer_than_agreed():
    async def scene():
        queue = Queue(1, 10, 10, 0.05)
        assert await queue.enter("a") == 0
        queue.leave(30.0)  # so the next knows that work takes long
        await queue.enter("a")
        start = asyncio.get_running_loop().time()
        with pytest.raises(Busy) as refused:
            await queue.enter("b")
        assert 0.04 < asyncio.get_running_loop().time() - start < 1
        assert refused.value.retry_after >= 3  # a tenth of the mean moved
        assert len(queue) == 0
        queue.leave(0.1)
        assert queue.working == 0

    asyncio.run(scene())


def test_who_would_wait_in_vain_is_told_so_at_once():
    """Work of 4 s, one at a time, and 15 s for all: the fourth in line is told when to come."""

    async def scene():
        queue, order = Queue(1, 100, 100, 15.0), []
        queue._seconds = 4.0
        await queue.enter("first")
        tasks = [enter(queue, client, order) for client in "abc"]  # done 4, 8 and 12 s later
        await settle()
        with pytest.raises(Busy, match="too much") as refused:
            await queue.enter("d")
        assert refused.value.retry_after == 16 and len(queue) == 3
        # Who has sent more must wait for the others' first; who sent one isn't refused for them.
        more = [enter(queue, "a", order) for _ in range(2)]
        await settle()
        assert [task.done() for task in more] == [True, True]
        for task in more:
            with pytest.raises(Busy, match="too much"):
                task.result()
        for _ in range(4):
            queue.leave(4.0)
            await settle()
        await asyncio.gather(*tasks)
        assert order == ["a", "b", "c"]

    asyncio.run(scene())


def test_the_greedy_wait_in_vain_before_others_do():
    async def scene():
        queue, order = Queue(1, 100, 100, 15.0), []
        queue._seconds = 4.0
        await queue.enter("first")
        greedy = [enter(queue, "a", order) for _ in range(4)]
        await settle()
        assert [task.done() for task in greedy] == [False, False, False, True]
        other = enter(queue, "b", order)
        await settle()
        assert not other.done()  # one of a's is before it, not all three
        with pytest.raises(Busy, match="too much"):
            greedy[3].result()
        for _ in range(5):
            queue.leave(4.0)
            await settle()
        await asyncio.gather(*greedy[:3], other)
        assert order == ["a", "b", "a", "a"]

    asyncio.run(scene())


def test_one_may_wait_however_long_work_takes():
    async def scene():
        queue, order = Queue(1, 100, 100, 15.0), []
        queue._seconds = 400.0
        await queue.enter("first")
        task = enter(queue, "a", order)
        await settle()
        with pytest.raises(Busy, match="too much"):
            await queue.enter("b")
        queue.leave(400.0)
        await task

    asyncio.run(scene())


def test_what_was_not_worked_for_says_nothing_about_how_long_work_takes():
    async def scene():
        queue = Queue(1, 10, 10, 10.0)
        queue._seconds = 4.0
        for _ in range(20):
            await queue.enter("a")
            queue.leave(None)
        assert queue._seconds == 4.0 and queue.working == 0

    asyncio.run(scene())


def test_a_full_queue_sends_away_the_greedy():
    async def scene():
        queue, order = Queue(1, 4, 3, 10.0), []
        await queue.enter("first")
        greedy = [enter(queue, "a", order) for _ in range(3)]
        await settle()
        with pytest.raises(Busy, match="waiting"):
            await queue.enter("a")  # its own line is full
        other = enter(queue, "b", order)
        await settle()
        late = enter(queue, "c", order)  # no room: the last of a's line has to go
        await settle()
        assert len(queue) == 4 and greedy[2].done()
        with pytest.raises(Busy, match="full"):
            greedy[2].result()
        for _ in range(4):
            queue.leave(0.1)
            await settle()
        assert order == ["a", "b", "c", "a"]
        queue.leave(0.1)
        await asyncio.gather(*greedy[:2], other, late)

        # When all lines are as long as the newcomer's would be, it is the newcomer that goes.
        await queue.enter("first")
        tasks = [enter(queue, client, order) for client in "abcd"]
        await settle()
        with pytest.raises(Busy, match="full"):
            await queue.enter("e")
        for _ in range(5):
            queue.leave(0.1)
            await settle()
        await asyncio.gather(*tasks)
        assert (len(queue), queue.working) == (0, 0)

    asyncio.run(scene())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(0, 6))
def test_no_turn_is_ever_lost(seed, workers, waiting):
    """Whatever comes, is served, gives up or is cancelled: in the end everything is free again."""
    chance = random.Random(seed)

    async def one(queue):
        await asyncio.sleep(chance.random() * 0.01)
        try:
            await queue.enter(chance.choice("abc"))
        except Busy:
            return
        try:
            assert queue.working <= workers
            await asyncio.sleep(chance.random() * 0.003)
        finally:
            queue.leave(0.001)

    async def scene():
        queue = Queue(workers, waiting, 4, chance.choice([0.001, 0.004, 1.0]))
        tasks = [asyncio.ensure_future(one(queue)) for _ in range(30)]
        await asyncio.sleep(0.004)
        for task in chance.sample(tasks, 10):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (len(queue), queue.working, dict(queue._lines)) == (0, 0, {})
        assert await queue.enter("z") == 0

    asyncio.run(scene())
