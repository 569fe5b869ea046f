"""The board: picture, both answers, verdict, gauge and η on one screen, and the buttons to go on.

It fits a projector at 200 % (960 × 540 pixels); explanations are folded below it.
"""

from __future__ import annotations

import gradio as gr

from core.imaging import Fit, load_image
from core.protocol import Edge
from core.transcript import EncodedImage
from dashboard.case import Case
from dashboard.drawing import stages
from dashboard.drawing.about import is_bundled
from dashboard.drawing.gauge import gauge
from dashboard.eta.own import Runs
from dashboard.eta.recorded import Fitting
from dashboard.hosting.live import LiveModel
from dashboard.walkthrough.curve import RecordedCurve
from dashboard.walkthrough.settings import GateSettings


class Board:
    """Components of the part; call it inside a `gr.Blocks`.

    runs: of which η may be taken. fitting: finds the run that stands below the gauge.
    """

    def __init__(
        self, live: LiveModel, runs: Runs | None = None, fitting: Fitting | None = None
    ) -> None:
        with gr.Column(elem_id="board"):
            self.asked_html = gr.HTML(visible=False, elem_id="asked-view")
            with gr.Row(elem_classes="bench"):
                with gr.Column(scale=5, min_width=280, visible=False) as self.seen:
                    self.picture_html = gr.HTML(elem_id="stage-1-view")
                with gr.Column(scale=7, min_width=300, elem_classes="said"):
                    self._lay_out_said(live, runs)
            self.curve = RecordedCurve(live, fitting)
            with gr.Accordion(
                "How to read this", open=False, visible=False, elem_id="notes"
            ) as self.notes:
                self.notes_html = gr.HTML(elem_id="notes-view")
        self.views = [self.asked_html, self.seen, self.picture_html, self.gate, self.notes]
        self.judgements = [
            self.answers_html, self.verdict_html, self.gauge_html, self.notes_html,
            self.go_on, self.second, self.anyway,
        ]  # fmt: skip
        self.said = [self.status_below]

    def _lay_out_said(self, live: LiveModel, runs: Runs | None) -> None:
        self.answers_html = gr.HTML(elem_id="answers-view")
        self.verdict_html = gr.HTML(elem_id="gate-view")
        with gr.Row(visible=False, elem_classes="continue", elem_id="go-on") as self.go_on:
            self.second = gr.Button("Stage 2: take the second look", elem_id="stage-2-go")
            self.anyway = gr.Button("Take the second look anyway", elem_id="stage-2-anyway")
        self.status_below = gr.HTML(elem_id="status-below")
        with gr.Row(visible=False, elem_id="gate") as self.gate:
            self.gauge_html = gr.HTML(elem_id="gauge-view")
        self.settings = GateSettings(live, runs)

    def shown(self, case: Case) -> dict:
        """Return what doesn't depend on the gate: the question, and the picture as it was sent."""
        original = load_image(case.image)
        return {
            self.asked_html: gr.HTML(stages.question(case.transcript.question), visible=True),
            self.seen: gr.Column(visible=True),
            self.picture_html: stages.picture(case.transcript, original),
            self.gate: gr.Row(visible=True),
            self.notes: gr.Accordion(visible=True),
        }

    def alone(self, question: str, edge: Edge, sent: EncodedImage, fit: Fit) -> dict:
        """Return the question, and the global image that would be sent for it."""
        return {
            self.asked_html: gr.HTML(stages.question(question), visible=bool(question.strip())),
            self.seen: gr.Column(visible=True),
            self.picture_html: stages.sent_alone(edge.image, edge.original_bytes, sent, fit),
        }

    def judged(self, case: Case) -> dict:
        """Return what depends on the gate."""
        transcript = case.transcript
        return {
            self.answers_html: stages.answers(
                transcript, unfamiliar=case.own and is_bundled(transcript.model)
            ),
            self.verdict_html: stages.verdict(transcript),
            self.gauge_html: gauge(transcript),
            self.notes_html: stages.notes(transcript),
            self.go_on: gr.Row(visible=not transcript.retransmitted),
            self.second: gr.Button(
                interactive=transcript.uncertain,
                variant="primary" if transcript.uncertain else "secondary",
            ),
            self.anyway: gr.Button(visible=not transcript.uncertain),
        }

    def hidden(self) -> dict:
        """Return nothing to see but the settings."""
        gone = {self.asked_html: gr.HTML("", visible=False), self.seen: gr.Column(visible=False)}
        gone |= {row: gr.Row(visible=False) for row in (self.go_on, self.gate)}
        gone[self.notes] = gr.Accordion(visible=False)
        return gone | dict.fromkeys((self.answers_html, self.verdict_html), "")
