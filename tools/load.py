"""`python -m tools.load`: many edges at once, and how the server bears it.

Every edge asks one question after the other from an address of its own (127.0.0.2 and so on), so
that the server can tell them apart. Each answer is compared with that of `ask()` in one process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import ssl
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

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
from tools.support.own_server import own_server


@dataclass
class Tally:
    """What the edges saw."""

    statuses: Counter[int] = field(default_factory=Counter)  # of every response
    seconds: list[float] = field(default_factory=list)  # of each question, pauses included
    attempts: list[float] = field(default_factory=list)  # of each request that was answered 200
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
        response = super().handle_request(request)
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
        tally = load(url, work, expected, args.edges, args.seconds)
    return report(tally, args.edges)


def load(url: str, work: list, expected: list[str], edges: int, seconds: float) -> Tally:
    """Let `edges` ask the questions of `work` (image, text), in turn, for so long."""
    tally, ended, begun = Tally(), threading.Event(), threading.Barrier(edges + 1)
    token, certificates = os.environ.get(TOKEN), way_to(httpx.URL(url)).certificates

    def edge(number: int) -> None:
        address = f"127.0.{number // 250}.{number % 250 + 2}"
        with Client(url, token, transport=Counted(tally, address, certificates)) as client:
            turn = number
            begun.wait()
            stop = time.monotonic() + seconds
            while time.monotonic() < stop:
                image, question = work[turn % len(work)]
                begin = time.monotonic()
                try:
                    answer = client.ask(image, question).answer
                except EdgeError as error:
                    with tally.lock:
                        tally.failed.append(str(error))
                    continue
                with tally.lock:
                    tally.seconds.append(time.monotonic() - begin)
                    tally.wrong += answer != expected[turn % len(work)]
                turn += 1

    def watch() -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        options = {"headers": headers, "verify": certificates, "trust_env": False}
        while True:
            for line in httpx.get(f"{url}/metrics", **options).text.splitlines():
                if line.startswith("process_resident_memory_bytes "):
                    tally.memory.append(int(float(line.split()[1])))
            if ended.wait(2.0):
                return

    watcher = threading.Thread(target=watch)
    threads = [threading.Thread(target=edge, args=(number,)) for number in range(edges)]
    for thread in (watcher, *threads):
        thread.start()
    begun.wait()
    start = time.monotonic()
    for thread in threads:
        thread.join()
    tally.elapsed = time.monotonic() - start
    ended.set()
    watcher.join()
    return tally


def report(tally: Tally, edges: int) -> int:
    """Print it all; 1 if anything was wrong."""
    done = len(tally.seconds)
    rate = done / tally.elapsed
    print(f"{edges} edges for {tally.elapsed:.0f} s: {done} questions, {rate:.1f} a second")
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
    return bool(broken or tally.wrong or tally.failed or not done)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeError as error:
        sys.exit(str(error))
