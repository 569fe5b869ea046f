"""Set the threshold η for a budget or for an accuracy on one run, and verify it on another.

    python -m core.bench calibrate validation.parquet --on test.parquet --budget 0.4
    python -m core.bench calibrate validation.parquet --bytes 6000
    python -m core.bench calibrate validation.parquet --accuracy 0.55

On the run it was set on, any threshold looks a little better than it is. Without --on, half of the
run's images are kept aside to verify it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core.bench.calibration import (
    Calibration,
    halves,
    threshold_for_accuracy,
    threshold_for_budget,
)
from core.bench.curves import Point, full, initial
from core.bench.files import load_run
from core.bench.runs import Run
from core.uncertainty import METRICS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("run", type=Path, help="run file to set the threshold on")
    add("--on", type=Path, metavar="RUN", help="run file to verify it on")
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument("--budget", type=float, help="share of questions that may be retransmitted")
    goal.add_argument("--bytes", type=float, help="of a question, all messages, on average")
    goal.add_argument("--accuracy", type=float, help="mean score to reach, 0 to 1")
    add("--metric", choices=list(METRICS), default="min_entropy")
    add("--first-tokens", type=int, help="look at that many tokens only")


def main(args: argparse.Namespace) -> int:
    run = load_run(args.run)
    here, there = (run, load_run(args.on)) if args.on else halves(run.answered)
    found = calibrate(here, args)
    metric = METRICS[args.metric]
    unit = f" {metric.unit}" if metric.unit else ""
    side = "at or above" if metric.higher_is_uncertain else "at or below"
    of = f" of the first {args.first_tokens} tokens" if args.first_tokens else ""
    eta = f"η = {found.gate.threshold:.6g}{unit}"
    print(f"{eta}: a second look where the {metric.phrase}{of} is {side} it")
    print(f"{'':32}{'accuracy':>10}{'asked for':>11}{'bytes':>9}")
    where = "the other half" if args.on is None else args.on.name
    rows = [("where it was set", found.expected), (f"on {where}", found.on(there))]
    rows += [("  first answers only", initial(there)), ("  everything retransmitted", full(there))]
    for name, point in rows:
        print(_row(name, point))
    return 0


def calibrate(run: Run, args: argparse.Namespace) -> Calibration:
    """Raises ValueError for a goal that no threshold of this run meets."""
    rest = {"metric": args.metric, "first_tokens": args.first_tokens}
    if args.accuracy is not None:
        return threshold_for_accuracy(run, args.accuracy, **rest)
    if args.bytes is not None:
        return threshold_for_budget(run, args.bytes, cost="bytes", **rest)
    return threshold_for_budget(run, args.budget, **rest)


def _row(name: str, point: Point) -> str:
    accuracy, asked = 100 * point.accuracy, 100 * point.retransmitted
    return f"{name:32}{accuracy:8.1f} %{asked:9.1f} %{point.bytes:9,.0f}"
