"""The first answer, what the gate makes of it, and the buttons to go on."""

from __future__ import annotations

import gradio as gr

from core.imaging import load_image
from dashboard.case import Case
from dashboard.drawing import stages


class FirstAnswer:
    """Components of the part; call it inside a `gr.Blocks`."""

    def __init__(self) -> None:
        with gr.Row(visible=False, elem_classes="stage") as self.stage_1:
            with gr.Column(min_width=300):
                self.first_html = gr.HTML(elem_id="stage-1-view")
            with gr.Column(min_width=300):
                self.verdict_html = gr.HTML(elem_id="gate-view")
        with gr.Row(visible=False, elem_classes="continue") as self.go_on:
            self.second = gr.Button("Stage 2: take the second look", elem_id="stage-2-go")
            self.anyway = gr.Button("Take the second look anyway", elem_id="stage-2-anyway")
        self.status_below = gr.HTML(elem_id="status-below")
        self.views = [self.stage_1, self.first_html]
        self.judgements = [self.verdict_html, self.go_on, self.second, self.anyway]
        self.said = [self.status_below]

    def shown(self, case: Case) -> dict:
        """Return the first stage, without what depends on the gate."""
        return {
            self.stage_1: gr.Row(visible=True),
            self.first_html: stages.first_stage(case.transcript, load_image(case.image)),
        }

    def judged(self, case: Case) -> dict:
        """Return what depends on the gate."""
        transcript = case.transcript
        return {
            self.verdict_html: stages.verdict(transcript),
            self.go_on: gr.Row(visible=not transcript.retransmitted),
            self.second: gr.Button(
                interactive=transcript.uncertain,
                variant="primary" if transcript.uncertain else "secondary",
            ),
            self.anyway: gr.Button(visible=not transcript.uncertain),
        }

    def hidden(self) -> dict:
        """Return nothing to see."""
        return {row: gr.Row(visible=False) for row in (self.stage_1, self.go_on)}
