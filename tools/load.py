"""`python -m tools.load`: many edges at once, and how the server bears it.

Every edge asks one question after the other from an address of its own (127.0.0.2 and so on), so
that the server can tell them apart. Each answer is compared with that of `ask()` in one process.

With `--arrivals poisson` or `bursts`, questions come at a `--rate` that doesn't heed the server, as
from strangers. Seconds are then counted from when a question was due, so that a server which is
slow can't hide it by having fewer questions asked.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from core.edge.client import Client, EdgeError
from core.imaging import load_image
from core.protocol import Edge, Server, ask
from core.support.bundled import SAMPLES
from core.support.headers import TOKEN
from core.support.proxies import way_to
from core.uncertainty import Gate
from core.vlm import load_vlm
from core.vlm.loading.arguments import add_load_arguments, load_options, load_words
from tools.support.arrivals import BURST, bursts, poisson
from tools.support.own_server import own_server


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
    lock: threading.Lock = field(default_factory=threading.Lock)


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--edges", type=int, default=64, help="how many ask at once (default: 64)")
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="how long they go on (default: 120)"
    )
    parser.add_argument(
        "--arrivals",
        choices=("closed", "poisson", "bursts"),
        default="closed",
        help="closed: each edge asks when it has its answer; else: questions come at --rate",
    )
    parser.add_argument("--rate", type=float, default=4.0, help="questions a second (default: 4)")
    parser.add_argument("--burst", type=int, default=BURST, help="questions at once, of bursts")
    parser.add_argument("--model", default="pocket", help="model that the server has")
    parser.add_argument("--server", help="URL of a server with that model; without, one is started")
    parser.add_argument(
        "--samples", type=Path, default=SAMPLES, help="folder with a samples.json: what is asked"
    )
    parser.add_argument(
        "options", nargs="*", help="after --: options for the server that is started"
    )
    add_load_arguments(parser)
    args = parser.parse_args()
    options = load_options(args)

    listed = json.loads((args.samples / "samples.json").read_text())
    work = [(load_image(args.samples / entry["file"]), entry["question"]) for entry in listed]
    with contextlib.ExitStack() as stack:
        if args.server:
            url = args.server
        else:
            words = ["--model", args.model, *load_words(options), *args.options]
            url = stack.enter_context(own_server(*words)).url
        with Client(url, os.environ.get(TOKEN)) as client:
            gate = client.info()["gate"]
        gate = Gate(gate["metric"], float(gate["threshold"]), gate["first_tokens"])
        plain = Server(load_vlm(args.model, **options), gate)
        expected = [ask(Edge(image), plain, question).answer for image, question in work]
        if args.arrivals == "closed":
            tally = load(url, work, expected, args.edges, args.seconds)
            title = f"{args.edges} edges"
        else:
            due = (
                poisson(args.rate, args.seconds)
                if args.arrivals == "poisson"
                else bursts(args.rate, args.seconds, args.burst)
            )
            tally = open_load(url, work, expected, due)
            title = f"{len(due)} questions due, {args.rate:g} a second ({args.arrivals})"
    return report(tally, title)


def load(url: str, work: list, expected: list[str], edges: int, seconds: float) -> Tally:
    """Let `edges` ask the questions of `work` (image, text), in turn, for so long."""
    tally, begun = Tally(), threading.Barrier(edges + 1)

    def edge(number: int) -> None:
        with _edge(url, tally, number) as client:
            turn = number
            begun.wait()
            stop = time.monotonic() + seconds
            while time.monotonic() < stop:
                which = turn % len(work)
                turn += _ask(client, tally, *work[which], expected[which], time.monotonic())

    threads = [threading.Thread(target=edge, args=(number,)) for number in range(edges)]
    with _watched(url, tally):
        for thread in threads:
            thread.start()
        begun.wait()
        start = time.monotonic()
        for thread in threads:
            thread.join()
        tally.elapsed = time.monotonic() - start
    return tally


def open_load(url: str, work: list, expected: list[str], due: Sequence[float]) -> Tally:
    """Ask the questions of `work` (image, text), in turn, when they are due.

    due: seconds from the start, rising. Nobody waits for another's answer: where no edge is free,
    there is one more. Seconds are counted from when a question was due.
    """
    tally, idle = Tally(), queue.SimpleQueue[Client]()

    def asked(client: Client, which: int, since: float) -> None:
        _ask(client, tally, *work[which], expected[which], since)
        idle.put(client)

    with contextlib.ExitStack() as stack:
        stack.enter_context(_watched(url, tally))
        edges, threads, start = 0, [], time.monotonic()
        for turn, at in enumerate(due):
            time.sleep(max(0.0, start + at - time.monotonic()))
            try:
                client = idle.get_nowait()
            except queue.Empty:
                client = stack.enter_context(_edge(url, tally, edges))
                edges += 1
            words = (client, turn % len(work), start + at)
            threads.append(threading.Thread(target=asked, args=words))
            threads[-1].start()
        for thread in threads:
            thread.join()
        tally.elapsed = time.monotonic() - start
    return tally


def _edge(url: str, tally: Tally, number: int) -> Client:
    address = f"127.0.{number // 250}.{number % 250 + 2}"
    certificates = way_to(httpx.URL(url)).certificates
    transport = Counted(tally, address, certificates)
    return Client(url, os.environ.get(TOKEN), transport=transport)


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
        tally.seconds.append(time.monotonic() - since)
        tally.wrong += answer != expected
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


def report(tally: Tally, title: str) -> int:
    """Print it all; 1 if anything was wrong."""
    done = len(tally.seconds)
    rate, good = done / tally.elapsed, (done - tally.wrong) / tally.elapsed
    print(f"{title}, {tally.elapsed:.0f} s: {done} questions, {rate:.1f} a second")
    responses = sum(tally.statuses.values())
    turned_away = tally.statuses[429] / responses if responses else 0.0
    print(
        f"right answers a second: {good:.1f}; 429s: {turned_away:.1%} of responses; "
        f"requests timed out: {tally.timeouts}"
    )
    print(
        f"wrong answers: {tally.wrong}; given up: {len(tally.failed)}",
        *tally.failed[:3],
        sep="\n  ",
    )
    print("responses:", ", ".join(f"{k}: {v}" for k, v in sorted(tally.statuses.items())))
    for name, values in (("question", tally.seconds), ("request", tally.attempts)):
        if values:
            p50, p95, p99, most = np.percentile(values, [50, 95, 99, 100])
            print(
                f"seconds a {name}: median {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f}, most {most:.2f}"
            )
    sizes = [size / 2**20 for size in tally.memory]
    if sizes:  # a proxy may keep them to itself
        print(
            f"server memory, MiB: {sizes[0]:.0f} at the start, {max(sizes):.0f} at most,"
            f" {sizes[len(sizes) // 2]:.0f} half-way, {sizes[-1]:.0f} at the end"
        )
    broken = sum(count for status, count in tally.statuses.items() if status >= 500)
    return bool(broken or tally.timeouts or tally.wrong or tally.failed or not done)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeError as error:
        sys.exit(str(error))
