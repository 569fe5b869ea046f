"""The way of a recorded question into the walkthrough: as it was recorded, ready to be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from core.bench import Run
from core.bench.runs.originals import OriginalMissing, original
from core.croppers import DEFAULT, label, served
from core.imaging import Codec
from core.uncertainty import METRICS, Gate
from dashboard.benchmarks.chart import PRIVATE, READING
from dashboard.drawing.pictures import as_file
from dashboard.eta.places import playable
from dashboard.inputs import MOST_LOOKS
from dashboard.visits.visit import Visit


@dataclass(frozen=True)
class Recorded:
    """A question of a run."""

    run: Run
    index: int
    gate: Gate | None = None  # under which it was looked at; None: under no one in particular


class Opening:
    """Puts recorded questions into the walkthrough.

    place: puts an image and a question there, as `Asking.place` does; visit: what it needs; placed:
    the components that it changes. walkthrough: id of its tab among `tabs`.
    """

    def __init__(
        self,
        place: Callable[..., dict],
        visit: gr.State,
        placed: list,
        tabs: gr.Tabs,
        walkthrough: str,
    ) -> None:
        self.place, self.visit, self.placed = place, visit, placed
        self.tabs, self.walkthrough = tabs, walkthrough

    def connect(self, html: gr.HTML, find: Callable[..., Recorded], inputs: list) -> None:
        """Let the buttons of `html` work. find: from what was clicked, and the values of `inputs`;
        raises gr.Error, one sentence, for a question that isn't here any more.
        """

        def opened(event: gr.EventData, visit: Visit, *values) -> dict:
            return self.opened(visit, find(event, *values), html)

        html.click(
            opened,
            [self.visit, *inputs],
            [self.tabs, *self.placed],
            **READING,
            show_progress="hidden",
        ).success(None, js="() => scrollTo({top: 0})", **PRIVATE)

    def opened(self, visit: Visit, recorded: Recorded, of: gr.HTML) -> dict:
        """Return the walkthrough with a question. of: the component that may serve its picture."""
        run, index = recorded.run, recorded.index
        try:
            image = original(run, index)
        except OriginalMissing as error:
            raise gr.Error(str(error), print_exception=False) from None
        gate, codec = recorded.gate and playable(recorded.gate), _codec_of(run)
        cropper = run.metadata.cropper if run.metadata.cropper in served() else None
        looks = min(run.metadata.rounds, MOST_LOOKS)
        same = [
            f"η of {METRICS[gate.metric].noun} at {gate.threshold:g}" if gate else "",
            f"{run.metadata.codec.upper()} at quality {run.metadata.quality}" if codec else "",
            f"{label(cropper)} looks" if cropper not in (None, DEFAULT) else "",
            f"{looks} looks at most" if cropper is not None and looks > 1 else "",
        ]
        *some, last = [part for part in same if part] or [""]
        same = f"{', '.join(some)} and {last}" if some else last
        first, *_, final = _answers(run, index)
        note = (
            f"From the recorded run of {run.metadata.model}, which answered "
            f"“{first}” first, and then “{final}”." + (f" Set as there: {same}." if same else "")
        )
        file, prompt = as_file(image, of), run.prompt[index]
        placed = self.place(visit, file, prompt, note, gate, codec, cropper, looks)
        return placed | {self.tabs: gr.Tabs(selected=self.walkthrough)}


def _answers(run: Run, index: int) -> list[str]:
    """Return the answers to a question, the first one first: of every look that there was."""
    answers = [run.first_answer[index], run.second_answer[index]]
    for later, places in zip(run.later, run.places, strict=True):
        answers += list(later.second_answer[places == index])
    return answers


def _codec_of(run: Run) -> Codec | None:
    """Return what the run's images were encoded with, if that is known here."""
    try:
        return Codec(run.metadata.codec, run.metadata.quality or Codec().quality)
    except ValueError:
        return None
