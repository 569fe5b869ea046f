"""The tradeoff's figures as tables to keep: comma-separated, in full precision."""

from __future__ import annotations

import numpy as np

from core.bench import Point, operating_point
from core.bench.plots.tradeoff import band_of, curve_of, strategies
from core.channel import PRESETS
from core.uncertainty import METRICS
from dashboard.benchmarks.axis import COLUMNS
from dashboard.benchmarks.chart import drawn_csv
from dashboard.benchmarks.figures import source_of
from dashboard.benchmarks.library import timed
from dashboard.benchmarks.tradeoff.figures import uncertainty_figure
from dashboard.benchmarks.view import View
from dashboard.drawing.files.spreadsheet import to_csv


def curves_csv(view: View | None, link: str, shown: list[str], eta: float | None) -> str:
    """Return all that the figure shows, with all costs: every point of the curves, the band around
    the chosen one, the baselines, and the operating point at η; nothing without a view."""
    if view is None:
        return ""
    run = timed(view.run, link)
    offered, source = strategies(run), source_of(run)
    rows: list[tuple] = []

    def add(name: str, *columns: list[float]) -> None:
        rows.extend((name, *row, source) for row in zip(*columns, strict=True))

    def add_point(name: str, point: Point, low: float = np.nan, high: float = np.nan) -> None:
        add(name, *([getattr(point, column)] for column in COLUMNS), [low], [high])

    curve = curve_of(run, view.metric, view.first_tokens)
    band = band_of(run, view.metric, view.first_tokens)
    # The chosen metric is drawn whether or not it is ticked.
    for strategy in (s for s in offered if s in shown or s == view.metric):
        if strategy in ("initial", "full", "high_resolution"):
            add_point(strategy, operating_point(run, strategy))
            continue
        tokens = view.first_tokens if strategy in METRICS else None
        of = curve_of(run, strategy, tokens, "bytes" if strategy == "oracle" else "")
        none = np.full(len(of), np.nan)
        ends = band.at(np.arange(len(of))) if band and strategy == view.metric else (none, none)
        add(
            strategy,
            *(getattr(of, name).tolist() for name in COLUMNS),
            *map(np.ndarray.tolist, ends),
        )
    if eta is not None:
        at = int(curve.at([eta])[0])
        ends = map(float, band.at(at)) if band else (np.nan, np.nan)
        add_point("operating point", operating_point(run, view.gate(eta)), *ends)
    link_name = PRESETS[link].name if link in PRESETS else "none: computing only"
    columns = ("strategy", *COLUMNS, "low", "high", "source", "link")
    return to_csv(columns, ((*row, link_name) for row in rows))


def uncertainty_csv(view: View | None) -> str:
    """Return the bars of the distribution as they are drawn."""
    return drawn_csv(
        view and uncertainty_figure(view.run, view.metric, view.first_tokens, view.key)
    )
