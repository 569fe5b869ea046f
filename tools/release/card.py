"""The figures in pocket's card, as its run files have them.

A block of figures stands between two comments, `<!-- figures: NAME -->` and `<!-- end -->`, which
no reader sees. Words are written by hand.
"""

import re
from pathlib import Path

from core.bench import load_run
from core.pocket.evaluate import Measured, interval, report

QUALITIES = (5, 10, 20, 40, 60, 80, 95)
QUALITY_HEAD = (
    "| quality | bytes of the global image | global only | both images |\n|---|---|---|---|"
)
TIMES = "median milliseconds, stage 1 / both stages   {}  (50 questions one at a time, two cores)"


def with_figures(card: str, blocks: dict[str, str]) -> str:
    """Return the card with these blocks in place of its own; ValueError for one it hasn't."""
    for name, text in blocks.items():
        begin = f"<!-- figures: {name} -->\n"
        card = card.replace(begin + block(card, name), begin + text)
    return card


def block(card: str, name: str) -> str:
    """Return what stands between a block's comments; ValueError where there aren't any."""
    found = re.search(rf"<!-- figures: {re.escape(name)} -->\n(.*?)\n<!-- end -->", card, re.DOTALL)
    if found is None:
        raise ValueError(f"The card has no block of figures called {name!r}.")
    return found[1]


def closed_world(runs: Path, times: str) -> dict[str, str]:
    """Return the blocks of the closed world, out of the folder of shipped runs.

    times: of stage 1 and both stages in milliseconds, "82 / 172", which no run file has.
    """
    text = [*_report(runs / "signs-text-q75.parquet"), TIMES.format(times)]
    presence, attributes = (
        [family, *_report(runs / f"signs-{family}-q75.parquet")]
        for family in ("presence", "attributes")
    )
    rows = [_quality(runs / f"signs-text-q{quality}.parquet", quality) for quality in QUALITIES]
    return {
        "text": verbatim(text),
        "presence and attributes": verbatim([*presence, "", *attributes]),
        "quality": "\n".join([QUALITY_HEAD, *rows]),
    }


def verbatim(lines: list[str]) -> str:
    """Return the lines as a block that Markdown leaves as it is."""
    return "\n".join(["```", *lines, "```"])


def _report(path: Path) -> list[str]:
    """The report but for its last line, that nothing failed; ValueError if something did."""
    *lines, failed = report(load_run(path))
    if not failed.endswith(" 0"):
        raise ValueError(f"{path.name}: {' '.join(failed.split())}")
    return lines


def _quality(path: Path, quality: int) -> str:
    run = load_run(path)
    measured = Measured(run)
    shares = (
        " ".join(interval(hits).partition("n =")[0].split())
        for hits in (measured.first, measured.second)
    )
    return f"| {quality} | {run.global_bytes.mean():,.0f} | {' | '.join(shares)} |"
