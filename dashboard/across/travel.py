"""Back, forward and a reload within the page: the address follows tab, run and question.

The browser keeps what was where (static/travel.js); here the page is put back as it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from core.croppers import DEFAULT
from core.protocol import ProtocolError
from core.uncertainty import METRICS, Gate
from dashboard import inputs
from dashboard.benchmarks.tab import OWN_TAB, Benchmarks
from dashboard.case import Case
from dashboard.drawing.words.sentences import notice
from dashboard.visits.visit import Visit
from dashboard.walkthrough.asking import LONGEST_INPUT
from dashboard.walkthrough.events import FAST, PRIVATE
from dashboard.walkthrough.tab import Walkthrough

WALKTHROUGH = "walkthrough"
LISTEN = """window.addEventListener('second-look-travel', event => {
    const walk = (event.detail.tab ?? 'walkthrough') === 'walkthrough';
    if (walk === WALK) trigger('click', event.detail);
})"""
GONE = (
    "Your own picture isn't kept here once the page is loaded again: choose it once more. The"
    " question is as you typed it."
)


class Travel:
    """What carries visitors back. Call it inside the page's `gr.Blocks`, after both tabs."""

    def __init__(
        self,
        walkthrough: Walkthrough,
        own: gr.Tab,
        benchmarks: Benchmarks,
        others: gr.Tab,
        tabs: gr.Tabs,
    ) -> None:
        self.walkthrough, self.benchmarks, self.tabs = walkthrough, benchmarks, tabs
        asking = walkthrough.asking
        self.seen = [asking.cards, asking.question, asking.image]  # what the address follows
        arrived = {"fn": None, "js": "() => window.secondLook.arrived()", **PRIVATE}
        follow = {"fn": None, "inputs": self.seen, "outputs": None, **PRIVATE}
        for changes in (asking.question.change, asking.image.change, asking.cards.change):
            changes(**follow, js="(...seen) => window.secondLook.walked(...seen)")
        for asks in (asking.both.click, asking.step.click, asking.question.submit):
            asks(
                None,
                asking.question,
                None,
                js="asked => window.secondLook.went({asked})",
                **PRIVATE,
            )
        set_eta = "(measure, threshold) => window.secondLook.went({measure, threshold})"
        gate = walkthrough.gate
        for sets in (gate.eta.input, gate.metric.input):
            sets(None, gate.inputs, None, js=set_eta, **PRIVATE)
        looking = walkthrough.looking
        set_looking = "(cropper, looks) => window.secondLook.went({cropper, looks})"
        for control in looking.inputs:
            control.select(None, looking.inputs, None, js=set_looking, **PRIVATE)
        own.select(None, None, js="() => window.secondLook.went({tab: 'walkthrough'})", **PRIVATE)
        others.select(
            None, None, js="() => window.secondLook.went({tab: 'tradeoff'})", **PRIVATE
        )  # which the analyses put right, once one is drawn

        told = {"elem_classes": "bridge"}
        walk = gr.HTML("", js_on_load=LISTEN.replace("WALK", "true"), **told)
        look = gr.HTML("", js_on_load=LISTEN.replace("WALK", "false"), **told)
        at_once = FAST | {"trigger_mode": "multiple"}  # Back twice is two steps
        walk.click(
            self.walk,
            [asking.visit, walkthrough.case],
            [tabs, asking.image_status, *asking.placed],
            **at_once,
        ).then(**walkthrough.judge_event).then(**arrived)
        look.click(self.look, None, benchmarks.restored, **at_once).then(
            **benchmarks.draw_event
        ).then(**benchmarks.settle_event).then(**arrived)

    def kept(self) -> dict[str, Any]:
        """Return the event after which η is as the address had it."""
        walkthrough = self.walkthrough
        return {"fn": self.keep, "inputs": walkthrough.asking.visit,
                "outputs": walkthrough.gate.inputs, **FAST}  # fmt: skip

    def arrive(self) -> dict[str, Any]:
        """Return the event after which the address follows, and what it says is shown."""
        js = "(...seen) => window.secondLook.arrive(...seen)"
        return {"fn": None, "inputs": self.seen, "outputs": None, "js": js, **PRIVATE}

    def walk(self, event: gr.EventData, visit: Visit, case: Case | None) -> dict:
        """Return the walkthrough as an entry of the browser's history has it."""
        told = event._data if isinstance(event._data, Mapping) else {}
        asking = self.walkthrough.asking
        updates: dict = {self.tabs: gr.Tabs(selected=WALKTHROUGH), asking.image_status: ""}
        question = told.get("question")
        if not isinstance(question, str) or len(question) > LONGEST_INPUT:
            question = visit.question
        sample, shown = self._sample(told.get("sample")), told.get("picture")
        original = visit.known(shown) if isinstance(shown, str) else None
        if sample is not None:
            if visit.original != str(asking.samples[sample].path):
                updates |= asking.sample(visit, sample)
        elif original is not None and Path(original).is_file():
            if visit.original != original:
                updates |= asking.again(visit, original, shown)
        elif shown:
            updates[asking.image_status] = notice(GONE)
        asked = told.get("asked")
        if case is not None and asked is not None and asked != case.transcript.question:
            updates |= self.walkthrough.cleared()
        settings = self._gate(visit, told) | self._looking(told)
        return updates | settings | {asking.question: question}

    def look(self, event: gr.EventData) -> dict:
        """Return Benchmarks as an entry of the browser's history has it."""
        told = event._data if isinstance(event._data, Mapping) else {}
        wanted = {str(name): str(value) for name, value in told.items() if value is not None}
        restored = self.benchmarks.restore(wanted)
        return {self.tabs: gr.Tabs(selected=OWN_TAB)} | restored

    def _sample(self, number: Any) -> int | None:
        """Return the index of a sample, which an address counts from 1."""
        try:
            index = int(number) - 1
        except (TypeError, ValueError, OverflowError):
            return None
        return index if 0 <= index < len(self.walkthrough.asking.samples) else None

    def _gate(self, visit: Visit, told: Mapping) -> dict:
        """Return measure and η, where the visitor had set them."""
        metric = told.get("measure")
        try:
            eta = float(told["threshold"])
        except (KeyError, TypeError, ValueError):
            return {}
        if not isinstance(metric, str) or metric not in METRICS or not math.isfinite(eta):
            return {}
        visit.metric, visit.own_eta, visit.wished = metric, True, Gate(metric, eta)
        return self.walkthrough.gate.set_to(visit.wished)

    def _looking(self, told: Mapping) -> dict:
        """Return who looks and how often, where the visitor had set it; a link may say one only."""
        cropper, looks = told.get("cropper"), told.get("looks")
        if not cropper and not looks:
            return {}
        try:
            cropper, looks = inputs.looking(cropper or DEFAULT, looks or 1)
        except ProtocolError:
            return {}
        return self.walkthrough.looking.set_to(cropper, looks)

    def keep(self, visit: Visit) -> dict:
        """Return η as an address had it, where the model's own came later than that."""
        gate = self.walkthrough.gate
        return gate.set_to(visit.wished) if visit.wished else {gate.eta: gr.skip()}
