"""Measures a model on held-out scenes: `python -m core.pocket.evaluate --questions 2000 --all`.

A report over run files (core.bench): each question was asked through the real protocol, with JPEG
as on the link, and always got its second look, so that both answers are known. Runs that are
missing are made, into a folder of the model's own; whatever interrupts that, the same command goes
on. `--all` makes the table that the model card shows; without it, one run of each family is
reported. Prints one figure a line, each with its 95 % interval and the number of questions.

`--conditions` makes the table by condition of the open world: what visitors bring, one thing
changed at a time, words of version 5's list and unseen ones never in one figure.
"""

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.bench.analysis.curves import asked_by
from core.bench.analysis.intervals import shares_apart, wilson
from core.bench.analysis.official import benchmark_figures
from core.bench.analysis.separability import auroc
from core.bench.analysis.sureness import last_answers
from core.bench.commands.run_command import run_here
from core.bench.record.runner import Plan
from core.bench.runs.files import load_run
from core.bench.runs.run import Run
from core.signs.questions import FAMILIES
from core.signs.world.trials import CONDITIONS
from core.support.whole import folder_to_write
from core.uncertainty import Gate
from core.vlm.loading.arguments import add_load_arguments, load_options, load_words

SMALL, LARGE = 4.0, 10.0  # capital height in pixels of the global image: illegible, plainly legible
QUALITY = 75
QUALITIES = (5, 10, 20, 40, 60, 80, 95)
TIMED = 50  # questions asked one at a time


@dataclass(frozen=True)
class Questions:
    """Which questions a run asks."""

    family: str
    split: str = "test"
    fonts: str = "split's"  # or training, held-out
    phrasings: str = "training"  # or held-out
    hints: bool = False  # OCR-like tokens in text questions

    @property
    def name(self) -> str:
        text = f"signs-{self.family}" + "-hints" * self.hints
        text += f"-{self.split}" * (self.split != "test")
        text += f"-fonts-{self.fonts}" * (self.fonts != "split's")
        return text + f"-phrasings-{self.phrasings}" * (self.phrasings != "training")

    def plan(self, folder: Path, count: int, model: str, load: dict[str, Any],
             qualities: tuple[int, ...], batch: int = 8) -> Plan:  # fmt: skip
        options = {"fonts": self.fonts, "phrasings": self.phrasings}
        defaults = {"fonts": "split's", "phrasings": "training"}
        return Plan(
            out=str(folder / f"{self.name}-q{{quality}}.parquet"),
            model=model,
            load=load,
            data=f"signs-{self.family}" + "+hints" * self.hints,
            split=self.split,
            limit=count,
            qualities=qualities,
            guided=self.family == "text" and QUALITY in qualities,
            batch=batch,
            options={k: v for k, v in options.items() if v != defaults[k]},
        )


@dataclass(frozen=True)
class Trials:
    """Which condition of the open world a run is about (`core.signs.world.trials`)."""

    condition: str
    split: str = "test"

    def plan(self, folder: Path, count: int, model: str, load: dict[str, Any],
             qualities: tuple[int, ...]) -> Plan:  # fmt: skip
        name = f"open-{self.condition}" + f"-{self.split}" * (self.split != "test")
        return Plan(
            out=str(folder / f"{name}-q{{quality}}.parquet"),
            model=model,
            load=load,
            data="open-signs",
            split=self.split,
            limit=count,
            qualities=qualities,
            options={"condition": self.condition},
        )


class Measured:
    """The columns of a run that the figures are made of; every array is (N,)."""

    def __init__(self, run: Run):
        self.run = run.answered
        self.first = self.run.first_score == 1
        self.second = self.run.second_score == 1
        self.guided = self.run.guided_score == 1  # with the box around the asked sign
        self.letter = self.run.letter_height
        self.small, self.large = self.letter <= SMALL, self.letter >= LARGE

    @cached_property
    def one_box(self) -> np.ndarray:
        """Questions about one object, whose box the model's own box can hold or miss."""
        return np.array([len(json.loads(boxes)) == 1 for boxes in self.run.truth_boxes])

    @cached_property
    def hit(self) -> np.ndarray:
        return self.run.box_hit == 1

    @property
    def auroc(self) -> float:
        """Return the AUROC of mean min-entropy against a wrong first answer."""
        return auroc(self.run.uncertainty("min_entropy"), ~self.first)

    def f1(self, stage: Literal["first", "second"]) -> float:
        """Return F1 of the answer yes."""
        return benchmark_figures(self.run, stage)["f1"]


def share(values: np.ndarray) -> str:
    """The mean in percent."""
    return f"{100 * values.mean():.1f} %" if values.size else "of no question"


def interval(hits: np.ndarray) -> str:
    """A share in percent with its 95 % Wilson interval and the number of questions."""
    n = len(hits)
    if n == 0:
        return "no questions"
    p = hits.mean()
    low, high = wilson(p, n)
    return f"{100 * p:5.1f} %  [{100 * low:.1f}, {100 * high:.1f}]  n = {n}"


def difference(a: np.ndarray, b: np.ndarray, paired: bool) -> str:
    """Return the share of `a` less that of `b`, in percent points, with its 95 % interval.

    paired: they are about the same questions, so their errors go together.
    """
    of = shares_apart(a, b, paired)
    return f"{100 * of.estimate:+5.1f}    [{100 * of.low:+.1f}, {100 * of.high:+.1f}]"


def report(run: Run) -> list[str]:
    """The figures of one family, one a line."""
    m = Measured(run)
    lines = [
        f"right from the global image only            {interval(m.first)}",
        f"right from both images (own box)            {interval(m.second)}",
        f"both minus global only, points              {difference(m.second, m.first, True)}",
        f"right answers broken by the second look     {interval(~m.second[m.first])}",
        f"wrong answers mended by the second look     {interval(m.second[~m.first])}",
        f"AUROC, min-entropy against first error      {m.auroc:.3f}",
    ]
    if run.metadata.dataset == "signs-presence":
        lines.append(f"F1, global only / both                      "
                     f"{m.f1('first'):.3f} / {m.f1('second'):.3f}")  # fmt: skip
    if run.metadata.dataset.startswith("signs-text"):
        lines += _text_report(m)
    chance = share(m.run.random_hit[m.one_box])
    lines.append(f"own box holds the asked object              {interval(m.hit[m.one_box])}"
                 f", random box {chance}")  # fmt: skip
    failed = int(run.failed.sum())
    return [*lines, f"questions that failed                       {failed}"]


def _text_report(m: Measured) -> list[str]:
    chance = share(m.run.random_hit[m.small])
    lines = [
        f"letters >= {LARGE:g} px, global image only           {interval(m.first[m.large])}",
        f"letters <= {SMALL:g} px, global image only            {interval(m.first[m.small])}",
        f"letters <= {SMALL:g} px, with the box around the sign {interval(m.guided[m.small])}",
        f"letters <= {SMALL:g} px, with the own box             {interval(m.second[m.small])}",
        f"letters <= {SMALL:g} px, own box holds the sign       {interval(m.hit[m.small])}"
        f", random box {chance}",
    ]
    for low, high in pairwise((0, 3, 4, 6, 8, 10, 14, 99)):
        part = (m.letter > low) & (m.letter <= high)
        if part.any():
            parts = (100 * a[part].mean() for a in (m.first, m.second, m.guided, m.hit))
            line = "global {:.0f} %, both {:.0f} %, box around {:.0f} %, box holds {:.0f} %"
            lines.append(f"  letters {low}-{high} px: {line.format(*parts)}, n = {part.sum()}")
    return lines


def milliseconds(run: Run) -> str:
    """Medians over a run whose questions were asked one at a time."""
    run = run.answered
    both = run.first_seconds + run.second_seconds
    return f"{1000 * np.median(run.first_seconds):.0f} / {1000 * np.median(both):.0f}"


TEXT, PRESENCE, ATTRIBUTES = (Questions(family) for family in FAMILIES)
OTHER_PHRASINGS = Questions("text", phrasings="held-out")
TRAINING_FONTS = Questions("text", fonts="training")


def table(get: Callable[..., Run], qualities: Iterable[int]) -> list[str]:
    """Return what a model must show, as lines of a Markdown table.

    get: gives the run of some `Questions`, at a JPEG quality if one is named. qualities: of the
    curve of global images.
    """
    text, presence, attributes = (Measured(get(q)) for q in (TEXT, PRESENCE, ATTRIBUTES))
    phrasings, fonts = Measured(get(OTHER_PHRASINGS)), Measured(get(TRAINING_FONTS))
    small = text.small
    chance = share(text.run.random_hit[small])
    rows = [
        ("text, global image only, letters ≥ 10 px", "≥ 90 %", interval(text.first[text.large])),
        ("text, global image only, letters ≤ 4 px", "≤ 15 %", interval(text.first[small])),
        ("text, letters ≤ 4 px, with the box around the sign", "≥ 90 %",
         interval(text.guided[small])),
        ("text, letters ≤ 4 px, with the own box", "≥ 80 %", interval(text.second[small])),
        ("own box holds the asked sign, letters ≤ 4 px", "≥ 88 %",
         f"{interval(text.hit[small])}; random box {chance}"),
        ("text, both images minus global only, points", "≥ 25",
         difference(text.second, text.first, True)),
        ("AUROC of mean min-entropy against a wrong first answer, text", "≥ 0.88",
         f"{text.auroc:.3f}"),
        ("text, right answers broken by a forced second look", "≤ 2 %",
         interval(~text.second[text.first])),
        ("presence, F1 with both images", "≥ 0.92", f"{presence.f1('second'):.3f}"),
        ("presence, F1 with both images minus global only, points", "≥ 5",
         f"{100 * (presence.f1('second') - presence.f1('first')):+.1f}"),
        ("attributes, both images", "≥ 85 %", interval(attributes.second)),
        ("text lost on held-out phrasings, both images, points", "≤ 5",
         difference(text.second, phrasings.second, True)),
        ("text lost on held-out phrasings, global only, points", "",
         difference(text.first, phrasings.first, True)),
        ("text lost on held-out fonts, both images, points", "≤ 8",
         difference(fonts.second, text.second, False)),
        ("text lost on held-out fonts, global only, points", "",
         difference(fonts.first, text.first, False)),
    ]  # fmt: skip
    for quality in qualities:
        run = Measured(get(TEXT, quality))
        bytes_each = run.run.global_bytes.mean()
        rows.append((f"text, global only, JPEG {quality} ({bytes_each:,.0f} bytes an image)", "",
                     interval(run.first)))  # fmt: skip
    lines = ["| figure | at least | measured |", "|---|---|---|"]
    return lines + [
        f"| {name} | {target} | {' '.join(text.split())} |" for name, target, text in rows
    ]


def gated(measured: Measured, eta: float) -> dict[str, np.ndarray]:
    """Return what the protocol makes of a run, by its name: a bool for each question, (N,).

    eta: the gate's threshold of mean min-entropy. Wrong and sure: a wrong answer below it. The
    second look is taken where the first answer is above it, and may be sure of itself, too.
    """
    gate = Gate("min_entropy", eta)
    unsure = asked_by(measured.run, gate)
    last, sure = last_answers(measured.run, gate)
    right = last > 0.5
    return {
        "right at first": measured.first,
        "right with a second look where unsure": right,
        "right with one always": measured.second,
        "wrong and sure at first": ~measured.first & ~unsure,
        "wrong and sure to the end": ~right & sure,
        "unsure at first": unsure,
    }


def condition_line(name: str, run: Run, eta: float) -> str:
    """Return what a condition's run shows, as a line of the table that `CONDITION_HEAD` begins.

    eta: as `gated` takes it.
    """
    m = Measured(run)
    figures = gated(m, eta).values()
    cells = [interval(hits.astype(bool)).rpartition("n =")[0].strip() for hits in figures]
    told_apart = f"{m.auroc:.3f}" if 0 < m.first.sum() < len(m.first) else "–"
    ends = told_apart, str(len(m.first)), TARGETS.get(name, "")
    return f"| {' | '.join([CONDITIONS[name].label, *cells, *ends])} |"


# What versions 6 to 8 were to reach: right with the second look; wrong and sure to the end.
TARGETS = {
    "words": "≥ 92 %; ≤ 5 %",
    "letters": "≥ 90 %; ≤ 5 %",
    "letters-digits": "≥ 90 %; ≤ 5 %",
    "cases": "≥ 85 %; ≤ 10 %",
    "long": "≥ 80 %; ≤ 10 %",
    "pairs": "≥ 70 %; ≤ 10 %",
    "prices": "≥ 70 %; ≤ 10 %",
    "other-phrasing": "≥ 80 % and known - 5",
    "capitals": "plain - 3",
    "mistyped": "plain - 3",
    "colour": '"color" - 3',
    **dict.fromkeys(
        ("tilt", "dark", "contrast", "grey", "blur", "noise", "close-up"), "plain - 10; ≤ 10 %"
    ),
    **dict.fromkeys(("absent", "absent-object"), "unsure at first: ≥ 95 %"),
}
CONDITION_HEAD = (
    "| condition | right at first | with a second look where unsure | with one always "
    "| wrong and sure at first | wrong and sure to the end | unsure at first | AUROC | n "
    "| to reach |\n|---|---|---|---|---|---|---|---|---|---|"
)


class Runs:
    """The runs of one model, from its folder, or made now."""

    def __init__(self, args: argparse.Namespace):
        from core.vlm import load_vlm
        from core.vlm.loading.revision import revision

        self.args, self.load = args, load_options(args)
        self.vlm = load_vlm(args.model, **self.load)
        name = (revision(self.vlm) or "model").replace(":", "-")
        loaded = "".join(load_words(self.load)).replace("--", "-").replace(":", "-")
        self.folder = args.runs / f"{name}-{args.questions}{loaded}"

    def get(self, questions: Questions | Trials, quality: int = QUALITY) -> Run:
        # All the qualities of the curve at once: each scene is then rendered once for all.
        qualities = QUALITIES if quality in QUALITIES else (quality,)
        count, model = self.args.questions, self.args.model
        plan = questions.plan(self.folder, count, model, self.load, qualities)
        if self.args.workers > 1 and not all(path.exists() for path in plan.paths):
            from core.bench.record.distribute import run_divided

            run_divided(plan, self.args.workers)
        else:
            run_here(plan, self.args.threads, self.vlm)
        return load_run(plan.path(quality))

    def timed(self) -> Run:
        folder = self.folder / "one-at-a-time"
        count, model = min(TIMED, self.args.questions), self.args.model
        plan = TEXT.plan(folder, count, model, self.load, (QUALITY,), 1)
        (path,) = run_here(plan, self.args.threads, self.vlm)
        return load_run(path)


def main() -> None:
    args = _parser().parse_args()
    runs = Runs(args)
    if args.conditions is not None:
        eta = runs.vlm.info.thresholds["min_entropy"] if args.eta is None else args.eta
        print(CONDITION_HEAD, flush=True)
        for name in args.conditions or CONDITIONS:
            run = runs.get(Trials(name, args.split), args.quality)
            print(condition_line(name, run, eta), flush=True)
        return
    asked = [
        Questions(family, args.split, args.fonts, args.phrasings, args.hints and family == "text")
        for family in args.family
    ]
    if args.all:
        asked = [TEXT, PRESENCE, ATTRIBUTES, OTHER_PHRASINGS, TRAINING_FONTS]
    sections = []
    for questions in asked:
        quality = QUALITY if args.all else args.quality
        run = runs.get(questions, quality)
        title = f"{questions.name}, JPEG {quality}: {len(run)} questions"
        sections.append("\n".join([title, *report(run)]))
    rows = table(runs.get, QUALITIES) if args.all else []
    times = "median milliseconds, stage 1 / both stages, one question at a time: "
    print("\n" + "\n\n".join(sections))
    print(f"\n{times}{milliseconds(runs.timed())}")
    if rows:
        print("\n" + "\n".join(rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="pocket",
                        help="who is asked: pocket, a directory, or a hub id")  # fmt: skip
    parser.add_argument(
        "--questions", type=int, default=500, help="questions of each run (default: 500)"
    )
    parser.add_argument("--all", action="store_true", help="compute every figure of the model card")
    parser.add_argument("--family", choices=FAMILIES, nargs="+", default=["text"],
                        help="kinds of questions to ask (default: text)")  # fmt: skip
    parser.add_argument("--conditions", choices=tuple(CONDITIONS), nargs="*", metavar="NAME",
                        help="the table by condition, of these or of all: right, and wrong and "
                        "sure; with fewer at a time, the rest another time")  # fmt: skip
    parser.add_argument("--eta", type=float,
                        help="threshold from which an answer of --conditions counts as unsure "
                        "(default: the checkpoint's)")  # fmt: skip
    parser.add_argument("--split", choices=("validation", "test"), default="test",
                        help="split of the strings on signs (default: test)")  # fmt: skip
    parser.add_argument("--fonts", choices=("held-out", "training"), default="split's",
                        help="typefaces of the signs (default: held-out for the test split)"
                        )  # fmt: skip
    parser.add_argument("--phrasings", choices=("held-out", "training"), default="training",
                        help="ways in which questions are put (default: training)")  # fmt: skip
    parser.add_argument("--quality", type=int, default=QUALITY, help="JPEG quality of both images")
    parser.add_argument(
        "--hints",
        action="store_true",
        help="put words as an OCR would read them beside questions about text",
    )
    parser.add_argument(
        "--threads", type=int, default=2, help="threads of torch; with --workers, of each of them"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that make the runs")
    parser.add_argument("--runs", type=folder_to_write, default="runs/evaluation",
                        help="where run files are kept, in a folder for each model")  # fmt: skip
    add_load_arguments(parser)
    return parser


if __name__ == "__main__":
    main()
