"""The gate on a recorded run that fits, and where this question lies in it: beside the gauge."""

from __future__ import annotations

from typing import Any

import gradio as gr
from markupsafe import Markup

from core.transcript import Transcript
from core.vlm.loading.revision import revision_named
from dashboard.case import Case
from dashboard.drawing.words.sentences import explain
from dashboard.eta.recorded import Fitting, drawn
from dashboard.hosting.live import LiveModel
from dashboard.walkthrough.records import link_of


class RecordedCurve:
    """The component; call it inside a `gr.Blocks`. It moves with the verdict, in one event.

    fitting: finds the run; None: there are none.
    """

    def __init__(self, live: LiveModel, fitting: Fitting | None) -> None:
        self.live, self.fitting = live, fitting
        self.html = gr.HTML(elem_id="operating-view")
        self.views: list = []
        self.judgements = [self.html]
        self.said: list = []

    def judged(self, case: Case, link: Any) -> dict:
        """Return the pictures at the case's gate. link: a key of PRESETS."""
        return {self.html: self._drawn(case, link)}

    def hidden(self) -> dict:
        """Return nothing to see."""
        return {self.html: ""}

    def _drawn(self, case: Case, link: Any) -> Markup:
        transcript, codec = case.transcript, case.codec
        named = codec.format.upper() + (f" {codec.quality}" if codec.format != "png" else "")
        recorded = None
        if self.fitting is not None:
            weights = self._weights(transcript)
            recorded = self.fitting(weights, codec) if weights else None
        if recorded is None:
            return explain(
                f"There is no recorded run of this model with {named} here: with one, the gate's"
                " tradeoff would stand beside the gauge. “python -m core.bench run” records it."
            )
        try:
            shown = drawn(recorded, transcript, link_of(link))
        except ValueError:
            return explain(f"The recorded run, {recorded.name}, doesn't hold this measure.")
        if recorded.exact:
            return shown
        return shown + explain(f"None was recorded at {named}: this is the nearest there is.")

    def _weights(self, transcript: Transcript) -> str | None:
        """Return what names the weights that answered; None if another model is there by now."""
        info = self.live.current().vlm.info
        if (info.name, info.revision) == (transcript.model, transcript.revision):
            return revision_named(info)
        return transcript.revision
