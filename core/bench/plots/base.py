"""What every figure has in common: axes, fonts, thinned lines.

A figure is what Plotly calls one: a dict of data, layout and config. It is built in light colours,
as it is downloaded; the style sheet of the dashboard turns its surface dark where it must.
Everything in it is plain lists, which the browser's Plotly reads whatever its version.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from core.bench.analysis.curves import Curve
from core.bench.plots.style import SANS, Stroke
from core.uncertainty import METRICS, Metric

__all__ = [
    "AXES",
    "BASELINE_NAMES",
    "LEGEND_ON_TOP",
    "PERCENT",
    "Figure",
    "accuracy_figure",
    "aggregated",
    "axis",
    "figure",
    "line",
    "name_of",
    "numbers",
    "points",
    "thinned",
    "with_unit",
]

Figure = dict[str, Any]

INK, GRID = "#1F2937", "#E2E5EA"  # on white
POINTS = 400  # of a line; more than a screen shows
DIGITS = 7  # significant ones that are sent

# What can stand on an axis: name in `core.bench.COSTS` -> title, unit in a sentence, scale. Long
# titles are broken, or a telephone would cut them off.
AXES = {
    "additional_cost": ("Additional communication cost<br>(share of local images sent)", "", 1.0),
    "additional_bytes": (
        "Additional communication cost<br>(bytes of local images / global ones)",
        "",
        1.0,
    ),
    "bytes": ("Bytes of a question<br>(all messages, kB)", "kB", 1e-3),
    "flops": ("Computation of a question (GFLOP)", "GFLOP", 1e-9),
    "seconds": ("Time of a question,<br>without any link (s)", "s", 1.0),
    "relative_cost": ("Relative cost (both images /<br>global one at JPEG 100)", "", 1.0),
}
NOT_KNOWN = ":<br>not known of this model"  # behind an axis on which nothing lies

BASELINE_NAMES = {
    "random": "Random",
    "oracle": "Oracle",
    "initial": "First answers only",
    "full": "Everything retransmitted",
    "high_resolution": "High resolution instead",
}


def name_of(strategy: str) -> str:
    return BASELINE_NAMES[strategy] if strategy in BASELINE_NAMES else METRICS[strategy].label


def with_unit(metric: Metric) -> str:
    return f"{metric.label} ({metric.unit})" if metric.unit else metric.label


def aggregated(metric: Metric) -> str:
    """Return what the gate compares with η, as the title of an axis."""
    return f"{metric.heading} ({metric.unit})" if metric.unit else metric.heading


def figure(
    data: Sequence[dict],
    x: str,
    y: str,
    *,
    label: str,
    filename: str,
    height: int = 420,
    meta: dict | None = None,
    **layout: Any,
) -> Figure:
    """label: what the figure shows, one sentence, for those who don't see it."""
    base: dict[str, Any] = {
        "height": height,
        "font": {"family": ", ".join(SANS), "size": 14, "color": INK},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "margin": {"l": 60, "r": 12, "t": 12, "b": 60},
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "font": {"size": 14}},
        "legend": {
            "orientation": "h",
            "x": 0,
            "yref": "container",  # under the title of the axis, however many lines that has
            "y": 0,
            "yanchor": "bottom",
            "font": {"size": 12},
            "itemsizing": "constant",
        },
        "meta": {"label": label, "filename": filename, **(meta or {})},
        "xaxis": axis(x),
        "yaxis": axis(y),
    }
    for key, value in layout.items():
        base[key] = base[key] | value if isinstance(base.get(key), dict) else value
    return {
        "data": list(data),
        "layout": base,
        "config": {
            "displaylogo": False,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
            "toImageButtonOptions": {"format": "png", "scale": 2, "filename": filename},
        },
    }


def axis(title: str, **more: Any) -> dict[str, Any]:
    return {
        # Of this size, the broken titles fit on a screen of 320 px.
        "title": {"text": title, "standoff": 8, "font": {"size": 15}},
        "automargin": True,
        "gridcolor": GRID,
        "linecolor": INK,
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "tickcolor": INK,
    } | more


PERCENT = {"ticksuffix": " %"}
LEGEND_ON_TOP = {"yref": "paper", "y": 1.02}


def accuracy_figure(data: Sequence[dict], x: str, **layout: Any) -> Figure:
    """Accuracy over what it costs."""
    return figure(data, x, "Accuracy (%)", yaxis=PERCENT, **layout)


def line(x: ArrayLike, y: ArrayLike, name: str, look: Stroke, hover: str, **more: Any) -> dict:
    """hover: a sentence with %{x} and %{y} in it."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": numbers(x),
        "y": numbers(y),
        "line": {"color": look.color, "dash": look.dash, "width": 2.5},
        "hovertemplate": f"{hover}<extra></extra>",
    } | more


def points(x: ArrayLike, y: ArrayLike, name: str, look: Stroke, hover: str, **more: Any) -> dict:
    marker = {"color": look.color, "symbol": look.symbol, "size": 11}
    return line(x, y, name, look, hover, mode="markers", marker=marker) | more


def thinned(curve: Curve, cost: str) -> np.ndarray:
    """Indices of the points of a curve that are drawn: all, or some along the cost axis.

    What is left out lies within a pixel or two of the line; both ends are always there.
    """
    if len(curve) <= POINTS:
        return np.arange(len(curve))
    costs = curve.cost(cost)
    if not costs[-1] > costs[0]:
        return np.array([0, len(curve) - 1])
    wanted = np.linspace(costs[0], costs[-1], POINTS)
    return np.unique(np.append(np.searchsorted(costs, wanted), [0, len(curve) - 1]))


def numbers(values: ArrayLike) -> list[float | None]:
    """Return numbers as JSON has them: no NaN or infinity, and no more digits than anyone reads."""
    flat = np.asarray(values, dtype=np.float64).tolist()
    return [float(f"{v:.{DIGITS}g}") if np.isfinite(v) else None for v in flat]
