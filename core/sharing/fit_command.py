"""Write what a second look is expected to add and to take, for a server with a policy."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.bench.runs.files import load_run
from core.sharing.demand import fit
from core.support.whole import file_to_write, write_whole
from core.uncertainty import METRICS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="run files to fit it on")
    add("--metric", choices=list(METRICS), default="min_entropy",
        help="measure of uncertainty that it is read from")  # fmt: skip
    add(
        "--first-tokens",
        type=int,
        help="judge an answer by that many of its tokens (default: by all)",
    )
    add("--out", type=file_to_write, required=True,
        help="file to write, for `core.server --expectation`")  # fmt: skip


def main(args: argparse.Namespace) -> int:
    """Write what a second look is expected to add and to take."""
    expectation = fit([load_run(path) for path in args.runs], args.metric, args.first_tokens)
    write_whole(args.out, expectation.to_json())
    print(f"{args.out}: {expectation.questions:,} questions, gains up to {expectation.most:.2f}")
    return 0
