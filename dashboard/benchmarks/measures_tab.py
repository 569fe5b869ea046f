"""The measures tab: how well each measure of uncertainty tells right answers from wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from markupsafe import Markup

from core.bench.analysis.goals import keeps, reaches
from core.bench.plots.measures import (
    LENGTHS,
    distribution_figure,
    lengths_figure,
    separability_of,
    steps_figure,
    tokens_name,
)
from core.bench.plots.tradeoff import curve_of
from core.bench.reported import SOURCE, TABLE_II, TABLE_III
from core.uncertainty import METRICS
from dashboard.benchmarks.cards import QuestionCards
from dashboard.benchmarks.chart import Chart, drawn_csv
from dashboard.benchmarks.figures import plot, stamped
from dashboard.benchmarks.view import View, Viewer
from dashboard.drawing.about import PAPER
from dashboard.drawing.templating import render

# Columns of the tables: attribute of Separability -> title, explanation, whether higher is better.
MEASURES = {
    "overlap": ("Overlap", "of the distributions of right and wrong answers, eq. 23", False),
    "bhattacharyya": ("D_B", "Bhattacharyya distance of the two, eq. 24", True),
    "auroc": ("AUROC", "chance that a wrong answer is more uncertain than a right one", True),
    "auprc": ("AUPRC", "mean precision in finding the wrong answers", True),
    "aurc": ("AURC", "mean risk of the most certain answers, over all coverages", False),
    "prr": ("PRR", "prediction rejection ratio: 0 as random, 1 as knowing the scores", True),
    "gain_auroc": (
        "Gain AUROC",
        "chance that an answer that a local image improves is more uncertain",
        True,
    ),
}
APGR = ("APGR", "share of the gap to full retransmission closed, averaged over all costs", True)


class Measures:
    """Components of the tab; `draw` fills them. Call it inside a `gr.Tab`."""

    def __init__(self) -> None:
        self.table = gr.HTML(elem_id="separability")
        with gr.Row():
            with gr.Column(min_width=320):
                gr.HTML("<h3>Over the first token only</h3>")
                self.first = Chart("first-token", "the distribution over the first token")
            with gr.Column(min_width=320):
                gr.HTML("<h3>Over all tokens</h3>")
                self.whole = Chart("all-tokens", "the distribution over all tokens")
        with gr.Row():
            with gr.Column(min_width=320):
                gr.HTML("<h3>Token by token</h3>")
                self.steps = Chart("steps", "the mean uncertainty of each token")
            with gr.Column(min_width=320):
                gr.HTML("<h3>How many tokens to take?</h3>")
                self.lengths = Chart("lengths", "the tradeoff by aggregation length")
        self.aggregation = gr.HTML(elem_id="aggregation")
        gr.HTML(_reported(), elem_id="reported")
        self.definitions = gr.HTML(elem_id="definitions")
        self.inputs: list = []
        self.controls: list = []
        figures = {
            self.first: lambda view: distribution_figure(view.run, view.metric, 1),
            self.whole: lambda view: distribution_figure(view.run, view.metric, None),
            self.steps: lambda view: steps_figure(view.run, view.metric),
            self.lengths: lambda view: lengths_figure(view.run, view.metric),
        }
        self.charts = {
            chart: lambda view, draw=draw: stamped(draw(view), [view.run])
            for chart, draw in figures.items()
        }
        self.outputs = [
            self.table, self.aggregation, self.definitions, *(chart.plot for chart in self.charts)
        ]  # fmt: skip

    def connect(self, view_of: Viewer, bar: list, questions: QuestionCards) -> None:
        """Let the buttons work. bar: the components that `view_of` takes the values of."""
        for chart, draw in self.charts.items():

            def rows(*bar, draw=draw) -> str:
                view = view_of(*bar)
                return drawn_csv(view and draw(view))

            chart.offer_data(rows, bar)

    def draw(self, view: View) -> dict:
        """Return what a view shows here."""
        metrics = [m for m in METRICS if m in view.run.metrics]
        return {
            self.table: _separability(view, metrics),
            self.aggregation: _aggregation(view),
            self.definitions: _definitions(metrics),
        } | {chart.plot: plot(draw(view)) for chart, draw in self.charts.items()}


def _separability(view: View, metrics: Sequence[str]) -> Markup:
    found = separability_of(view.run, metrics[0], view.first_tokens)
    rows = {METRICS[m].label: _row(view, m, view.first_tokens) for m in metrics}
    return render(
        "measures/separability.html",
        wrong=found.wrong,
        samples=found.samples,
        over=tokens_name(view.first_tokens).lower(),
        **_table("Measure", rows, METRICS[view.metric].label),
    )


def _aggregation(view: View) -> Markup:
    rows = {tokens_name(n): _row(view, view.metric, n) for n in LENGTHS}
    return render(
        "measures/aggregation.html",
        title=METRICS[view.metric].noun.capitalize(),
        **_table("Taken over", rows, tokens_name(view.first_tokens)),
    )


def _row(view: View, metric: str, first_tokens: int | None) -> list[float]:
    found = separability_of(view.run, metric, first_tokens)
    gap = curve_of(view.run, metric, first_tokens).apgr()
    return [*(getattr(found, name) for name in MEASURES), gap]


def _table(head: str, rows: dict[str, list[float]], chosen: str) -> dict[str, Any]:
    """Return what `measures/table.html` takes: one row a measure, the best of a column marked.

    chosen: the row that is looked at.
    """
    columns = (*MEASURES.values(), APGR)
    best = []
    for (_, _, higher), values in zip(columns, zip(*rows.values(), strict=True), strict=True):
        finite = [value for value in values if value == value]
        best.append((max if higher else min)(finite) if finite else None)
    cells = {
        name: [
            (_figure(value), _alike(value, top)) for value, top in zip(values, best, strict=True)
        ]
        for name, values in rows.items()
    }
    return {"head": head, "columns": columns, "rows": cells, "chosen": chosen}


def _definitions(metrics: Sequence[str]) -> Markup:
    return render("measures/definitions.html", metrics=[METRICS[m] for m in metrics])


def _reported() -> Markup:
    """Return Tables II and III of the paper, in a style of their own: not measured by us."""
    tables = (
        ("II", "Measure", {METRICS[m].label: row for m, row in TABLE_II.items()}),
        ("III", "Min-entropy over", {tokens_name(n): row for n, row in TABLE_III.items()}),
    )
    return render("measures/reported.html", paper=PAPER, source=SOURCE, tables=tables)


def _alike(value: float, top: float | None) -> bool:
    """Return whether a value is the best of its column, but for rounding."""
    return top is not None and bool(reaches(value, top) and keeps(value, top))


def _figure(value: float) -> str:
    return f"{value:.3f}" if value == value else "–"
