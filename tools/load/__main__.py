"""`python -m tools.load`: many edges at once, and how the server bears it.

Every edge asks one question after the other from an address of its own (127.0.0.2 and so on), so
that the server can tell them apart. Each answer is compared with that of `ask()` in one process.

With `--arrivals poisson` or `bursts`, questions come at a `--rate` that doesn't heed the server, as
from strangers. Seconds are then counted from when a question was due, so that a server which is
slow can't hide it by having fewer questions asked.

With `--of-capacity 0.5 0.8 …` the server's capacity is found first (its edges ask as fast as they
are answered), and then questions come at these shares of it, one after the other, into one table.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path

from core.edge.client import Client, EdgeError
from core.support.bundled import SAMPLES
from core.support.headers import TOKEN
from core.vlm import load_vlm
from core.vlm.loading.arguments import add_load_arguments, load_options, load_words
from tools.load.edges import load, open_load
from tools.load.floor import floor
from tools.load.report import COLUMNS, broken, report, row
from tools.load.work import Work, answers, gate_of, sampled
from tools.support.arrivals import BURST, bursts, poisson
from tools.support.own_server import own_server


def main() -> int:
    args = _parser().parse_args()
    options = load_options(args)
    work = sampled(args.samples)
    with contextlib.ExitStack() as stack:
        if args.server:
            url = args.server
        else:
            words = ["--model", args.model, *load_words(options), *args.options]
            url = stack.enter_context(own_server(*words)).url
        with Client(url, os.environ.get(TOKEN)) as client:
            gate = gate_of(client)
        vlm = load_vlm(args.model, **options)
        expected = answers(vlm, gate, work)
        if args.of_capacity:
            return _shares(url, work, expected, args)
        if args.arrivals == "closed":
            tally = load(url, work, expected, args.edges, args.seconds)
            failed = report(tally, f"{args.edges} edges")
            if args.floor:
                alone = floor(vlm, gate, work, expected)
                share = len(tally.right) / tally.elapsed / alone
                print(
                    f"the model alone: {alone:.1f} questions a second; the server {share:.2f} of it"
                )
            return failed
        due = _due(args, args.rate)
        tally = open_load(url, work, expected, due)
    return report(tally, f"{len(due)} questions due, {args.rate:g} a second ({args.arrivals})")


def _shares(url: str, work: Work, expected: list[str], args: argparse.Namespace) -> int:
    """Find the capacity, then ask at shares of it; print a table. 1 if anything was wrong."""
    tally = load(url, work, expected, args.edges, args.seconds)
    failed = report(tally, f"capacity: {args.edges} edges")
    capacity = len(tally.right) / tally.elapsed
    print(f"\n| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", sep="\n", flush=True)
    for share in args.of_capacity:
        tally = open_load(url, work, expected, _due(args, share * capacity))
        print(row(tally, share, capacity, args.seconds), flush=True)
        failed |= broken(tally)
    return int(failed)


def _due(args: argparse.Namespace, rate: float):
    if args.arrivals == "bursts":
        return bursts(rate, args.seconds, args.burst)
    return poisson(rate, args.seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--edges", type=int, default=64, help="how many ask at once (default: 64)")
    add("--seconds", type=float, default=120.0, help="how long they go on (default: 120)")
    add(
        "--arrivals",
        choices=("closed", "poisson", "bursts"),
        default="closed",
        help="closed: each edge asks when it has its answer; else: questions come at --rate",
    )
    add("--rate", type=float, default=4.0, help="questions a second (default: 4)")
    add("--burst", type=int, default=BURST, help="questions at once, of bursts")
    add(
        "--of-capacity",
        type=float,
        nargs="+",
        metavar="SHARE",
        help="find the capacity with --edges, then ask for --seconds at each of these shares of it",
    )
    add(
        "--floor",
        action="store_true",
        help="then ask the model alone the same, in full batches (with closed arrivals)",
    )
    add("--model", default="pocket", help="model that the server has")
    add("--server", help="URL of a server with that model; without, one is started")
    add("--samples", type=Path, default=SAMPLES, help="folder with a samples.json: what is asked")
    add("options", nargs="*", help="after --: options for the server that is started")
    add_load_arguments(parser)
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeError as error:
        sys.exit(str(error))
