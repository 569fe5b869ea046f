"""The second look: where the server looked, what it got and said, and a box of the user's own."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr

from core.imaging import load_image
from core.protocol import ProtocolError
from dashboard import inputs
from dashboard.case import Case, ask_elsewhere, look_through
from dashboard.drawing import maps, stages
from dashboard.drawing.looks import looks
from dashboard.hosting.live import EXPECTED, LiveModel
from dashboard.visits.visit import Visit
from dashboard.walkthrough.events import ON_MODEL, PRIVATE, scroll_to
from dashboard.walkthrough.explained import explained, present

BOX_OF_THE_BROWSER = "(...inputs) => [...inputs.slice(0, -1), window.secondLook.box()]"


class SecondLook:
    """Components and handlers of the part; call it inside a `gr.Blocks`. case: the user's."""

    def __init__(self, live: LiveModel, case: gr.State) -> None:
        self.live, self.case = live, case
        with gr.Column(visible=False, elem_classes="stage", elem_id="stage-2-part") as self.stage_2:
            self._lay_out_maps()
            self._lay_out_box()
        self.views = [self.stage_2, self.second_html, self.maps_html, self.layer, self.local_html]
        self.views += [self.looks_html, self.box_html]
        self.judgements = [self.elsewhere_html]
        self.said = [self.status_layer, self.status_box]

    def _lay_out_maps(self) -> None:
        self.second_html = gr.HTML(elem_id="stage-2-view")
        self.maps_html = gr.HTML(elem_id="maps-view")
        self.layer = gr.Slider(
            0,
            1,
            value=0,
            step=1,
            label="Layer whose attention is shown",
            info="Every layer of the language model looks in its own way.",
            elem_id="layer",
        )
        self.status_layer = gr.HTML(elem_id="status-layer")

        self.looks_html = gr.HTML(elem_id="looks-view")

    def _lay_out_box(self) -> None:
        with gr.Row(elem_classes="stage"):
            with gr.Column(min_width=300):
                self.local_html = gr.HTML(elem_id="local-view")
            with gr.Column(min_width=300):
                gr.HTML(stages.move_the_box(), padding=False)
                self.box_html = gr.HTML(elem_id="box-view")
                self.frame = gr.JSON(visible=False)  # filled in by the browser
                self.look_here = gr.Button("Answer from this box", elem_id="look-here")
                self.status_box = gr.HTML(elem_id="status-box")
                self.elsewhere_html = gr.HTML(elem_id="elsewhere-view")

    def connect(self, visit: gr.State, gate: list, tidy: dict) -> None:
        """Let the part work. gate: metric and η. tidy: the event after a run."""
        self.layer.input(
            self.look_through,
            [visit, self.case, self.layer],
            [self.maps_html, self.status_layer],
            **ON_MODEL,
            **PRIVATE,
            trigger_mode="always_last",
            show_progress_on=self.status_layer,
        )
        self.look_here.click(
            self.answer_elsewhere,
            [visit, self.case, *gate, self.frame],
            [self.case, self.elsewhere_html, self.status_box],
            js=BOX_OF_THE_BROWSER,
            **ON_MODEL,
            **PRIVATE,
            show_progress_on=self.status_box,
        ).then(**tidy).then(**scroll_to("elsewhere-view", "nearest"))

    def look_through(self, visit: Visit, case: Case | None, layer: int) -> Iterator[dict]:
        """Yield the maps of another layer."""
        run = self._look_through(case, layer)
        yield from explained(run, self.status_layer, visit, case and case.image)

    def answer_elsewhere(self, visit: Visit, case: Case | None, metric, eta, box) -> Iterator[dict]:
        """Yield what the model answers if it looks at `box`: left, top, right, bottom."""
        run = self._elsewhere(case, metric, eta, box)
        yield from explained(run, self.status_box, visit, case and case.image)

    def shown(self, case: Case) -> dict:
        """Return the second stage, without what depends on the gate."""
        transcript, info = case.transcript, self.live.current().vlm.info
        original, attention = load_image(case.image), transcript.attention
        own = info.attention_layer
        seen = attention and maps.maps(original, attention, transcript.box, own, own)
        return {
            self.stage_2: gr.Column(visible=True),
            self.second_html: stages.second_stage(transcript),
            self.maps_html: seen or "",
            self.layer: gr.Slider(
                # Of an engine that looks itself there is one, and nothing to slide to.
                maximum=max(info.layers - 1, 1),
                value=own,
                interactive=info.layers > 1,
            ),
            self.looks_html: looks(transcript, original),
            self.local_html: stages.local_image(transcript),
            self.box_html: maps.box_editor(original, transcript.box),
        }

    def judged(self, case: Case) -> dict:
        """Return what depends on the gate."""
        shown = stages.elsewhere(case.elsewhere) if case.elsewhere else ""
        return {self.elsewhere_html: shown}

    def hidden(self) -> dict:
        """Return nothing to see."""
        return {self.stage_2: gr.Column(visible=False)}

    def _look_through(self, case: Case | None, layer) -> Iterator[dict]:
        case = present(case)
        info = self.live.current().vlm.info
        try:
            attention, box = self.live.run(look_through, case, int(layer))
        except (TypeError, ValueError) as error:
            if isinstance(error, EXPECTED):
                raise
            raise ProtocolError(f"The layer must be 0 to {info.layers - 1}.") from None
        original = load_image(case.image)
        shown = maps.maps(original, attention, box, int(layer), info.attention_layer)
        yield {self.maps_html: shown, self.status_layer: ""}

    def _elsewhere(self, case: Case | None, metric, eta, box) -> Iterator[dict]:
        case = present(case).judged(inputs.gate(metric, eta))
        case = self.live.run(ask_elsewhere, case, inputs.as_box(box))
        shown = stages.elsewhere(case.elsewhere)
        yield {self.case: case, self.elsewhere_html: shown, self.status_box: ""}
