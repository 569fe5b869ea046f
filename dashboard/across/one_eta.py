"""η is one thing: what was set in one tab is offered in the other, for the same measure."""

from __future__ import annotations

import gradio as gr

from core.protocol import ProtocolError
from core.vlm.loading.revision import revision_named
from dashboard import inputs
from dashboard.benchmarks.tab import Benchmarks
from dashboard.drawing.words.sentences import alert, notice
from dashboard.eta.places import playable
from dashboard.hosting.live import EXPECTED
from dashboard.visits.visit import Visit
from dashboard.walkthrough.events import FAST, PRIVATE
from dashboard.walkthrough.tab import Walkthrough

ONLY_ALL = (
    "The walkthrough's gate takes all tokens, and an η that is met: choose “All tokens” and an η"
    " within the scale."
)


class OneEta:
    """What carries η between the tabs. Call it inside the page's `gr.Blocks`, after both."""

    def __init__(
        self, walkthrough: Walkthrough, own: gr.Tab, benchmarks: Benchmarks, tabs: gr.Tabs
    ) -> None:
        self.walkthrough, self.benchmarks, self.tabs = walkthrough, benchmarks, tabs
        asking, gate, codecs = walkthrough.asking, walkthrough.gate, walkthrough.codecs
        tradeoff, bar = benchmarks.tradeoff, benchmarks.bar
        there = [tradeoff.held, tradeoff.eta, *bar.values]
        took = [tabs, gate.metric, gate.eta, gate.ways.take, tradeoff.use_status]
        for button in (tradeoff.use, gate.ways.take):
            button.click(self.take, [asking.visit, *there], took, **FAST).then(
                **walkthrough.judge_event
            )
        own.select(self.offer, [*gate.inputs, *there], gate.ways.take, **FAST)
        gate.ways.show.click(
            self.show,
            [*gate.inputs, codecs.format, codecs.quality],
            [*benchmarks.restored, asking.status],
            **FAST,
        ).success(**benchmarks.draw_event).then(**benchmarks.settle_event).then(
            None, js="() => document.getElementById('readout')?.scrollIntoView({block: 'center'})",
            **PRIVATE,
        )  # fmt: skip

    def take(self, visit: Visit, held, eta, *bar) -> dict:
        """Return the walkthrough at the η of Benchmarks, and that tab opened."""
        view = self.benchmarks.view(*bar)
        gate = view and eta is not None and playable(view.gate(float(eta)))
        if not gate:
            return {self.benchmarks.tradeoff.use_status: alert(ONLY_ALL)}
        visit.metric, visit.own_eta = gate.metric, True
        settings = self.walkthrough.gate
        return settings.set_to(gate) | {
            self.tabs: gr.Tabs(selected="walkthrough"),
            settings.ways.take: gr.Button(visible=False),
            self.benchmarks.tradeoff.use_status: "",
        }

    def offer(self, metric, eta, held, run_eta, *bar) -> gr.Button:
        """Return what the walkthrough offers of an η that Benchmarks shows."""
        there = None
        if held is not None and run_eta is not None:  # else nobody has been there
            view = self.benchmarks.view(*bar)
            there = view and playable(view.gate(float(run_eta)))
        try:
            here = inputs.gate(metric, eta)
        except ProtocolError:
            here = None
        return self.walkthrough.gate.ways.offer(here, there)

    def show(self, metric, eta, format, quality) -> dict:
        """Return Benchmarks at the walkthrough's η, on the run that fits model and codec."""
        try:
            gate, codec = inputs.gate(metric, eta), inputs.codec(format, quality)
        except EXPECTED as error:
            raise gr.Error(str(error), print_exception=False) from None
        weights = revision_named(self.walkthrough.live.current().vlm.info)
        recorded = self.benchmarks.library.fitting(weights, codec) if weights else None
        wanted = {"tab": "tradeoff", "metric": gate.metric, "tokens": "All tokens"}
        wanted["eta"] = str(gate.threshold)
        missing = self.benchmarks.bar.missing
        if recorded is None:
            said = "Nobody has recorded this model with this format: η is shown on another run."
            return self.benchmarks.restore(wanted) | {missing: notice(said)}
        return self.benchmarks.restore(wanted | {"run": recorded.key}) | {missing: ""}
