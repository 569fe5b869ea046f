"""The figures of the tradeoff tab: what a second look buys at what cost, and where η lies."""

from __future__ import annotations

from gradio.components.plot import PlotData

from core.bench import Run
from core.bench.analysis.separability import separability
from core.bench.plots import tradeoff
from core.bench.plots.base import AXES, Figure, aggregated, numbers
from core.bench.plots.tradeoff import band_of, curve_of, histogram_figure
from core.bench.runs.kept import kept
from core.channel import PRESETS
from core.uncertainty import METRICS
from dashboard.benchmarks.figures import plot, stamped
from dashboard.benchmarks.library import timed
from dashboard.eta import places as eta_module
from dashboard.eta.means import A_DAY, means


def tradeoff_figure(
    run: Run,
    metric: str,
    first_tokens: int | None,
    cost: str,
    shown: tuple[str, ...],
    key: str,
    title: str,
    link: str = "",
) -> Figure:
    """Return accuracy over a cost, for all strategies `shown`; the one that η belongs to on top.

    key: says which figure this is. title: of the cost axis. link: what seconds are over, a key of
    PRESETS; without one they are those of computing. What happens at each η is a table in the meta
    of its layout.
    """
    _, unit, factor = AXES[cost]
    plain, run = run, timed(run, link)
    places = eta_module.scale(run, metric, first_tokens)
    curve, band = curve_of(run, metric, first_tokens), band_of(run, metric, first_tokens)
    table = eta_module.table(run, curve, places, cost, band)
    if link in PRESETS:
        costs = means(plain, metric, first_tokens, places.thresholds, PRESETS[link])
        table |= {"seconds": numbers(costs.seconds), "joules": numbers(costs.joules)}
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
        "link": PRESETS[link].name if link in PRESETS else "",
        "a_day": A_DAY,
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
