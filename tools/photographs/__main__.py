"""Gather photographs with writing in them, and the questions: `python -m tools.photographs`.

    python -m tools.photographs --out FOLDER
    python -m core.bench run --data folder --folder FOLDER/questions.jsonl --out photographs.parquet
    python -m tools.photographs.figures photographs.parquet --eta 0.06

Each picture is downloaded from the public repository that has it and checked by its SHA-256;
nothing of it is executed. What is missing is said and left out, and another run takes up where
this one ended. Ends with 1 if something is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from core.support.proxies import EnvironmentFault
from core.support.whole import NotWritten, folder_to_write, write_whole
from tools.photographs import from_clones, from_web, gather, photographs, questions

PICTURES = "pictures"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--out",
        type=folder_to_write,
        required=True,
        help="folder for the pictures and questions.jsonl",
    )
    parser.add_argument("--clones", type=Path, metavar="FOLDER",
                        help="read the pictures from bare git directories in this folder, named "
                        "OWNER+NAME, instead of downloading them")  # fmt: skip
    args = parser.parse_args(arguments)
    wanted = photographs()
    try:
        with nullcontext(from_clones(args.clones)) if args.clones else from_web() as fetch:
            there = gather(wanted, fetch, args.out / PICTURES, lambda text: print(text, flush=True))
        lines = [json.dumps(line, ensure_ascii=False) for line in questions(there, PICTURES)]
        write_whole(args.out / "questions.jsonl", "".join(f"{line}\n" for line in lines))
    except (EnvironmentFault, NotWritten) as error:
        parser.exit(1, f"{error}\n")
    print(f"{len(there)} of {len(wanted)} pictures, {len(lines)} questions: "
          f"{args.out / 'questions.jsonl'}")  # fmt: skip
    return int(len(there) < len(wanted))


if __name__ == "__main__":
    sys.exit(main())
