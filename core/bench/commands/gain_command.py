"""Fit a gate for gain: how much a second look is expected to add, from the first answer.

    python -m core.bench gain validation.parquet --on test.parquet --out gain.json
    python -m core.bench calibrate validation2.parquet --gain gain.json --lose-at-most 0.02

It is compared with a metric on runs that it has not seen (--on; without, on half of the images of
each run), and written only if it is ahead of that over all of them, beyond doubt: what is right in
the mean over all budgets, with an interval of 95 % of draws of images.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.bench.analysis.calibration import halves
from core.bench.analysis.intervals import Interval, Statistic, bootstrap
from core.bench.analysis.ranking import Segments
from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run
from core.bench.runs.record import COUNTS, MEASURES, TEXTS
from core.bench.runs.run import Run
from core.gain import FROM, Gain, features
from core.support.whole import file_to_write, write_whole
from core.uncertainty import METRICS

RIDGE = 1.0  # on standardised weights
ASKED = 0.4  # share asked again at the threshold to begin with


@dataclass(frozen=True, eq=False)
class Ahead:
    """How a gain does against a metric, on questions it was not fitted on."""

    run: str
    questions: int
    metric: float  # APGR
    gain: float
    apart: Interval  # of the accuracy in the mean over budgets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="run files to fit the gate on")
    add(
        "--on",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="run files to compare it with --against on (default: half of the images of each RUN)",
    )
    add(
        "--against",
        choices=list(FROM),
        default="min_entropy",
        help="measure of uncertainty that it has to be ahead of (default: min_entropy)",
    )
    add("--out", type=file_to_write, metavar="FILE",
        help="file to write the gate to, if it is ahead")  # fmt: skip


def main(args: argparse.Namespace) -> int:
    runs = [load_run(path).answered for path in args.runs]
    if args.on:
        fitted, held = runs, [load_run(path).answered for path in args.on]
    else:
        pairs = [halves(run) for run in runs]
        fitted, held = [a for a, _ in pairs], [b for _, b in pairs]
    names = [path.stem for path in args.on or args.runs]
    gain = fit(fitted)
    named = dict(zip(names, held, strict=True))
    rows = [compare(gain, name, run, args.against) for name, run in named.items()]
    every = compare(gain, "all of them", _pooled(named), args.against) if rows[1:] else rows[0]
    print(f"| run | questions | APGR of {METRICS[args.against].noun} | of the gain "
          "| right in the mean over budgets, points more |")  # fmt: skip
    print("|---|---|---|---|---|")
    for row in dict.fromkeys((*rows, every)):
        ends = f"[{100 * row.apart.low:+.2f}, {100 * row.apart.high:+.2f}]"
        print(f"| {row.run} | {row.questions:,} | {row.metric:.3f} | {row.gain:.3f} "
              f"| {100 * row.apart.estimate:+.2f} {ends} |")  # fmt: skip
    behind = [row.run for row in rows if row.apart.estimate < 0]
    if behind:
        print(f"It is behind on {', '.join(behind)}.")
    if not every.apart.low > 0:
        print("It is not ahead beyond doubt, so nothing is written.")
        return 1
    if args.out:
        write_whole(args.out, gain.to_json())
        print(f"Written: {args.out}, the metric {gain.name}")
    return 0


def fit(runs: list[Run]) -> Gain:
    """Return the logistic regression of the gain in these runs, by Newton's method.

    Its target is (s₂ - s₁ + 1) / 2, so that a gain of 0 is a half. Raises RunError for a run
    without one of the metrics it is computed from.
    """
    x = np.concatenate([features(*_values(run)) for run in runs])
    target = (np.concatenate([run.gain for run in runs]) + 1) / 2
    center, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    z = np.column_stack(((x - center) / scale, np.ones(len(x))))
    penalty = np.append(np.full(x.shape[1], RIDGE), 1e-9)
    weights = np.zeros(z.shape[1])
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(z @ weights, -30, 30)))
        slope = z.T @ (chance - target) + penalty * weights
        curvature = (z * (chance * (1 - chance))[:, None]).T @ z + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        weights -= step
        if np.abs(step).max() < 1e-10:
            break
    found = Gain(
        center=tuple(center.tolist()), scale=tuple(scale.tolist()),
        weights=tuple(weights[:-1].tolist()), bias=float(weights[-1]), threshold=0.0,
        fitted_on=tuple(map(source, runs)),
        model=runs[0].metadata.model, questions=len(x),
    )  # fmt: skip
    values = np.concatenate([found.expected(*_values(run)) for run in runs])
    return found.model_copy(update={"threshold": float(np.quantile(values, 1 - ASKED))})


def source(run: Run) -> str:
    """Return the name of where a run's questions are from."""
    of = run.metadata
    seed = "" if of.seed is None else f", seed {of.seed}"
    return f"{of.dataset} {of.split}{seed}"


def with_gain(run: Run, gain: Gain) -> Run:
    """Return the answered samples with the gain beside their metrics, by its name.

    It must be in METRICS (core.gain.use). Raises RunError as `fit` does.
    """
    run = run.answered
    values = np.repeat(gain.expected(*_values(run)), run.lengths)
    return replace(run, scores={**run.scores, gain.name: values})


def compare(gain: Gain, name: str, run: Run, metric: str) -> Ahead:
    """Return how the gain does on a run, against a metric. Raises RunError as `fit` does."""
    run = run.answered
    ours = _mean_gained(gain.expected(*_values(run)), run.gain)
    theirs = _mean_gained(run.ranked(metric), run.gain)
    full = float(run.gain.mean()) or np.nan
    one = np.ones((1, len(run)))
    return Ahead(
        name, len(run), float(theirs(one)[0]) / full, float(ours(one)[0]) / full,
        bootstrap(run, lambda weights: ours(weights) - theirs(weights)),
    )  # fmt: skip


def _mean_gained(ranked: np.ndarray, gains: np.ndarray) -> Statistic:
    """Return how much more is right than without asking, in the mean over all shares asked again.

    Weights (b, N) -> (b,). Over the gain of asking everything, it is APGR (`Curve.apgr`).
    """
    segments = Segments(ranked)

    def statistic(weights: np.ndarray) -> np.ndarray:
        asked, gained = segments.along(weights), segments.along(weights * gains)
        area = ((gained[:, 1:] + gained[:, :-1]) / 2 * np.diff(asked, axis=1)).sum(axis=1)
        return area / asked[:, -1] ** 2

    return statistic


def _pooled(runs: dict[str, Run]) -> Run:
    """Several runs as one; none shares a sample or an image with another."""
    parts = list(runs.values())
    columns = {
        name: np.concatenate([getattr(run, name) for run in parts])
        for name in (*TEXTS, *COUNTS, *MEASURES, "box")
    }
    for name in ("id", "image_id"):
        texts = (f"{key} {text}" for key, run in runs.items() for text in getattr(run, name))
        columns[name] = np.array(list(texts), dtype=object)
    metrics = set.intersection(*(set(run.metrics) for run in parts))
    return Run(
        metadata=parts[0].metadata,
        **columns,
        scores={name: np.concatenate([run.scores[name] for run in parts]) for name in metrics},
        offsets=np.append(0, np.cumsum(np.concatenate([run.lengths for run in parts]))),
    )


def _values(run: Run) -> tuple[dict[str, np.ndarray], np.ndarray]:
    run = run.answered
    if lacking := [name for name in FROM if name not in run.metrics]:
        raise RunError(f"The run holds no {', '.join(lacking)}: record it anew.")
    return {name: run.uncertainty(name) for name in FROM}, run.lengths
