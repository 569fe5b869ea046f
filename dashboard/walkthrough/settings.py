"""The settings of a question: the gate's, who looks and how often, and those of both images."""

from __future__ import annotations

import gradio as gr

from core.croppers import CROPPERS, DEFAULT, served
from core.imaging import Codec, available_formats
from core.uncertainty import METRICS, Gate
from dashboard.drawing.looks import cropper_note
from dashboard.eta.own import OwnEta, Runs
from dashboard.eta.ways import WaysOfEta
from dashboard.hosting.live import LiveModel
from dashboard.inputs import MOST_LOOKS, eta_slider
from dashboard.language import text
from dashboard.visits.visit import Visit
from dashboard.walkthrough.events import FAST


class GateSettings:
    """Measure and threshold; call it inside a `gr.Blocks`. runs: of which η may be taken."""

    def __init__(self, live: LiveModel, runs: Runs | None = None) -> None:
        self.live, gate = live, Gate()
        with gr.Row(elem_classes="settings"):
            with gr.Column(scale=3, min_width=400):  # where both don't fit, the measure goes below
                self.eta = gr.Slider(**eta_slider(gate.metric, gate.threshold), elem_id="eta")
            with gr.Column(scale=2, min_width=200):
                self.metric = gr.Dropdown(
                    [(metric.label, name) for name, metric in METRICS.items()],
                    value=gate.metric,
                    label="Measure of uncertainty",
                    filterable=False,
                    elem_id="metric",
                )
        self.own_eta = OwnEta(live, runs)
        self.ways = WaysOfEta()
        self.inputs = [self.metric, self.eta]

    def adapt(self, visit: Visit, metric: str) -> gr.Slider:
        """Return the slider for another metric, at that metric's default η."""
        visit.metric, visit.own_eta, visit.wished = metric, False, None
        return self.slider(visit)

    def slider(self, visit: Visit) -> gr.Slider:
        """Return η as the model wants it, as soon as it is there; what the user has set stays."""
        info = self.live.current().vlm.info  # which may take a while
        known = visit.own_eta or visit.metric in info.calibrated
        slider = eta_slider(visit.metric, info.thresholds[visit.metric], known)
        if visit.own_eta:
            del slider["value"]
        return gr.Slider(**slider)

    def set_to(self, gate: Gate) -> dict:
        """Return the controls at this gate."""
        slider = gr.Slider(**eta_slider(gate.metric, gate.threshold))
        return {self.metric: gate.metric, self.eta: slider}


class LookSettings:
    """Who looks, and how often; call it inside a `gr.Blocks`."""

    def __init__(self, live: LiveModel) -> None:
        self.live = live
        with gr.Accordion("Who looks, and how often", open=False, elem_id="looking"):
            with gr.Row(elem_classes="settings"):
                self.cropper = gr.Dropdown(
                    [(CROPPERS[name].label, name) for name in served()],
                    value=DEFAULT,
                    label="Who looks (cropper)",
                    info="The paper's rule is relative attention; others are there to compare.",
                    filterable=False,
                    elem_id="cropper",
                )
                self.looks = gr.Dropdown(
                    [(str(looks), looks) for looks in range(1, MOST_LOOKS + 1)],
                    value=1,
                    label="Looks at most",
                    info="The paper has one. Each further one is taken while the answer is still"
                    " uncertain by η.",
                    filterable=False,
                    elem_id="looks",
                )
            self.note = gr.HTML(elem_id="cropper-note")
            self.status = gr.HTML(elem_id="status-looking")
        self.inputs, self.said = [self.cropper, self.looks], [self.status]
        self.offering = {  # the event once it is known which model answers
            "fn": self.offer, "inputs": self.cropper, "outputs": [self.cropper, self.note], **FAST
        }  # fmt: skip

    def offer(self, cropper: str) -> dict:
        """Return the croppers, at each that this model can't do that it can't, and where the chosen
        one looks.
        """
        vlm = self.live.current().vlm  # which may take a while
        choices = []
        for name in served():
            label, can = text(CROPPERS[name].label), CROPPERS[name].obstacle(vlm) is None
            choices.append((label if can else f"{label} ({text('not this model')})", name))
        return {self.cropper: gr.Dropdown(choices), self.note: self.explain(cropper)}

    def can(self, cropper: str) -> bool:
        """Return whether this model can do a cropper."""
        return CROPPERS[cropper].obstacle(self.live.current().vlm) is None

    def explain(self, cropper: str) -> str:
        """Return where a cropper looks, or why this model can't."""
        if cropper not in served():
            return ""
        return cropper_note(CROPPERS[cropper], self.live.current().vlm)

    def set_to(self, cropper: str, looks: int) -> dict:
        """Return the controls at this cropper, and so many looks."""
        return {self.cropper: cropper, self.looks: looks}


class CodecSettings:
    """Format and quality of both images; call it inside a `gr.Blocks`."""

    def __init__(self) -> None:
        with (
            gr.Accordion("Format and quality of the images", open=False, elem_id="codecs"),
            gr.Row(elem_classes="settings"),
        ):
            self.format, self.quality = _codec("Global image", "global")
            self.local_format, self.local_quality = _codec("Local image", "local")
        self.inputs = [self.format, self.quality, self.local_format, self.local_quality]

    def set_to(self, codec: Codec) -> dict:
        """Return the controls with this codec for both images."""
        settings = dict.fromkeys((self.format, self.local_format), codec.format)
        return settings | dict.fromkeys((self.quality, self.local_quality), codec.quality)


def _codec(label: str, name: str) -> tuple[gr.Dropdown, gr.Slider]:
    default = Codec()
    with gr.Column(min_width=280):
        format = gr.Dropdown(
            [(name.upper(), name) for name in available_formats()],
            value=default.format,
            label=f"{label}: format",
            filterable=False,
            elem_id=f"{name}-format",
        )
        quality = gr.Slider(
            1,
            100,
            value=default.quality,
            step=1,
            label=f"{label}: quality",
            info="Lower is fewer bytes. PNG has none.",
            elem_id=f"{name}-quality",
        )
    return format, quality
