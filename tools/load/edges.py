"""Edges that ask a server all at once, or when their questions are due, and what they saw."""

from __future__ import annotations

import contextlib
import os
import queue
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from core.edge.client import Client, EdgeError
from core.support.headers import TOKEN
from core.support.proxies import way_to

__all__ = ["Counted", "Tally", "load", "open_load"]


@dataclass
class Tally:
    """What the edges saw."""

    statuses: Counter[int] = field(default_factory=Counter)  # of every response
    seconds: list[float] = field(default_factory=list)  # of each question, pauses included
    attempts: list[float] = field(default_factory=list)  # of each request that was answered 200
    timeouts: int = 0  # requests that had no response in time
    wrong: int = 0
    failed: list[str] = field(default_factory=list)  # questions that were given up
    memory: list[int] = field(default_factory=list)  # of the server, bytes, over time
    elapsed: float = 0.0  # until the last question that was begun in time had its answer
    begun: float = 0.0  # time.monotonic() of the start
    right: list[float] = field(default_factory=list)  # seconds from it to each right answer
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def errors(self) -> int:
        """Return how many responses had a status of 500 or more."""
        return sum(count for status, count in self.statuses.items() if status >= 500)

    @property
    def turned_away(self) -> float:
        """Return the share of 429s among the responses."""
        responses = sum(self.statuses.values())
        return self.statuses[429] / responses if responses else 0.0


class Counted(httpx.HTTPTransport):
    """A transport from one address, that notes the status and time of every response."""

    def __init__(self, tally: Tally, address: str, certificates: ssl.SSLContext):
        super().__init__(verify=certificates, local_address=address)
        self.tally = tally

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        begin = time.monotonic()
        try:
            response = super().handle_request(request)
        except httpx.TimeoutException:
            with self.tally.lock:
                self.tally.timeouts += 1
            raise
        with self.tally.lock:
            self.tally.statuses[response.status_code] += 1
            if response.status_code == 200 and request.method == "POST":
                self.tally.attempts.append(time.monotonic() - begin)
        return response


def load(url: str, work: list, expected: list[str], edges: int, seconds: float) -> Tally:
    """Let `edges` ask the questions of `work` (image, text), in turn, for so long."""
    tally, begun = Tally(), threading.Barrier(edges + 1)
    certificates = way_to(httpx.URL(url)).certificates

    def edge(number: int) -> None:
        with _edge(url, tally, number, certificates) as client:
            turn = number
            begun.wait()
            stop = time.monotonic() + seconds
            while time.monotonic() < stop:
                which = turn % len(work)
                turn += _ask(client, tally, *work[which], expected[which], time.monotonic())

    # Daemons, here and below: a command that is told to end doesn't wait for their patience.
    threads = [
        threading.Thread(target=edge, args=(number,), daemon=True) for number in range(edges)
    ]
    with _watched(url, tally):
        for thread in threads:
            thread.start()
        tally.begun = time.monotonic()
        begun.wait()
        for thread in threads:
            thread.join()
        tally.elapsed = time.monotonic() - tally.begun
    return tally


def open_load(url: str, work: list, expected: list[str], due: Sequence[float]) -> Tally:
    """Ask the questions of `work` (image, text), in turn, when they are due.

    due: seconds from the start, rising. Nobody waits for another's answer: where no edge is free,
    there is one more. Seconds are counted from when a question was due.
    """
    tally, idle = Tally(), queue.SimpleQueue[Client]()
    certificates = way_to(httpx.URL(url)).certificates

    def asked(client: Client, which: int, since: float) -> None:
        _ask(client, tally, *work[which], expected[which], since)
        idle.put(client)

    with contextlib.ExitStack() as stack:
        stack.enter_context(_watched(url, tally))
        edges, threads = 0, []
        tally.begun = start = time.monotonic()
        for turn, at in enumerate(due):
            time.sleep(max(0.0, start + at - time.monotonic()))
            try:
                client = idle.get_nowait()
            except queue.Empty:
                client = stack.enter_context(_edge(url, tally, edges, certificates))
                edges += 1
            words = (client, turn % len(work), start + at)
            threads.append(threading.Thread(target=asked, args=words, daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join()
        tally.elapsed = time.monotonic() - start
    return tally


def _edge(url: str, tally: Tally, number: int, certificates: ssl.SSLContext) -> Client:
    transport = Counted(tally, address(number), certificates)
    return Client(url, os.environ.get(TOKEN), transport=transport)


def address(number: int) -> str:
    """Return the address on the loopback that the edge of this number sends from."""
    return f"127.0.{number // 250}.{number % 250 + 2}"


def _ask(
    client: Client, tally: Tally, image: Any, question: str, expected: str, since: float
) -> bool:
    """Ask, and note what came of it; returns whether there was an answer."""
    try:
        answer = client.ask(image, question).answer
    except EdgeError as error:
        with tally.lock:
            tally.failed.append(str(error))
        return False
    with tally.lock:
        now = time.monotonic()
        tally.seconds.append(now - since)
        if answer == expected:
            tally.right.append(now - tally.begun)
        else:
            tally.wrong += 1
    return True


@contextlib.contextmanager
def _watched(url: str, tally: Tally) -> Iterator[None]:
    """Note the server's memory every two seconds."""
    token, ended = os.environ.get(TOKEN), threading.Event()
    options = {
        "headers": {"Authorization": f"Bearer {token}"} if token else {},
        "verify": way_to(httpx.URL(url)).certificates,
        "trust_env": False,
    }

    def watch() -> None:
        while True:
            with contextlib.suppress(httpx.TransportError):  # one that is too busy, or gone
                for line in httpx.get(f"{url}/metrics", **options).text.splitlines():
                    if line.startswith("process_resident_memory_bytes "):
                        tally.memory.append(int(float(line.split()[1])))
            if ended.wait(2.0):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
