"""What a second look buys at what cost (Fig. 4-6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from core.bench.analysis.curves import (
    Curve,
    full,
    high_resolution,
    initial,
    oracle_curve,
    random_curve,
    tradeoff,
)
from core.bench.analysis.intervals import bootstrap, gate_statistic
from core.bench.analysis.separability import Separability
from core.bench.plots.base import (
    AXES,
    BASELINE_NAMES,
    LEGEND_ON_TOP,
    NOT_KNOWN,
    PERCENT,
    Figure,
    accuracy_figure,
    figure,
    line,
    name_of,
    numbers,
    points,
    thinned,
)
from core.bench.plots.style import MEANING, Stroke, stroke
from core.bench.runs.kept import kept
from core.bench.runs.run import Run
from core.uncertainty import METRICS

__all__ = [
    "DRAWS",
    "Band",
    "band_of",
    "band_trace",
    "curve_of",
    "curve_trace",
    "high_resolution_point",
    "histogram",
    "histogram_figure",
    "strategies",
    "tradeoff_figure",
]

HELD = 16  # curves of a run; some ten are on the page at once
PLACES = 61  # at most, along a curve, that get an interval
DRAWS = 300  # of the bootstrap behind it; the report's sentences draw more often
# Samples times draws: 60,000 questions, whose intervals are narrower than the line, get none.
MOST_DRAWN = 18_000_000


@dataclass(frozen=True, eq=False)
class Band:
    """The 95 % interval of the accuracy at some of the points of a curve, each at its η.

    It belongs to the gate with that η, so it is the same on every cost axis.
    """

    points: np.ndarray  # (PLACES,) indices along the curve, from its first point to its last
    low: np.ndarray  # (PLACES,)
    high: np.ndarray

    def at(self, index: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return lower and upper end at these points of the curve, any shape."""
        at = np.asarray(index, dtype=np.float64)
        return np.interp(at, self.points, self.low), np.interp(at, self.points, self.high)


@kept(HELD)
def curve_of(
    run: Run, strategy: str, first_tokens: int | None, cost: str = "", rounds: int = 1
) -> Curve:
    """The curve of a metric, `random` or `oracle`, computed once. cost: matters to the oracle.
    rounds: looks at most, of a metric."""
    if strategy == "random":
        return random_curve(run, points=2)
    if strategy == "oracle":
        return oracle_curve(run, cost)
    return tradeoff(run, strategy, first_tokens, rounds)


@kept(HELD)
def band_of(run: Run, metric: str, first_tokens: int | None) -> Band | None:
    """The intervals around a metric's curve; None where they are narrower than its line."""
    curve = curve_of(run, metric, first_tokens)
    if curve.samples * DRAWS > MOST_DRAWN:
        return None
    shares = np.linspace(0, 1, PLACES)
    points = np.unique(np.searchsorted(curve.retransmitted, shares))
    found = bootstrap(run, gate_statistic(run, points, metric, first_tokens), DRAWS)
    return Band(points, found.low, found.high)


def strategies(run: Run) -> tuple[str, ...]:
    """Return what a figure of this run can show."""
    measured = [b for b in BASELINE_NAMES if b != "high_resolution" or high_resolution(run)]
    return (*(m for m in METRICS if m in run.metrics), *measured)


def tradeoff_figure(
    run: Run,
    metric: str,
    first_tokens: int | None,
    cost: str,
    shown: Sequence[str],
    title: str | None = None,
    meta: dict | None = None,
) -> Figure:
    """Accuracy over a cost, for all strategies `shown`; `metric` is drawn on top (Fig. 4-6).

    title: of the cost axis; None: the usual one. meta: for whoever moves something in it.
    """
    usual, _, factor = AXES[cost]
    ends = curve_of(run, "random", None)
    whole = factor * ends.cost(cost)
    nothing = bool(np.isnan(whole).all())
    data, movers = [], []
    for strategy in _order(shown, metric):
        if strategy in ("initial", "full"):
            value = 100 * (initial if strategy == "initial" else full)(run).accuracy
            said = f"<b>{name_of(strategy)}:</b> %{{y:.1f}} % right"
            data.append(line(whole, [value, value], name_of(strategy), stroke(strategy), said))
            data[-1]["line"]["width"] = 1.5
        elif strategy == "high_resolution":
            point = high_resolution_point(run, cost)
            data += [point] if point else []
        else:
            curve = curve_of(run, strategy, first_tokens if strategy in METRICS else None,
                             cost if strategy == "oracle" else "")  # fmt: skip
            if strategy == metric and (band := band_of(run, metric, first_tokens)):
                data.append(band_trace(band, factor * curve.cost(cost), stroke(strategy)))
            movers.append(len(data))
            width = 4 if strategy == metric else 2
            data.append(
                curve_trace(curve, strategy, cost, name_of(strategy), stroke(strategy), width)
            )
    return accuracy_figure(
        data, (title or usual) + NOT_KNOWN * nothing,
        label=f"Share of right answers over cost for {', '.join(name_of(s) for s in shown)}",
        filename=f"tradeoff-{cost}", height=520, meta={"movers": movers, **(meta or {})},
    )  # fmt: skip


def histogram(
    edges: np.ndarray, right: np.ndarray, wrong: np.ndarray, unit: str, **more
) -> list[dict]:
    """Two traces of bars over edges (B + 1,), from shares (B,) each; NaN is none."""
    bars = []
    for name, shares, pattern in (("right", right, ""), ("wrong", wrong, "/")):
        bars.append({
            "type": "bar",
            "name": f"{name.capitalize()} answers",
            "x": numbers((edges[:-1] + edges[1:]) / 2),
            "y": numbers(100 * np.nan_to_num(shares)),
            "width": numbers(np.diff(edges)),
            "customdata": [numbers(pair) for pair in pairwise(edges)],
            "opacity": 0.7,
            "marker": {
                "color": MEANING[name],
                "line": {"width": 0},
                "pattern": {"shape": pattern, "size": 6, "solidity": 0.5},
            },
            "hovertemplate": f"%{{y:.1f}} % of the {name} answers lie between "
            f"%{{customdata[0]:.3g}} and %{{customdata[1]:.3g}} {unit}<extra></extra>",
        } | more)  # fmt: skip
    return bars


def histogram_figure(found: Separability, metric: str, x: str, **layout: Any) -> Figure:
    """Right and wrong answers by their uncertainty."""
    data = histogram(found.edges, found.right_share, found.wrong_share, METRICS[metric].unit)
    return figure(
        data, x, "Share of the answers (%)",
        barmode="overlay", bargap=0, yaxis=PERCENT, legend=LEGEND_ON_TOP, **layout,
    )  # fmt: skip


def _order(shown: Sequence[str], metric: str) -> list[str]:
    """The chosen metric last, so that it is drawn on top; the others in their usual order."""
    usual = (*BASELINE_NAMES, *reversed(METRICS))
    return [*(s for s in usual if s in shown and s != metric), metric]


def curve_trace(
    curve: Curve, strategy: str, cost: str, name: str, look: Stroke, width: float = 2.5
) -> dict:
    """The line of a curve, of a metric, `random` or `oracle`; `name` in legend and hover."""
    _, unit, factor = AXES[cost]
    at = thinned(curve, cost)
    costs, right = factor * curve.cost(cost)[at], 100 * curve.accuracy[at]
    spent = f"%{{x:.3g}} {unit} a question" if unit else "a cost of %{x:.3g}"
    if strategy not in METRICS:
        said = f"<b>{escape(name)}</b>, at {spent}, gets %{{y:.1f}} % right"
        return line(costs, right, name, look, said)
    said = (
        f"<b>{escape(name)}</b> at η = %{{customdata[0]:.3g}} {METRICS[strategy].unit} asks for "
        f"%{{customdata[1]:.0%}} of the local images<br>and gets %{{y:.1f}} % right, at {spent}"
    )
    pairs = zip(curve.threshold[at], curve.retransmitted[at], strict=True)
    custom = [numbers(pair) for pair in pairs]
    trace = line(costs, right, name, look, said, customdata=custom, meta=strategy)
    trace["line"]["width"] = width
    return trace


def band_trace(band: Band, costs: np.ndarray, look: Stroke) -> dict:
    """The area between both ends of the intervals. costs: of all points of the curve."""
    there = costs[band.points]
    x = np.concatenate([there, there[::-1]])
    y = 100 * np.concatenate([band.low, band.high[::-1]])
    name = "95 % interval at each η"
    trace = line(x, y, name, look, "", fill="toself", hoverinfo="skip", opacity=0.25)
    return trace | {"line": {"width": 0}, "fillcolor": look.color}


def high_resolution_point(run: Run, cost: str) -> dict | None:
    """Always sending the image in high resolution; None where the run hasn't measured it."""
    point = high_resolution(run)
    if point is None or not np.isfinite(getattr(point, cost)):
        return None
    _, unit, factor = AXES[cost]
    name, look = name_of("high_resolution"), stroke("high_resolution")
    spent = f"%{{x:.3g}} {unit} a question" if unit else "a cost of %{x:.3g}"
    said = f"<b>{name}:</b> %{{y:.1f}} % right, at {spent}"
    return points([factor * getattr(point, cost)], [100 * point.accuracy], name, look, said)
