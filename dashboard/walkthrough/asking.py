"""What is asked: a picture, a question about it, and the settings of the gate and the codecs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from core.imaging import Codec, ImageError, available_formats
from core.uncertainty import METRICS, Gate
from dashboard import inputs
from dashboard.drawing.pictures import for_browsers
from dashboard.drawing.sentences import alert, explain
from dashboard.eta.ways import WaysOfEta
from dashboard.inputs import RAW, eta_slider
from dashboard.live import LiveModel
from dashboard.own_eta import OwnEta, Runs
from dashboard.samples import BundledSample
from dashboard.visit import Visit
from dashboard.walkthrough import offers
from dashboard.walkthrough.events import FAST, PRIVATE

LARGEST_FILE = 64_000_000  # bytes; a camera's 50 megapixels as a good JPEG take half of it
LONGEST_INPUT = 20_000  # characters; more than may be asked, so that too much gets an explanation

CHOOSE = """element.addEventListener('click', event => {
    const index = event.target.closest('button')?.dataset.index;
    if (index) trigger('click', {index: Number(index)});
});
const mark = () => element.querySelectorAll('button').forEach(
    (button, index) => button.setAttribute('aria-pressed', index === props.value));
watch('value', mark);
mark();"""
# Decided in the browser, where nothing that was typed meanwhile can be lost.
UNLESS_OUTGROWN = "(question, [outgrown]) => question === outgrown ? '' : question"
REFUSED = (
    """window.addEventListener('second-look-refused', event => trigger('click', event.detail))"""
)


class Asking:
    """Components and handlers of the part; call it inside a `gr.Blocks`.

    live: the model, which may still be being loaded. runs: of which η may be taken.
    cleared: the update that hides all results,
    for those of one image must not stand beside another.
    """

    def __init__(
        self,
        live: LiveModel,
        samples: tuple[BundledSample, ...],
        cleared: Callable[[], dict],
        runs: Runs | None = None,
    ) -> None:
        self.live, self.samples, self.cleared = live, samples, cleared
        first = samples[0] if samples else None
        visit = Visit(metric=Gate().metric)
        if first is not None:
            visit.take(str(first.path), question=first.question)
        self.visit = gr.State(visit)
        self._lay_out_samples(first)
        with gr.Row(elem_classes="setup"):
            self._lay_out_image(first)
            self._lay_out_question(first)
        self._lay_out_settings(runs)
        self.gate = [self.metric, self.eta]
        self.codecs = [self.format, self.quality, self.local_format, self.local_quality]
        self.inputs = [self.image, self.question, *self.gate, *self.codecs]
        self.changed = [self.question, self.note, self.cards, self.image]
        self.said = [self.status, self.image_status]

    def _lay_out_samples(self, first: BundledSample | None) -> None:
        with gr.Column(visible=bool(self.samples), elem_classes="samples"):
            gr.HTML('<h2 id="samples-heading">Choose a sample</h2>', padding=False)
            self.cards = gr.HTML(  # its value: the index of the sample that is chosen, or None
                0 if first else None,
                html_template=offers.sample_cards(self.samples),
                js_on_load=CHOOSE,
                elem_id="samples",
            )

    def _lay_out_image(self, first: BundledSample | None) -> None:
        with gr.Column(min_width=280):
            gr.HTML("<h2>or bring an image</h2>", padding=False)
            self.image = gr.Image(
                first.path if first else None,
                type="filepath",
                image_mode=None,
                format="png",
                sources=["upload", "clipboard", "webcam"],
                webcam_options=gr.WebcamOptions(mirror=False),  # or letters would be mirrored
                label="The original, which stays on the edge",
                show_label=False,
                height=320,
                buttons=["fullscreen"],
                elem_id="original",
            )
            self.image_status = gr.HTML(elem_id="image-status")
            gr.HTML(offers.image_limits(LARGEST_FILE), padding=False)
            self.refused = gr.HTML("", js_on_load=REFUSED, elem_classes="bridge")

    def _lay_out_question(self, first: BundledSample | None) -> None:
        with gr.Column(min_width=280):
            gr.HTML("<h2>and ask</h2>", padding=False)
            self.note = gr.HTML()
            self.question = gr.Textbox(
                first.question if first else "",
                label="Question",
                lines=1,  # with more, Enter would add a line instead of asking
                max_lines=4,
                max_length=LONGEST_INPUT,
                placeholder="What does the blue circle sign say?",
                elem_id="question",
            )
            self.both = gr.Button(
                "Ask, and look twice if unsure", variant="primary", size="lg", elem_id="both"
            )
            self.step = gr.Button("Step by step: stage 1 only", size="md", elem_id="stage-1-only")
            self.outgrown = gr.JSON(visible=False)  # [the question of the picture before]
            self.status = gr.HTML(elem_id="status")

    def _lay_out_settings(self, runs: Runs | None) -> None:
        gate = Gate()
        with gr.Row(elem_classes="settings"):
            with gr.Column(min_width=280):
                self.metric = gr.Dropdown(
                    [(metric.label, name) for name, metric in METRICS.items()],
                    value=gate.metric,
                    label="Measure of uncertainty",
                    filterable=False,
                    elem_id="metric",
                )
                self.eta = gr.Slider(**eta_slider(gate.metric, gate.threshold), elem_id="eta")
                self.own_eta = OwnEta(self.live, runs)
                self.ways = WaysOfEta()
            self.format, self.quality = self._codec("Global image", "global")
            self.local_format, self.local_quality = self._codec("Local image", "local")

    def _codec(self, label: str, name: str) -> tuple[gr.Dropdown, gr.Slider]:
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

    def connect(self, results: list) -> None:
        """Let the part work. results: what `cleared` changes."""
        changed = [*self.changed, *results]
        self.placed = [*self.gate, *self.codecs, *changed]  # what `place` changes
        self.cards.click(self.choose, self.visit, changed, **PRIVATE, queue=False)
        # always_last: a clearing that is still under way must not swallow the upload after it.
        self.image.input(
            self.bring,
            [self.visit, self.image],
            [self.outgrown, *changed],
            **PRIVATE,
            **RAW,
            trigger_mode="always_last",
        ).then(
            None,
            [self.question, self.outgrown],
            self.question,
            js=UNLESS_OUTGROWN,
            **PRIVATE,
        )
        self.refused.click(self.refuse, self.visit, [self.image, self.image_status], **FAST)

    def adapt(self, visit: Visit, metric: str) -> gr.Slider:
        """Return the slider for another metric, at that metric's default η."""
        visit.metric, visit.own_eta = metric, False
        return self.slider(visit)

    def slider(self, visit: Visit) -> gr.Slider:
        """Return η as the model wants it, as soon as it is there; what the user has set stays."""
        info = self.live.current().vlm.info  # which may take a while
        known = visit.own_eta or visit.metric in info.calibrated
        slider = eta_slider(visit.metric, info.thresholds[visit.metric], known)
        if visit.own_eta:
            del slider["value"]
        return gr.Slider(**slider)

    def choose(self, event: gr.EventData, visit: Visit) -> dict:
        """Return a sample, ready to be asked about."""
        sample = self.samples[event.index]
        return self.place(visit, str(sample.path), sample.question) | {self.cards: event.index}

    def place(
        self,
        visit: Visit,
        image: str,
        question: str,
        note: str = "",
        gate: Gate | None = None,
        codec: Codec | None = None,
    ) -> dict:
        """Return an image, its path one that Gradio may serve, and a question, ready to be asked.

        gate, codec (of both images): where they must be what they were elsewhere.
        """
        visit.take(image, question=question)
        settings = {}
        if gate is not None:
            visit.metric, visit.own_eta = gate.metric, True
            settings = {
                self.metric: gate.metric,
                self.eta: gr.Slider(**eta_slider(gate.metric, gate.threshold)),
            }
        if codec is not None:
            settings |= dict.fromkeys((self.format, self.local_format), codec.format)
            settings |= dict.fromkeys((self.quality, self.local_quality), codec.quality)
        return (
            self.cleared()
            | settings
            | {
                self.image: image,
                self.cards: None,
                self.question: question,
                self.note: explain(note) if note else "",
            }
        )

    def bring(self, visit: Visit, upload: Any) -> dict:
        """Return a user's own image, or none; one that can't be used leaves all as it was."""
        image = inputs.path_of(upload)
        shown = image
        if image is not None:
            try:
                shown = for_browsers(image, self.image)
            except ImageError as error:
                return self._kept(visit, str(error))
        update = {self.note: "", self.cards: None, self.image_status: ""}
        update[self.outgrown] = [visit.question]  # a text alone would be taken for JSON
        visit.take(image, shown)
        if (
            image is None or visit.asked != image
        ):  # who was faster has an answer already, or is getting it
            update |= self.cleared()
        if shown != image:
            update[self.image] = shown
        return update

    def refuse(self, event: gr.EventData, visit: Visit) -> dict:
        """Say why the browser didn't send a file, or that it was lost. What was there stays."""
        sentence = offers.not_sent(event.name, event.why, event.size, LARGEST_FILE)
        return self._kept(visit, sentence)

    def _kept(self, visit: Visit, sentence: str) -> dict:
        """Say what is wrong with a new picture, beside the one before."""
        kept = visit.shown if visit.shown and Path(visit.shown).is_file() else None
        more = " The image before it is still there." if kept else ""
        return {self.image: kept, self.image_status: alert(f"{sentence}{more}")}
