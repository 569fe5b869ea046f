"""Check on the first run with a model that it is read as it was published.

In a few minutes: what is sent and seen, the prompt, the shared path against a plain pass on this
machine in this dtype, where the visual tokens lie, where the model looks, what it takes, and what
is a guess. Ends in "passed", or in a sentence for each fault (exit status 1). Attach page and JSON
to a report.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from time import perf_counter

from core.support.whole import file_to_write, write_whole
from core.vlm.base import VLMError
from core.vlm.loading.arguments import add_load_arguments, load_options

LONGEST = 8  # times as long as high, a picture on which nine places can be painted


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--model", default="pocket", help="pocket, a directory, or a hub id")
    parser.add_argument(
        "--ratio", default="16:9", type=_ratio, metavar="W:H",
        help="proportions of the pictures it is tried with (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=file_to_write, metavar="FILE", help="write the figures there, too"
    )
    add_load_arguments(parser)


def main(args: Namespace) -> int:
    from core.verify.checks import verify  # here: torch takes seconds
    from core.vlm import load_vlm
    from core.vlm.adapter import Adapter
    from core.vlm.loading.checkpoint import find_checkpoint

    vlm = load_vlm(args.model, **load_options(args))
    if not isinstance(vlm, Adapter):
        raise VLMError(f"{vlm.info.name!r} is not run here: there is nothing to verify.")
    folder = Path(find_checkpoint(args.model).fetched().location)
    start = perf_counter()
    report = verify(
        vlm, folder, args.ratio,
        said=lambda what: print(f"{perf_counter() - start:6.0f} s  {what}", file=sys.stderr),
    )  # fmt: skip
    print(report)  # first: it took minutes, and the file may not be writable
    if args.json:
        write_whole(args.json, json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n")
    return 0 if report.passed else 1


def _ratio(text: str) -> tuple[int, int]:
    width, _, height = text.partition(":")
    try:
        ratio = int(width), int(height)
    except ValueError:
        ratio = 0, 0
    if not 1 <= min(ratio) <= max(ratio) <= 50:
        raise ArgumentTypeError(f"{text!r} is not a ratio of numbers from 1 to 50, such as 4:3")
    if max(ratio) > LONGEST * min(ratio):  # what is painted would be higher than the picture
        raise ArgumentTypeError(f"{text!r} is longer than the {LONGEST}:1 that can be tried")
    return ratio
