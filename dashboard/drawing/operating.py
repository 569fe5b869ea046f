"""The gate among recorded questions, small: its point on the tradeoff, and η in the distribution.

Drawn as SVG, together with the verdict, so that whoever moves η sees one picture move.
"""

from __future__ import annotations

import math

import numpy as np
from markupsafe import Markup

from core.uncertainty import Metric
from dashboard.drawing import scales, wording
from dashboard.drawing.templating import render

WIDTH, HEIGHT = 320, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 308, 14, 146  # of what is inside the axes


def operating(
    *,
    name: str,
    samples: int,
    asked: np.ndarray,
    right: np.ndarray,
    here: tuple[float, float],
    edges: np.ndarray,
    shares: tuple[np.ndarray, np.ndarray],
    ends: tuple[float, float],
    eta: float,
    value: float,
    metric: Metric,
    title: str,
    means: str,
) -> Markup:
    """Return both pictures and what they say.

    asked, right: (P,) of the gate's curve, shares. here: of the gate. edges: (B + 1,) of bins of
    uncertainty; shares: (B,) of right and of wrong answers. ends: of the scale of uncertainty.
    value: of the question at hand. title: of that scale. means: a sentence on what η costs.
    """
    low, high = _around(right)
    curve = [(_x(x, (0, 1)), _y(y, (low, high))) for x, y in zip(asked, right, strict=True)]
    point = _x(here[0], (0, 1)), _y(here[1], (low, high))
    # Most right answers may be in one bin: at its height, all the others would be flat.
    highest, wrong = (
        float(np.nan_to_num(part).max()) for part in (np.concatenate(shares), shares[1])
    )
    top = min(highest, 2 * wrong or highest) or 1.0
    line = _x(eta, ends)
    asks = (line, RIGHT) if metric.higher_is_uncertain else (LEFT, line)
    return render(
        "pictures/operating.html",
        name=name,
        samples=samples,
        box=(WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM),
        curve=_line(curve),
        chance=_line([curve[0], curve[-1]]),
        point=[f"{place:.1f}" for place in point],
        accuracies=((f"{100 * low:.0f} %", BOTTOM), (f"{100 * high:.0f} %", TOP + 4)),
        right_bars=_steps(edges, shares[0] / top, ends),
        wrong_bars=_steps(edges, shares[1] / top, ends),
        cut=highest > top,
        line=f"{line:.1f}",
        asks=[f"{place:.1f}" for place in asks],
        needle=f"{_x(value, ends):.1f}",
        side="end" if scales.share(value, ends) > 0.6 else "start",
        ends=[f"{end:.3g}" for end in ends],
        title=title,
        eta="∞" if math.isinf(eta) else f"{eta:.2f}",
        unit=metric.unit,
        phrase=metric.phrase,
        value=wording.measured(value, metric),
        asked=f"{100 * here[0]:.0f} %",
        right=f"{100 * here[1]:.1f} %",
        means=means,
    )


def _around(right: np.ndarray) -> tuple[float, float]:
    """Return the ends of a scale with the curve in its middle, whole tens of per cent."""
    low, high = math.floor(10 * float(right.min())) / 10, math.ceil(10 * float(right.max())) / 10
    return (low, high) if high > low else (max(low - 0.1, 0.0), min(high + 0.1, 1.0))


def _x(value: float, ends: tuple[float, float]) -> float:
    return LEFT + (RIGHT - LEFT) * scales.share(float(value), ends)


def _y(value: float, ends: tuple[float, float]) -> float:
    return BOTTOM - (BOTTOM - TOP) * scales.share(float(value), ends)


def _line(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _steps(edges: np.ndarray, heights: np.ndarray, ends: tuple[float, float]) -> str:
    """Return the outline of bars over these edges, 0 to 1 high, as points of a polygon."""
    tall = np.repeat(np.nan_to_num(heights), 2)
    places = list(zip(np.repeat(edges, 2)[1:-1], tall, strict=True))
    outline = [(edges[0], 0.0), *places, (edges[-1], 0.0)]
    return _line([(_x(x, ends), _y(height, (0, 1))) for x, height in outline])
