"""The compression tab: what quality to send images at, with and without a second look."""

from __future__ import annotations

from html import escape

import gradio as gr
import numpy as np
from PIL import Image

from core.bench import Run
from core.bench.analysis.separability import RIGHT_FROM
from core.bench.plots.runs import quality_figure
from core.bench.runs.kept import kept
from core.bench.runs.originals import OriginalMissing, check_originals, original
from core.imaging import Codec, crop_local, downscale
from dashboard.benchmarks.chart import PRIVATE, Chart, drawn_csv
from dashboard.benchmarks.figures import plot, stamped
from dashboard.benchmarks.library import Choice, Library
from dashboard.benchmarks.questions import Questions, answer_line
from dashboard.benchmarks.view import View, Viewer, load_all
from dashboard.drawing import markup
from dashboard.drawing.pictures import data_url
from dashboard.live import LiveModel

SIDE = 200  # CSS px of a picture
ONE_QUALITY = """This run was recorded at one quality only. Record it at others, with
<code>--quality 5 10 20 40 60 80 95</code>, to see the frontier."""


class Compression:
    """Components of the tab; `draw` fills them. Call it inside a `gr.Tab`.

    live: the loaded model, whose input size the global images have.
    """

    def __init__(self, library: Library, live: LiveModel) -> None:
        self.library, self.live = library, live
        gr.HTML(
            """<p class="explain">Both images are compressed alike. Each curve starts where only
global images are sent, and goes on as η is lowered. The cost is that of both images, as a share of
a global image at JPEG quality 100.</p>"""
        )
        self.note = gr.HTML()
        self.chart = Chart("quality", "the curves for each quality")
        gr.HTML('<h2 id="same-image">The same question at every quality</h2>')
        self.which = gr.State(0)
        with gr.Row():
            self.uncertain = gr.Checkbox(
                True, label="Only questions that a crop mends at some quality", elem_id="mended"
            )
            self.other = gr.Button("Another question", size="sm", elem_id="another-question")
        self.images = gr.HTML(elem_id="qualities")
        self.inputs = [self.which, self.uncertain]
        self.controls = [self.uncertain]
        self.outputs = [self.note, self.chart.plot, self.images]

    def connect(self, view_of: Viewer, bar: list, questions: Questions) -> None:
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
            another, [self.which, self.uncertain, *bar], [self.which, self.images], **PRIVATE,
            show_progress_on=self.images,
        )  # fmt: skip

    def draw(self, view: View, which: int, mended: bool) -> dict:
        return {
            self.note: markup_note(view),
            self.chart.plot: plot(self._figure(view)),
            self.images: self._same(view, which, mended),
        }

    def _figure(self, view: View) -> dict:
        runs = {c.codec: run for c, run in self._runs(view).items() if view.metric in run.metrics}
        return stamped(quality_figure(runs, view.metric, view.first_tokens), runs.values())

    def _runs(self, view: View) -> dict[Choice, Run]:
        return load_all(self.library, view.series.choices)

    def _same(self, view: View, which: int, mended: bool) -> str:
        """One question at all qualities of the series, side by side."""
        runs = self._runs(view)
        first, *others = runs.values()
        ids = _common(first, mended, *others)
        if not ids:
            return markup.notice("There is no such question in these runs.")
        sample = ids[which % len(ids)]
        rows = {choice: int(np.flatnonzero(run.id == sample)[0]) for choice, run in runs.items()}
        choice, index = next(iter(rows.items()))
        run = runs[choice]
        try:
            check_originals(run)
            image, note = original(run, index), ""
        except OriginalMissing as error:
            image, note = None, markup.notice(str(error))
        size = self.live.current().vlm.info.input_size if image is not None else None
        cards = "".join(
            _quality_card(choice, runs[choice], row, image, size) for choice, row in rows.items()
        )
        return f"""<p class="explain">Question {which % len(ids) + 1} of {len(ids):,}:
<q>{escape(run.question[index])}</q></p>{note}<div class="cards">{cards}</div>"""


def markup_note(view: View) -> str:
    return "" if len(view.series.choices) > 1 else f'<p class="notice">{ONE_QUALITY}</p>'


@kept(4)
def _common(first: Run, mended: bool, *others: Run) -> list[str]:
    """Ids that all runs have answered, in the order of the first run."""
    runs = (first, *others)
    shared = set.intersection(*(set(run.id) for run in runs))
    if mended:
        shared &= set().union(
            *(run.id[(run.first_score < RIGHT_FROM) & (run.gain > 0)] for run in runs)
        )
    return [sample for sample in first.id if sample in shared]


def _quality_card(
    choice: Choice, run: Run, index: int, image: Image.Image | None, size: tuple[int, int] | None
) -> str:
    pictures = ""
    if image is not None:
        of = choice.metadata
        codec = Codec(of.codec, of.quality or Codec().quality)
        pictures = _pictures(run, index, image, size, codec)
    return f"""<article class="card"><h3>{escape(choice.codec)}</h3>
{answer_line("First answer", run.first_answer[index], run.first_score[index])}
{answer_line("With the crop", run.second_answer[index], run.second_score[index])}
{pictures}</article>"""


def _pictures(run: Run, index: int, image: Image.Image, size: tuple[int, int], codec: Codec) -> str:
    """The global image, the box in it, and the local image, all as they were sent."""
    data = codec.encode(downscale(image, size))
    received = codec.decode(data)
    figures = [_figure(data, codec, received.size, "The global image", len(data))]
    same = len(data) == run.global_bytes[index]
    box = run.box_of(index)
    if box is not None and box.right <= image.width and box.bottom <= image.height:
        scale = received.width / image.width, received.height / image.height
        part = received.crop((
            int(box.left * scale[0]), int(box.top * scale[1]),
            max(round(box.right * scale[0]), int(box.left * scale[0]) + 1),
            max(round(box.bottom * scale[1]), int(box.top * scale[1]) + 1),
        ))  # fmt: skip
        png = Codec("png")
        figures.append(_figure(png.encode(part), png, part.size, "The box in it, magnified", None))
        local = codec.encode(crop_local(image, box, size))
        figures.append(
            _figure(local, codec, codec.decode(local).size, "The local image", len(local))
        )
    note = "" if same else (
        f"<p class='fine'>In the run it had {run.global_bytes[index]:,} bytes: another model's "
        "input size, or another version of the codec.</p>"
    )  # fmt: skip
    return f'<div class="quality-pictures">{"".join(figures)}</div>{note}'


def _figure(
    data: bytes, codec: Codec, size: tuple[int, int], caption: str, count: int | None
) -> str:
    factor = SIDE / max(size)
    shown = max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
    bytes_said = "" if count is None else f"<br>{count:,} bytes"
    return f"""<figure><img class="pixelated" src="{data_url(data, codec.format)}" alt="{caption}"
width="{shown[0]}" height="{shown[1]}">
<figcaption class="fine">{caption}{bytes_said}</figcaption></figure>"""
