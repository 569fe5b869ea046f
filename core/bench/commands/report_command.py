"""Draw every figure and table of the paper from run files, into one HTML page.

The page needs no internet and holds what the paper reports beside what was measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core.bench.report import page
from core.bench.runs.errors import RunError
from core.bench.runs.files import SUFFIX, load_run
from core.support.bundled import CONTROLS
from core.support.whole import file_to_write, write_whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run files, or "
                        "folders of them, which are read with their folder `controls`")  # fmt: skip
    parser.add_argument("--out", type=file_to_write, default="report.html",
                        metavar="FILE", help="page to write (default: report.html)")  # fmt: skip


def main(args: argparse.Namespace) -> int:
    text = page({path.stem: load_run(path) for path in run_files(args.runs)})
    write_whole(args.out, text)
    print(f"{args.out}: {len(text) / 1e6:.1f} MB")
    return 0


def run_files(given: list[Path]) -> list[Path]:
    """The files, and those in the folders and their `CONTROLS`. Raises RunError if two have the
    same name.
    """
    paths = [
        path
        for place in given
        for path in (
            [one for part in (place, place / CONTROLS) for one in sorted(part.glob(f"*{SUFFIX}"))]
            if place.is_dir()
            else [place]
        )
    ]
    names = [path.stem for path in paths]
    if twice := [name for name in names if names.count(name) > 1]:
        raise RunError(f"Two run files are called {twice[0]!r}: rename one.")
    return paths
