"""How often promises are kept: set η on few questions of a run, look at all of it, 400 times.

    python -m tools.statistics.resplits assets/runs/*.parquet
    python -m tools.statistics.resplits signs-text-q75.parquet --shifted signs-text-q5.parquet

A promise is broken where the gate that was set on n questions, drawn anew each time, loses more
than promised on the whole run; or, of invented questions, in truth. It may be in δ of the draws.
Beside it stands the best η of the n questions, which is what `calibrate --accuracy` sets. With
--shifted: is a stream of that run's questions noticed (core.server.watch.drift), and none of
the same?
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from core.bench.analysis.promises.bounds import Plainly
from core.bench.analysis.promises.goal import ASKED, LOST, Goal
from core.bench.analysis.promises.questions import Questions
from core.bench.analysis.promises.refusals import PromiseError
from core.bench.analysis.promises.thresholds import keeps, rule_for
from core.bench.runs.files import load_run
from core.server.watch.drift import WINDOW, Drift
from core.support.whole import file_to_write, write_whole

SPLITS = 400
CONFIDENCE = 0.9
LIMITS = (0.01, 0.02, 0.05)  # of what is lost
BUDGETS = (0.3, 0.45)  # of what is asked again
SIZES = (200, 500, 1_000)  # questions, or images where there are several about one
RULES = ("plain", "average", "confidence")
STREAM = 10_000
EXPONENT, HEIGHT = 2.0, 0.6  # of the invented benefit of asking: HEIGHT · u ** EXPONENT
SOFT = (0.3, 0.6, 1.0)  # what a question can gain where scores are soft


@dataclass(frozen=True)
class Broken:
    """How a rule has done in all draws of one kind."""

    source: str
    goal: Goal
    size: int
    rule: str
    broken: float  # share of the draws; NaN where the promise takes more questions
    value: float  # what the goal is about: the mean over draws of its true mean
    asked: float  # mean share asked again, of the source


@dataclass(frozen=True, eq=False)
class Source:
    """Where questions come from, and what is true of them at a threshold."""

    name: str
    draw: Callable[[np.random.Generator, int], Questions]
    lost: Callable[[float], float]
    asked: Callable[[float], float]


def of_run(name: str, questions: Questions) -> Source:
    """Return a source that draws from a run without repetition; the truth is all of the run."""
    order = np.argsort(questions.ranked)
    ranked = questions.ranked[order]
    gains = np.maximum(questions.second_score - questions.first_score, 0.0)
    lost = np.append(0.0, np.cumsum(gains[order])) / len(questions)

    def below(threshold: float) -> int:
        return int(np.searchsorted(ranked, threshold, side="left"))

    def draw(rng: np.random.Generator, size: int) -> Questions:
        return questions.take(rng.permutation(len(questions))[:size])

    return Source(
        name, draw, lambda eta: lost[below(eta)], lambda eta: 1 - below(eta) / len(questions)
    )


def invented(kind: str) -> Source:
    """Return a source of questions of uniform uncertainty u, mended with p(u) = a u^b.

    kind: "0/1 scores"; "soft scores"; or "1 to 9 questions an image", which stand or fall together:
    one number decides for all of them.
    """
    soft, several = kind == "soft scores", kind.startswith("1 to 9")
    worth = float(np.mean(SOFT)) if soft else 1.0

    def draw(rng: np.random.Generator, size: int) -> Questions:
        image = np.repeat(np.arange(size), rng.integers(1, 10, size) if several else 1)
        ranked = rng.random(len(image))
        mended = rng.random(size)[image] < HEIGHT * ranked**EXPONENT
        gain = mended * (rng.choice(SOFT, len(image)) if soft else 1.0)
        free = {ASKED: (np.zeros(len(image)), np.ones(len(image)))}
        return Questions(ranked, image, np.zeros(len(image)), gain, free)

    def lost(eta: float) -> float:
        return worth * HEIGHT * float(np.clip(eta, 0, 1)) ** (EXPONENT + 1) / (EXPONENT + 1)

    return Source(f"invented, {kind}", draw, lost, lambda eta: 1 - float(np.clip(eta, 0, 1)))


KINDS = ("0/1 scores", "soft scores", "1 to 9 questions an image")


def resplit(
    source: Source, goal: Goal, size: int, splits: int = SPLITS, seed: int = 0
) -> list[Broken]:
    """Return how each of the `RULES` does. The same seed gives the same draws."""
    rng = np.random.default_rng(seed)
    truth = source.lost if goal.what == LOST else source.asked
    etas: dict[str, list[float]] = {rule: [] for rule in RULES}
    for _ in range(splits):
        questions = source.draw(rng, size)
        for rule in RULES:
            etas[rule].append(_threshold(questions, goal, rule))
    rows = []
    for rule, found in etas.items():
        value = np.array([truth(eta) for eta in found])  # NaN where nothing could be promised
        none = np.isnan(found).all()
        rows.append(
            Broken(
                source.name, goal, size, rule,
                np.nan if none else float((value > goal.at_most + 1e-12).mean()),
                np.nan if none else float(np.nanmean(value)),
                np.nan if none else float(np.nanmean([source.asked(eta) for eta in found])),
            )
        )  # fmt: skip
    return rows


def _threshold(questions: Questions, goal: Goal, rule: str) -> float:
    """η of a rule; NaN where it takes more questions than these."""
    confidence = CONFIDENCE if rule == "confidence" else None
    decides = Plainly() if rule == "plain" else rule_for(questions, goal, confidence)
    try:
        kept = np.flatnonzero(keeps(questions, goal, decides))
    except PromiseError:
        return np.nan
    return float(questions.candidates[kept[-1 if goal.what == LOST else 0]])


def noticed(
    run: Questions, other: Questions, goal: Goal, size: int, splits: int
) -> tuple[float, float]:
    """Return how often a shift is noticed within a window, and how often there was none.

    η is set on `size` questions of the run. Then come 10,000 of its own questions, drawn with
    repetition, and, apart from these, as many of the other's as the window holds.
    """
    found: list[bool] = []
    false: list[bool] = []
    for seed in range(splits):
        rng = np.random.default_rng(seed)
        questions = run.take(rng.permutation(len(run))[:size])
        eta = _threshold(questions, goal, "confidence")
        if np.isnan(eta):
            continue
        asked = int((questions.ranked >= eta).sum())
        for of, count, alarms in ((run, STREAM, false), (other, WINDOW, found)):
            drift = Drift(asked, size)
            asks = rng.choice(of.ranked >= eta, count, replace=count > len(of))
            alarms.append(any([drift.note(bool(one)) for one in asks]))
    return float(np.mean(found)), float(np.mean(false))


def everything(
    sources: Sequence[Source], splits: int, goals: Sequence[Goal]
) -> Iterator[list[Broken]]:
    for source in sources:
        for goal in goals:
            for size in SIZES:
                yield resplit(source, goal, size, splits)


def summary(rows: Sequence[Broken]) -> str:
    """Return a Markdown table: a line for each goal and size, over the sources."""
    lines = [
        "| promise | n | best η of n: broken | … asks | on average: mean | … asks "
        "| with confidence: broken | worst | … asks |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for goal in dict.fromkeys(row.goal for row in rows):
        for size in SIZES:
            found = {
                rule: [r for r in rows if (r.goal, r.size, r.rule) == (goal, size, rule)]
                for rule in RULES
            }
            cells = [_label(goal), f"{size:,}"]
            for rule, of in found.items():
                if np.isnan([row.broken for row in of]).all():
                    cells += ["–"] * (3 if rule == "confidence" else 2)
                    continue
                if rule == "average":
                    cells.append(_percent(np.nanmean([row.value for row in of]), 2))
                else:
                    cells.append(_percent(np.nanmean([row.broken for row in of])))
                if rule == "confidence":
                    cells.append(_percent(np.nanmax([row.broken for row in of])))
                cells.append(_percent(np.nanmean([row.asked for row in of])))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def by_source(rows: Sequence[Broken], goal: Goal, size: int) -> str:
    """Return a Markdown table: a line for each source, for one goal and size."""
    lines = ["| questions | best η of n: broken | … asks | with confidence: broken | … asks |",
             "|---|---|---|---|---|"]  # fmt: skip
    for source in dict.fromkeys(row.source for row in rows):
        of = {r.rule: r for r in rows if (r.source, r.goal, r.size) == (source, goal, size)}
        plain, sure = of["plain"], of["confidence"]
        cells = [_percent(x) for x in (plain.broken, plain.asked, sure.broken, sure.asked)]
        lines.append(f"| {source} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _label(goal: Goal) -> str:
    what = "lost" if goal.what == LOST else "asked again"
    return f"at most {100 * goal.at_most:g} % {what}"


def _percent(share: float | np.floating, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="run files to draw from")
    add("--splits", type=int, default=SPLITS, help="draws of each kind (default: %(default)s)")
    add("--metric", default="min_entropy", help="measure of uncertainty of the gate")
    add("--csv", type=file_to_write, help="file to write every number to")
    add(
        "--shifted",
        type=Path,
        metavar="RUN",
        help="run of a shifted world: say whether a stream of its questions is noticed",
    )
    args = parser.parse_args()
    if args.shifted:
        run, other = (Questions.of(load_run(p), args.metric) for p in (args.runs[0], args.shifted))
        for limit, size in product(LIMITS[1:], SIZES[1:]):
            shift, none = noticed(run, other, Goal(LOST, limit), size, args.splits)
            print(f"{_label(Goal(LOST, limit))}, n = {size:,}: a shift is noticed within {WINDOW} "
                  f"questions in {_percent(shift)} of {args.splits} draws, and where there is none "
                  f"within {STREAM:,} in {_percent(none)}")  # fmt: skip
        return 0
    goals = [Goal(LOST, limit) for limit in LIMITS] + [Goal(ASKED, share) for share in BUDGETS]
    runs = [of_run(p.stem, Questions.of(load_run(p), args.metric)) for p in args.runs]
    every: list[Broken] = []
    for title, sources in (("Recorded runs", runs), ("Invented, truth known", KINDS)):
        rows = []
        sources = [invented(s) if isinstance(s, str) else s for s in sources]
        for found in everything(sources, args.splits, goals):
            rows += found
            print(f"{found[0].source}, {_label(found[0].goal)}, n = {found[0].size}",
                  file=sys.stderr)  # fmt: skip
        print(f"\n{title} ({len(sources)}, {args.splits} draws of each)\n\n{summary(rows)}")
        goal, size = Goal(LOST, LIMITS[1]), SIZES[1]
        print(f"\n{_label(goal)}, n = {size}\n\n{by_source(rows, goal, size)}", flush=True)
        every += rows
    if args.csv:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("source", "what", "at_most", "n", "rule", "broken", "value", "asked"))
        writer.writerows(
            (r.source, r.goal.what, r.goal.at_most, r.size, r.rule, r.broken, r.value, r.asked)
            for r in every
        )
        write_whole(args.csv, text.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
