"""What the paper reports, on figures of what was measured: in a style that nothing else has."""

from __future__ import annotations

from core.bench.plots.base import Figure, points
from core.bench.plots.style import Stroke

REPORTED = "reported in the paper"
LOOK = Stroke("#000000", "dot", "star-open")


def reported_cost(figure: Figure, cost: float, what: str) -> None:
    """A dotted vertical line at a cost, named in the legend."""
    heights = [y for trace in figure["data"] for y in trace["y"] if y is not None]
    name = f"{what}, {REPORTED}"
    trace = points(
        [cost, cost], [min(heights), max(heights)], name, LOOK,
        f"<b>{name}:</b> additional cost %{{x:.2f}}",
    )  # fmt: skip
    figure["data"].append(trace | {"mode": "lines", "line": {"color": LOOK.color, "dash": LOOK.dash,
                                                             "width": 1.5}})  # fmt: skip


def reported_point(figure: Figure, cost: float, accuracy: float, what: str) -> None:
    """A hollow star at a cost and an accuracy (a share)."""
    name = f"{what}, {REPORTED}"
    said = f"<b>{name}:</b> %{{y:.1f}} % right at a cost of %{{x:.2f}}"
    figure["data"].append(points([cost], [100 * accuracy], name, LOOK, said))
