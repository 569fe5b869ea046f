"""Ask a model every question of a data set, both stages, and write a run file.

Interrupted, even killed, the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import errno
import sys
from pathlib import Path

import numpy as np

from core.bench.record.runner import Plan, Runner
from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run
from core.bench.runs.run import Run
from core.croppers import CROPPERS
from core.imaging import FINER
from core.support.whole import file_to_write
from core.vlm.base import VLM
from core.vlm.loading.arguments import add_load_arguments, load_options


def add_arguments(parser: argparse.ArgumentParser, out: bool = True) -> None:
    """Add the options of a run. out: also that of the file to write, for who doesn't choose it."""
    add = parser.add_argument
    add("--model", default="pocket", help="who is asked: pocket, a directory, or a hub id")
    add("--data", default="signs-text", help="name of the data set: docs/datasets.md lists them")
    add("--split", help="part of the data set (default: its first)")
    add("--limit", type=int, help="ask this many samples only, from the first on")
    add("--codec", default="jpeg", help="how both images are encoded: jpeg, webp, avif or png")
    add("--quality", type=int, nargs="+", default=list(Plan.qualities),
        help="quality of the codec, 1 to 100; several make a run each, and open every image "
             "once")  # fmt: skip
    if out:
        add(
            "--out",
            type=file_to_write,
            required=True,
            help="run file to write; with several qualities, {quality} stands for each, and "
            "{cropper} with several croppers",
        )
    add("--cropper", nargs="+", choices=tuple(CROPPERS), default=list(Plan.croppers),
        help="rule for where to look again; several make a run each, and read every question "
             "once")  # fmt: skip
    if out:
        add("--rounds", type=int, default=Plan.rounds,
            help="how many local images of a question are recorded, one after the other as long "
            "as they show something new; what fewer would do is known from the same run (default: "
            "1, the paper's)")  # fmt: skip
    add(
        "--keep-local-images",
        action="store_true",
        help="answer from all local images of a question so far, not the newest alone; goes with "
        "--rounds, and with models that were trained on several images",
    )
    add(
        "--guided",
        action="store_true",
        help="also ask with the true box as the local image, where it is known",
    )
    add(
        "--hd",
        action="store_true",
        help="also ask the high-resolution baseline: every image at once in all tiles that the "
        "checkpoint itself would cut it into, or, where it has none, at twice the side in four",
    )
    add("--batch", type=int, default=8, help="how many samples are asked at once")
    add_place(parser)
    add(
        "--threads",
        type=int,
        help="threads of each worker (default: the cores, divided among them)",
    )
    add("--workers", type=int, default=1, help="processes that divide the samples among them")
    add(
        "--executor",
        choices=("local", "slurm", "ray"),
        default="local",
        help="where the workers run",
    )
    add("--executor-option", action="append", default=[], metavar="NAME=VALUE",
        help="an option of datatrove's executor, e.g. time=04:00:00 or partition=gpu for "
             "slurm")  # fmt: skip
    add_load_arguments(parser)


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add what says which data set's options are wanted, and where it lies."""
    add = parser.add_argument
    add(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the data set; docs/datasets.md lists them",
    )
    add("--folder", help="the data set's official files, or the file of your own questions")
    add("--images", help="folder of the images, if it isn't inside --folder")
    add(
        "--mirror",
        help="copy of the data set on the Hugging Face hub, to download; without, nothing is",
    )
    add("--revision", help="commit, tag or branch of the --mirror")


def plan_of(args: argparse.Namespace) -> Plan:
    same = (
        "model",
        "data",
        "split",
        "limit",
        "codec",
        "guided",
        "hd",
        "batch",
        "folder",
        "images",
        "mirror",
        "revision",
    )
    return Plan(
        out=str(args.out),
        **{name: getattr(args, name) for name in same},
        qualities=tuple(dict.fromkeys(args.quality)),
        croppers=tuple(dict.fromkeys(args.cropper)),
        rounds=args.rounds,
        keeps=args.keep_local_images,
        options=pairs("--option", args.option),
        load=load_options(args),
    )


def main(args: argparse.Namespace) -> int:
    try:
        return _main(args)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "Stopped. What is finished is kept: the same command goes on."
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise RunError(
            f"The run can't be written: {error.strerror}. What is finished is kept: make room, "
            "then run the same command again."
        ) from error


def _main(args: argparse.Namespace) -> int:
    plan = plan_of(args)
    paths = run_as_said(plan, args)
    if paths is None:
        print(f"Submitted. When all jobs are done, {plan.out} is there.")
        return 0
    return 0 if report(paths) else 1


def run_as_said(plan: Plan, args: argparse.Namespace, vlm: VLM | None = None) -> list[Path] | None:
    """Run a plan here or in the workers that were asked for; return the run files, or None where
    the jobs were only submitted. vlm: as of `run_here`.
    """
    if args.workers == 1 and args.executor == "local":
        return run_here(plan, args.threads, vlm)
    try:
        from core.bench.record.distribute import run_divided
    except ModuleNotFoundError:
        raise RunError(
            "Several workers need the package `datatrove`; install it with "
            '`pip install -e ".[distributed]"`, or leave out --workers and --executor.'
        ) from None

    settings = pairs("--executor-option", args.executor_option)
    return run_divided(plan, args.workers, args.executor, settings, args.threads)


def run_here(plan: Plan, threads: int | None = None, vlm: VLM | None = None) -> list[Path]:
    """Run a plan to its end in this process, with a progress bar; returns the run files.

    threads: of torch; None: its own choice. vlm: the plan's model, if it is loaded already.
    """
    from tqdm import tqdm

    if threads:
        import torch

        torch.set_num_threads(threads)
    runner = Runner(plan, vlm)
    for remark in runner.remarks:
        print(remark, file=sys.stderr)
    name = f"{plan.model}, {plan.data}"
    with tqdm(
        total=runner.total, initial=runner.recorded(), unit="sample", desc=name, smoothing=0.05
    ) as bar:
        runner.work(progress=bar.update)
    return runner.finish()


def pairs(flag: str, given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise RunError(f"{flag} {wrong[0]}: write NAME=VALUE.")
    return {name: value for name, _, value in pairs}


def how_much_finer(run: Run) -> str | None:
    """Return how much finer local images were than global ones; None: not recorded."""
    finer = run.finer[np.isfinite(run.finer)]
    if not len(finer):
        return None
    said = f"local images are {np.median(finer):.1f} times as fine as the global image (median)"
    if none := int((finer <= FINER).sum()):
        said += f"; {none:,} of {len(finer):,} are no finer, and a second look gains nothing there"
    return said


def report(paths: list[Path]) -> bool:
    """Say what the run files hold. False if in one of them nothing was answered."""
    answered = True
    for path in paths:
        run = load_run(path)
        failed = int(run.failed.sum())
        print(f"{path}: {len(run) - failed:,} samples answered, {failed:,} failed")
        if len(run.metadata.code) > 1:
            print(f"  made with {run.metadata.made_with}")
        if (said := how_much_finer(run)) is not None:
            print(f"  {said}")
        if failed:
            first = run.record(int(run.failed.argmax()))
            print(f"  the first of them, {first.id}: {first.error}")
        answered &= failed < len(run)
    return answered
