"""What the analyses look at: a recorded run, by which measure, and runs that a user brings."""

from __future__ import annotations

import gradio as gr
from markupsafe import Markup

from core.bench import RunError
from core.uncertainty import METRICS
from dashboard.benchmarks.library import Choice, Library, Series, find, series
from dashboard.benchmarks.view import AGGREGATIONS, View
from dashboard.drawing.templating import render
from dashboard.drawing.words.sentences import alert
from dashboard.language import text

MOST_UPLOADS = 5


class Bar:
    """Components and handlers of the bar; call it inside a `gr.Tab`.

    `values` are what `look_at` needs to say what is looked at.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.uploads = gr.State((), time_to_live=3600)
        groups = series(self.library.choices())
        self._lay_out_controls(groups)
        self._lay_out_about(groups)
        self._lay_out_upload(groups)
        self.values = [self.uploads, self.run, self.quality, self.metric, self.tokens]
        self.outputs = [self.about, self.row, self.run, self.quality, self.metric]

    def _lay_out_controls(self, groups: tuple[Series, ...]) -> None:
        group = groups[0] if groups else None
        choice = group and group.nearest(None)
        with gr.Row(elem_classes="settings run-bar", visible=bool(groups)) as self.row:
            self.run = gr.Dropdown(
                [(g.title, g.key) for g in groups],
                value=group and group.key,
                label="Recorded run",
                elem_id="run",
                min_width=280,
                scale=2,
            )
            self.quality = gr.Dropdown(
                [(c.codec, c.key) for c in group.choices] if group else [],
                value=choice and choice.key,
                label="Compression",
                elem_id="quality-of-run",
                min_width=130,
            )
            self.metric = gr.Dropdown(
                [(metric.label, name) for name, metric in METRICS.items()],
                value=next(iter(METRICS)),
                label="Measure of uncertainty",
                elem_id="run-metric",
                min_width=180,
            )
            self.tokens = gr.Dropdown(
                list(AGGREGATIONS),
                value=next(iter(AGGREGATIONS)),
                label="Taken over",
                elem_id="tokens",
                min_width=130,
            )

    def _lay_out_about(self, groups: tuple[Series, ...]) -> None:
        with gr.Row(equal_height=True):
            with gr.Column(min_width=280):
                self.about = gr.HTML("" if groups else self._without_runs(), elem_id="about-run")
            with gr.Column(scale=0, min_width=220):
                self.copy = gr.Button("Copy a link to this view", size="sm", elem_id="copy-link")
                gr.HTML('<p id="link-status" class="fine" role="status"></p>')

    def _lay_out_upload(self, groups: tuple[Series, ...]) -> None:
        self.missing = gr.HTML(elem_id="link-missing")  # what a link says and isn't here
        with gr.Accordion("Bring a run of your own", open=not groups, elem_id="bring-run"):
            self.upload = gr.File(
                label="A run file (.parquet), as core.bench writes it",
                file_count="single",
                height=170,
                elem_id="upload-run",
            )
            # Of its own, because what is drawn next describes a run where others would stand.
            self.refusal = gr.HTML("", elem_id="upload-refusal")

    def shown(self, view: View) -> dict:
        """Return the controls as this view has them, and what is said of its run."""
        held = [(text(METRICS[m].label), m) for m in METRICS if m in view.run.metrics]
        return {
            self.row: gr.Row(visible=True),
            **self.chosen(series(view.choices), view.series, view.choice),
            self.metric: gr.Dropdown(held, value=view.metric),
            self.about: about_run(view) + self._unread(),
        }

    def hidden(self) -> dict:
        """Return the bar where there is no run to choose."""
        return {self.row: gr.Row(visible=False), self.about: self._without_runs()}

    def chosen(self, groups: tuple[Series, ...], group: Series, choice: Choice) -> dict:
        """Return the controls of the run: one series of these, and one choice of it."""
        return {
            self.run: gr.Dropdown([(g.title, g.key) for g in groups], value=group.key),
            self.quality: gr.Dropdown([(c.codec, c.key) for c in group.choices], value=choice.key),
        }

    def bring(self, path: str, uploads: tuple[Choice, ...]) -> dict:
        """Return a run file of the user's own, chosen at once."""
        try:
            choice = self.library.bring(path, uploads)
        except RunError as error:
            # Not raised: what was there stays, and the sentence stands where the user is.
            return {self.refusal: alert(str(error)), self.upload: None}
        uploads = (*uploads[-MOST_UPLOADS + 1 :], choice)
        groups = series(self.library.choices(uploads))
        group = next(g for g in groups if find(g.choices, choice.key))
        return {
            self.uploads: uploads,
            self.upload: None,
            self.refusal: "",
            self.missing: "",
            **self.chosen(groups, group, choice),
        }

    def _without_runs(self) -> Markup:
        return render("benchmarks/no_runs.html") + self._unread()

    def _unread(self) -> Markup:
        """Return the files of the folder that can't be read, and why."""
        problems = [file.problem for file in self.library.listed()[1]]
        return render("benchmarks/unread.html", problems=problems)


def about_run(view: View) -> Markup:
    """Return one line on where the numbers come from."""
    return render(
        "benchmarks/about_run.html",
        metadata=view.choice.metadata,
        samples=len(view.run),
        failed=view.choice.samples - len(view.run),
    )
