"""Figures of a shared link; figures as in `core.bench.plots.base`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from core.bench.plots.base import (
    LEGEND_ON_TOP,
    PERCENT,
    Figure,
    accuracy_figure,
    axis,
    figure,
    line,
    numbers,
)
from core.bench.plots.style import METRIC_STROKES, Stroke, stroke
from core.policies.registry import POLICIES
from core.sharing.simulation import Outcome
from core.sharing.study import OPTIMUM, Study

__all__ = [
    "accuracy_over_load",
    "label_of",
    "order_of_policies",
    "queue_over_time",
    "right_in_time",
]

_BASELINES = {"never": "initial", "always": "full", "random": "random", OPTIMUM: "oracle"}
_STROKES: dict[str, Stroke] = dict(
    zip([name for name in POLICIES if name not in _BASELINES], METRIC_STROKES, strict=False)
) | {name: stroke(baseline) for name, baseline in _BASELINES.items()}
LOAD = "Load of the uplink by questions alone (%)"


def label_of(policy: str) -> str:
    """Return the name of a policy, or of the bound, for people."""
    return "Offline optimum" if policy == OPTIMUM else POLICIES[policy].label


def accuracy_over_load(found: Study, deadline: float) -> Figure:
    """Return the accuracy by the deadline of each policy over the load, with intervals."""
    loads = list(found)
    data = []
    for policy in found[loads[0]]:
        means, low, high = (
            100 * np.array([found[load][policy].interval("accuracy") for load in loads]).T
        )
        hover = (
            f"{escape(label_of(policy))}: at a load of %{{x:.0f}} %, %{{y:.1f}} % are right in time"
        )
        errors = {
            "type": "data", "symmetric": False, "array": numbers(high - means),
            "arrayminus": numbers(means - low), "thickness": 1.5, "width": 3,
        }  # fmt: skip
        data.append(
            line(100 * np.array(loads), means, label_of(policy), _STROKES[policy], hover,
                 mode="lines+markers", error_y=errors)
        )  # fmt: skip
    return accuracy_figure(
        data, LOAD, label=f"Answers that are right within {deadline:g} s, over the load",
        filename="shared-link-accuracy", xaxis=PERCENT,
    )  # fmt: skip


def queue_over_time(outcomes: Mapping[str, Outcome], deadline: float, seconds: float) -> Figure:
    """Return how long the uplink's queue is under several policies, for the first `seconds`."""
    data = []
    for policy, outcome in outcomes.items():
        decided = outcome.asked_at + outcome.first_at
        order = np.argsort(decided)
        order = order[decided[order] <= seconds]
        hover = f"{escape(label_of(policy))}: after %{{x:.1f}} s, %{{y:.2f}} s of work wait"
        data.append(
            line(decided[order], outcome.link_wait[order], label_of(policy), _STROKES[policy],
                 hover, line={"color": _STROKES[policy].color, "dash": _STROKES[policy].dash,
                              "width": 1.5})
        )  # fmt: skip
    return figure(
        data, "Time (s)", "Work that waits<br>for the uplink (s)",
        label="How long the queue of the uplink is over time", filename="shared-link-queue",
        yaxis={"range": [0, 2 * deadline]},
    )  # fmt: skip


def right_in_time(outcomes: Mapping[str, Outcome], load: float, deadline: float) -> Figure:
    """Return the accuracy by the deadline of each policy at one load, and the share that it asks.

    A bar a policy, the best one on top.
    """
    accuracy = {name: 100 * float(one.score.mean()) for name, one in outcomes.items()}
    names = sorted(accuracy, key=lambda name: accuracy[name])
    asked = [100 * float(outcomes[name].asked.mean()) for name in names]
    bar = {
        "type": "bar", "orientation": "h", "name": "Right in time",
        "x": numbers([accuracy[name] for name in names]), "y": [label_of(n) for n in names],
        "customdata": numbers(asked), "marker": {"color": [_STROKES[n].color for n in names]},
        "hovertemplate": "%{y}: %{x:.1f} % are right in time, %{customdata:.1f} % are asked again"
                         "<extra></extra>",
    }  # fmt: skip
    return figure(
        [bar], "Right in<br>time (%)", "", filename="shared-link-policies", height=360,
        label=f"Right answers within {deadline:g} s by policy, at a load of {100 * load:.0f} %",
        xaxis=PERCENT | {"range": [0, 100]}, yaxis=axis("", type="category"), showlegend=False,
        margin={"r": 28},  # room for half of "100 %", or Plotly leaves it out
    )  # fmt: skip


def order_of_policies(runs: Mapping[str, Study], load: float) -> Figure:
    """Return the accuracy by the deadline of each policy on several runs, at one load."""
    names = list(runs)
    data: list[Figure] = []
    for policy in next(iter(runs.values()))[load]:
        values = [runs[name][load][policy].interval("accuracy") for name in names]
        means, low, high = 100 * np.array(values).T
        look = _STROKES[policy]
        data.append({
            "type": "scatter", "mode": "markers", "name": label_of(policy),
            "x": numbers(means), "y": names,
            "marker": {"color": look.color, "symbol": _SYMBOLS[len(data) % len(_SYMBOLS)],
                       "size": 11},
            "error_x": {"type": "data", "symmetric": False, "array": numbers(high - means),
                        "arrayminus": numbers(means - low), "thickness": 1.5, "width": 3},
            "hovertemplate": f"{escape(label_of(policy))} on %{{y}}: %{{x:.1f}} % are right in time"
                             "<extra></extra>",
        })  # fmt: skip
    return figure(
        data, "Right in time (%)", "", filename="shared-link-runs",
        label=f"Policies on several runs at a load of {100 * load:.0f} %",
        xaxis=PERCENT, yaxis=axis("", type="category"),
        height=220 + 60 * len(names), legend=LEGEND_ON_TOP | {"yanchor": "bottom"},
    )  # fmt: skip


_SYMBOLS: Sequence[str] = (
    "circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon",
)  # fmt: skip
