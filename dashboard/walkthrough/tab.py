"""The walkthrough: one question, from the click to the second answer, each step explained."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from core.channel import PRESETS, Link
from core.imaging import Codec, ImageError, available_formats, load_image
from core.protocol import ProtocolError
from core.transcript import Attention
from core.uncertainty import METRICS, Gate
from dashboard import markup, settings
from dashboard.api import Api
from dashboard.benchmarks import downloads
from dashboard.live import EXPECTED, LiveModel
from dashboard.samples import Sample
from dashboard.settings import RAW, eta_slider
from dashboard.visit import Visit
from dashboard.walkthrough import maps
from dashboard.walkthrough.case import Case, ask_elsewhere, ask_second, look_through
from dashboard.walkthrough.pictures import for_browsers

LARGEST_FILE = 64_000_000  # bytes; a camera's 50 megapixels as a good JPEG take half of it
LONGEST_INPUT = 20_000  # characters; more than may be asked, so that too much gets an explanation
FAILED = "This didn't work, and it isn't your fault: try again, or with another image."
NO_CASE = "There is no first answer yet: ask first."
DEFAULT_LINK = "lte"

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

# The model serves one stage at a time; the queue in front of it is that of the page.
ON_MODEL = {"concurrency_limit": 1, "concurrency_id": "vlm", **RAW}
PRIVATE = {"api_visibility": "private"}

log = logging.getLogger(__name__)


class Walkthrough:
    """Components and handlers of the tab; call it inside a `gr.Blocks`.

    live: the model, which may still be being loaded. about: where the page says which model that
    is; kept true as it is asked. What belongs to a user is in that user's `gr.State`; here is only
    what all users share.
    """

    def __init__(self, live: LiveModel, samples: tuple[Sample, ...], about: gr.HTML | None = None):
        self.live, self.samples, self.about = live, samples, about
        self._lay_out()
        self._connect()

    # Components

    def _lay_out(self) -> None:
        self.case = gr.State(None, time_to_live=3600)
        first = self.samples[0] if self.samples else None
        visit = Visit(metric=Gate().metric)
        if first is not None:
            visit.take(str(first.path), question=first.question)
        self.visit = gr.State(visit)
        self._lay_out_question()
        self._lay_out_settings()
        with gr.Row(visible=False, elem_classes="stage") as self.stage_1:
            with gr.Column(min_width=300):
                self.first_html = gr.HTML(elem_id="stage-1-view")
            with gr.Column(min_width=300):
                self.verdict_html = gr.HTML(elem_id="gate-view")
        with gr.Row(visible=False, elem_classes="continue") as self.go_on:
            self.second = gr.Button("Stage 2: take the second look", elem_id="stage-2-go")
            self.anyway = gr.Button("Take the second look anyway", elem_id="stage-2-anyway")
        self.status_below = gr.HTML(elem_id="status-below")
        self._lay_out_second()
        with gr.Column(visible=False, elem_classes="stage") as self.records:
            self.link = gr.Dropdown(
                [(link.name, name) for name, link in PRESETS.items()],
                value=DEFAULT_LINK,
                label="Link between edge and server",
                info="Nothing is slowed down here: the times below are computed from the bytes.",
                filterable=False,
                elem_id="link",
            )
            self.log_html = gr.HTML(elem_id="log-view")
            with gr.Row(elem_classes="continue"):
                self.save_transcript = gr.Button(
                    "Download the transcript (JSON)", elem_id="save-transcript"
                )
                self.save_pictures = gr.Button(
                    "Download the pictures (ZIP)", elem_id="save-pictures"
                )
            self.parcel = gr.JSON(visible=False)
            self.status_files = gr.HTML(elem_id="status-files")

    def _lay_out_question(self) -> None:
        first = self.samples[0] if self.samples else None
        with gr.Column(visible=bool(self.samples), elem_classes="samples"):
            gr.HTML('<h2 id="samples-heading">Choose a sample</h2>', padding=False)
            self.cards = gr.HTML(  # its value: the index of the sample that is chosen, or None
                0 if first else None,
                html_template=markup.sample_cards(self.samples),
                js_on_load=CHOOSE,
                elem_id="samples",
            )
        with gr.Row(elem_classes="setup"):
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
                gr.HTML(markup.image_limits(LARGEST_FILE), padding=False)
                self.refused = gr.HTML("", js_on_load=REFUSED, elem_classes="bridge")
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
                self.step = gr.Button(
                    "Step by step: stage 1 only", size="md", elem_id="stage-1-only"
                )
                self.outgrown = gr.JSON(visible=False)  # [the question of the picture before]
                self.status = gr.HTML(elem_id="status")

    def _lay_out_settings(self) -> None:
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

    def _lay_out_second(self) -> None:
        with gr.Column(visible=False, elem_classes="stage") as self.stage_2:
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
            with gr.Row():
                with gr.Column(min_width=300):
                    self.local_html = gr.HTML(elem_id="local-view")
                with gr.Column(min_width=300):
                    self.comparison_html = gr.HTML(elem_id="comparison-view")
            with gr.Row(elem_classes="stage"):
                with gr.Column(min_width=300):
                    gr.HTML(markup.move_the_box(), padding=False)
                    self.box_html = gr.HTML(elem_id="box-view")
                    self.frame = gr.JSON(visible=False)  # filled in by the browser
                    self.look_here = gr.Button("Answer from this box", elem_id="look-here")
                with gr.Column(min_width=300):
                    self.status_box = gr.HTML(elem_id="status-box")
                    self.elsewhere_html = gr.HTML(elem_id="elsewhere-view")

    # Events

    def _connect(self) -> None:
        gate = [self.metric, self.eta]
        codecs = [self.format, self.quality, self.local_format, self.local_quality]
        ask = [self.image, self.question, *gate, *codecs]
        judging = [self.visit, self.case, *gate, self.link]
        judged = [self.verdict_html, self.go_on, self.second, self.anyway, self.comparison_html]
        judged += [self.elsewhere_html, self.log_html]
        said = [self.status, self.status_below, self.image_status]
        said += [self.status_layer, self.status_box, self.status_files]
        views = [self.stage_1, self.first_html, self.stage_2, self.second_html, self.maps_html]
        views += [self.layer, self.local_html, self.box_html, self.records]
        results = [self.case, *said, *views, *judged]
        if self.about is not None:
            results.append(self.about)

        fast = {"queue": False, "show_progress": "hidden", **PRIVATE, **RAW}
        latest = {"trigger_mode": "always_last", **fast}
        judge = {"fn": self.judge, "inputs": judging, "outputs": judged}
        tidy = {"fn": self.tidy, "inputs": judging, "outputs": results, **fast}
        for event, run in (
            (self.both.click, self.ask_both),
            (self.question.submit, self.ask_both),
            (self.step.click, self.ask_step),
        ):
            (
                event(
                    run,
                    [self.visit, *ask],
                    results,
                    **ON_MODEL,
                    **PRIVATE,
                    show_progress_on=self.status,
                )
                .then(**tidy)
                .then(None, js=_scroll_to("stage-1"), **PRIVATE)
            )
        for button in (self.second, self.anyway):
            button.click(
                self.look_again,
                judging,
                results,
                **ON_MODEL,
                **PRIVATE,
                show_progress_on=self.status_below,
            ).then(**tidy).then(None, js=_scroll_to("stage-2"), **PRIVATE)

        self.eta.input(self.set_eta, judging, judged, **latest)
        self.link.input(**judge, **latest)
        self.metric.input(self.adapt, [self.visit, self.metric], self.eta, **latest).then(
            **judge, **fast
        )
        self.layer.input(
            self.look_through,
            [self.visit, self.case, self.layer],
            [self.maps_html, self.status_layer],
            **ON_MODEL,
            **PRIVATE,
            trigger_mode="always_last",
            show_progress_on=self.status_layer,
        )
        self.look_here.click(
            self.answer_elsewhere,
            [self.visit, self.case, *gate, self.frame],
            [self.case, self.elsewhere_html, self.status_box],
            js="(...inputs) => [...inputs.slice(0, -1), window.secondLook.box()]",
            **ON_MODEL,
            **PRIVATE,
            show_progress_on=self.status_box,
        ).then(**tidy).then(None, js=_scroll_to("elsewhere-view", "nearest"), **PRIVATE)
        for button, pack in (
            (self.save_transcript, self.pack_transcript),
            (self.save_pictures, self.pack_pictures),
        ):
            button.click(
                pack,
                [self.visit, self.case, *gate],
                [self.parcel, self.status_files],
                **PRIVATE,
                **RAW,
            ).then(None, self.parcel, js="window.secondLook.save", **PRIVATE)

        changed = [self.question, self.note, self.cards, self.image, *results]
        self.placed = [*gate, *codecs, *changed]  # what `place` changes
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
        self.refused.click(self.refuse, self.visit, [self.image, self.image_status], **fast)
        Api(self.live, ask, ON_MODEL)

    # Handlers: each returns {component: update}, and says what went wrong where the user is

    def ask_both(self, visit: Visit, *asked) -> Iterator[dict]:
        """Both stages, the first shown while the second runs. asked: as `settings.begin`."""
        yield from self._ask(visit, asked, both=True)

    def ask_step(self, visit: Visit, *asked) -> Iterator[dict]:
        """The first stage alone."""
        yield from self._ask(visit, asked, both=False)

    def look_again(
        self, visit: Visit, case: Case | None, metric, eta, link=DEFAULT_LINK
    ) -> Iterator[dict]:
        """The second stage of a case, whatever the gate says of it."""
        run = self._look_again(case, metric, eta, link)
        yield from self._explained(run, self.status_below, visit, case and case.image)

    def set_eta(self, visit: Visit, *judging) -> dict:
        """As `judge`, at an η of the user's own, which nothing replaces from now on."""
        visit.own_eta = True
        return self.judge(visit, *judging)

    def judge(self, visit: Visit, case: Case | None, metric: str, eta, link=DEFAULT_LINK) -> dict:
        """What the gate says at this η. The model doesn't run, and the case stays as it is."""
        if case is None or visit.has_left(case.image):
            return {self.verdict_html: gr.skip()}
        try:
            return self._judged(case.judged(settings.gate(metric, eta)), _link(link))
        except EXPECTED:  # a number field left empty: nothing to judge by until it is filled
            return {self.verdict_html: gr.skip()}

    def tidy(self, visit: Visit, case: Case | None, *judging) -> dict:
        """After a run: judged by where the sliders are now, or gone if the picture has changed."""
        if case is not None and visit.has_left(case.image):
            return self._cleared()
        return self.judge(visit, case, *judging)

    def look_through(self, visit: Visit, case: Case | None, layer: int) -> Iterator[dict]:
        """The maps of another layer."""
        run = self._look_through(case, layer)
        yield from self._explained(run, self.status_layer, visit, case and case.image)

    def answer_elsewhere(self, visit: Visit, case: Case | None, metric, eta, box) -> Iterator[dict]:
        """What the model answers if it looks at `box`: left, top, right, bottom."""
        run = self._elsewhere(case, metric, eta, box)
        yield from self._explained(run, self.status_box, visit, case and case.image)

    def pack_transcript(self, visit: Visit, case: Case | None, metric, eta) -> Iterator[dict]:
        """The transcript under the gate as it stands, as a file for the browser to keep."""

        def pack():
            judged = _present(case).judged(settings.gate(metric, eta))
            yield self._packed(downloads.transcript_file(judged.transcript))

        yield from self._explained(pack(), self.status_files, visit, case and case.image)

    def pack_pictures(self, visit: Visit, case: Case | None, *_) -> Iterator[dict]:
        """The pictures as a file for the browser to keep."""

        def pack():
            yield self._packed(downloads.picture_file(_present(case)))

        yield from self._explained(pack(), self.status_files, visit, case and case.image)

    def adapt(self, visit: Visit, metric: str) -> gr.Slider:
        """The slider for another metric, at that metric's default η."""
        visit.metric, visit.own_eta = metric, False
        return self.slider(visit)

    def slider(self, visit: Visit) -> gr.Slider:
        """η as the model wants it, as soon as there is one; an η that the user has set stays."""
        info = self.live.current().vlm.info  # which may take a while
        slider = eta_slider(visit.metric, info.thresholds[visit.metric])
        if visit.own_eta:
            del slider["value"]
        return gr.Slider(**slider)

    def choose(self, event: gr.EventData, visit: Visit) -> dict:
        """A sample."""
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
        """An image, its path one that Gradio may serve, and a question: ready to be asked.

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
            self._cleared()
            | settings
            | {
                self.image: image,
                self.cards: None,
                self.question: question,
                self.note: markup.sample_note(note) if note else "",
            }
        )

    def bring(self, visit: Visit, upload: Any) -> dict:
        """An image of the user's own, or none. One that can't be used leaves all as it was."""
        image = settings.path_of(upload)
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
            update |= self._cleared()
        if shown != image:
            update[self.image] = shown
        return update

    def refuse(self, event: gr.EventData, visit: Visit) -> dict:
        """What the browser didn't send, or what was lost on the way. What was there stays."""
        sentence = markup.not_sent(event.name, event.why, event.size, LARGEST_FILE)
        return self._kept(visit, sentence)

    # What they are made of

    def _ask(self, visit: Visit, asked: tuple, both: bool) -> Iterator[dict]:
        visit.asked = image = visit.original_of(settings.path_of(asked[0]))
        run = self._stages((image, *asked[1:]), both)
        yield from self._explained(run, self.status, visit, image)

    def _stages(self, asked: tuple, both: bool) -> Iterator[dict]:
        if not self.live.ready:
            yield {self.status: markup.notice("The model is still being loaded; please wait.")}
        case = settings.begin(self.live, *asked)
        more = both and case.transcript.uncertain
        doing = "The first answer is there; the second look is under way." if more else ""
        yield self._first_shown(case) | {self.status: markup.notice(doing) if doing else ""}
        if more:
            yield self._second_shown(self.live.run(ask_second, case), PRESETS[DEFAULT_LINK])

    def _look_again(self, case: Case | None, metric, eta, link) -> Iterator[dict]:
        if not _present(case).transcript.retransmitted:
            case = case.judged(settings.gate(metric, eta))
            yield self._second_shown(self.live.run(ask_second, case), _link(link))

    def _look_through(self, case: Case | None, layer) -> Iterator[dict]:
        case = _present(case)
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
        case = _present(case).judged(settings.gate(metric, eta))
        case = self.live.run(ask_elsewhere, case, settings.as_box(box))
        shown = markup.elsewhere(case.elsewhere)
        yield {self.case: case, self.elsewhere_html: shown, self.status_box: ""}

    def _explained(
        self, updates: Iterator[dict], where: gr.HTML, visit: Visit, image: str | None
    ) -> Iterator[dict]:
        """The updates; if they fail, one sentence `where`, and all that was on the page stays.

        image: what they are about. Once the visit has left it, nothing of them is shown.
        """
        updates = self._or_a_sentence(updates, where)
        while not visit.has_left(image) and (update := next(updates, None)) is not None:
            if not visit.has_left(image):
                yield update
        if visit.has_left(image):
            yield {where: ""}

    def _or_a_sentence(self, updates: Iterator[dict], where: gr.HTML) -> Iterator[dict]:
        try:
            yield from updates
        except EXPECTED as error:
            yield {where: markup.alert(str(error))}
        except Exception:
            log.exception("a stage failed")
            yield {where: markup.alert(FAILED)}

    def _first_shown(self, case: Case) -> dict:
        """Everything there is to see of a case after its first stage."""
        shown = self._judged(case, PRESETS[DEFAULT_LINK]) | {
            self.case: case,
            **self._silent(),
            self.stage_1: gr.Row(visible=True),
            self.first_html: markup.first_stage(case.transcript, load_image(case.image)),
            self.stage_2: gr.Column(visible=False),
            self.records: gr.Column(visible=True),
        }
        if self.about is not None:
            info = self.live.current().vlm.info
            shown[self.about] = markup.about_model(info.name, info)
        return shown

    def _second_shown(self, case: Case, link: Link) -> dict:
        """What the second stage adds to that."""
        transcript, info = case.transcript, self.live.current().vlm.info
        original = load_image(case.image)
        attention: Attention | None = transcript.attention
        own = info.attention_layer
        seen = attention and maps.maps(original, attention, transcript.box, own, own)
        return self._judged(case, link) | {
            self.case: case,
            **self._silent(),
            self.stage_2: gr.Column(visible=True),
            self.second_html: markup.second_stage(transcript),
            self.maps_html: seen or "",
            self.layer: gr.Slider(maximum=info.layers - 1, value=own),
            self.local_html: markup.local_image(transcript),
            self.box_html: maps.box_editor(original, transcript.box),
        }

    def _judged(self, case: Case, link: Link) -> dict:
        """The part of what there is to see that depends on the gate."""
        transcript = case.transcript
        note = ""
        if case.moved:
            metric = METRICS[case.asked.metric].phrase
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
            self.comparison_html: markup.comparison(transcript),
            self.elsewhere_html: markup.elsewhere(case.elsewhere) if case.elsewhere else "",
            self.log_html: markup.message_log(transcript, link, note),
        }

    def _cleared(self) -> dict:
        """No results: those of one image must not stand beside another."""
        hidden = {row: gr.Row(visible=False) for row in (self.stage_1, self.go_on)}
        hidden |= {part: gr.Column(visible=False) for part in (self.stage_2, self.records)}
        return hidden | self._silent() | {self.case: None}

    def _kept(self, visit: Visit, sentence: str) -> dict:
        """What is wrong with a new picture, beside the one before."""
        kept = visit.shown if visit.shown and Path(visit.shown).is_file() else None
        more = " The image before it is still there." if kept else ""
        return {self.image: kept, self.image_status: markup.alert(f"{sentence}{more}")}

    def _packed(self, parcel: downloads.Parcel) -> dict:
        return {self.parcel: parcel, self.status_files: ""}

    def _silent(self) -> dict:
        places = (self.status, self.status_below, self.image_status)
        places += (self.status_layer, self.status_box, self.status_files)
        return dict.fromkeys(places, "")


def _present(case: Case | None) -> Case:
    if case is None:
        raise ProtocolError(NO_CASE)
    return case


def _link(name: Any) -> Link:
    return PRESETS[name if isinstance(name, str) and name in PRESETS else DEFAULT_LINK]


def _scroll_to(element: str, block: str = "start") -> str:
    """JavaScript: bring what has just been computed into view, unless something went wrong."""
    return f"""() => {{
        if (document.querySelector('[id^=status] [role=alert]')) return;
        document.getElementById('{element}')?.scrollIntoView({{block: '{block}'}});
    }}"""
