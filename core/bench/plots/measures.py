"""The figures of the metrics tab: the counterparts of the paper's Fig. 7 and 8."""

from __future__ import annotations

import numpy as np

from core.bench.analysis.separability import Separability, separability, step_means
from core.bench.plots.base import (
    AXES,
    LEGEND_ON_TOP,
    Figure,
    accuracy_figure,
    aggregated,
    figure,
    line,
    with_unit,
)
from core.bench.plots.style import MEANING, Stroke
from core.bench.plots.tradeoff import curve_of, curve_trace, histogram_figure
from core.bench.runs.kept import kept
from core.bench.runs.run import Run
from core.uncertainty import METRICS

__all__ = [
    "LENGTHS",
    "distribution_figure",
    "lengths_figure",
    "separability_of",
    "steps_figure",
    "tokens_name",
]

LENGTHS = (1, 2, 3, 5, None)  # tokens averaged over; None: all
# One hue, because it is one metric: the more tokens, the darker; dashes say it too.
LENGTH_STROKES = (
    Stroke("#7FA8C9", "dot"), Stroke("#5B8DB8", "dash"), Stroke("#3D74A5", "dashdot"),
    Stroke("#1F5C93", "longdash"), Stroke("#0072B2"),
)  # fmt: skip


@kept(len(METRICS) * len(LENGTHS))
def separability_of(run: Run, metric: str, first_tokens: int | None) -> Separability:
    return separability(run, metric, first_tokens)


def tokens_name(first_tokens: int | None) -> str:
    if first_tokens is None:
        return "All tokens"
    return "First token" if first_tokens == 1 else f"First {first_tokens} tokens"


def steps_figure(run: Run, metric: str) -> Figure:
    """The mean token score at each generation step (Fig. 7a)."""
    means, entry = step_means(run, metric), METRICS[metric]
    step = np.arange(1, len(means.right) + 1)
    data = []
    for name, values, counts in (
        ("right", means.right, means.right_count),
        ("wrong", means.wrong, means.wrong_count),
    ):
        there = counts > 0
        said = f"Token %{{x}} of {name} answers: %{{y:.3g}} {entry.unit} on average,"
        said += "<br>over %{customdata:,} answers that are so long"
        look = Stroke(MEANING[name], "solid" if name == "right" else "dash")
        trace = line(step[there], values[there], f"{name.capitalize()} answers", look, said)
        symbol = "circle" if name == "right" else "x"
        data.append(trace | {
            "mode": "lines+markers",
            "marker": {"symbol": symbol, "size": 8, "color": look.color},
            "customdata": counts[there].tolist(),
        })  # fmt: skip
    return figure(
        data, "Generation step (token)", f"Mean {with_unit(entry).lower()}",
        label=f"Mean {entry.noun} at each token of right and wrong answers",
        filename=f"steps-{metric}", height=360, meta={"key": f"steps {metric}"},
        xaxis={"dtick": 1 if len(step) <= 12 else 5}, legend=LEGEND_ON_TOP,
    )  # fmt: skip


def distribution_figure(run: Run, metric: str, first_tokens: int | None) -> Figure:
    """Right and wrong answers by their mean score over the first tokens (Fig. 7b, c)."""
    found, entry = separability_of(run, metric, first_tokens), METRICS[metric]
    over = tokens_name(first_tokens).lower()
    return histogram_figure(
        found, metric, f"{aggregated(entry)}<br>over {over}",
        label=f"Distribution of {entry.noun} over {over}, of right and wrong answers",
        filename=f"distribution-{metric}-{over.replace(' ', '-')}", height=320,
        meta={"key": f"distribution {metric} {over}"},
    )  # fmt: skip


def lengths_figure(run: Run, metric: str) -> Figure:
    """The tradeoff for several aggregation lengths (Fig. 8)."""
    data = [
        curve_trace(
            curve_of(run, metric, first), metric, "additional_cost", tokens_name(first), look
        )
        for first, look in zip(LENGTHS, LENGTH_STROKES, strict=True)
    ]
    return accuracy_figure(
        data, AXES["additional_cost"][0],
        label=f"Tradeoff of {METRICS[metric].noun} averaged over more and more tokens",
        filename=f"aggregation-{metric}", height=420, meta={"key": f"lengths {metric}"},
    )  # fmt: skip
