"""The benchmark tab: which run is looked at, and the tabs that look at it."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import gradio as gr

from core.bench import RunError
from core.channel import PRESETS
from core.uncertainty import METRICS
from dashboard.benchmarks.axis import AXIS_CHOICES
from dashboard.benchmarks.bar import Bar
from dashboard.benchmarks.cards import QuestionCards
from dashboard.benchmarks.chart import PRIVATE, READING
from dashboard.benchmarks.compare_tab import Compare
from dashboard.benchmarks.compression_tab import Compression
from dashboard.benchmarks.croppers_tab import Croppers
from dashboard.benchmarks.library import UPLOAD, Library, find, series
from dashboard.benchmarks.measures_tab import Measures
from dashboard.benchmarks.opening import Opening
from dashboard.benchmarks.shared_tab import SharedLink
from dashboard.benchmarks.tradeoff.tab import Tradeoff
from dashboard.benchmarks.view import AGGREGATIONS, View, look_at
from dashboard.drawing.words.sentences import alert
from dashboard.hosting.live import LiveModel

OWN_TAB = "benchmarks"
FAST: dict[str, Any] = {"queue": False, "show_progress": "hidden", "trigger_mode": "always_last"}
SETTLE = "(...values) => window.secondLook.settle(...values)"


class Benchmarks:
    """Components and handlers of the tab; call it inside a `gr.Tab` called OWN_TAB of `tabs`.

    place, visit, placed: how a question is put into the tab called `walkthrough`;
    see `Opening`.
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
        self.active = gr.State("tradeoff")
        self.bar = Bar(library)
        with (
            gr.Column(visible=self.bar.row.visible) as self.body,
            gr.Tabs(elem_id="analyses", overflow_behavior="wrap") as self.inner,
        ):
            with gr.Tab("Tradeoff", id="tradeoff") as tradeoff_tab:
                self.tradeoff = Tradeoff()
                opening = Opening(place, visit, placed, tabs, walkthrough)
                self.questions = QuestionCards(library, opening)
            with gr.Tab("Compression", id="compression") as compression_tab:
                compression = Compression(library, live)
            with gr.Tab("Measures", id="measures") as measures_tab:
                measures = Measures()
            with gr.Tab("Compare", id="compare") as compare_tab:
                compare = Compare(library)
            with gr.Tab("Croppers", id="croppers") as croppers_tab:
                croppers = Croppers(library)
            with gr.Tab("Shared link", id="shared") as shared_tab:
                shared = SharedLink(live)
        self.pages = {
            "tradeoff": (tradeoff_tab, self.tradeoff),
            "compression": (compression_tab, compression),
            "measures": (measures_tab, measures),
            "compare": (compare_tab, compare),
            "croppers": (croppers_tab, croppers),
            "shared": (shared_tab, shared),
        }
        self._connect()

    def _connect(self) -> None:
        bar = self.bar
        every = [self.active, *bar.values]
        for _, page in self.pages.values():
            every += page.inputs
        changed = [self.active, self.body, *bar.outputs]
        for _, page in self.pages.values():
            changed += page.outputs
        drawn = {"inputs": every, "outputs": changed, **READING, **FAST}
        # What the address should say, then η and the figure it moves on.
        link = [bar.quality, bar.metric, bar.tokens, self.tradeoff.axis, self.tradeoff.link,
                self.tradeoff.eta, self.tradeoff.chart.plot]  # fmt: skip
        settle = {"fn": None, "inputs": link, "outputs": None, "js": SETTLE, **PRIVATE}
        self.draw_event, self.settle_event = {"fn": self.draw, **drawn}, settle
        for control in (bar.run, bar.quality, bar.metric, bar.tokens):
            _chosen(control, self.draw, drawn).then(**settle)
        for name, (tab, page) in self.pages.items():
            tab.select(partial(self.draw_tab, name), **drawn).then(**settle)
            for control in page.controls:
                _chosen(control, self.draw, drawn).then(**settle)
            page.connect(self.view, bar.values, self.questions)
        bar.upload.upload(
            bar.bring, [bar.upload, bar.uploads],
            [bar.uploads, bar.upload, bar.refusal, bar.missing, bar.run, bar.quality],
            **PRIVATE, show_progress_on=bar.about,
        ).success(self.draw, **drawn).then(**settle)  # fmt: skip
        bar.run.select(lambda: "", None, bar.missing, **PRIVATE, **FAST)
        bar.copy.click(None, js="() => window.secondLook.copyLink()", **PRIVATE)
        self.questions.connect(bar.uploads)

    # Handlers

    def view(self, uploads, key, quality, metric, tokens) -> View | None:
        """Return what the controls say.

        Raises gr.Error, one sentence, for a file that can't be read.
        """
        try:
            return look_at(self.library, uploads, key, quality, metric, tokens)
        except RunError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def draw_tab(self, name: str, active: str, *values: Any) -> dict:
        """Return a tab that was opened."""
        return self.draw(name, *values) | {self.active: name}

    def draw(self, active: str, uploads, key, quality, metric, tokens, *rest: Any) -> dict:
        """Return the active tab, and the controls above it, for what these say."""
        try:
            view = look_at(self.library, uploads, key, quality, metric, tokens)
        except RunError as error:
            return {self.bar.about: alert(str(error))}
        if view is None:
            return self.bar.hidden() | {self.body: gr.Column(visible=False)}
        values = {}
        rest = iter(rest)
        for name, (_, page) in self.pages.items():
            values[name] = [next(rest) for _ in page.inputs]
        shown = self.bar.shown(view) | {self.body: gr.Column(visible=True)}
        return shown | self.pages[active][1].draw(view, *values[active])

    def restore(self, wanted: dict[str, str]) -> dict:
        """Return the components as a link says, {parameter: text}; what it doesn't say stays."""
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
                updates |= self.bar.chosen(groups, group, choice)
        if wanted.get("metric") in METRICS:
            updates[self.bar.metric] = wanted["metric"]
        if wanted.get("tokens") in AGGREGATIONS:
            updates[self.bar.tokens] = wanted["tokens"]
        if wanted.get("axis") in AXIS_CHOICES:
            updates[self.tradeoff.axis] = wanted["axis"]
        if wanted.get("over") in PRESETS:
            updates[self.tradeoff.link] = wanted["over"]
        with suppress(KeyError, ValueError):
            if math.isfinite(eta := float(wanted["eta"])):
                updates[self.tradeoff.wish] = eta
        if sentence := self._missing(wanted):
            updates[self.bar.missing] = alert(sentence)
        return updates

    def _missing(self, wanted: dict[str, str]) -> str:
        """Return what a link says that isn't here; empty if all of it is."""
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
        """Return the components that `restore` may change."""
        bar, tradeoff = self.bar, self.tradeoff
        return [self.tabs, self.body, bar.missing, self.inner, self.active, bar.run, bar.quality,
                bar.metric, bar.tokens, tradeoff.axis, tradeoff.link, tradeoff.wish]  # fmt: skip


def _chosen(control: gr.components.Component, draw: Callable, drawn: dict):
    """Return the event of a control that a user sets."""
    # One option of a dropdown is two inputs to it.
    one = isinstance(control, gr.Dropdown) and not control.multiselect
    return (control.select if one else control.input)(draw, **drawn)
