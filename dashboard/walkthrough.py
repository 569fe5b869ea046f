"""The walkthrough: one question, from the click to the second answer, each step explained."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from core.imaging import Codec, ImageError, load_image
from core.protocol import ProtocolError
from core.uncertainty import METRICS, Gate
from dashboard import markup
from dashboard.case import Case, ask_first, ask_second
from dashboard.live import EXPECTED, LiveModel
from dashboard.samples import Sample

LONGEST_INPUT = 20_000  # characters; more than may be asked, so that too much gets an explanation
FAILED = "This didn't work, and it isn't your fault: try again, or with another image."

# The model serves one stage at a time; the queue in front of it is that of the page.
ON_MODEL = {"concurrency_limit": 1, "concurrency_id": "vlm"}
PRIVATE = {"api_visibility": "private"}

log = logging.getLogger(__name__)


def eta_slider(metric: str, eta: float) -> dict[str, Any]:
    """Label, range and value of the slider for one metric."""
    entry = METRICS[metric]
    unit = f" ({entry.unit})" if entry.unit else ""
    side = "or more" if entry.higher_is_uncertain else "or less"
    # Means over an answer of several bits are rare; a larger default makes room for itself.
    maximum = max(4.0, math.ceil(2 * eta)) if entry.unit else 1.0
    return {
        "label": f"Threshold η{unit}",
        "info": f"A second look is taken at a mean of η {side}.",
        "minimum": 0.0,
        "maximum": maximum,
        "step": 0.01,
        "value": eta,
    }


class Walkthrough:
    """Components and handlers of the tab; call it inside a `gr.Blocks`.

    live: the model, which may still be being loaded. What belongs to a user is in that user's
    `gr.State`; here is only what all users share.
    """

    def __init__(self, live: LiveModel, samples: tuple[Sample, ...]):
        self.live, self.samples = live, samples
        self._lay_out()
        self._connect()

    # Components

    def _lay_out(self) -> None:
        first = self.samples[0] if self.samples else None
        gate = Gate()
        self.case = gr.State(None, time_to_live=3600)
        self.chosen = gr.State(str(first.path) if first else None)
        with gr.Row(elem_classes="setup"):
            with gr.Column(min_width=280, visible=bool(self.samples)):
                gr.HTML("<h2>Choose a sample</h2>", padding=False)
                self.gallery = gr.Gallery(
                    [(sample.thumbnail(), sample.title) for sample in self.samples],
                    selected_index=0 if self.samples else None,
                    label="Samples",
                    show_label=False,
                    columns=3,
                    object_fit="cover",
                    allow_preview=False,
                    format="jpeg",
                    interactive=False,
                    buttons=[],
                    elem_id="samples",
                )
                self.note = gr.HTML(markup.sample_note(first.note) if first else "")
            with gr.Column(min_width=280):
                gr.HTML("<h2>or bring an image</h2>", padding=False)
                self.image = gr.Image(
                    first.path if first else None,
                    type="filepath",
                    image_mode=None,
                    format="png",
                    sources=["upload", "clipboard"],
                    label="The original, which stays on the edge",
                    show_label=False,
                    height=300,
                    buttons=["fullscreen"],
                    elem_id="original",
                )
                # Untouched, whatever was uploaded: gr.Image would open it here, and fail before any
                # handler could say what is wrong with it. (A subclass writes a .pyi beside itself.)
                self.image.preprocess = lambda upload: upload and upload.path
                self.image_status = gr.HTML(elem_id="image-status")
            with gr.Column(min_width=280):
                gr.HTML("<h2>and ask</h2>", padding=False)
                self.question = gr.Textbox(
                    first.question if first else "",
                    label="Question",
                    lines=2,
                    max_lines=4,
                    max_length=LONGEST_INPUT,
                    placeholder="What does the blue circle sign say?",
                    elem_id="question",
                )
                self.both = gr.Button(
                    "Ask, and look twice if unsure", variant="primary", size="lg", elem_id="both"
                )
                self.step = gr.Button(
                    "Step by step: stage 1 only", size="md", elem_id="stage-1-only"
                )
                self.status = gr.HTML(elem_id="status")
        with gr.Row(elem_classes="settings"):
            with gr.Column(min_width=280):
                self.metric = gr.Radio(
                    [(metric.label, name) for name, metric in METRICS.items()],
                    value=gate.metric,
                    label="Measure of uncertainty",
                    info="How a token's probabilities become one number.",
                    elem_id="metric",
                )
            with gr.Column(min_width=280):
                self.eta = gr.Slider(**eta_slider(gate.metric, gate.threshold), elem_id="eta")
            with gr.Column(min_width=280):
                self.quality = gr.Slider(
                    1,
                    100,
                    value=Codec().quality,
                    step=1,
                    label="JPEG quality",
                    info="Of both images sent: lower is fewer bytes.",
                    elem_id="quality",
                )
        with gr.Row(visible=False, elem_classes="stage") as self.stage_1:
            with gr.Column(min_width=300):
                self.first_html = gr.HTML(elem_id="stage-1-view")
            with gr.Column(min_width=300):
                self.verdict_html = gr.HTML(elem_id="gate-view")
        with gr.Row(visible=False, elem_classes="continue") as self.go_on:
            self.second = gr.Button("Stage 2: take the second look", elem_id="stage-2-go")
            self.anyway = gr.Button("Take the second look anyway", elem_id="stage-2-anyway")
        self.status_below = gr.HTML(elem_id="status-below")
        self.second_html = gr.HTML(visible=False, elem_id="stage-2-view")
        self.comparison_html = gr.HTML(visible=False, elem_id="comparison-view")
        self.log_html = gr.HTML(visible=False, elem_id="log-view")
        self.answer_as_json = gr.JSON(visible=False)
        self.force = gr.Checkbox(False, visible=False, label="force")
        self.for_programs = gr.Button(visible=False)

    # Events

    def _connect(self) -> None:
        gate = [self.metric, self.eta]
        ask = [self.image, self.question, *gate, self.quality]
        judged = [self.verdict_html, self.go_on, self.second, self.anyway, self.comparison_html]
        judged += [self.log_html]
        said = [self.status, self.status_below, self.image_status]
        results = [self.case, *said, self.stage_1, self.first_html, self.second_html, *judged]

        # After a run the sliders may have moved on: judge again by where they are now.
        judge = {"fn": self.judge, "inputs": [self.case, *gate], "outputs": judged}
        for event, run in (
            (self.both.click, self.ask_both),
            (self.question.submit, self.ask_both),
            (self.step.click, self.ask_step),
        ):
            (
                event(run, ask, results, **ON_MODEL, **PRIVATE, show_progress_on=self.status)
                .then(**judge, **PRIVATE, queue=False, show_progress="hidden")
                .then(None, js=_scroll_to("stage-1"), **PRIVATE)
            )
        for button in (self.second, self.anyway):
            button.click(
                self.look_again,
                [self.case, *gate],
                results,
                **ON_MODEL,
                **PRIVATE,
                show_progress_on=self.status_below,
            ).then(None, js=_scroll_to("stage-2"), **PRIVATE)

        fast = {"queue": False, "show_progress": "hidden", "trigger_mode": "always_last"}
        self.eta.input(**judge, **PRIVATE, **fast)
        self.metric.input(self.adapt, self.metric, self.eta, **PRIVATE, **fast).then(
            **judge, **PRIVATE, queue=False, show_progress="hidden"
        )

        cleared = [self.image, self.chosen, *results]
        self.placed = [self.question, self.note, *cleared]  # what `place` changes
        self.gallery.select(self.choose, None, self.placed, **PRIVATE, queue=False)
        self.image.input(self.bring, [self.image, self.chosen], [self.note, *cleared], **PRIVATE)

        self.for_programs.click(
            self.transcript,
            [*ask, self.force],
            self.answer_as_json,
            **ON_MODEL,
            api_name="ask",
            api_description="Ask one question about one image; returns the whole transcript."
            " metric is one of " + ", ".join(METRICS) + "; eta is the threshold in its unit;"
            " force takes the second look even if the gate says no.",
        )

    # Handlers: each returns {component: update}, and says what went wrong where the user is

    def ask_both(self, image, question, metric, eta, quality) -> Iterator[dict]:
        """Both stages, the first shown while the second runs."""
        run = self._ask(image, question, metric, eta, quality, both=True)
        yield from self._explained(run, self.status)

    def ask_step(self, image, question, metric, eta, quality) -> Iterator[dict]:
        """The first stage alone."""
        run = self._ask(image, question, metric, eta, quality, both=False)
        yield from self._explained(run, self.status)

    def look_again(self, case: Case | None, metric, eta) -> Iterator[dict]:
        """The second stage of a case, whatever the gate says of it."""
        yield from self._explained(self._look_again(case, metric, eta), self.status_below)

    def judge(self, case: Case | None, metric: str, eta: float) -> dict:
        """What the gate says at this η. The model doesn't run, and the case stays as it is."""
        if case is None:
            return {self.verdict_html: gr.skip()}
        try:
            return self._judged(case.judged(_gate(metric, eta)))
        except EXPECTED:  # a number field left empty: nothing to judge by until it is filled
            return {self.verdict_html: gr.skip()}

    def adapt(self, metric: str) -> gr.Slider:
        """The slider for another metric, at the model's own threshold for it."""
        return gr.Slider(**eta_slider(metric, self.live.current().vlm.info.thresholds[metric]))

    def choose(self, event: gr.SelectData) -> dict:
        """A sample of the gallery."""
        sample = self.samples[event.index]
        return self.place(str(sample.path), sample.question, sample.note)

    def place(self, image: str, question: str, note: str = "") -> dict:
        """An image, its path one that Gradio may serve, and a question: ready to be asked."""
        return self._cleared() | {
            self.image: image,
            self.chosen: image,
            self.question: question,
            self.note: markup.sample_note(note) if note else "",
        }

    def bring(self, image: str | None, chosen: str | None) -> dict:
        """An image of the user's own, or none. One that can't be used leaves all as it was."""
        if image is None:
            return self._cleared() | {self.chosen: None, self.note: ""}
        try:
            load_image(image)
        except ImageError as error:
            kept = chosen if chosen and Path(chosen).is_file() else None
            more = " The image before it is still there." if kept else ""
            return {self.image: kept, self.image_status: markup.alert(f"{error}{more}")}
        return self._cleared() | {self.chosen: image, self.note: ""}

    def transcript(self, image, question, metric, eta, quality, force) -> dict:
        """Both stages for a program: `Transcript.to_dict()`, or gr.Error with one sentence."""
        try:
            case = self._first(image, question, metric, eta, quality)
            if case.transcript.uncertain or force:
                case = self.live.run(ask_second, case)
        except EXPECTED as error:
            raise gr.Error(str(error), print_exception=False) from None
        return case.transcript.to_dict()

    # What they are made of

    def _ask(self, image, question, metric, eta, quality, both: bool) -> Iterator[dict]:
        if not self.live.ready:
            yield {self.status: markup.notice("The model is still being loaded; please wait.")}
        case = self._first(image, question, metric, eta, quality)
        more = both and case.transcript.uncertain
        doing = "The first answer is there; the second look is under way." if more else ""
        yield self._shown(case) | {self.status: markup.notice(doing) if doing else ""}
        if more:
            yield self._shown(self.live.run(ask_second, case))

    def _look_again(self, case: Case | None, metric, eta) -> Iterator[dict]:
        if case is None:
            raise ProtocolError("There is no first answer yet: ask first.")
        if not case.transcript.retransmitted:
            case = case.judged(_gate(metric, eta))
            yield self._shown(self.live.run(ask_second, case))

    def _first(self, image, question, metric, eta, quality) -> Case:
        gate, codec = _gate(metric, eta), _codec(quality)
        return self.live.run(ask_first, image, question, gate, codec)

    def _explained(self, updates: Iterator[dict], where: gr.HTML) -> Iterator[dict]:
        """The updates; if they fail, one sentence `where`, and all that was on the page stays."""
        try:
            yield from updates
        except EXPECTED as error:
            yield {where: markup.alert(str(error))}
        except Exception:
            log.exception("a stage failed")
            yield {where: markup.alert(FAILED)}

    def _shown(self, case: Case) -> dict:
        """Everything there is to see of a case."""
        transcript = case.transcript
        second = ""
        if transcript.retransmitted:
            second = markup.second_stage(transcript, load_image(case.image))
        return self._judged(case) | {
            self.case: case,
            **self._silent(),
            self.stage_1: gr.Row(visible=True),
            self.first_html: markup.first_stage(transcript),
            self.second_html: _html(second),
        }

    def _judged(self, case: Case) -> dict:
        """The part of what there is to see that depends on the gate."""
        transcript = case.transcript
        note = ""
        if case.moved:
            metric = METRICS[case.asked.metric].label.lower()
            note = (
                f"These messages were sent at η = {case.asked.threshold:.2f} ({metric}), where the"
                " gate decided otherwise."
            )
        waiting = not transcript.retransmitted
        return {
            self.verdict_html: markup.verdict(transcript),
            self.go_on: gr.Row(visible=waiting),
            self.second: gr.Button(
                interactive=transcript.uncertain,
                variant="primary" if transcript.uncertain else "secondary",
            ),
            self.anyway: gr.Button(visible=not transcript.uncertain),
            self.comparison_html: _html(markup.comparison(transcript)),
            self.log_html: _html(markup.message_log(transcript, note)),
        }

    def _cleared(self) -> dict:
        """No results: those of one image must not stand beside another."""
        hidden = {row: gr.Row(visible=False) for row in (self.stage_1, self.go_on)}
        for view in (self.second_html, self.comparison_html, self.log_html):
            hidden[view] = _html("")
        return hidden | self._silent() | {self.case: None}

    def _silent(self) -> dict:
        return {self.status: "", self.status_below: "", self.image_status: ""}


def _gate(metric: str, eta: float) -> Gate:
    try:
        return Gate(metric, float(eta))
    except (TypeError, ValueError):
        names = ", ".join(METRICS)
        raise ProtocolError(f"The gate needs a number for η, and one of {names}.") from None


def _codec(quality: float) -> Codec:
    try:
        return Codec("jpeg", int(quality))
    except (TypeError, ValueError, OverflowError):
        raise ImageError("The JPEG quality must be a whole number from 1 to 100.") from None


def _scroll_to(element: str) -> str:
    """JavaScript: bring what has just been computed into view, unless something went wrong."""
    return f"""() => {{
        if (document.querySelector('#status [role=alert], #status-below [role=alert]')) return;
        document.getElementById('{element}')?.scrollIntoView({{block: 'start'}});
    }}"""


def _html(content: str) -> gr.HTML:
    return gr.HTML(content, visible=bool(content))
