"""The part of `calibrate` that sets η with a promise, and writes its certificate."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from core.bench.analysis.calibration import always_or_never
from core.bench.analysis.curves import COSTS, operating_point
from core.bench.analysis.links import over_link
from core.bench.analysis.promises.bounds import Plainly, needed
from core.bench.analysis.promises.certify import certify
from core.bench.analysis.promises.goal import ASKED, LOST, SPENT, WRONG, Goal
from core.bench.analysis.promises.guarantee import Promised, promise
from core.bench.analysis.promises.questions import Questions
from core.bench.analysis.promises.ratio import measured
from core.bench.analysis.promises.refusals import PromiseError
from core.bench.analysis.promises.thresholds import keeps
from core.bench.commands.gain_command import source, with_gain
from core.bench.runs.files import load_run
from core.bench.runs.record import TEXTS
from core.bench.runs.run import Run
from core.certificate import Setting
from core.channel import PRESETS
from core.gain import Gain
from core.support.whole import file_to_write
from core.uncertainty import METRICS, Gate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "a promise", "What holds for questions nobody has seen, not for those of the run only."
    )
    add = group.add_argument
    add("--lose-at-most", type=float, metavar="SHARE",
        help="promise to lose at most this much accuracy against asking everything again: 0.02 is "
             "2 points")  # fmt: skip
    add("--wrong-at-most", type=float, metavar="SHARE",
        help="promise that at most this share of the answers that aren't asked again is wrong; "
             "with --confidence only")  # fmt: skip
    sure = group.add_mutually_exclusive_group()
    sure.add_argument("--confidence", type=float, metavar="SHARE",
        help="share of all validation runs in which the promise is to hold (default: "
             "0.9)")  # fmt: skip
    sure.add_argument("--on-average", action="store_true",
        help="promise it in the mean over validation runs instead")  # fmt: skip
    add("--for-each", metavar="COLUMN", choices=TEXTS,
        help="promise it for each value of this column of the run, e.g. group")  # fmt: skip
    add(
        "--seconds",
        type=float,
        help="promise the seconds a question takes on average, computing and over --link",
    )
    add("--link", choices=list(PRESETS), help="link that --seconds are over")
    add("--certificate", type=file_to_write, metavar="FILE",
        help="write the promise there, for `core.server --certificate`")  # fmt: skip


def wanted(args: argparse.Namespace) -> bool:
    """Return whether a promise is asked for, and not the best η of the run."""
    asked = (args.lose_at_most, args.wrong_at_most, args.confidence, args.for_each, args.seconds,
             args.certificate)  # fmt: skip
    return args.on_average or any(value is not None for value in asked)


def main(args: argparse.Namespace) -> int:
    goals = goals_of(args)
    confidence = None if args.on_average else 0.9 if args.confidence is None else args.confidence
    run = read_run(args.run, args)
    if args.gain and source(run) in Gain.read(args.gain).fitted_on:
        raise ValueError(
            f"{args.gain.name} was fitted on {source(run)}: a promise takes a run of other "
            "questions, of another split or seed."
        )
    images = len(np.unique(run.image_id.astype(str)))
    for goal in goals:
        if goal.what in (LOST, WRONG, ASKED):
            enough = needed(goal.at_most, confidence)
            print(f"At most {100 * goal.at_most:g} % {_WORDS[goal.what]} takes questions about "
                  f"{enough:,} images at least; {args.run.name} has {images:,}.")  # fmt: skip
    there = args.on and read_run(args.on, args)
    found = promise(run, goals, confidence, args.metric, args.first_tokens, args.for_each)
    certificate = certify(run, found)
    if there:
        certificate.check(Setting.of_run(there.metadata))
    print(describe(found.gate))
    print(certificate)
    if certificate.unchecked:
        print(certificate.unchecked)
    _table(run, there, found, args)
    if args.certificate:
        certificate.write(args.certificate)
        print(f"Written: {args.certificate}")
    return 0


def goals_of(args: argparse.Namespace) -> list[Goal]:
    """Return what is to be promised. Raises ValueError for what can't be, or if there is nothing.

    A goal of `calibrate` that isn't one for a promise is refused.
    """
    if args.accuracy is not None:
        raise ValueError(
            "An accuracy is set on the run at hand, without a promise; promise --lose-at-most."
        )
    if args.wrong_and_sure is not None:
        raise ValueError(
            "--wrong-and-sure is set on the run at hand, without a promise: leave the options of "
            "promises out."
        )
    if (args.seconds is None) != (args.link is None):
        raise ValueError("--seconds and --link go together: say both, or neither.")
    values = {LOST: args.lose_at_most, WRONG: args.wrong_at_most, ASKED: args.budget,
              "bytes": args.bytes, "seconds": args.seconds}  # fmt: skip
    goals = [Goal(what, limit) for what, limit in values.items() if limit is not None]
    if not goals:
        raise ValueError("Say what to promise: --lose-at-most, --wrong-at-most or a budget.")
    return goals


def describe(gate: Gate) -> str:
    """Return a gate in words."""
    if extreme := always_or_never(gate):
        return f"{extreme}: there is no η to set"
    metric = METRICS[gate.metric]
    unit = f" {metric.unit}" if metric.unit else ""
    side = "at or above" if metric.higher_is_uncertain else "at or below"
    of = f" of the first {gate.first_tokens} tokens" if gate.first_tokens else ""
    eta = f"η = {gate.threshold:.6g}{unit}"
    return f"{eta}: a second look where the {metric.phrase}{of} is {side} it"


_WORDS = {LOST: "lost", WRONG: "wrong among the rest", ASKED: "asked again"}


def read_run(path: Path, args: argparse.Namespace) -> Run:
    """Return the answered samples of a file, over the link and with the gain that were named."""
    run = load_run(path).answered
    if args.gain:
        run = with_gain(run, Gain.read(args.gain))
    return over_link(run, PRESETS[args.link]) if args.link else run


def _table(run: Run, there: Run | None, found: Promised, args: argparse.Namespace) -> None:
    """Print what the gate does, beside the best η of the run and the two ends."""
    goals = tuple(dict.fromkeys(kept.goal for kept in found.kept))
    shown = [goal for goal in goals if goal.what != ASKED]
    heads = (f"{_WORDS.get(goal.what, goal.what):>22}" for goal in shown)
    print(f"{'':34}{'accuracy':>10}{'asked again':>13}{''.join(heads)}")
    sign = 1.0 if METRICS[found.gate.metric].higher_is_uncertain else -1.0

    def line(name: str, on: Run, eta: float) -> None:
        """eta: a threshold of `ranked`."""
        point = operating_point(on, Gate(found.gate.metric, sign * eta, args.first_tokens))
        questions = Questions.of(on, found.gate.metric, args.first_tokens)
        cells = (_cell(goal, measured(questions, goal, eta)) for goal in shown)
        accuracy, asked = 100 * point.accuracy, 100 * point.retransmitted
        print(f"{name:34}{accuracy:8.1f} %{asked:11.1f} %{''.join(cells)}")

    eta = sign * found.gate.threshold
    line("where it was set", run, eta)
    if (plain := _plain(run, found, goals, args)) is not None:
        line("  best η of that run, no promise", run, plain)
    if there is not None:
        line(f"on {args.on.name}", there, eta)
    last = run if there is None else there
    line("  first answers only", last, np.inf)
    line("  everything asked again", last, -np.inf)


def _plain(
    run: Run, found: Promised, goals: tuple[Goal, ...], args: argparse.Namespace
) -> float | None:
    """The best η of the run, as a threshold of `ranked`; None if none meets the goals there."""
    questions = Questions.of(run, found.gate.metric, args.first_tokens, args.for_each)
    try:
        masks = [keeps(questions, goal, Plainly()) for goal in goals]
    except PromiseError:
        return None
    allowed = np.flatnonzero(np.logical_and.reduce(masks))
    saves = any(goal.what not in SPENT for goal in goals)
    return float(questions.candidates[allowed[-1 if saves else 0]]) if allowed.size else None


def _cell(goal: Goal, value: float) -> str:
    if np.isnan(value):
        return f"{'–':>22}"
    return f"{value:22,.6g}" if goal.what in COSTS else f"{100 * value:20.2f} %"
