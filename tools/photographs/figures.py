"""Say what a run over the photographs shows: `python -m tools.photographs.figures RUN --eta 0.06`.

Counted as `core.pocket.evaluate --conditions` does, of any model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from core.bench.runs.files import load_run
from core.pocket.evaluate import Measured, gated, interval


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", metavar="RUN", help="run file of `core.bench run`")
    parser.add_argument(
        "--eta", type=float, required=True, help="threshold of the gate, of mean min-entropy"
    )
    args = parser.parse_args(arguments)
    try:
        measured = Measured(load_run(args.run))
        figures = gated(measured, args.eta)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    figures["the box holds the writing"] = measured.hit
    if measured.run.guided_answer.any():
        figures["right with the true box"] = measured.guided
    for name, hits in figures.items():
        print(f"{name:38}{interval(hits.astype(bool))}")


if __name__ == "__main__":
    main()
