"""`python -m tools.statistics.coverage`: how often report's and page's intervals hold the truth.

Runs are invented from distributions that are known, so that the truth is: the figure of a run of
400,000 questions, which is off by less than a tenth of any interval. Overlap and D_B are on the
bins of each small run, so their truth is that of the large run on these bins, whose outer ones
reach to infinity. Prints a table: a row for each population, one column for each interval and N.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from core.bench.analysis.curves import tradeoff
from core.bench.analysis.findings import COSTS, cost_of_everything, means_ahead
from core.bench.analysis.intervals import (
    Interval,
    accuracy_statistic,
    auroc_statistic,
    bootstrap,
    separation_interval,
)
from core.bench.analysis.separability import auroc, bhattacharyya, bin_edges, distribution, overlap
from core.bench.plots.tradeoff import DRAWS, band_of
from core.bench.runs.run import Run
from tools.doubles.synthetic import synthetic_run

LARGE = 400_000
SIZES = (500, 2_000, 5_000)


def invented(n: int, seed: int) -> Run:
    """Soft scores, some 60 % right; the unsure ones are wrong more often."""
    run = synthetic_run(n, seed, max_tokens=3)
    return replace(run, scores={m: run.scores[m] for m in ("min_entropy", "shannon_entropy")})


def sure(n: int, seed: int, accuracy: float = 0.92) -> Run:
    """Nearly always right, and then sure, as the bundled model is of yes or no: 40 wrong answers in
    500, spread over most bins."""
    rng = np.random.default_rng(seed)
    right = rng.random(n) < accuracy
    unsure = np.where(right, rng.gamma(0.4, 0.3, n), rng.gamma(2, 0.5, n))
    return _run(right, np.where(rng.random(n) < 0.6, True, right) & (rng.random(n) < 0.99),
                unsure, rng)  # fmt: skip


def alike(n: int, seed: int) -> Run:
    """Right and wrong answers are equally unsure: overlap 1, D_B 0, a gate as good as chance."""
    rng = np.random.default_rng(seed)
    right = rng.random(n) < 0.8
    return _run(right, right | (rng.random(n) < 0.5), rng.gamma(1, 0.5, n), rng)


def clustered(n: int, seed: int) -> Run:
    """Four questions about each image, which are hard or easy together."""
    rng = np.random.default_rng(seed)
    hard = np.repeat(rng.random(-(-n // 4)), 4)[:n]
    right = rng.random(n) > 0.8 * hard**2
    second = np.where(rng.random(n) < 0.5, right, rng.random(n) > 0.3 * hard)
    run = _run(right, second, rng.gamma(0.3 + hard + 0.7 * ~right, 0.4), rng)
    return replace(run, image_id=np.array([f"{i // 4}" for i in range(n)], dtype=object))


POPULATIONS = {f.__name__: f for f in (invented, sure, alike, clustered)}


def _run(right: np.ndarray, second: np.ndarray, unsure: np.ndarray, rng) -> Run:
    run = synthetic_run(len(right), max_tokens=1)
    scores = {"min_entropy": unsure, "shannon_entropy": unsure + rng.exponential(0.2, len(unsure))}
    return replace(run, first_score=right * 1.0, second_score=second * 1.0, scores=scores)


class Truth:
    """Figures of a population, from its large run."""

    def __init__(self, large: Run):
        self.run = large
        self.right, self.unsure = large.first_score >= 0.5, large.uncertainty("min_entropy")
        self.curve = tradeoff(large)
        ones = np.ones((1, len(large)))
        gate, chance = accuracy_statistic(large, COSTS), accuracy_statistic(large, COSTS, None)
        self.ahead_of_random = (gate(ones) - chance(ones))[0]
        self.ahead_of_min_entropy = means_ahead(large)(ones)[0]
        self.cost = float(cost_of_everything(large, replicates=1).estimate)
        self.auroc = auroc(self.unsure, ~self.right)

    def accuracy_of(self, etas: np.ndarray) -> np.ndarray:
        return self.curve.accuracy[self.curve.at(etas)]

    def separation(self, run: Run, distance: Callable) -> float:
        edges = bin_edges(run.uncertainty("min_entropy"))
        edges[[0, -1]] = -np.inf, np.inf
        return float(distance(*(distribution(self.unsure[of], edges)
                                for of in (self.right, ~self.right))))  # fmt: skip


Held = Iterator[tuple[str, np.ndarray]]  # name of an interval, which of its places hold the truth


def separations(run: Run, truth: Truth, seed: int, replicates: int) -> Held:
    """The intervals of overlap and D_B."""
    for name, distance in (("overlap", overlap), ("bhattacharyya", bhattacharyya)):
        found = separation_interval(run, name, replicates=replicates, seed=seed)
        yield name, inside(found, truth.separation(run, distance))


def others(run: Run, truth: Truth, seed: int, replicates: int) -> Held:
    """All other intervals that are shown."""
    band = band_of(run, "min_entropy", None)
    etas = tradeoff(run).threshold[band.points]
    right = truth.accuracy_of(etas)
    yield "accuracy at η", (band.low <= right) & (right <= band.high)
    yield "AUROC", inside(bootstrap(run, auroc_statistic(run), replicates, seed), truth.auroc)
    gate, chance = accuracy_statistic(run, COSTS), accuracy_statistic(run, COSTS, None)
    found = bootstrap(run, lambda w: gate(w) - chance(w), replicates, seed)
    yield "gate − random", inside(found, truth.ahead_of_random)
    found = bootstrap(run, means_ahead(run), replicates, seed)
    yield "metric − min-entropy", inside(found, truth.ahead_of_min_entropy)
    yield "cost of full", inside(cost_of_everything(run, replicates=replicates), truth.cost)


def inside(found: Interval, true: float | np.ndarray) -> np.ndarray:
    return np.atleast_1d((found.low <= true) & (true <= found.high))


def coverage(
    make: Callable[[int, int], Run],
    truth: Truth,
    n: int,
    trials: int,
    replicates: int,
    intervals: Sequence[Callable[..., Held]] = (separations, others),
) -> dict[str, float]:
    """The share of trials, and of places, in which each interval holds the truth."""
    found: dict[str, list] = {}
    for trial in range(trials):
        run = make(n, 1 + trial)
        for shown in intervals:
            for name, hits in shown(run, truth, trial, replicates):
                found.setdefault(name, []).append(hits.mean())
    return {name: float(np.mean(hits)) for name, hits in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=400,
                        help="how often a run is drawn anew (default: 400)")  # fmt: skip
    parser.add_argument(
        "--replicates", type=int, default=400, help="bootstrap draws of an interval (default: 400)"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="samples of a run")
    args = parser.parse_args()
    print(f"Share of {args.trials} runs whose 95 % interval holds the truth; the band and the "
          f"intervals at η are of {DRAWS} draws, the others of {args.replicates}.")  # fmt: skip
    for name, make in POPULATIONS.items():
        truth = Truth(make(LARGE, 0))
        for n in args.sizes:
            found = coverage(make, truth, n, args.trials, args.replicates)
            row = "  ".join(f"{label} {share:.3f}" for label, share in found.items())
            print(f"{name:10} N = {n:5,}  {row}", flush=True)


if __name__ == "__main__":
    main()
