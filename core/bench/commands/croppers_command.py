"""Compare croppers: ask the questions of a data set, or of a run, by each, and write the report.

    python -m core.bench croppers --data signs-search --limit 500 --folder-out looks
    python -m core.bench croppers --like assets/runs/*.parquet --cropper blank random --limit 200

Each cropper gets a run file, the first stage of a question runs once for all of them, and the
report lays them side by side; with --rounds 1 2, also with a second local image after the first.
Interrupted, even killed, the same command goes on. With --like, the questions, model and codec are
those of a run, or of each of several, whose own cropper isn't asked again: it stands in the report
beside the others.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.bench.commands import run_command
from core.bench.record.runner import Plan
from core.bench.report import page
from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run
from core.bench.runs.run import Run
from core.croppers import CROPPERS
from core.support.whole import folder_to_write, write_whole
from core.vlm.base import VLM
from core.vlm.loading.revision import revision_named

NAME = "{cropper}.parquet"  # after the name of the run that it is like, where there is one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--like", type=Path, metavar="RUN", nargs="+", help="run files whose questions, model, "
        "codec and options are taken, in place of the options below")  # fmt: skip
    add("--folder-out", type=folder_to_write, default="croppers", metavar="FOLDER",
        help="where run files and report.html are written (default: %(default)s)")  # fmt: skip
    add("--rounds", type=int, nargs="+", metavar="ROUNDS",
        help="numbers of looks to compare, such as 1 2: the largest is recorded, and holds those "
        "below it (default: 1, or those of --like)")  # fmt: skip
    run_command.add_arguments(parser, out=False)
    parser.set_defaults(cropper=None)


def main(args: argparse.Namespace) -> int:
    from core.vlm import load_vlm

    likes = {path.stem: load_run(path) for path in args.like or ()}
    if len(likes) < len(args.like or ()):
        raise RunError("Two of the runs have the same name: rename one.")
    wanted = tuple(dict.fromkeys(args.cropper or CROPPERS))
    args.cropper = list(Plan.croppers)
    args.out = str(args.folder_out / NAME)
    rounds = max(args.rounds) if args.rounds else None
    args.rounds = rounds or Plan.rounds
    plans: list[tuple[Plan, Run | None]] = [
        (plan_like(like, args.limit, str(args.folder_out / f"{name}-{NAME}")), like)
        for name, like in likes.items()
    ] or [(run_command.plan_of(args), None)]
    vlm, runs, paths = None, dict[str, Run](), list[Path]()
    for index, (plan, like) in enumerate(plans):
        before = plans[index - 1][0]
        if vlm is None or (plan.model, plan.load) != (before.model, before.load):
            vlm = load_vlm(plan.model, **plan.load)
        made = record(replace(plan, rounds=rounds or plan.rounds), like, wanted, vlm, args)
        if made is None:
            continue
        paths += made
        of_these = {path.stem: load_run(path) for path in made}
        if like is not None:
            runs[list(likes)[index]] = same_questions(like, next(iter(of_these.values())))
        runs |= of_these
    if not paths:
        print("Submitted. When all jobs are done, the same command writes the report.")
        return 0
    answered = run_command.report(paths)
    out = args.folder_out / "report.html"
    write_whole(out, page(runs))
    print(f"{out}: {len(runs)} runs")
    return 0 if answered else 1


def same_questions(run: Run, other: Run) -> Run:
    """Return a run of the questions that another has, too."""
    return run.select(np.isin(run.id, list(other.id)))


def record(
    plan: Plan, like: Run | None, wanted: Sequence[str], vlm: VLM, args: argparse.Namespace
) -> list[Path] | None:
    """Ask by each cropper that is wanted, and that the model can; return the run files, or None
    where jobs were submitted.
    """
    if like is not None:
        check_same(like, plan, vlm)
        wanted = [name for name in wanted if name != like.metadata.cropper]
    usable = tuple(name for name in wanted if _usable(name, vlm))
    if not usable:
        raise RunError("There is no other cropper to compare with: name some with --cropper.")
    return run_command.run_as_said(replace(plan, croppers=usable), args, vlm)


def plan_like(run: Run, limit: int | None, out: str) -> Plan:
    """Return the plan that a run was made by, its output elsewhere. Raises RunError if the run
    doesn't say its command.
    """
    words = shlex.split(run.metadata.command)
    if words[:4] != ["python", "-m", "core.bench", "run"]:
        raise RunError("The run doesn't say which command made it: give its options instead.")
    parser = argparse.ArgumentParser(exit_on_error=False)
    run_command.add_arguments(parser, out=False)
    parser.add_argument("--out", help="name of the run file, which isn't made again")
    parser.add_argument("--rounds", type=int, default=Plan.rounds, help="looks of a question")
    try:
        args = parser.parse_args(words[4:])
    except (argparse.ArgumentError, SystemExit):
        raise RunError("The command of the run has options that aren't known here.") from None
    plan = run_command.plan_of(args)
    return replace(plan, out=out, limit=limit or plan.limit, guided=False, hd=False)


def check_same(run: Run, plan: Plan, vlm: VLM) -> None:
    """Raise RunError where questions, pictures or model here aren't those of the run."""
    before, here = run.metadata.source, plan.dataset().source
    if any(before[name] != here[name] for name in before.keys() & here.keys()):
        if before.get("fonts") != here.get("fonts"):
            raise RunError(
                "The pictures of this run were drawn with typefaces that aren't installed here: "
                'pip install -e ".[train]".'
            )
        raise RunError("The data set isn't what it was when the run was made: record it anew.")
    if revision_named(vlm.info) != run.metadata.revision:
        raise RunError("The model isn't the one that made the run: record it anew.")


def _usable(name: str, vlm: VLM) -> bool:
    """Return whether a cropper can be used with a model, and say why not."""
    if (why := CROPPERS[name].obstacle(vlm)) is None:
        return True
    print(f"Left out. {why}")
    return False
