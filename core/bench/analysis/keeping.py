"""Which of two answers is kept, once a second look was had: always the second, or the surer?

    python -m core.bench.analysis.keeping text.parquet attributes.parquet

The paper keeps the second answer. Both are there, so to keep another costs not a byte. Policies:
"second"; "surer", the one of lower uncertainty; "unless less sure", the second unless it is less
sure than the first by more than a margin. Compared is the accuracy of asking everything, and APGR;
the margin is the best on one half of the images and judged on the other, both ways.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.bench.analysis.calibration import halves
from core.bench.analysis.curves import tradeoff
from core.bench.analysis.intervals import Interval, Statistic, bootstrap
from core.bench.analysis.ranking import by_uncertainty
from core.bench.runs.files import load_run
from core.bench.runs.run import Run
from core.uncertainty import METRICS

METRIC = "min_entropy"
SECOND, SURER = np.inf, 0.0  # as margins


@dataclass(frozen=True)
class Compared:
    """A policy against keeping the second answer, on one run."""

    policy: str
    margins: tuple[float, ...]
    accuracy: float  # of asking everything
    apgr: float
    ahead: Interval  # of that accuracy, before keeping the second


def keeping(run: Run, margin: float, metric: str = METRIC) -> Run:
    """Return the answered samples, their second score that of the answer which is kept.

    The second answer is, unless it is less sure than the first by more than `margin`, in the
    metric's unit: 0 keeps the surer, infinity the second. So every curve can be drawn of it.
    Raises ValueError for a run without scores of second answers, as `Run.second_uncertainty` does.
    """
    run = run.answered
    if margin == np.inf:
        return run
    kept = np.where(_less_sure(run, metric) > margin, run.first_score, run.second_score)
    return _scored(run, kept)


def _scored(run: Run, second: np.ndarray) -> Run:
    columns: dict[str, Any] = {"second_score": second}  # a column, as Record has it
    return replace(run, **columns)


def best_margin(run: Run, metric: str = METRIC) -> float:
    """Return the margin with which most is right when everything is asked."""
    run = run.answered
    less_sure = _less_sure(run, metric)
    order, ends = by_uncertainty(less_sure)
    # Above a margin lies what is before it in the order; before 0, all that is positive.
    margins = np.append(less_sure[order[ends - 1]], 0.0)
    above = np.append(np.append(0, ends[:-1]), (less_sure > 0).sum())
    gains = np.append(0.0, np.cumsum(-run.gain[order]))[above]
    gains = np.where(margins >= 0, gains, -np.inf)
    best = int(np.argmax(gains))
    return float(margins[best]) if gains[best] > 0 else np.inf


def _less_sure(run: Run, metric: str) -> np.ndarray:
    """Return by how much the second answer is less sure than the first, (N,)."""
    sign = 1 if METRICS[metric].higher_is_uncertain else -1
    return sign * (run.second_uncertainty(metric) - run.uncertainty(metric))


def compare(run: Run, metric: str = METRIC) -> list[Compared]:
    """Return how the three policies do on the answered samples.

    A margin is the best of one half of the images, and is applied to the other, both ways.
    """
    run = run.answered
    here, there = halves(run)
    margins = best_margin(there, metric), best_margin(here, metric)
    crossed = dict(zip((*here.id, *there.id), np.concatenate([
        keeping(half, margin, metric).second_score
        for half, margin in zip((here, there), margins, strict=True)
    ]), strict=True))  # fmt: skip
    rows = []
    for policy, of, scores in (
        ("second", (SECOND,), run.second_score),
        ("surer", (SURER,), keeping(run, SURER, metric).second_score),
        ("unless less sure", margins, np.array([crossed[sample] for sample in run.id])),
    ):
        better = scores - run.second_score
        ahead = bootstrap(run, _mean_of(better))
        curve = tradeoff(_scored(run, scores), metric)
        rows.append(Compared(policy, of, float(scores.mean()), curve.apgr(), ahead))
    return rows


def _mean_of(values: np.ndarray) -> Statistic:
    return lambda weights: weights @ values / weights.sum(axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run files")
    parser.add_argument("--metric", choices=list(METRICS), default=METRIC,
                        help="measure of uncertainty that answers are compared by (default: "
                             "%(default)s)")  # fmt: skip
    args = parser.parse_args()
    print("| run | kept | margin | right, asking everything | ahead of the second | APGR |")
    print("|---|---|---|---|---|---|")
    for path in args.runs:
        for row in compare(load_run(path), args.metric):
            margins = ", ".join(f"{margin:.3g}" for margin in row.margins)
            ends = f"[{100 * row.ahead.low:+.1f}, {100 * row.ahead.high:+.1f}]"
            print(f"| {path.stem} | {row.policy} | {margins} | {100 * row.accuracy:.1f} % | "
                  f"{100 * row.ahead.estimate:+.1f} {ends} | {row.apgr:.3f} |")  # fmt: skip


if __name__ == "__main__":
    main()
