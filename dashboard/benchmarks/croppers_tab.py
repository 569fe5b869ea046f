"""The tab that compares where croppers looked, over the same questions."""

from __future__ import annotations

import gradio as gr
from markupsafe import Markup

from core.bench import Run
from core.bench.analysis import looking
from core.bench.plots.base import Figure
from core.bench.plots.several import runs_figure
from core.bench.report import LOOKING_HEADS, looking_row
from core.bench.runs.originals import OriginalMissing, original
from core.bench.runs.series import looked_at_alike
from core.croppers import served
from dashboard.benchmarks.axis import axis_and_link, title_of
from dashboard.benchmarks.cards import SIDE, QuestionCards, answers_of
from dashboard.benchmarks.chart import Chart, drawn_csv
from dashboard.benchmarks.figures import plot, stamped
from dashboard.benchmarks.library import Library, timed
from dashboard.benchmarks.opening import Recorded
from dashboard.benchmarks.view import View, Viewer, load_all
from dashboard.drawing.overlays import outline
from dashboard.drawing.pictures import as_picture
from dashboard.drawing.templating import render
from dashboard.drawing.words.sentences import notice

ALONE = (
    "No other cropper has been asked these questions. “python -m core.bench croppers --like” with "
    "this run's file makes such runs; bring them above, or put them into the page's folder of runs."
)
OPEN = """element.addEventListener('click', event => {
    const cropper = event.target.closest('button')?.dataset.cropper;
    if (cropper) trigger('click', {cropper});
})"""


class Croppers:
    """Components of the tab; `draw` fills them. Call it inside a `gr.Tab`."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.note = gr.HTML()
        with gr.Row(elem_classes="settings"):
            self.axis, self.link = axis_and_link("croppers-")
        self.chart = Chart("croppers", "the curves of the croppers")
        self.table = gr.HTML(elem_id="croppers-table")
        self.question = gr.Slider(
            1, 2, value=1, step=1, label="Question", elem_id="croppers-question",
            info="Where each cropper looked for it.",
        )  # fmt: skip
        self.pictures = gr.HTML(js_on_load=OPEN, elem_id="croppers-pictures")
        self.inputs = [self.axis, self.link, self.question]
        self.controls = [self.axis, self.link, self.question]
        self.outputs = [self.note, self.chart.plot, self.table, self.question, self.pictures]

    def connect(self, view_of: Viewer, bar: list, questions: QuestionCards) -> None:
        """Let the buttons work. bar: the components that `view_of` takes the values of."""

        def rows(axis: str, link: str, *bar) -> str:
            view = view_of(*bar)
            if view is None:
                return ""
            return drawn_csv(self._figure(view, self._group(view, link), axis, link))

        self.chart.offer_data(rows, [self.axis, self.link, *bar])

        def clicked(event: gr.EventData, number: float, *bar) -> Recorded:
            return self.recorded(view_of(*bar), number, event.cropper)

        questions.opening.connect(self.pictures, clicked, [self.question, *bar])

    def draw(self, view: View, axis: str, link: str, number: float) -> dict:
        """Return what a view shows here. number: of the question, from 1."""
        group = self._group(view, link)
        alone = len(group) < 2 and view.run.metadata.rounds == 1
        found = (*looking.seeing(group), *looking.further(group), *looking.others(group))
        told = [one.text for one in found]
        count, index = len(view.run), _index(view.run, number)
        return {
            self.note: notice(ALONE) if alone else render("benchmarks/told.html", told=told),
            self.chart.plot: plot(self._figure(view, group, axis, link)),
            self.table: self._table(group),
            self.question: gr.Slider(1, max(count, 2), value=index + 1, step=1),
            self.pictures: _pictures(group, view.run.id[index], view.run, index),
        }

    def recorded(self, view: View | None, number: float, cropper: str) -> Recorded:
        """Return a question as this cropper was asked it. Raises gr.Error if it is not here."""
        run = view and self._group(view, "").get(cropper)
        there = (
            [] if run is None else (run.id == view.run.id[_index(view.run, number)]).nonzero()[0]
        )
        if run is None or not len(there):
            raise gr.Error("This question is no longer here.", print_exception=False)
        return Recorded(run, int(there[0]))

    @staticmethod
    def _figure(view: View, group: dict[str, Run], axis: str, link: str) -> Figure:
        each = looking.by_rounds(looking.together(group))
        named, rounds = ({name: one[i] for name, one in each.items()} for i in (0, 1))
        title = title_of(axis, link)
        figure = runs_figure(named, view.metric, view.first_tokens, axis, title, rounds)
        return stamped(figure, named.values())

    def _group(self, view: View, link: str) -> dict[str, Run]:
        """Return the runs that differ from the one looked at in their cropper only, it included,
        with the seconds of a link.
        """
        alike = tuple(
            choice
            for choice in (*view.choices, *self.library.controls())
            if looked_at_alike(view.choice.metadata, choice.metadata)
        )
        runs = load_all(self.library, alike).values()
        group = looking.beside(view.run, (run for run in runs if view.metric in run.metrics))
        return {name: timed(run, link) for name, run in group.items()}

    @staticmethod
    def _table(group: dict[str, Run]) -> Markup:
        each = looking.by_rounds(looking.together(group)).values()
        rows = [looking_row(looking.looking(run, rounds)) for run, rounds in each]
        return render(
            "benchmarks/croppers.html",
            heads=LOOKING_HEADS[1:],
            rows={cells[0]: cells[1:] for cells in rows},
        )


def _index(run: Run, number: float) -> int:
    """Return the place of a question that people count from 1."""
    return min(max(int(number or 1), 1), len(run)) - 1


def _pictures(group: dict[str, Run], sample: str, of: Run, index: int) -> Markup:
    """Return where each cropper looked for one question, and what came of it, side by side."""
    try:
        image = original(of, index)
    except OriginalMissing as error:
        return notice(str(error))
    small = image.copy()
    small.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    looks = []
    for name, run in group.items():
        there = (run.id == sample).nonzero()[0]
        box = run.box_of(int(there[0])) if there.size else None
        if box is None or box.right > image.width or box.bottom > image.height:
            continue
        at = int(there[0])
        looks.append({
            "name": name,
            "label": looking.label(name),
            "picture": as_picture(
                outline(small, box, image.size), "card-whole", f"The box of {looking.label(name)}"
            ),
            "answer": answers_of(run, at)["second"],
            "side": f"{box.width} × {box.height}",
            "fallback": run.box_fallback[at],
            "opens": name in served(),
        })  # fmt: skip
    return render(
        "benchmarks/looks.html",
        question=of.question[index], first=answers_of(of, index)["first"], looks=looks,
    )  # fmt: skip
