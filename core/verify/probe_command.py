"""Find out what has to be known of an engine before its answers are trusted.

Asks it about a hundred small questions over HTTP: are its log-probabilities raw, and how many, is
the end token told, do two images go into a prompt, does each image keep its own answer whatever
the order, how far do scores drift, what does its cache save, and does a prompt begin as it should.
Ends in "passed", or in a sentence for each fault (exit status 1).
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from time import perf_counter

from core.support.whole import file_to_write, write_whole
from core.vlm.engine.address import KEY, PREFIX, Address


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "engine", metavar="URL#MODEL",
        help="address and model, as http://127.0.0.1:8000/v1#MODEL; its key, if it wants one, is"
        f" read from {KEY}",
    )  # fmt: skip
    parser.add_argument(
        "--side", type=int, default=336, help="pixels a side of the pictures (default: %(default)s)"
    )
    parser.add_argument(
        "--json", type=file_to_write, metavar="FILE", help="write the figures there, too"
    )


def main(args: Namespace) -> int:
    from core.verify.probing import probe

    if not 16 <= args.side <= 4096:
        raise ValueError(f"--side must be from 16 to 4096 pixels, not {args.side}.")
    address = Address.read(PREFIX + args.engine.removeprefix(PREFIX))
    start = perf_counter()
    report = probe(
        address, args.side,
        said=lambda what: print(f"{perf_counter() - start:6.0f} s  {what}", file=sys.stderr),
    )  # fmt: skip
    print(report)
    if args.json:
        write_whole(args.json, json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n")
    return 0 if report.passed else 1
