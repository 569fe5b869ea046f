"""Say how a run did on a stranger's questions, by kind: `python -m tools.strangers.figures RUN`.

    python -m tools.strangers.figures RUN --questions FOLDER/questions.jsonl --eta 0.06

Counted as `core.pocket.evaluate --conditions` does, of any model. Each share is followed by its
interval of 95 %.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.bench.runs.files import load_run
from core.pocket.evaluate import Measured, gated, interval
from tools.strangers.asks import KINDS

COLUMNS = (
    "right at first",
    "right with a second look where unsure",
    "wrong and sure to the end",
)


def kinds_of(path: Path) -> dict[str, str]:
    """Return the kind of each question by its id. Raises ValueError, one sentence, if it can't."""
    try:
        lines = map(json.loads, path.read_text("utf-8").splitlines())
        return {line["id"]: line["kind"] for line in lines}
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{path}: expected the questions.jsonl of tools.strangers.") from None


def table(figures: dict[str, np.ndarray], kinds: Sequence[str]) -> list[str]:
    """Return the lines of a table: a row for each kind, and one for all.

    Each of `figures`, (N,), says of every question whether it counts; `kinds` names their kinds.
    """
    rows = ["                     n " + "".join(f"{name:38}" for name in COLUMNS)]
    of = np.array(kinds)
    for kind in (*KINDS, "all"):
        chosen = (of == kind) | (kind == "all")
        if chosen.any():
            hits = (figures[name][chosen].astype(bool) for name in COLUMNS)
            shares = (interval(one).partition("  n =")[0] for one in hits)
            rows.append(f"{kind:18}{chosen.sum():4} " + "".join(f"{one:38}" for one in shares))
    return [row.rstrip() for row in rows]


def of_run(run: str | Path, questions: Path, eta: float) -> list[str]:
    """Return the table of a run over a stranger's questions, line by line.

    eta: threshold of the gate, of mean min-entropy. Raises OSError or ValueError, one sentence, if
    it can't.
    """
    kinds = kinds_of(questions)
    measured = Measured(load_run(run))
    asked = list(measured.run.id)
    if not kinds.keys() >= set(asked):
        raise ValueError(f"{run}: it isn't a run over {questions}.")
    lines = table(gated(measured, eta), [kinds[name] for name in asked])
    if len(asked) < len(kinds):
        lines.append(f"{len(kinds) - len(asked)} questions weren't answered.")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", metavar="RUN", help="run file of `core.bench run`")
    parser.add_argument(
        "--questions", type=Path, required=True, help="the questions.jsonl that was run"
    )
    parser.add_argument(
        "--eta", type=float, required=True, help="threshold of the gate, of mean min-entropy"
    )
    args = parser.parse_args(arguments)
    try:
        print("\n".join(of_run(args.run, args.questions, args.eta)))
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
