"""Figures of several runs: overlaid, and the same run at several qualities (Fig. 12)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from core.bench.analysis.curves import frontier
from core.bench.plots.base import AXES, NOT_KNOWN, Figure, accuracy_figure, line
from core.bench.plots.style import RUN_STROKES, Stroke
from core.bench.plots.tradeoff import curve_of, curve_trace
from core.bench.runs.run import Run
from core.uncertainty import METRICS

__all__ = ["quality_figure", "runs_figure"]

WIDTH, WIDER = 2.5, 1.5  # of a line, in pixels, and by how much with each further round


def runs_figure(
    runs: Mapping[str, Run],
    metric: str,
    first_tokens: int | None,
    cost: str,
    title: str | None = None,
    rounds: Mapping[str, int] | None = None,
) -> Figure:
    """The tradeoff of one metric on several runs, by name. title: as in `tradeoff_figure`.

    rounds: how many looks each takes at most, by name; None: one. Lines of one run have one
    colour, and are the wider the more rounds there are.
    """
    nothing = cost == "flops" and not any(run.knows_flops for run in runs.values())
    data, colours = [], dict.fromkeys(id(run) for run in runs.values())
    for name, run in runs.items():
        looks = rounds[name] if rounds else 1
        look = RUN_STROKES[list(colours).index(id(run)) % len(RUN_STROKES)]
        curve = curve_of(run, metric, first_tokens, "", looks)
        width = WIDTH + WIDER * (looks - 1)
        data.append(curve_trace(curve, metric, cost, escape(name), look, width))
    return accuracy_figure(
        data, (title or AXES[cost][0]) + NOT_KNOWN * nothing,
        label=f"Tradeoff of {METRICS[metric].noun} on {len(runs)} runs",
        filename=f"runs-{metric}-{cost}", height=480, meta={"key": f"runs {metric} {cost}"},
        legend={"orientation": "v"}, showlegend=True,
    )  # fmt: skip


def quality_figure(runs: Mapping[str, Run], metric: str, first_tokens: int | None) -> Figure:
    """Accuracy over relative cost: one curve a quality, the first answers alone, the frontier."""
    cost = "relative_cost"
    curves = [curve_of(run, metric, first_tokens) for run in runs.values()]
    looks = [RUN_STROKES[i % len(RUN_STROKES)] for i in range(len(curves))]
    data = [
        curve_trace(curve, metric, cost, f"{name}, with local images", look)
        for name, curve, look in zip(runs, curves, looks, strict=True)
    ]
    alone = [(curve.cost(cost)[0], 100 * curve.accuracy[0]) for curve in curves]
    x, y = zip(*sorted(alone), strict=True)
    names = [name for _, name in sorted(zip(alone, runs, strict=True))]
    said = "<b>%{customdata}, global images only:</b> %{y:.1f} % right, at a cost of %{x:.3g}"
    data.append(
        line(x, y, "Global images only", Stroke("#7F7F7F", "dash", "square"), said)
        | {
            "mode": "lines+markers",
            "marker": {"symbol": "square", "size": 10, "color": "#7F7F7F"},
            "customdata": names,
        }
    )
    best = frontier(curves, cost)
    step = np.unique(np.linspace(0, len(best.cost) - 1, 400).round().astype(int))
    on = [list(runs)[index] for index in best.curve[step]]
    said = "<b>Best so far:</b> %{y:.1f} % right at a cost of %{x:.3g}, with %{customdata}"
    data.insert(
        0,
        line(best.cost[step], 100 * best.accuracy[step], "Frontier", Stroke("#F0B400"), said)
        | {
            "line": {"color": "#F0B400", "width": 9, "shape": "hv"},
            "opacity": 0.55,
            "customdata": on,
        },
    )
    return accuracy_figure(
        data, AXES[cost][0],
        label="Share of right answers over relative cost, one curve for each quality",
        filename=f"compression-{metric}", height=500, meta={"key": f"quality {metric}"},
    )  # fmt: skip
