"""A class at once: `python -m tools.classroom --students 30 --questions 2`.

Starts the page in a process of its own. Every student opens it, and then again and again moves η
and asks about a sample, through the events that a browser would send, each with a question and a
wish for η of its own. Every answer must be the one that the model gives a single user, in the
session that asked for it. Prints the seconds that answers took, and the memory of the page. With
`--compare` two classes ask, one after the other: the second of a page whose model is asked by one
visitor at a time, so that nothing is a batch.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import httpx
import numpy as np

from core.protocol import Edge, Server, ask
from core.transcript import Transcript
from core.uncertainty import Gate
from core.vlm import load_vlm
from dashboard.samples import BundledSample, load_samples
from tools.support.own_server import leaving_on_sigterm

COMMAND = (sys.executable, "-m", "dashboard")
ONE_BY_ONE = (sys.executable, "-m", "tools.support.one_by_one")
PATIENCE = 300.0  # seconds for one answer
ETAS = (0.0, 0.5, 1.0, 1.5, 4.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--students", type=int, default=30, help="how many ask at once (default: 30)"
    )
    parser.add_argument(
        "--questions", type=int, default=2, help="how many questions each student asks (default: 2)"
    )
    parser.add_argument(
        "--compare", action="store_true", help="also ask a page whose model answers one by one"
    )
    args = parser.parse_args()
    expected = answers(load_samples())
    with leaving_on_sigterm():
        found = [lesson(COMMAND, args.students, args.questions, expected)]
        if args.compare:
            print("one by one:")
            found.append(lesson(ONE_BY_ONE, args.students, args.questions, expected))
            together, alone = (high for high, _ in found)
            print(f"p95 with batches: {together / alone:.2f} of that without")
    sys.exit(any(wrong for _, wrong in found))


def lesson(
    command: Sequence[str],
    count: int,
    questions: int,
    expected: dict[BundledSample, Transcript],
) -> tuple[float, int]:
    """Let so many students ask a page of their own; print it, and return p95 of the seconds and the
    number of wrong answers.
    """
    with page(command) as (url, process):
        print(f"page: {memory(process):.0f} MB before the class")
        seconds, wrong = [], []
        with ThreadPoolExecutor(count) as room:
            students = [Student(url, i, expected) for i in range(count)]
            for question in range(questions):
                start = time.monotonic()
                for took, complaint in room.map(Student.once, students):
                    seconds.append(took)
                    wrong += [complaint] if complaint else []
                print(
                    f"question {question + 1}: {time.monotonic() - start:.1f} s for all,"
                    f" {memory(process):.0f} MB"
                )
    median, high = np.percentile(seconds, (50, 95))
    print(
        f"{len(seconds)} answers, {len(wrong)} wrong or failed;"
        f" median {median:.1f} s, p95 {high:.1f} s, longest {max(seconds):.1f} s"
    )
    for complaint in wrong[:10]:
        print(complaint)
    return float(high), len(wrong)


@contextmanager
def page(command: Sequence[str]) -> Iterator[tuple[str, subprocess.Popen]]:
    """The page as a command, ready to answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as cache:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
            env=os.environ | {"GRADIO_TEMP_DIR": cache},
            stdout=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            while True:
                assert process.poll() is None, "the page has ended"
                try:
                    if httpx.get(f"{url}/edge/ready", trust_env=False).is_success:
                        break
                except httpx.TransportError:
                    pass
                time.sleep(0.25)
            yield url, process
        finally:
            process.terminate()
            process.wait(30)


def memory(process: subprocess.Popen) -> float:
    """MB that the process holds (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000


def answers(samples: tuple[BundledSample, ...]) -> dict[BundledSample, Transcript]:
    """Return what the model says when nobody else asks; both stages of each sample."""
    server = Server(load_vlm("pocket", device="cpu"), Gate())
    return {s: ask(Edge(s.path), server, s.question, force=True) for s in samples}


@dataclass
class Event:
    """One event of the page, found by the element that triggers it."""

    id: int
    inputs: list[int]
    outputs: list[int]


class Student:
    """A browser, without drawing."""

    def __init__(self, url: str, index: int, expected: dict[BundledSample, Transcript]):
        self.url, self.expected = url, expected
        self.session = secrets.token_hex(8)
        self.random = random.Random(index)
        self.client = httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False)
        assert self.client.get("/").is_success
        config = self.client.get("/config").json()
        self.names = {c["props"].get("elem_id"): c["id"] for c in config["components"]}
        self.values = {c["id"]: c["props"].get("value") for c in config["components"]}
        self.events = config["dependencies"]

    def once(self) -> tuple[float, str]:
        """Move η, then ask: the seconds until the answer, and what was wrong with it."""
        sample, eta = self.random.choice(list(self.expected)), self.random.choice(ETAS)
        try:
            image = self.upload(sample.path)
            set_to = {"original": image, "question": sample.question, "eta": eta}
            self.run(self.event("eta", "input"), set_to)
            start = time.monotonic()
            shown = self.run(self.event("both", "click"), set_to)
            took = time.monotonic() - start
        except Exception as error:
            return PATIENCE, f"{type(error).__name__}: {error}"
        return took, self.complaint(shown, sample, eta)

    def complaint(self, shown: dict[str, str], sample: BundledSample, eta: float) -> str:
        expected = self.expected[sample].with_gate(Gate(threshold=eta))
        first = text_of("first-answer", shown["answers-view"])
        second = text_of("second-answer", shown["answers-view"])
        wanted = expected.first_answer, expected.answer if expected.uncertain else None
        asked = unescape(shown["asked-view"])
        if sample.question not in asked:
            return f"another question than {sample.question!r}"
        if (first, second) != wanted:
            return f"{sample.path.name} at η = {eta}: {(first, second)} in place of {wanted}"
        return ""

    def upload(self, path: Path) -> dict:
        with open(path, "rb") as file:
            response = self.client.post("/gradio_api/upload", files={"files": (path.name, file)})
        (stored,) = response.raise_for_status().json()
        return {"path": stored, "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}

    def event(self, element: str, name: str) -> Event:
        target = self.names[element]
        for event in self.events:
            if [target, name] in [list(t) for t in event["targets"]]:
                return Event(event["id"], event["inputs"], event["outputs"])
        raise LookupError(f"{element} has no {name}")

    def run(self, event: Event, set_to: dict) -> dict[str, str]:
        """Run an event; the HTML of every view it fills, by the view's name."""
        values = self.values | {self.names[name]: value for name, value in set_to.items()}
        body = {
            "data": [values.get(i) for i in event.inputs],
            "fn_index": event.id,
            "session_hash": self.session,
            "trigger_id": None,
            "event_data": None,
        }
        self.client.post("/gradio_api/queue/join", json=body).raise_for_status()
        by_id = {i: name for name, i in self.names.items() if name}
        views: dict[str, str] = {}
        address = f"/gradio_api/queue/data?session_hash={self.session}"
        with self.client.stream("GET", address) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line else {}
                kind = message.get("msg")
                # Whole at first and at last; what comes between are differences.
                if kind == "process_completed" or (kind == "process_generating" and not views):
                    if not message["success"]:
                        raise RuntimeError(str(message["output"])[:200])
                    data = message["output"]["data"]
                    for i, value in zip(event.outputs, data, strict=True):
                        value = value.get("value") if isinstance(value, dict) else value
                        if isinstance(value, str) and (by_id.get(i) or "").endswith("-view"):
                            views[by_id[i]] = value
                if kind == "close_stream":
                    return views
        raise RuntimeError("the page stopped answering")


def text_of(element: str, html: str) -> str | None:
    """Return the model's own words in an element, "" for none, None without the element."""
    found = re.search(rf'id="{element}">(?:<span lang="en"[^>]*>([^<]*))?', html)
    return unescape(found[1] or "") if found else None


if __name__ == "__main__":
    main()
