"""The figures of the tradeoff tab: what a second look buys at what cost, and where η lies."""

from __future__ import annotations

from gradio.components.plot import PlotData

from core.bench import Run
from core.bench.analysis.separability import separability
from core.bench.plots import tradeoff
from core.bench.plots.base import AXES, Figure, aggregated
from core.bench.plots.tradeoff import band_of, curve_of, histogram_figure
from core.bench.runs.kept import kept
from core.uncertainty import METRICS
from dashboard.benchmarks.figures import plot, stamped
from dashboard.benchmarks.tradeoff import places as eta_module


def tradeoff_figure(
    run: Run,
    metric: str,
    first_tokens: int | None,
    cost: str,
    shown: tuple[str, ...],
    key: str,
    title: str,
) -> Figure:
    """Return accuracy over a cost, for all strategies `shown`; the one that η belongs to on top.

    key: says which figure this is. title: of the cost axis. What happens at each η is a table in
    the meta of its layout.
    """
    _, unit, factor = AXES[cost]
    table = eta_module.table(
        run,
        curve_of(run, metric, first_tokens),
        eta_module.scale(run, metric, first_tokens),
        cost,
        band_of(run, metric, first_tokens),
    )
    entry = METRICS[metric]
    meta = {
        "key": key,
        "table": table,
        "metric": metric,
        "phrase": entry.phrase,
        "unit": entry.unit,
        "cost": cost,
        "cost_unit": unit,
        "factor": factor,
        "samples": len(run),
    }
    figure = tradeoff.tradeoff_figure(run, metric, first_tokens, cost, shown, title, meta)
    return stamped(figure, [run])


@kept(8)
def tradeoff_plot(*view) -> PlotData:
    """Return `tradeoff_figure` as it is sent: making text of it takes as long as drawing it."""
    return plot(tradeoff_figure(*view))


@kept(8)
def uncertainty_plot(*view) -> PlotData:
    """Return `uncertainty_figure` as it is sent."""
    return plot(uncertainty_figure(*view))


def uncertainty_figure(run: Run, metric: str, first_tokens: int | None, key: str) -> Figure:
    """Return how uncertain right and wrong first answers are; the browser puts η through it."""
    found = separability(run, metric, first_tokens)
    places = eta_module.scale(run, metric, first_tokens)
    higher = METRICS[metric].higher_is_uncertain
    figure = histogram_figure(
        found, metric, aggregated(METRICS[metric]),
        label=f"Distribution of {METRICS[metric].noun} for right and wrong first answers",
        filename=f"uncertainty-{metric}", height=300,
        meta={"key": key, "asks_above": higher, "range": [places.minimum, places.maximum]},
        xaxis={"range": [places.minimum, places.maximum]},
    )  # fmt: skip
    return stamped(figure, [run])
