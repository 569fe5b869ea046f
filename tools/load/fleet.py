"""Several servers behind HAProxy or nginx, one killed amid the questions and one told to end.

    python -m tools.load.fleet --proxy haproxy

Every question comes from an edge and an address of its own, so that the servers' logs say how often
each was answered. The proxy has the configuration of `ops/`, with free ports in place of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from core.edge.client import Client, EdgeError, Result
from core.vlm import load_vlm
from tools.load.edges import address
from tools.load.work import answers, gate_of, sampled
from tools.support.own_server import OwnServer, own_server

CONFIGURATIONS = Path(__file__).parents[2] / "ops"
FRONT, BEHIND = 7870, (7871, 7872, 7873)  # ports in them
TRIES = 3  # of a proxy, whose free port may be taken by the time it starts
PATIENCE = 60.0  # seconds for a proxy to be there, and for a server to end


@dataclass
class Course:
    """What became of the questions. `results` are those that were answered, by number."""

    results: dict[int, Result] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    wrong: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    changed: threading.Condition = field(init=False)

    def __post_init__(self) -> None:
        self.changed = threading.Condition(self.lock)

    def wait_for(self, count: int) -> None:
        """Wait until so many questions have been answered, or given up."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.results) + len(self.failed) >= count)


def main() -> int:
    args = _parser().parse_args()
    work = sampled()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        options = ("--model", args.model, "--proxy", "127.0.0.1", *args.options)
        logs = [folder / f"{port}.log" for port in BEHIND]
        servers = [stack.enter_context(own_server(*options, log=log)) for log in logs]
        url = stack.enter_context(proxied_fleet(args.proxy, servers, folder))
        with Client(url) as client:
            gate = gate_of(client)
        expected = answers(load_vlm(args.model), gate, work)
        begin = time.monotonic()
        course, ends = Course(), None
        words = (url, work, expected, args.questions, args.edges, course)
        asking = threading.Thread(target=ask_all, args=words, daemon=True)
        asking.start()
        course.wait_for(args.questions // 3)
        servers[0].process.kill()
        print(f"kill -9 of one of 3 after {len(course.results)} answers", flush=True)
        if args.drain:
            course.wait_for(2 * args.questions // 3)
            ends = threading.Thread(target=_drain, args=(servers[1],))
            ends.start()
        asking.join()
        print(f"{args.questions} questions in {time.monotonic() - begin:.0f} s")
        if ends:
            ends.join()
        given = [answered(log.read_text().splitlines()) for log in logs]
    return report(course, args.questions, given)


def ask_all(
    url: str,
    work: Sequence,
    expected: Sequence[str],
    questions: int,
    edges: int,
    course: Course,
) -> None:
    """Ask so many questions of `work` (image, text), `edges` at once, each from its own address."""
    certificates, numbers = ssl.create_default_context(), iter(range(questions))

    def edge() -> None:
        for number in numbers:  # shared by all edges
            one(number)

    def one(number: int) -> None:
        image, question = work[number % len(work)]
        transport = httpx.HTTPTransport(verify=certificates, local_address=address(number))
        with Client(url, transport=transport) as client:
            try:
                result = client.ask(image, question)
            except EdgeError as error:
                with course.changed:
                    course.failed[number] = str(error)
                    course.changed.notify_all()
                return
        with course.changed:
            course.results[number] = result
            course.wrong += result.answer != expected[number % len(work)]
            course.changed.notify_all()

    threads = [threading.Thread(target=edge, daemon=True) for _ in range(edges)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def answered(lines: Iterable[str]) -> Counter[str]:
    """Return how many last answers a server gave each address, by the lines of its log."""
    counts: Counter[str] = Counter()
    for line in lines:
        try:
            note = json.loads(line)
        except ValueError:
            continue  # the last one, of a server that was killed
        if isinstance(note, dict) and note.get("reply") == "answer" and note.get("status") == 200:
            counts[note["client"]] += 1
    return counts


def report(course: Course, questions: int, answers: Sequence[Counter[str]]) -> int:
    """Print what became of all questions; 1 unless each was answered, rightly and once.

    answers: of each server, the killed one first. What that one answered in its last moment may
    never have reached its edge, which then asked anew: such a question isn't answered twice, but
    is told apart.
    """
    alive: Counter[str] = sum(answers[1:], Counter())
    twice = sum(alive[address(number)] > 1 for number in range(questions))
    lost = sum(bool(answers[0][name] and alive[name]) for name in answers[0])
    results = course.results.values()
    again = sum(exchange.attempts - 1 for result in results for exchange in result.exchanges)
    print(
        f"answered: {len(results)} of {questions}; wrong: {course.wrong}; given up: "
        f"{len(course.failed)}",
        *list(course.failed.values())[:3],
        sep="\n  ",
    )
    print(
        f"begun anew by their edges: {sum(bool(result.restarts) for result in results)}; "
        f"messages that edges sent again: {again}"
    )
    print(
        f"answers by server: {', '.join(str(sum(counts.values())) for counts in answers)} (the "
        f"first was killed); answered twice: {twice}; answered by the killed one, lost on the way "
        f"and asked anew: {lost}"
    )
    missing = any(
        not alive[name] and not answers[0][name] for name in map(address, range(questions))
    )
    fine = len(results) == questions and not (course.wrong or twice or missing)
    return int(not fine)


def _drain(server: OwnServer) -> None:
    begin = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    status = server.process.wait(PATIENCE)
    print(f"SIGTERM to the second: it ended after {time.monotonic() - begin:.1f} s ({status})")


@contextlib.contextmanager
def proxied_fleet(proxy: str, servers: Sequence[OwnServer], folder: Path) -> Iterator[str]:
    """Run `haproxy` or `nginx` before three servers, on the loopback; yields its URL.

    Raises RuntimeError if it doesn't start.
    """
    for _ in range(TRIES):
        process, url = _start(proxy, servers, folder)
        if _there(process, url):
            break
    else:
        raise RuntimeError(f"{proxy} didn't start: {(folder / 'proxy.log').read_text()}")
    try:
        yield url
    finally:
        process.terminate()
        process.wait()


def _start(
    proxy: str, servers: Sequence[OwnServer], folder: Path
) -> tuple[subprocess.Popen[bytes], str]:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        front = unused.getsockname()[1]
    name = {"haproxy": "haproxy.cfg", "nginx": "nginx.conf"}[proxy]
    ports = dict(zip((FRONT, *BEHIND), (front, *map(_port, servers)), strict=True))
    text = configured((CONFIGURATIONS / name).read_text(), ports)
    for everywhere, here in (("bind :", "bind 127.0.0.1:"), ("listen ", "listen 127.0.0.1:")):
        text = text.replace(f"{everywhere}{front}", f"{here}{front}")
    file = folder / name
    file.write_text(text)
    command = {
        "haproxy": ["haproxy", "-db", "-f", str(file)],
        "nginx": ["nginx", "-p", str(folder), "-c", str(file), "-e", str(folder / "nginx.log"),
                  "-g", f"daemon off; pid {folder}/nginx.pid;"],
    }[proxy]  # fmt: skip
    with (folder / "proxy.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log), f"http://127.0.0.1:{front}"


def _there(process: subprocess.Popen[bytes], url: str) -> bool:
    """Return whether a server answers through a proxy, in time; else the proxy is ended."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/ready", trust_env=False).is_success:
                return True
        time.sleep(0.05)
    process.kill()
    process.wait()
    return False


def configured(text: str, ports: dict[int, int]) -> str:
    """Return a configuration with other ports. Raises KeyError for one that it doesn't have."""
    marked = {port: f"\0{number}\0" for number, port in enumerate(ports)}
    for port, mark in marked.items():
        if str(port) not in text:
            raise KeyError(port)
        text = text.replace(str(port), mark)
    for port, mark in marked.items():
        text = text.replace(mark, str(ports[port]))
    return text


def _port(server: OwnServer) -> int:
    port = httpx.URL(server.url).port
    assert port
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--proxy", choices=("haproxy", "nginx"), default="haproxy", help="what stands before them")
    add("--questions", type=int, default=300, help="how many are asked (default: 300)")
    add("--edges", type=int, default=24, help="how many ask at once (default: 24)")
    add("--drain", action="store_true", help="tell a second server to end, two thirds through")
    add("--model", default="pocket", help="model that the servers have (default: pocket)")
    add("options", nargs="*", help="after --: options for each server")
    return parser


if __name__ == "__main__":
    sys.exit(main())
