"""The questions behind a point of a curve, or in a cell of the confusion: image, answers, box."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from markupsafe import Markup
from PIL import Image

from core.bench import Run, samples_near, samples_of_kind
from core.bench.analysis.calibration import always_or_never
from core.bench.analysis.separability import RIGHT_FROM
from core.bench.runs.kept import kept
from core.bench.runs.originals import OriginalMissing, check_originals, original
from core.cropping import Box
from core.uncertainty import METRICS, Gate
from dashboard.benchmarks.chart import PRIVATE
from dashboard.benchmarks.library import Library
from dashboard.benchmarks.opening import Opening, Recorded
from dashboard.benchmarks.view import View
from dashboard.drawing.overlays import outline
from dashboard.drawing.pictures import as_picture
from dashboard.drawing.templating import render
from dashboard.drawing.words.sentences import explain, notice, outcome

AT_ONCE = 6  # cards; each takes a scene to be rendered
MOST = 300  # questions that one can page through
SIDE, CROP_SIDE = 480, 240  # px of the pictures
OPEN = """element.addEventListener('click', event => {
    const index = event.target.closest('button')?.dataset.index;
    if (index) trigger('click', {index: Number(index)});
})"""
EMPTY = explain("Click a curve, or a number above, to see the questions there.")


@dataclass(frozen=True)
class Behind:
    """What a user looks at: samples of a run in an order, some at a time."""

    choice: str  # key
    title: str
    gate: Gate
    samples: tuple[int, ...]
    first: int = 0

    @property
    def page(self) -> tuple[int, ...]:
        """Return the samples that are shown at once."""
        return self.samples[self.first : self.first + AT_ONCE]


class QuestionCards:
    """Components of the section. opening: the way of its questions into the walkthrough."""

    def __init__(self, library: Library, opening: Opening):
        self.library, self.opening = library, opening
        self.behind = gr.State(None)
        gr.HTML('<h2 id="questions">Questions behind the point</h2>', padding=False)
        self.cards = gr.HTML(EMPTY, js_on_load=OPEN, elem_id="cards")
        with gr.Row(visible=False, elem_classes="pager") as self.pager:
            self.previous = gr.Button("Previous", size="sm", elem_id="previous-questions")
            self.next = gr.Button("Next", size="sm", elem_id="next-questions")
        self.outputs = [self.behind, self.cards, self.pager, self.previous, self.next]

    def connect(self, uploads: gr.State) -> None:
        """Let the cards and buttons work."""
        for button, step in ((self.previous, -AT_ONCE), (self.next, AT_ONCE)):
            button.click(
                lambda behind, uploads, step=step: self.turn(behind, uploads, step),
                [self.behind, uploads],
                self.outputs,
                **PRIVATE,
                show_progress_on=self.cards,
            )

        def clicked(event: gr.EventData, behind: Behind | None, uploads: tuple) -> Recorded:
            return self.recorded(behind, uploads, event.index)

        self.opening.connect(self.cards, clicked, [self.behind, uploads])

    def begin(self, view: View | None, gate: Gate | None, kind: str | None = None) -> dict:
        """Return the questions of one kind, or all of them; those nearest to the gate's η first."""
        if view is None or gate is None:
            return {self.cards: EMPTY}
        run, unit = view.run, METRICS[gate.metric].unit
        eta = f"η = {gate.threshold:.3g} {unit}".rstrip()
        at = {"never ask": "never asking", "always ask": "always asking"}.get(
            always_or_never(gate), eta
        )
        if kind is None:
            samples, title = samples_near(run, gate), f"The questions nearest to {at}"
        else:
            try:
                samples, title = samples_of_kind(run, gate, kind), f"{kind.capitalize()} at {at}"
            except ValueError as error:
                raise gr.Error(str(error), print_exception=False) from None
        behind = Behind(view.choice.key, title, gate, tuple(samples[:MOST].tolist()))
        return self._shown(behind, run, len(samples))

    def turn(self, behind: Behind | None, uploads: tuple, step: int) -> dict:
        """Return the questions `step` further on."""
        if behind is None:
            return {self.cards: EMPTY}
        last = max(0, (len(behind.samples) - 1) // AT_ONCE * AT_ONCE)
        behind = replace(behind, first=min(max(behind.first + step, 0), last))
        return self._shown(behind, self._run(behind, uploads), len(behind.samples))

    def recorded(self, behind: Behind | None, uploads: tuple, index: Any) -> Recorded:
        """Return one of the questions shown. Raises gr.Error for any other."""
        if behind is None or index not in behind.samples:
            raise gr.Error("This question is no longer here.", print_exception=False)
        return Recorded(self._run(behind, uploads), index, behind.gate)

    def _run(self, behind: Behind, uploads: tuple) -> Run:
        choices = {choice.key: choice for choice in self.library.choices(uploads)}
        if behind.choice not in choices:
            raise gr.Error("The run is no longer here.", print_exception=False)
        return self.library.load(choices[behind.choice])

    def _shown(self, behind: Behind, run: Run, count: int) -> dict:
        try:
            check_originals(run)
            missing = Markup()
        except OriginalMissing as error:
            missing = notice(str(error))
        last = behind.first + len(behind.page)
        which = f", {behind.first + 1} to {last}" if behind.page else ""
        cards = render(
            "benchmarks/question_cards.html",
            head=outcome(f"{behind.title}: {count:,} questions{which}"),
            missing=missing,
            cards=[_card(run, index, behind.gate, not missing) for index in behind.page],
        )
        return {
            self.behind: behind,
            self.cards: cards,
            self.pager: gr.Row(visible=len(behind.samples) > AT_ONCE),
            self.previous: gr.Button(interactive=behind.first > 0),
            self.next: gr.Button(interactive=last < len(behind.samples)),
        }


def _card(run: Run, index: int, gate: Gate, with_image: bool) -> dict[str, Any]:
    metric = METRICS[gate.metric]
    value = run.uncertainty(gate.metric, gate.first_tokens)[index]
    return {
        "index": index,
        "question": run.question[index],
        **answers_of(run, index),
        "expected": ", ".join(dict.fromkeys(expected_answers(run.answers[index]))),
        "measure": metric.heading,
        "value": f"{value:.3g} {metric.unit}",
        "global_bytes": run.global_bytes[index],
        "local_bytes": run.local_bytes[index],
        "pictures": _pictures(run, index) if with_image else None,
    }


def answers_of(run: Run, index: int) -> dict[str, tuple[str, bool]]:
    """Return both answers to a question of a run, each with whether it was right."""
    return {
        "first": (run.first_answer[index], run.first_score[index] >= RIGHT_FROM),
        "second": (run.second_answer[index], run.second_score[index] >= RIGHT_FROM),
    }


def expected_answers(text: str) -> list[str]:
    """Return the answers in a run's column: a list, or an object with one and the options."""
    try:
        found = json.loads(text)
        found = found.get("answers", []) if isinstance(found, dict) else found
        return [str(answer) for answer in found] if isinstance(found, list) else [str(found)]
    except (ValueError, RecursionError):
        return [text]


@kept(16)
def _pictures(run: Run, index: int) -> tuple[Markup, Markup]:
    """Return the original with the box, and what is in the box, as <img> elements."""
    try:
        image = original(run, index)
    except OriginalMissing as error:
        return notice(str(error)), Markup()
    small = image.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    box = run.box_of(index)
    if box is None or box.right > image.width or box.bottom > image.height:
        return as_picture(small, "card-whole", "The original"), Markup()
    whole = as_picture(
        outline(small, box, image.size), "card-whole", "The original, with the box asked for"
    )
    return whole, as_picture(_crop(image, box), "card-crop", "What is in the box")


def _crop(image: Image.Image, box: Box) -> Image.Image:
    part = image.crop(box.as_tuple())
    part.thumbnail((CROP_SIDE, CROP_SIDE), Image.Resampling.LANCZOS)
    return part
