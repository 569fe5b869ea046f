"""What a run says about the claims of the paper, in sentences computed from it.

Every sentence that speaks of a difference has an interval: 95 % of bootstrap draws of images
(core.bench.analysis.intervals). A claim counts as borne out only if the interval says so, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.bench import reported
from core.bench.analysis.calibration import halves, threshold_for_budget
from core.bench.analysis.curves import frontier, full, high_resolution, initial, tradeoff
from core.bench.analysis.goals import exceeds, keeps, reaches
from core.bench.analysis.intervals import (
    REPLICATES,
    Interval,
    Statistic,
    accuracy_statistic,
    bootstrap,
    first_cost,
)
from core.bench.analysis.separability import changes, separability, step_means
from core.bench.runs.run import Run
from core.uncertainty import METRICS

COSTS = np.linspace(0.2, 0.8, 13)  # at which strategies are compared
CLOSE = 0.005  # of an accuracy: half a point
FEW = 20  # answers; a mean over fewer says nothing
BUDGET = 0.4
PAPER = ("min_entropy", "shannon_entropy", "probability_margin")
ONE_SIDED = "All answers are right, or all are wrong: there is nothing to tell apart."


@dataclass(frozen=True)
class Finding:
    """A sentence. agrees: does it bear the paper out? None: the paper makes no such claim."""

    text: str
    agrees: bool | None = None


def points(share: float, sign: bool = False) -> str:
    """An accuracy, or a difference of two, in percent points; nothing is 0.0, never -0.0."""
    percent = round(100 * share, 1) + 0.0
    return f"{percent:+.1f}" if sign else f"{percent:.1f}"


def gain(run: Run) -> Finding:
    """Say what retransmitting everything does to accuracy (Fig. 4-6, 9, 10)."""
    first, last, moved = initial(run).accuracy, full(run).accuracy, changes(run)
    return Finding(
        f"Full retransmission takes the accuracy from {points(first)} to {points(last)} %: it "
        f"mends {points(moved.uplift)} points ({moved.uplifts:,} answers) and breaks "
        f"{points(moved.regression)} ({moved.regressions:,}).",
        agrees=bool(exceeds(last, first)),
    )


def against_random(run: Run, metric: str = "min_entropy") -> Finding:
    """Say whether the gate beats chance at every cost from 0.2 to 0.8 (Fig. 4-6, 9, 10)."""
    gate, chance = accuracy_statistic(run, COSTS, metric), accuracy_statistic(run, COSTS, None)
    found = bootstrap(run, lambda weights: gate(weights) - chance(weights))
    above = int(exceeds(found.low, 0).sum())
    where = "at each of them" if above == len(COSTS) else f"at {above} of the {len(COSTS)} costs"
    return Finding(
        f"At additional costs from 0.2 to 0.8, the gate on {METRICS[metric].noun} is "
        f"{points(found.estimate.min(), True)} to {points(found.estimate.max(), True)} points "
        f"above random retransmission; the interval of the difference lies above 0 {where}.",
        agrees=above == len(COSTS),
    )


def cost_of_full(run: Run, metric: str = "min_entropy", at_most: float = 0.65) -> Finding:
    """The least additional cost with the accuracy of full retransmission, within half a point."""
    found = cost_of_everything(run, metric)
    return Finding(
        f"{METRICS[metric].label} has the accuracy of full retransmission (within 0.5 points) from "
        f"an additional cost of {found.estimate:.2f} on [{found.low:.2f}, {found.high:.2f}]; the "
        f"paper reports {reported.FIG_6_COST:.2f}.",
        agrees=bool(keeps(found.estimate, at_most)),
    )


def cost_of_everything(
    run: Run, metric: str = "min_entropy", replicates: int = REPLICATES
) -> Interval:
    """Return the cost of `cost_of_full`, in steps of half a hundredth, and its interval."""
    return first_cost(run, np.linspace(0, 1, 201), CLOSE, metric, replicates)


def best_metric(run: Run) -> Finding:
    """Say which metric has the best curve between 0.2 and 0.8: is it min-entropy (Fig. 6)?"""
    others = [m for m in run.metrics if m != "min_entropy"]
    found = bootstrap(run, means_ahead(run))
    order = np.argsort(-found.estimate)
    texts = [
        f"{METRICS[others[i]].noun} {points(found.estimate[i], True)} "
        f"[{points(found.low[i], True)}, {points(found.high[i], True)}]"
        for i in order
    ]
    better = [others[i] for i in order if exceeds(found.low[i], 0)]
    told = "no other metric is better than min-entropy beyond doubt"
    if better:
        told = f"better than min-entropy beyond doubt: {', '.join(METRICS[m].noun for m in better)}"
    return Finding(
        f"In mean accuracy over these costs, against min-entropy, in points: {'; '.join(texts)}. "
        f"So {told}.",
        agrees=not set(better) & set(PAPER),
    )


def means_ahead(run: Run) -> Statistic:
    """Return how far each other metric is ahead of min-entropy: weights -> (b, M - 1).

    It is the difference of their mean accuracies over COSTS.
    """
    mean = {m: accuracy_statistic(run, COSTS, m) for m in run.metrics}

    def ahead(weights: np.ndarray) -> np.ndarray:
        base = mean["min_entropy"](weights).mean(axis=1)
        others = [mean[m](weights).mean(axis=1) for m in run.metrics if m != "min_entropy"]
        return np.stack([other - base for other in others], axis=1)

    return ahead


def separation(run: Run) -> Finding:
    """Say whether min-entropy separates right from wrong best of the paper's three (Table II)."""
    found = {m: separability(run, m) for m in PAPER if m in run.metrics}
    if any(np.isnan(one.overlap) for one in found.values()):
        return Finding(ONE_SIDED)
    least = min(found, key=lambda m: found[m].overlap)
    most = max(found, key=lambda m: found[m].bhattacharyya)
    return Finding(
        f"Of the paper's three metrics, {METRICS[least].noun} has the smallest overlap "
        f"({found[least].overlap:.2f}) and {METRICS[most].noun} the largest Bhattacharyya distance "
        f"({found[most].bhattacharyya:.2f}); in the paper it is min-entropy in both.",
        agrees=least == most == "min_entropy",
    )


def steps(run: Run) -> Finding:
    """Say whether wrong answers are less certain at every step (Fig. 7a)."""
    means = step_means(run, "min_entropy")
    enough = np.minimum(means.right_count, means.wrong_count) >= FEW
    higher = exceeds(means.wrong, means.right)[enough]
    return Finding(
        f"Wrong answers have the higher mean min-entropy at {int(higher.sum())} of the "
        f"{len(higher)} steps that at least {FEW} right and {FEW} wrong answers reach.",
        agrees=bool(len(higher) and higher.all()),
    )


def lengths(run: Run) -> list[Finding]:
    """Say how many tokens should be averaged over (Table III, Fig. 8)."""
    one, every = (separability(run, "min_entropy", n) for n in (1, None))
    if np.isnan([one.overlap, every.overlap]).any():
        return [Finding(ONE_SIDED)]
    better = exceeds(one.overlap, every.overlap) and exceeds(every.bhattacharyya, one.bhattacharyya)
    few = reported.FIG_8_TOKENS
    some = accuracy_statistic(run, COSTS, "min_entropy", few)
    total = accuracy_statistic(run, COSTS, "min_entropy", None)
    apart = bootstrap(run, lambda weights: some(weights) - total(weights))
    furthest = np.argmax(np.abs(apart.estimate))
    longer = float((run.answered.lengths > few).mean())
    return [
        Finding(
            f"The mean over all tokens overlaps by {every.overlap:.2f} (D_B "
            f"{every.bhattacharyya:.2f}), the starting token by {one.overlap:.2f} (D_B "
            f"{one.bhattacharyya:.2f}).",
            agrees=bool(better),
        ),
        Finding(
            f"Averaging over the first {few} tokens is at most "
            f"{points(abs(apart.estimate[furthest]))} points from averaging over all of them; "
            f"{points(longer)} % of the answers are longer.",
            agrees=bool(keeps(abs(apart.estimate[furthest]), 2 * CLOSE)),
        ),
    ]


def beats_high_resolution(run: Run, name: str) -> Finding | None:
    """Say from which cost on the gate is better than high resolution (Fig. 4).

    name: of the paper's data set. None where the run hasn't measured high resolution.
    """
    hd = high_resolution(run)
    if hd is None:
        return None
    curve = tradeoff(run, "min_entropy")
    there = np.flatnonzero(reaches(curve.accuracy, hd.accuracy))
    said = f"High resolution is right in {points(hd.accuracy)} % and takes "
    said += f"{hd.additional_bytes:.2f} times the bytes of the global images more; "
    beaten = bool(there.size) and bool(
        exceeds(hd.additional_bytes, curve.additional_bytes[there[0]])
    )
    if there.size:
        at = there[0]
        said += f"the gate is as good from {curve.additional_bytes[at]:.2f} on (additional cost "
        said += f"{curve.retransmitted[at]:.2f})"
    else:
        said += "no threshold reaches that"
    return Finding(
        f"{said}. In the paper: {reported.FIG_4[name]:.2f} on {name}, against "
        f"{reported.HIGH_RESOLUTION_COST:.2f}.",
        agrees=beaten,
    )


def computation(run: Run) -> Finding:
    """Say what a retransmitted question computes (Fig. 5)."""
    ratio = full(run).relative_flops
    if np.isnan(ratio):
        return Finding(f"What {run.metadata.model} computes isn't known: eq. 18-20 take its width.")
    return Finding(
        f"By eq. 18-20 a retransmitted question takes {ratio:.2f} times the computation of the "
        f"first stage; with the paper's model it is {reported.RELATIVE_FLOPS:.2f}.",
        agrees=bool(abs(ratio / reported.RELATIVE_FLOPS - 1) < 0.1),
    )


def compression(runs: Sequence[Run], metric: str = "min_entropy") -> Finding:
    """Say what gate and compression save together at one accuracy (Fig. 12).

    Of every quality's full retransmission, the cheapest gated point with that accuracy, at any
    quality; the best of those savings among the upper half of the accuracies.
    """
    curves = [tradeoff(run, metric) for run in runs]
    best = frontier(curves)
    ends = [(c.accuracy[-1], c.relative_cost[-1]) for c in curves]
    middle = np.median([accuracy for accuracy, _ in ends])
    savings = [
        (best.cost[np.argmax(reaches(best.accuracy, accuracy))] / cost, accuracy, cost)
        for accuracy, cost in ends
        if reaches(accuracy, middle)
    ]
    share, accuracy, cost = min(savings)
    paper = reported.FIG_12
    return Finding(
        f"{points(accuracy)} % right takes a relative cost of {cost:.3f} with full retransmission, "
        f"and {share * cost:.3f} with the gate at the quality that suits it: {share:.2f} of it. In "
        f"the paper: {paper['full']:.2f} and {paper['gated']:.2f}, which is "
        f"{paper['gated'] / paper['full']:.2f} of it, at {points(paper['accuracy'])} %.",
        agrees=bool(exceeds(1, share)),
    )


def budget(run: Run, share: float = BUDGET) -> Finding:
    """Say whether a threshold set on half of the images keeps its budget on the other half."""
    here, there = halves(run)
    spent = threshold_for_budget(here, share).on(there).retransmitted
    return Finding(
        f"A threshold set for a budget of {points(share)} % on half of the images retransmits "
        f"{points(spent)} % of the questions about the other half."
    )
