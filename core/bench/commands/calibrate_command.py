"""Set the threshold η for a goal on one run, and verify it on another.

    python -m core.bench calibrate validation.parquet --on test.parquet --budget 0.4
    python -m core.bench calibrate validation.parquet --bytes 6000
    python -m core.bench calibrate validation.parquet --accuracy 0.55
    python -m core.bench calibrate validation.parquet --wrong-and-sure 0.05
    python -m core.bench calibrate search.parquet --bytes 12000 --rounds 2
    python -m core.bench calibrate validation.parquet --lose-at-most 0.02 --confidence 0.9

On the run it was set on, any threshold looks a little better than it is. Without --on, half of the
run's images are kept aside to verify it. The last command promises something of questions that
nobody has seen, with all of the run: docs/choosing-eta.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core.bench.analysis.calibration import (
    Calibration,
    halves,
    threshold_for_accuracy,
    threshold_for_budget,
    threshold_for_wrong_and_sure,
)
from core.bench.analysis.curves import Point, full, initial
from core.bench.analysis.sureness import wrong_and_sure
from core.bench.commands import promise_command
from core.bench.commands.promise_command import read_run
from core.bench.runs.run import Run
from core.gain import use
from core.uncertainty import METRICS, Gate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("run", type=Path, help="run file to set the threshold on")
    add("--on", type=Path, metavar="RUN", help="run file to verify it on")
    add(
        "--budget",
        type=float,
        help="goal: local images a question, with one round the share that is asked again, 0 to 1",
    )
    add(
        "--bytes",
        type=float,
        help="goal: the bytes a question may take on average, in all its messages",
    )
    add("--accuracy", type=float, help="goal: the mean score to reach, 0 to 1")
    add(
        "--wrong-and-sure",
        type=float,
        metavar="SHARE",
        help="goal: at most this share of the questions ends in a wrong answer below η, 0 to 1",
    )
    add("--metric", choices=list(METRICS), default=["min_entropy"], nargs="+",
        help="measure of uncertainty of the gate (default: min_entropy); a promise takes the best "
             "of several")  # fmt: skip
    add(
        "--gain",
        type=Path,
        metavar="FILE",
        help="file of `gain --out`, to gate on the gain it expects in place of a metric",
    )
    add(
        "--first-tokens",
        type=int,
        help="judge an answer by that many of its tokens (default: by all)",
    )
    add(
        "--rounds",
        type=int,
        default=1,
        help="local images of a question, at most: each round gets an η of its own (default: 1)",
    )
    promise_command.add_arguments(parser)


def main(args: argparse.Namespace) -> int:
    if args.gain:
        args.metric = [use(args.gain)]
    if args.rounds < 1:
        raise ValueError(f"--rounds must be at least 1, not {args.rounds}.")
    if args.rounds > 1 and promise_command.wanted(args):
        raise ValueError("A promise holds for one round: leave --rounds out.")
    if promise_command.wanted(args):
        return promise_command.main(args)
    run = read_run(args.run, args)
    here, there = (run, read_run(args.on, args)) if args.on else halves(run)
    if args.on and there.metadata.rounds < args.rounds:
        raise ValueError(
            f"{args.on.name} has {there.metadata.rounds} of the {args.rounds} rounds: record it "
            f"anew with --rounds {args.rounds}."
        )
    found = calibrate(here, args)
    sure = args.wrong_and_sure is not None
    where = "the other half" if args.on is None else args.on.name
    set_on = [("where it was set", here, found.expected), (f"on {where}", there, found.on(there))]
    rows = [  # before anything is said: what can't be judged is one sentence, not half a table
        _row(name, point) + (_sure(run, found.gate) if sure else "") for name, run, point in set_on
    ]
    print(promise_command.describe(found.gate))
    if found.gate.rounds:
        etas = " ".join(f"{eta:.6g}" for eta in found.gate.rounds)
        print(f"η of each further round, as core.server takes it: --rounds {etas}")
    print(f"{'':32}{'accuracy':>10}{'asked for':>11}{'bytes':>9}{'wrong and sure' * sure:>17}")
    print("\n".join(rows))
    for name, point in (
        ("  first answers only", initial(there)),
        ("  everything retransmitted", full(there)),
    ):
        print(_row(name, point))
    return 0


def calibrate(run: Run, args: argparse.Namespace) -> Calibration:
    """Raises ValueError for a goal that no threshold of this run meets."""
    goals = args.budget, args.bytes, args.accuracy, args.wrong_and_sure
    if sum(goal is not None for goal in goals) != 1:
        raise ValueError(
            "Say one goal: --budget, --bytes, --accuracy or --wrong-and-sure; or promise something."
        )
    if len(args.metric) > 1:
        raise ValueError("Several metrics are tried for a promise only: say one.")
    if args.wrong_and_sure is not None:
        if args.first_tokens is not None or args.rounds > 1:
            raise ValueError("--wrong-and-sure judges all tokens, after one second look.")
        if args.gain:
            raise ValueError(
                "--wrong-and-sure judges second answers, and a gain only first ones: leave --gain "
                "out."
            )
        return threshold_for_wrong_and_sure(run, args.wrong_and_sure, args.metric[0])
    rest = {"metric": args.metric[0], "first_tokens": args.first_tokens, "rounds": args.rounds}
    if args.accuracy is not None:
        return threshold_for_accuracy(run, args.accuracy, **rest)
    if args.bytes is not None:
        return threshold_for_budget(run, args.bytes, cost="bytes", **rest)
    return threshold_for_budget(run, args.budget, **rest)


def _sure(run: Run, gate: Gate) -> str:
    [share] = wrong_and_sure(run, gate.metric, [gate.threshold])
    return f"{100 * share:15.2f} %"


def _row(name: str, point: Point) -> str:
    accuracy, asked = 100 * point.accuracy, 100 * point.retransmitted
    return f"{name:32}{accuracy:8.1f} %{asked:9.1f} %{point.bytes:9,.0f}"
