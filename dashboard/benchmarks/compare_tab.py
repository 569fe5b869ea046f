"""The tab that lays any number of runs over each other."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr
from markupsafe import Markup

from core.bench import Run, changes
from core.bench.plots.measures import separability_of
from core.bench.plots.several import runs_figure
from core.bench.plots.tradeoff import curve_of
from core.uncertainty import METRICS
from dashboard.benchmarks.axis import COLUMNS, axis_and_link, title_of
from dashboard.benchmarks.cards import QuestionCards
from dashboard.benchmarks.chart import Chart
from dashboard.benchmarks.figures import plot, source_of, stamped
from dashboard.benchmarks.library import Choice, Library, find, series, timed
from dashboard.benchmarks.view import View, Viewer, load_all
from dashboard.drawing.files.spreadsheet import to_csv
from dashboard.drawing.templating import render
from dashboard.drawing.words.sentences import notice

MOST = 12  # runs at once


class Compare:
    """Components of the tab; `draw` fills them. Call it inside a `gr.Tab`."""

    def __init__(self, library: Library) -> None:
        self.library = library
        with gr.Row(elem_classes="settings"):
            self.runs = gr.Dropdown(
                [], value=[], multiselect=True, max_choices=MOST, label="Runs", elem_id="runs"
            )
        with gr.Row(elem_classes="settings"):
            self.axis, self.link = axis_and_link("runs-")
        self.note = gr.HTML()
        self.chart = Chart("runs", "the curves of the runs")
        self.table = gr.HTML(elem_id="runs-table")
        self.inputs = [self.runs, self.axis, self.link]
        self.controls = [self.runs, self.axis, self.link]
        self.outputs = [self.runs, self.note, self.chart.plot, self.table]

    def connect(self, view_of: Viewer, bar: list, questions: QuestionCards) -> None:
        """Let the buttons work. bar: the components that `view_of` takes the values of."""

        def rows(keys: list[str], link: str, *bar) -> str:
            view = view_of(*bar)
            return "" if view is None else self._csv(view, keys, link)

        self.chart.offer_data(rows, [self.runs, self.link, *bar])

    def draw(self, view: View, keys: list[str], axis: str, link: str) -> dict:
        """Return what a view shows here. keys: of the runs that were chosen."""
        offered = [(choice.name, choice.key) for choice in view.choices]
        wanted = _wanted(view, keys)
        runs = {c: r for c, r in load_all(self.library, wanted).items() if view.metric in r.metrics}
        missing = [choice.name for choice in wanted if choice not in runs]
        label = METRICS[view.metric].noun
        note = f"Without {label}, so not shown: {', '.join(missing)}." if missing else ""
        named = {choice.name: timed(run, link) for choice, run in runs.items()}
        return {
            self.runs: gr.Dropdown(
                offered, value=[choice.key for choice in wanted], multiselect=True
            ),
            self.note: notice(note) if note else "",
            self.chart.plot: plot(
                stamped(
                    runs_figure(named, view.metric, view.first_tokens, axis, title_of(axis, link)),
                    named.values(),
                )
                if named
                else None
            ),
            self.table: _table(named, view),
        }

    def _csv(self, view: View, keys: list[str], link: str) -> str:
        rows = []
        for choice, run in load_all(self.library, _wanted(view, keys)).items():
            if view.metric in run.metrics:
                curve = curve_of(timed(run, link), view.metric, view.first_tokens)
                arrays = (getattr(curve, name).tolist() for name in COLUMNS)
                source = source_of(run)
                rows += [(choice.name, *row, source) for row in zip(*arrays, strict=True)]
        return to_csv(("run", *COLUMNS, "source"), rows)


def _wanted(view: View, keys: Sequence[str]) -> tuple[Choice, ...]:
    """Return the runs that were chosen; at first, one of each series."""
    chosen = [choice for key in keys if (choice := find(view.choices, key))]
    if chosen:
        return tuple(chosen)
    return tuple(
        view.choice if view.choice in group.choices else group.nearest(None)
        for group in series(view.choices)
    )[:MOST]


HEADS = (
    "Questions", "First answers", "Everything retransmitted", "Mended", "Broken",
    "Cost to close 95 % of the gap", "APGR", "AUROC",
)  # fmt: skip


def _table(runs: dict[str, Run], view: View) -> Markup:
    rows = {name: _cells(run, view) for name, run in runs.items()}
    return render("benchmarks/compare.html", heads=HEADS, rows=rows)


def _cells(run: Run, view: View) -> tuple[str, ...]:
    """Return a run's row, as HEADS."""
    curve = curve_of(run, view.metric, view.first_tokens)
    found, changed = separability_of(run, view.metric, view.first_tokens), changes(run)
    return (
        f"{len(run):,}", f"{100 * curve.accuracy[0]:.1f} %", f"{100 * curve.accuracy[-1]:.1f} %",
        f"{changed.uplifts:,}", f"{changed.regressions:,}", _figure(curve.cost_to_reach(0.95)),
        _figure(curve.apgr()), _figure(found.auroc),
    )  # fmt: skip


def _figure(value: float) -> str:
    return f"{value:.2f}" if value == value else "–"
