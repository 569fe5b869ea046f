"""What is asked: a picture, and a question about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from core.imaging import Codec, ImageError
from core.uncertainty import Gate
from dashboard import inputs
from dashboard.drawing.pictures import for_browsers
from dashboard.drawing.words.sentences import alert, explain
from dashboard.inputs import RAW
from dashboard.samples import BundledSample
from dashboard.visits.visit import Visit
from dashboard.walkthrough import offers
from dashboard.walkthrough.events import FAST, PRIVATE
from dashboard.walkthrough.settings import CodecSettings, GateSettings, LookSettings

LARGEST_FILE = 64_000_000  # bytes; a camera's 50 megapixels as a good JPEG take half of it
LONGEST_INPUT = 20_000  # characters; more than may be asked, so that too much gets an explanation

CHOOSE = """element.addEventListener('click', event => {
    const index = event.target.closest('button')?.dataset.index;
    if (index) trigger('click', {index: Number(index)});
});
const all = () => [...element.querySelectorAll('button')];
const mark = () => all().forEach((button, index) => {
    button.setAttribute('aria-pressed', index === props.value);
    button.tabIndex = index === (Number.isInteger(props.value) ? props.value : 0) ? 0 : -1;
});
element.addEventListener('keydown', event => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    const at = all().indexOf(event.target.closest('button'));
    if (!step || at < 0) return;
    event.preventDefault();
    all().at((at + step) % all().length).focus();
});
watch('value', mark);
mark();"""  # one stop of the Tab key, however many samples there are: arrows go on
# Decided in the browser, where nothing that was typed meanwhile can be lost.
UNLESS_OUTGROWN = "(question, [outgrown]) => question === outgrown ? '' : question"
REFUSED = (
    """window.addEventListener('second-look-refused', event => trigger('click', event.detail))"""
)


class Asking:
    """Components and handlers of the part; call it inside a `gr.Blocks`.

    cleared: the update that hides all results, for those of one image must not stand beside
    another. reads: what stands beside a picture of the user's own.
    """

    def __init__(
        self,
        samples: tuple[BundledSample, ...],
        cleared: Callable[[], dict],
        reads: Callable[[], str],
    ) -> None:
        self.samples, self.cleared, self.reads = samples, cleared, reads
        first = samples[0] if samples else None
        visit = Visit(metric=Gate().metric)
        if first is not None:
            visit.take(str(first.path), question=first.question)
        self.visit = gr.State(visit)
        self._lay_out_samples(first)
        with gr.Row(elem_classes="setup"):
            self._lay_out_image(first)
            self._lay_out_question(first)
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

    def connect(
        self, results: list, gate: GateSettings, codecs: CodecSettings, looking: LookSettings
    ) -> None:
        """Let the part work. results: what `cleared` changes."""
        changed = [*self.changed, *results]
        self.gate, self.codecs, self.looking = gate, codecs, looking
        # What `place` changes.
        self.placed = [*gate.inputs, *codecs.inputs, *looking.inputs, *changed]
        chosen = self.cards.click(self.choose, self.visit, changed, **PRIVATE, queue=False)
        # always_last: a clearing that is still under way must not swallow the upload after it.
        brought = self.image.input(
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
        self.placing = [chosen, brought]  # events after which there is another picture
        self.refused.click(self.refuse, self.visit, [self.image, self.image_status], **FAST)

    def choose(self, event: gr.EventData, visit: Visit) -> dict:
        """Return a sample, ready to be asked about."""
        return self.sample(visit, event.index)

    def sample(self, visit: Visit, index: int) -> dict:
        """Return the sample of this index, ready to be asked about."""
        sample = self.samples[index]
        return self.place(visit, str(sample.path), sample.question) | {self.cards: index}

    def again(self, visit: Visit, original: str, shown: str) -> dict:
        """Return a picture that was here before, and its copy for browsers, once more."""
        placed = self.place(visit, shown, "")
        visit.take(original, shown, own=visit.is_own(original))
        return placed

    def place(
        self,
        visit: Visit,
        image: str,
        question: str,
        note: str = "",
        gate: Gate | None = None,
        codec: Codec | None = None,
        cropper: str | None = None,
        looks: int = 1,
    ) -> dict:
        """Return an image, its path one that Gradio may serve, and a question, ready to be asked.

        gate, codec (of both images), cropper with its looks at most: where they must be what they
        were elsewhere.
        """
        visit.take(image, question=question)
        settings = {}
        if gate is not None:
            visit.metric, visit.own_eta = gate.metric, True
            settings = self.gate.set_to(gate)
        if codec is not None:
            settings |= self.codecs.set_to(codec)
        if cropper is not None:
            settings |= self.looking.set_to(cropper, looks)
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
        note = "" if image is None else self.reads()
        update = {self.note: note, self.cards: None, self.image_status: ""}
        update[self.outgrown] = [visit.question]  # a text alone would be taken for JSON
        visit.take(image, shown, own=True)
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
