"""The benchmark tab: which run is looked at, and the tabs that look at it."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from html import escape
from typing import Any

import gradio as gr

from core.bench import RunError
from core.channel import PRESETS
from core.uncertainty import METRICS
from dashboard.benchmarks.chart import PRIVATE
from dashboard.benchmarks.compare_tab import Compare
from dashboard.benchmarks.compression_tab import Compression
from dashboard.benchmarks.library import UPLOAD, Choice, Library, find, series
from dashboard.benchmarks.measures_tab import MetricsPage
from dashboard.benchmarks.questions import Questions
from dashboard.benchmarks.tradeoff.tab import AXIS_CHOICES, Tradeoff
from dashboard.benchmarks.view import AGGREGATIONS, View, look_at
from dashboard.drawing import markup
from dashboard.live import LiveModel

OWN_TAB = "benchmarks"
MOST_UPLOADS = 5
NO_RUNS = """<p class="notice" role="status">There is no recorded run here yet. Upload a run file
below, or record one into <code>assets/runs</code> with
<code>python -m core.bench run</code>.</p>"""
FAST: dict[str, Any] = {"queue": False, "show_progress": "hidden", "trigger_mode": "always_last"}
SETTLE = "(...values) => window.secondLook.settle(...values)"


class Benchmarks:
    """Components and handlers of the tab; call it inside a `gr.Tab` called OWN_TAB of `tabs`.

    place, visit, placed: how a question is put into the tab called `walkthrough`; see `Questions`.
    """

    def __init__(
        self,
        library: Library,
        live: LiveModel,
        tabs: gr.Tabs,
        walkthrough: str,
        place: Callable[..., dict],
        visit: gr.State,
        placed: list,
    ):
        self.library, self.tabs = library, tabs
        self._lay_out_bar()
        with (
            gr.Column(visible=self.bar_row.visible) as self.body,
            gr.Tabs(elem_id="analyses", overflow_behavior="wrap") as self.inner,
        ):
            with gr.Tab("Tradeoff", id="tradeoff") as tradeoff_tab:
                self.tradeoff = Tradeoff()
                self.questions = Questions(library, place, visit, placed)
            with gr.Tab("Compression", id="compression") as compression_tab:
                compression = Compression(library, live)
            with gr.Tab("Measures", id="measures") as measures_tab:
                measures = MetricsPage()
            with gr.Tab("Compare", id="compare") as compare_tab:
                compare = Compare(library)
        self.pages = {
            "tradeoff": (tradeoff_tab, self.tradeoff),
            "compression": (compression_tab, compression),
            "measures": (measures_tab, measures),
            "compare": (compare_tab, compare),
        }
        self._connect(walkthrough)

    def _lay_out_bar(self) -> None:
        self.uploads = gr.State((), time_to_live=3600)
        self.active = gr.State("tradeoff")
        groups = series(self.library.choices())
        group = groups[0] if groups else None
        choice = group and group.nearest(None)
        with gr.Row(elem_classes="settings run-bar", visible=bool(groups)) as self.bar_row:
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
        with gr.Row(equal_height=True):
            with gr.Column(min_width=280):
                self.about = gr.HTML("" if groups else self._without_runs(), elem_id="about-run")
            with gr.Column(scale=0, min_width=220):
                self.copy = gr.Button("Copy a link to this view", size="sm", elem_id="copy-link")
                gr.HTML('<p id="link-status" class="fine" role="status"></p>')
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
        self.bar = [self.uploads, self.run, self.quality, self.metric, self.tokens]

    def _connect(self, walkthrough: str) -> None:
        every = [self.active, *self.bar]
        for _, page in self.pages.values():
            every += page.inputs
        changed = [
            self.active,
            self.about,
            self.bar_row,
            self.body,
            self.run,
            self.quality,
            self.metric,
        ]
        for _, page in self.pages.values():
            changed += page.outputs
        drawn = {"inputs": every, "outputs": changed, **PRIVATE, **FAST}
        # What the address should say, then η and the figure it moves on.
        link = [self.quality, self.metric, self.tokens, self.tradeoff.axis, self.tradeoff.link,
                self.tradeoff.eta, self.tradeoff.chart.plot]  # fmt: skip
        settle = {"fn": None, "inputs": link, "outputs": None, "js": SETTLE, **PRIVATE}
        for control in (self.run, self.quality, self.metric, self.tokens):
            _chosen(control, self.draw, drawn).then(**settle)
        for name, (tab, page) in self.pages.items():
            tab.select(partial(self.draw_tab, name), **drawn).then(**settle)
            for control in page.controls:
                _chosen(control, self.draw, drawn).then(**settle)
            page.connect(self.view, self.bar, self.questions)
        self.upload.upload(
            self.bring, [self.upload, self.uploads],
            [self.uploads, self.upload, self.refusal, self.missing, self.run, self.quality],
            **PRIVATE, show_progress_on=self.about,
        ).success(self.draw, **drawn).then(**settle)  # fmt: skip
        self.run.select(lambda: "", None, self.missing, **PRIVATE, **FAST)
        self.copy.click(None, js="() => window.secondLook.copyLink()", **PRIVATE)
        self.questions.connect(self.uploads, self.tabs, walkthrough)

    # Handlers

    def view(self, uploads, key, quality, metric, tokens) -> View | None:
        """What the controls say; a file that can't be read is one sentence."""
        try:
            return look_at(self.library, uploads, key, quality, metric, tokens)
        except RunError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def draw_tab(self, name: str, active: str, *values: Any) -> dict:
        """A tab that was opened."""
        return self.draw(name, *values) | {self.active: name}

    def draw(self, active: str, uploads, key, quality, metric, tokens, *rest: Any) -> dict:
        """The active tab, and the controls above it, for what these say."""
        try:
            view = look_at(self.library, uploads, key, quality, metric, tokens)
        except RunError as error:
            return {self.about: markup.alert(str(error))}
        if view is None:
            hidden = {self.bar_row: gr.Row(visible=False), self.body: gr.Column(visible=False)}
            return {self.about: self._without_runs()} | hidden
        values = {}
        rest = iter(rest)
        for name, (_, page) in self.pages.items():
            values[name] = [next(rest) for _ in page.inputs]
        return self._bar_of(view) | self.pages[active][1].draw(view, *values[active])

    def bring(self, path: str, uploads: tuple[Choice, ...]) -> dict:
        """A run file of the user's own, chosen at once."""
        try:
            choice = self.library.bring(path, uploads)
        except RunError as error:
            # Not raised: what was there stays, and the sentence stands where the user is.
            return {self.refusal: markup.alert(str(error)), self.upload: None}
        uploads = (*uploads[-MOST_UPLOADS + 1 :], choice)
        groups = series(self.library.choices(uploads))
        group = next(g for g in groups if find(g.choices, choice.key))
        return {
            self.uploads: uploads,
            self.upload: None,
            self.refusal: "",
            self.missing: "",
            self.run: gr.Dropdown([(g.title, g.key) for g in groups], value=group.key),
            self.quality: gr.Dropdown([(c.codec, c.key) for c in group.choices], value=choice.key),
        }

    def restore(self, wanted: dict[str, str]) -> dict:
        """The components as a link says, {parameter: text}; what it doesn't say stays."""
        updates: dict = {}
        if wanted.get("tab") in self.pages:
            updates |= {
                self.tabs: gr.Tabs(selected=OWN_TAB),
                self.inner: gr.Tabs(selected=wanted["tab"]),
                self.active: wanted["tab"],
            }
        groups = series(self.library.choices())
        if groups and not self.body.visible:  # recorded since the page was started
            updates[self.body] = gr.Column(visible=True)
        for group in groups:
            if choice := find(group.choices, wanted.get("run")):
                updates[self.run] = gr.Dropdown([(g.title, g.key) for g in groups], value=group.key)
                updates[self.quality] = gr.Dropdown(
                    [(c.codec, c.key) for c in group.choices], value=choice.key
                )
        if wanted.get("metric") in METRICS:
            updates[self.metric] = wanted["metric"]
        if wanted.get("tokens") in AGGREGATIONS:
            updates[self.tokens] = wanted["tokens"]
        if wanted.get("axis") in AXIS_CHOICES:
            updates[self.tradeoff.axis] = wanted["axis"]
        if wanted.get("over") in PRESETS:
            updates[self.tradeoff.link] = wanted["over"]
        with suppress(KeyError, ValueError):
            if math.isfinite(eta := float(wanted["eta"])):
                updates[self.tradeoff.wish] = eta
        if sentence := self._missing(wanted):
            updates[self.missing] = markup.alert(sentence)
        return updates

    def _missing(self, wanted: dict[str, str]) -> str:
        """What a link says that isn't here; empty if all of it is."""
        run = wanted.get("run", "")
        if run.startswith(UPLOAD):
            return (
                "This link is to a run that somebody uploaded, and nobody else has it: another run"
                " is shown until you bring that file below."
            )
        known = {"metric": METRICS, "tokens": AGGREGATIONS, "axis": AXIS_CHOICES, "over": PRESETS}
        known |= {"tab": self.pages, "run": [choice.key for choice in self.library.choices()]}
        strange = [f"“{wanted[name][:60]}”" for name in known
                   if wanted.get(name) and wanted[name] not in known[name]]  # fmt: skip
        if not strange:
            return ""
        return f"The link names {' and '.join(strange)}, not known here: something else is shown."

    @property
    def restored(self) -> list:
        """What `restore` may change."""
        tradeoff = self.tradeoff
        return [self.tabs, self.body, self.missing, self.inner, self.active, self.run, self.quality,
                self.metric, self.tokens, tradeoff.axis, tradeoff.link, tradeoff.wish]  # fmt: skip

    def _bar_of(self, view: View) -> dict:
        held = [(METRICS[m].label, m) for m in METRICS if m in view.run.metrics]
        groups = series(view.choices)
        return {
            self.bar_row: gr.Row(visible=True),
            self.body: gr.Column(visible=True),
            self.run: gr.Dropdown([(g.title, g.key) for g in groups], value=view.series.key),
            self.quality: gr.Dropdown(
                [(c.codec, c.key) for c in view.series.choices], value=view.choice.key
            ),
            self.metric: gr.Dropdown(held, value=view.metric),
            self.about: _about(view) + self._problems(),
        }

    def _without_runs(self) -> str:
        return NO_RUNS + self._problems()

    def _problems(self) -> str:
        """The files of the folder that can't be read, and why."""
        problems = [file.problem for file in self.library.listed()[1]]
        if not problems:
            return ""
        items = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
        count = "1 file" if len(problems) == 1 else f"{len(problems)} files"
        return f"""<details class="fine"><summary>{count} of the folder can't be read</summary>
<ul>{items}</ul></details>"""


def _chosen(control: gr.components.Component, draw: Callable, drawn: dict):
    """The event of a control that a user sets. One option of a dropdown is two inputs to it."""
    one = isinstance(control, gr.Dropdown) and not control.multiselect
    return (control.select if one else control.input)(draw, **drawn)


def _about(view: View) -> str:
    """One line on where the numbers come from."""
    of, failed = view.choice.metadata, view.choice.samples - len(view.run)
    missing = f", {failed:,} more failed" if failed else ""
    made = f", with {of.made_with}" if of.code else ""
    return f"""<p class="fine">{len(view.run):,} questions{missing}; recorded {escape(of.date[:10])}
on {escape(of.machine + made)}.{f" <code>{escape(of.command)}</code>" if of.command else ""}</p>"""
