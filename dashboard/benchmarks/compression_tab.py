"""The compression tab: what quality to send images at, with and without a second look."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np
from markupsafe import Markup
from PIL import Image

from core.bench import Run
from core.bench.analysis.separability import RIGHT_FROM
from core.bench.plots.several import quality_figure
from core.bench.runs.kept import kept
from core.bench.runs.originals import OriginalMissing, check_originals, original
from core.cropping import Box
from core.imaging import Codec, Fit, crop_local, downscale
from dashboard.benchmarks.cards import QuestionCards, answers_of
from dashboard.benchmarks.chart import READING, Chart, drawn_csv
from dashboard.benchmarks.figures import plot, stamped
from dashboard.benchmarks.library import Choice, Library
from dashboard.benchmarks.view import View, Viewer, load_all
from dashboard.drawing.pictures import data_url
from dashboard.drawing.templating import render
from dashboard.drawing.words.sentences import explain, notice
from dashboard.hosting.live import LiveModel

SIDE = 200  # CSS px of a picture
EXPLAINED = (
    "Both images are compressed alike. Each curve starts where only global images are sent, and"
    " goes on as η is lowered. The cost is that of both images, as a share of a global image at"
    " JPEG quality 100."
)


class Compression:
    """Components of the tab; `draw` fills them. Call it inside a `gr.Tab`.

    live: the loaded model, whose input size the global images have.
    """

    def __init__(self, library: Library, live: LiveModel) -> None:
        self.library, self.live = library, live
        gr.HTML(explain(EXPLAINED))
        self.note = gr.HTML()
        self.chart = Chart("quality", "the curves for each quality")
        gr.HTML('<h2 id="same-image">The same question at every quality</h2>')
        self.which = gr.State(0)
        with gr.Row():
            self.uncertain = gr.Checkbox(
                True,
                label="Only questions that a local image mends at some quality",
                elem_id="mended",
            )
            self.other = gr.Button("Another question", size="sm", elem_id="another-question")
        self.images = gr.HTML(elem_id="qualities")
        self.inputs = [self.which, self.uncertain]
        self.controls = [self.uncertain]
        self.outputs = [self.note, self.chart.plot, self.images]

    def connect(self, view_of: Viewer, bar: list, questions: QuestionCards) -> None:
        """Let the buttons work. bar: the components that `view_of` takes the values of."""

        def rows(*bar) -> str:
            view = view_of(*bar)
            return drawn_csv(view and self._figure(view))

        self.chart.offer_data(rows, bar)

        def another(which: int, mended: bool, *bar) -> dict:
            view = view_of(*bar)
            if view is None:
                return {self.which: 0}
            return {self.which: which + 1, self.images: self._same(view, which + 1, mended)}

        self.other.click(
            another, [self.which, self.uncertain, *bar], [self.which, self.images], **READING,
            show_progress_on=self.images,
        )  # fmt: skip

    def draw(self, view: View, which: int, mended: bool) -> dict:
        """Return what a view shows here. which: the question, counted on and round."""
        one = len(view.series.choices) == 1
        return {
            self.note: render("benchmarks/one_quality.html") if one else "",
            self.chart.plot: plot(self._figure(view)),
            self.images: self._same(view, which, mended),
        }

    def _figure(self, view: View) -> dict:
        runs = {c.codec: run for c, run in self._runs(view).items() if view.metric in run.metrics}
        return stamped(quality_figure(runs, view.metric, view.first_tokens), runs.values())

    def _runs(self, view: View) -> dict[Choice, Run]:
        return load_all(self.library, view.series.choices)

    def _same(self, view: View, which: int, mended: bool) -> Markup:
        """Return one question at all qualities of the series, side by side."""
        runs = self._runs(view)
        first, *others = runs.values()
        ids = _common(first, mended, *others)
        if not ids:
            return notice("There is no such question in these runs.")
        sample = ids[which % len(ids)]
        rows = {choice: int(np.flatnonzero(run.id == sample)[0]) for choice, run in runs.items()}
        choice, index = next(iter(rows.items()))
        run = runs[choice]
        try:
            check_originals(run)
            image, missing = original(run, index), Markup()
        except OriginalMissing as error:
            image, missing = None, notice(str(error))
        fit = self.live.current().vlm.info.fit if image is not None else None
        return render(
            "benchmarks/qualities.html",
            number=which % len(ids) + 1,
            count=len(ids),
            question=run.question[index],
            missing=missing,
            cards=[_card(choice, runs[choice], row, image, fit) for choice, row in rows.items()],
        )


@kept(4)
def _common(first: Run, mended: bool, *others: Run) -> list[str]:
    """Return the ids that all runs have answered, in the order of the first run."""
    runs = (first, *others)
    shared = set.intersection(*(set(run.id) for run in runs))
    if mended:
        shared &= set().union(
            *(run.id[(run.first_score < RIGHT_FROM) & (run.gain > 0)] for run in runs)
        )
    return [sample for sample in first.id if sample in shared]


def _card(
    choice: Choice, run: Run, index: int, image: Image.Image | None, fit: Fit | None
) -> dict[str, Any]:
    of = choice.metadata
    codec = Codec(of.codec, of.quality or Codec().quality)
    pictures = None if image is None else _pictures(run, index, image, fit, codec)
    return {"codec": choice.codec, **answers_of(run, index), "pictures": pictures}


def _pictures(run: Run, index: int, image: Image.Image, fit: Fit, codec: Codec) -> dict[str, Any]:
    """Return the global image, the box in it, and the local image, all as they were sent.

    recorded_bytes: what the global image had in the run, if it isn't what it has here.
    """
    data = codec.encode(downscale(image, fit))
    received = codec.decode(data)
    shown = [_picture(data, codec, received.size, "The global image") | {"bytes": len(data)}]
    box = run.box_of(index)
    if box is not None and box.right <= image.width and box.bottom <= image.height:
        part = received.crop(_place(box, received.size, fit.region(image.size)))
        png = Codec("png")
        shown.append(_picture(png.encode(part), png, part.size, "The box in it, magnified"))
        local = codec.encode(crop_local(image, box, fit))
        seen = codec.decode(local).size
        shown.append(_picture(local, codec, seen, "The local image") | {"bytes": len(local)})
    recorded = run.global_bytes[index]
    return {"pictures": shown, "recorded_bytes": None if recorded == len(data) else recorded}


def _place(
    box: Box, size: tuple[int, int], seen: tuple[float, float, float, float]
) -> tuple[int, int, int, int]:
    """Return where a box of the original lies on the global image, a pixel of it at least.

    size: of the global image; seen: what it shows of the original.
    """
    edges = []
    for side in (0, 1):
        first, last = seen[side], seen[side + 2]
        scale = size[side] / (last - first)
        low, high = ((edge - first) * scale for edge in box.as_tuple()[side::2])
        start = min(max(int(low), 0), size[side] - 1)
        edges.append((start, min(max(round(high), start + 1), size[side])))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom


def _picture(data: bytes, codec: Codec, size: tuple[int, int], caption: str) -> dict[str, Any]:
    factor = SIDE / max(size)
    return {
        "source": data_url(data, codec.format),
        "size": [max(1, round(side * factor)) for side in size],
        "caption": caption,
        "bytes": None,
    }
