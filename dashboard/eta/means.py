"""What an η means on a link: seconds and energy of a question, and bytes of a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.bench import Run
from core.bench.plots.tradeoff import curve_of
from core.channel import Link, Traffic
from core.uncertainty import METRICS, Gate
from dashboard.drawing import wording

A_DAY = 1_000  # questions; so that bytes become an amount that people have a feeling for


@dataclass(frozen=True, eq=False)
class Means:
    """What a question costs on average at each of P thresholds; every array is (P,)."""

    seconds: np.ndarray  # from asking to answer: computing, and all messages on the link
    joules: np.ndarray  # of the edge's radio; NaN where the link's power isn't known


def means(
    run: Run, metric: str, first_tokens: int | None, thresholds: np.ndarray, link: Link
) -> Means:
    """Return what the gate's answers cost over a link at these thresholds, (P,).

    Raises ValueError for a run without answered samples or without this metric.
    """
    run = run.answered
    ranked = run.uncertainty(metric, first_tokens)
    order = np.argsort(-ranked if METRICS[metric].higher_is_uncertain else ranked)
    curve = curve_of(run, metric, first_tokens)
    asked = np.rint(curve.retransmitted[curve.at(thresholds)] * len(run)).astype(np.int64)

    def along(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        added = np.append(0.0, np.cumsum(second[order]))[asked]  # those first in the order
        return first.mean() + added / len(run)

    traffic = Traffic.of_run(run)
    first, second = traffic.seconds(link)
    seconds = along(run.first_seconds + first, run.second_seconds + second)
    return Means(seconds, along(*traffic.joules(link)))


def said(run: Run, gate: Gate, link: Link) -> str:
    """Return what a gate means on a link, one sentence for people."""
    at = np.array([gate.threshold])
    cost = means(run, gate.metric, gate.first_tokens, at, link)
    curve = curve_of(run, gate.metric, gate.first_tokens)
    a_day = A_DAY * float(curve.bytes[curve.at(at)][0])
    joules = float(cost.joules[0])
    energy = "energy that isn't known" if np.isnan(joules) else wording.energy(joules)
    return (
        f"On {link.name} a question then takes {wording.seconds(float(cost.seconds[0]))} and"
        f" {energy} of the edge's radio; {A_DAY:,} questions a day send"
        f" {wording.many_bytes(a_day)}."
    )
