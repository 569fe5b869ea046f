"""Make anew what depends on pocket's weights: `python -m tools.release CHECKPOINT`.

The checkpoint takes the bundled one's place, and gets its layer and box, heads, ηs, runs, controls,
expectation, samples, the figures of its card and the pictures of the page. Two hours on two cores;
a step that is done is not repeated, so the same command goes on where it was killed. It stops once,
for a commit: run files hold the commit that they were made with. The rest a person has to write:
the card's words, the lesson, CHANGELOG, and the figures in the docs that tests then find wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from core.bench import load_run
from core.pocket.evaluate import CONDITION_HEAD
from core.pocket.model import MIN_CELLS
from core.signs.scenes import GLOBAL_SIDE
from core.signs.world.trials import CONDITIONS
from core.support.bundled import CONTROLS, EXPECTATION, POCKET, RUNS, SAMPLES, SETTINGS
from core.support.whole import folder_to_write
from tools.release import settings
from tools.release.card import closed_world, verbatim, with_figures
from tools.release.steps import Step, StepFailed, carry_out, done
from tools.strangers.figures import of_run
from tools.strangers.pictures import SERIES

CARD = POCKET / "README.md"
ONE = ("--threads", "1")  # two steps at once, a core each
OTHERS = ("5", "10", "20", "40", "60", "80", "95")  # qualities of text, besides 75
FAMILIES = ("signs-presence", "signs-attributes", "signs-text+hints")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path, help="folder that training exported")
    parser.add_argument("--work", type=folder_to_write, default="runs/release", help="folder for "
                        "logs, marks of what is done, and what isn't shipped yet (%(default)s)"
                        )  # fmt: skip
    args = parser.parse_args(arguments)
    work: Path = args.work
    for folder in (work, work / "runs"):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        once("place", work, lambda: place(args.checkpoint))
        carry_out([TUNE], work)
        once("box", work, box)
        carry_out(choosing(work), work)
        once("settings", work, lambda: settle(work))
        if not done("committed", work).exists():
            done("committed", work).touch()
            print("Commit this, with the weights; then the same command goes on.")
            return 0
        carry_out(measuring(work), work)
        once("runs", work, lambda: take(work))
        carry_out(SHOWING, work, at_once=1)
        once("card", work, lambda: fill(work))
    except StepFailed as error:
        print(f"These steps failed: {error}", file=sys.stderr)
        return 1
    return 0


def once(name: str, work: Path, step: Callable[[], None]) -> None:
    """Take a step that is no command, if it isn't done."""
    if not done(name, work).exists():
        step()
        done(name, work).touch()


def place(checkpoint: Path) -> None:
    """Put the checkpoint where the bundled one is."""
    for file in checkpoint.iterdir():
        shutil.copyfile(file, POCKET / file.name)


TUNE = Step(
    "tune", ("-m", "core.pocket.tune", "--model", str(POCKET), "--world", "open", "--write")
)


def box() -> None:
    """Let a box be a share of the picture, whatever number of pixels was best in the scenes."""
    path = POCKET / "config.json"
    config = json.loads(path.read_text())
    config["second_look"] |= {"min_cells": MIN_CELLS, "base_side": GLOBAL_SIDE}
    path.write_text(json.dumps(config, indent=2) + "\n")


def choosing(work: Path) -> list[Step]:
    """The commands behind the bundled settings: which heads, and a run that ηs are chosen on."""
    heads = ("-m", "core.vlm", "heads", "--settings", str(work / "heads.json"))
    each = ("--split", "validation", "--option", "condition=each", "--limit", "1000")
    return [
        Step("heads", heads),
        Step("validation", run("open-signs", work / "validation.parquet", *each)),
    ]


def settle(work: Path) -> None:
    """Write heads and ηs into the bundled settings."""
    (said,) = json.loads((work / "heads.json").read_text())["pocket"].values()
    etas = settings.thresholds(load_run(work / "validation.parquet"))
    settings.change(SETTINGS, heads=said["heads"], thresholds=etas)


def measuring(work: Path) -> list[Step]:
    """The runs, what is made of them, and the conditions of the card."""
    new = work / "runs"
    text, rest = "signs-text-q75", "signs-text-q{quality}"
    runs = [
        Step(text, run("signs-text", new / f"{text}.parquet", *ALL, "--guided", "--hd")),
        Step("qualities", run("signs-text", new / f"{rest}.parquet", *ALL, "--quality", *OTHERS)),
        *(Step(data, run(data, new / f"{data}-q75.parquet", *ALL)) for data in FAMILIES),
    ]
    after = tuple(step.name for step in runs)
    three = [str(new / f"{data}-q75.parquet") for data in ("signs-text", *FAMILIES[:2])]
    fit = ("-m", "core.sharing", "fit", *three, "--out", str(EXPECTATION))
    names = [text, *(rest.format(quality=q) for q in OTHERS), *(f"{f}-q75" for f in FAMILIES)]
    strangers = [step for series in SERIES for step in asked_by_a_stranger(series, work)]
    conditions = [Step(f"condition-{name}", condition(name, work)) for name in CONDITIONS]
    controls = [Step(f"controls-{name}", control(name, work), after) for name in names]
    return [*runs, Step("expectation", fit, after), *strangers, *conditions, *controls]


ALL = ("--limit", "2000")


def run(data: str, out: Path, *more: str) -> tuple[str, ...]:
    """The arguments of `python` for a run file."""
    return ("-m", "core.bench", "run", "--data", data, *more, *ONE, "--out", str(out))


def condition(name: str, work: Path) -> tuple[str, ...]:
    """The arguments of `python` for a line of the card's table."""
    asked = ("-m", "core.pocket.evaluate", "--questions", "500", "--conditions", name)
    return (*asked, *ONE, "--runs", str(work / "conditions"))


def control(name: str, work: Path) -> tuple[str, ...]:
    """The arguments of `python` for a run's controls, in a folder of their own."""
    crops = ("--cropper", "blank", "random", "--limit", "200")
    like = str(work / "runs" / f"{name}.parquet")
    out = str(work / CONTROLS / name)
    return ("-m", "core.bench", "croppers", "--like", like, *crops, *ONE, "--folder-out", out)


def asked_by_a_stranger(series: str, work: Path) -> list[Step]:
    """The commands that draw a stranger's pictures, and ask about them."""
    asked, drawn = questions_of_a_stranger(series, work), f"pictures-{series}"
    draw = ("-m", "tools.strangers", "--series", series, "--out", str(asked.parent))
    name = f"strangers-{series}"
    ask = run("folder", work / f"{name}.parquet", "--folder", str(asked))
    return [Step(drawn, draw), Step(name, ask, (drawn,))]


def questions_of_a_stranger(series: str, work: Path) -> Path:
    """Return where a stranger's questions are written, beside the pictures."""
    return work / "strangers" / series / "questions.jsonl"


def take(work: Path) -> None:
    """Put the runs and their controls where the page finds them."""
    for file in (work / "runs").glob("*.parquet"):
        shutil.copyfile(file, RUNS / file.name)
    for file in (work / CONTROLS).glob("*/*.parquet"):
        shutil.copyfile(file, RUNS / CONTROLS / file.name)


SHOWING = (
    Step("samples", ("-m", "core.pocket.samples", "--world", "open", "--out", str(SAMPLES))),
    Step("times", ("-m", "core.pocket.evaluate", "--questions", "50", "--runs", "runs/times")),
    Step("pictures", ("-m", "tools.screenshots")),
)


def fill(work: Path) -> None:
    """Write the figures into the card."""
    times = the_line(work / "times.log", "median milliseconds")
    lines = [
        the_line(work / f"condition-{name}.log", f"| {condition.label} |")
        for name, condition in CONDITIONS.items()
    ]
    blocks = closed_world(RUNS, times.rpartition(": ")[2])
    blocks["conditions"] = "\n".join([CONDITION_HEAD, *(" ".join(line.split()) for line in lines)])
    eta = json.loads(SETTINGS.read_text())["pocket"]["any"]["thresholds"]["min_entropy"]
    for series in SERIES:
        asked = questions_of_a_stranger(series, work)
        figures = of_run(work / f"strangers-{series}.parquet", asked, eta)
        blocks[f"strangers, {series}"] = verbatim(figures)
    CARD.write_text(with_figures(CARD.read_text(), blocks))


def the_line(log: Path, start: str) -> str:
    """The line of a step's output that begins so."""
    return next(line for line in log.read_text().splitlines() if line.startswith(start))


if __name__ == "__main__":
    sys.exit(main())
