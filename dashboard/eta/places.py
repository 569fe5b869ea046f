"""The η slider of a recorded run: its places, and what the gate does at each, looked up once.

The browser gets this table with the figure, so that moving η takes no request. A place is a round
number, and a row of the table is what `core.bench` says of the gate at exactly that threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from core.bench import Curve, Run, confusion
from core.bench.plots.base import numbers
from core.bench.plots.tradeoff import Band, curve_of
from core.uncertainty import METRICS, Gate
from dashboard.inputs import eta_slider

PLACES = 1_000  # at most about as many; a slider has no more pixels
START = 0.4  # share retransmitted where nothing else is asked for


@dataclass(frozen=True)
class Scale:
    """Equally spaced thresholds from `minimum` on, `count` of them, that don't need many digits."""

    minimum: float
    step: float
    count: int

    @property
    def digits(self) -> int:
        """Return how many decimals a place takes."""
        return max(0, -math.floor(math.log10(self.step) + 1e-9))

    @cached_property
    def thresholds(self) -> np.ndarray:
        """Return all places, (count,)."""
        places = np.round(self.minimum / self.step) + np.arange(self.count)
        return np.round(places * self.step, self.digits)

    @property
    def maximum(self) -> float:
        """Return the last place."""
        return float(self.thresholds[-1])

    def nearest(self, eta: float) -> float:
        """Return the place nearest to η."""
        place = np.round((eta - self.minimum) / self.step)
        return float(self.thresholds[int(np.clip(place, 0, self.count - 1))])


def scale(run: Run, metric: str, first_tokens: int | None = None) -> Scale:
    """Return places from where everything is retransmitted to where nothing is, or back."""
    values = run.answered.uncertainty(metric, first_tokens)
    low, high = float(values.min()), float(values.max())
    if 0 <= low <= (high - low) / 2:
        low = 0.0  # where the metric's own scale begins
    step = _round_step((high - low) / PLACES or 0.001)
    first, last = math.floor(low / step), math.ceil(high / step)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))

    def place(number: int) -> float:
        return round(number * step, digits)

    # The quotients are rounded, and the gate compares with the place itself. One end catches every
    # sample, the other none.
    if METRICS[metric].higher_is_uncertain:
        first -= int(place(first) > low)
        last += int(place(last) <= high)
    else:
        first -= int(place(first) >= values.min())
        last += int(place(last) < high)
    return Scale(place(first), step, last - first + 1)


def table(
    run: Run, curve: Curve, places: Scale, cost: str, band: Band | None = None
) -> dict[str, Any]:
    """Return what the gate does at every place, in lists as long as there are places.

    curve: of the metric on this run. cost: what stands on the axis, one of `COSTS`. band: the
    intervals around the curve.
    """
    at = curve.at(places.thresholds)
    spent = curve.cost(cost)[at]
    random, kinds = curve_of(run, "random", None), confusion(run, curve)
    intervals = {}
    if band:
        low, high = band.at(at)
        intervals = {"low": numbers(low), "high": numbers(high)}
    return intervals | {
        "minimum": places.minimum,
        "step": places.step,
        "digits": places.digits,
        "count": places.count,
        "asked": numbers(curve.retransmitted[at]),
        "accuracy": numbers(curve.accuracy[at]),
        "cost": numbers(spent),
        "random": numbers(np.interp(spent, random.cost(cost), random.accuracy)),
        "additional_bytes": numbers(curve.additional_bytes[at]),
        "bytes": numbers(curve.bytes[at]),
        "asked_kinds": kinds.asked[at].T.tolist(),
        "not_asked_kinds": kinds.not_asked[at].T.tolist(),
    }


def at_share(curve: Curve, places: Scale, share: float) -> float:
    """Return the place at which the gate retransmits the share nearest to this one."""
    asked = curve.retransmitted[curve.at(places.thresholds)]
    return float(places.thresholds[np.argmin(np.abs(asked - share))])


def within(places: Scale, eta: float, metric: str, more: bool = False) -> float:
    """Return the place next to η at which the gate asks no more than at η; with `more`, no less.

    The first keeps a budget, the second an accuracy.
    """
    if not np.isfinite(eta):
        return places.maximum if eta > 0 else places.minimum
    beyond = METRICS[metric].higher_is_uncertain != more  # at η, or the first place above it
    index = np.searchsorted(places.thresholds, eta, side="left" if beyond else "right")
    return float(places.thresholds[np.clip(index - (not beyond), 0, places.count - 1)])


def playable(gate: Gate) -> Gate | None:
    """Return the gate, if the walkthrough can have it: over all tokens, at some η.

    Its slider has steps of 0.01. η moves to the step at which everything is still asked for that
    was asked for here, the question on a clicked point of the curve among it.
    """
    if gate.first_tokens is not None or not math.isfinite(gate.threshold):
        return None
    rounded = math.floor if METRICS[gate.metric].higher_is_uncertain else math.ceil
    return replace(gate, threshold=rounded(round(100 * gate.threshold, 6)) / 100)


def slider(metric: str, places: Scale, eta: float) -> dict[str, Any]:
    """Return the properties of the slider."""
    ends = {"minimum": places.minimum, "maximum": places.maximum, "step": places.step}
    return eta_slider(metric, eta) | ends


def _round_step(least: float) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is no less than `least`."""
    power = math.floor(math.log10(least))
    step = next(s for s in (1, 2, 5, 10) if s * 10.0**power >= least * (1 - 1e-9))
    return float(f"{step}e{power}")
