"""`python -m tools.two_processes`: is it the same on two machines as in one process?

Asks 200 questions about the samples through `python -m core.edge`, a process of its own, of
`python -m core.server`, another, and compares answers, boxes and bytes with those of `ask()`, from
which runs and costs are drawn; and says beside them what crossed the sockets between both. With
`--cropper` and `--looks` somebody else looks, or more often. With `--namespace` (Linux, root) the
edge has a network of its own, joined to the server's by a virtual cable, as if it were another
machine.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.croppers import CROPPERS, DEFAULT, served
from core.edge.client import EdgeError
from core.protocol import Edge, Server, ask
from core.signs.scenes import COLORS, SHAPES
from core.support.bundled import SAMPLES
from core.support.proxies import without_proxies
from core.uncertainty import Gate
from core.vlm import load_vlm
from core.vlm.loading.arguments import add_load_arguments, load_options, load_words
from tools.support.own_server import own_server
from tools.support.proxy import Proxy, proxied

NAMESPACE, CABLE = "second-look-edge", ("second-look-s", "second-look-e")
HERE, THERE = "10.207.163.1", "10.207.163.2"


def main() -> int:
    args = _arguments()
    options = load_options(args)
    vlm = load_vlm(args.model, **options)
    eta = vlm.info.thresholds[Gate().metric] if args.eta is None else args.eta
    gate = Gate(threshold=eta, rounds=(eta,) * (args.looks - 1))
    rows = list(itertools.islice(_questions(), args.questions))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        host, prefix = "127.0.0.1", []
        if args.namespace:
            stack.enter_context(_namespace())
            host, prefix = HERE, ["ip", "netns", "exec", NAMESPACE]
        words = ["--model", args.model, *load_words(options), "--rate", "0"]
        words += ["--cropper", args.cropper, "--metric", gate.metric, "--eta", str(eta)]
        words += ["--rounds", *map(str, gate.rounds)] if gate.rounds else []
        url = stack.enter_context(own_server(*words, host=host, port=17_870)).url
        stack.enter_context(without_proxies())  # both ends are on this machine
        wire = None
        if not args.namespace:  # the wire is a relay of this process, which has no network there
            wire = stack.enter_context(proxied(url))
            url = wire.url
        with open(folder / "list.csv", "w", newline="") as file:
            csv.writer(file).writerows([("image", "question"), *rows])
        words = [sys.executable, "-m", "core.edge", "--server", url]
        words += ["--csv", str(folder / "list.csv"), "--output", str(folder / "out.jsonl")]
        words += ["--looks", str(args.looks + CROPPERS[args.cropper].parts)]
        begin = time.monotonic()
        edge = subprocess.run([*prefix, *words], stderr=subprocess.PIPE, text=True)
        seconds = time.monotonic() - begin
        if edge.returncode:
            sys.exit("\n".join(["The edge failed:", *edge.stderr.splitlines()[-3:]]))
        lines = (folder / "out.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]

    plain = Server(vlm, gate, cropper=args.cropper)
    different = [
        f"{image}: {question}"
        for (image, question), record in zip(rows, records, strict=True)
        if not _same(record, ask(Edge(image), plain, question))
    ]
    looked = sum(record["retransmitted"] for record in records)
    where = "two network namespaces" if args.namespace else "two processes"
    print(f"{len(records)} questions in {where}, {looked} with a second look, {seconds:.0f} s")
    if wire is not None:
        _compare(wire, records)
    print(f"{len(different)} differ from ask() in one process", *different[:10], sep="\n  ")
    return bool(different)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--questions", type=int, default=200,
                        help="how many questions are asked both ways (default: 200)")  # fmt: skip
    parser.add_argument("--model", default="pocket", help="model that the server has")
    parser.add_argument(
        "--namespace",
        action="store_true",
        help="give the edge a network of its own (Linux, as root)",
    )
    parser.add_argument("--cropper", default=DEFAULT, choices=served(),
                        help="what chooses the box (default: %(default)s)")  # fmt: skip
    parser.add_argument("--eta", type=float,
                        help="threshold η on min-entropy (default: the model's)")  # fmt: skip
    parser.add_argument("--looks", type=int, default=1,
                        help="looks at most, each one at the same η (default: 1)")  # fmt: skip
    add_load_arguments(parser)
    return parser.parse_args()


def _compare(wire: Proxy, records: Sequence[dict]) -> None:
    """Say what crossed the sockets, beside what is counted as sent."""
    for way, crossed in (("up", wire.up), ("down", wire.down)):
        counted = sum(record[f"bytes_{way}"] for record in records)
        print(f"{counted:,} bytes of messages {way}; {crossed:,} on the sockets, heads of HTTP and"
              f" the server's own description included")  # fmt: skip


def _same(record: dict, transcript) -> bool:
    """Answers, box, uncertainty and the bytes each way."""
    up, down = (
        sum(m.byte_count for m in transcript.messages if m.sender == sender)
        for sender in ("edge", "server")
    )
    box = list(transcript.boxes[-1].as_tuple()) if transcript.boxes else None
    return (
        (record["answer"], record["retransmitted"]) == (transcript.answer, transcript.retransmitted)
        and (record["box"], record["bytes_up"], record["bytes_down"]) == (box, up, down)
        and abs(record["uncertainty"] - transcript.uncertainty) < 1e-3
    )


def _questions() -> Iterator[tuple[str, str]]:
    """An image and a question, without end."""
    listed = json.loads((SAMPLES / "samples.json").read_text())
    yield from ((str(SAMPLES / entry["file"]), entry["question"]) for entry in listed)
    for color, shape in itertools.cycle(itertools.product(COLORS, SHAPES)):
        for entry in listed:
            yield str(SAMPLES / entry["file"]), f"What does the {color} {shape} say?"


@contextlib.contextmanager
def _namespace() -> Iterator[None]:
    """A network namespace for the edge, and a cable to it."""

    def ip(words: str) -> None:
        subprocess.run(["ip", *words.split()], check=True)

    here, there = CABLE
    ip(f"netns add {NAMESPACE}")
    try:
        ip(f"link add {here} type veth peer name {there} netns {NAMESPACE}")
        ip(f"address add {HERE}/30 dev {here}")
        ip(f"-n {NAMESPACE} address add {THERE}/30 dev {there}")
        ip(f"link set {here} up")
        ip(f"-n {NAMESPACE} link set {there} up")
        yield
    finally:
        ip(f"netns delete {NAMESPACE}")  # and with it the cable


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeError as error:
        sys.exit(str(error))
