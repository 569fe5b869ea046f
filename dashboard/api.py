"""What programs can ask of the page, by name: `gradio_client` and plain HTTP see the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import gradio as gr

from core.croppers import served
from core.uncertainty import METRICS
from dashboard import inputs
from dashboard.case import ask_elsewhere, ask_second
from dashboard.hosting.live import EXPECTED, LiveModel

SETTINGS = (
    "metric is one of " + ", ".join(METRICS) + "; eta is the threshold in its unit, left out or"
    " null the model's own. format and quality are those of the global image, local_format and"
    " local_quality of the local one."
)
ETA = 3  # among what every question needs: image, question, metric, η


class Api:
    """The endpoints. Call it inside a `gr.Blocks`.

    asked, looking: the page's own components for what every question needs, and for who looks, how
    often. Their types say what programs may send, and files of this machine are not among it. Only
    η has one of its own: the page's slider stands where no model has been asked yet.
    """

    def __init__(
        self,
        live: LiveModel,
        asked: list[gr.components.Component],
        looking: list[gr.components.Component],
        on_model: dict,
    ):
        self.live = live
        self.answer = gr.JSON(visible=False)
        eta = gr.Number(visible=False, label="eta")
        asked = [*asked[:ETA], eta, *asked[ETA + 1 :]]
        force = gr.Checkbox(False, visible=False, label="force")
        box = gr.JSON(visible=False, label="box")
        button = gr.Button(visible=False)
        button.click(
            self.ask,
            [*asked, force, *looking],
            self.answer,
            **on_model,
            api_name="ask",
            api_description="Ask one question about one image; returns the whole transcript. "
            + SETTINGS
            + " force takes the second look even if the gate says no. cropper is who chooses the"
            f" box, one of {', '.join(served())}. looks is how many local images may be asked for,"
            " each further one while the answer is still uncertain by eta.",
        )
        button.click(
            self.look_here,
            [*asked, box],
            self.answer,
            **on_model,
            api_name="look_here",
            api_description="As ask, with a local image of your own choice: box is left, top,"
            " right, bottom in pixels of the original. " + SETTINGS,
        )
        button.click(
            self.model,
            None,
            self.answer,
            queue=False,
            api_name="model",
            api_description="The model that answers: its name, size, grid, and a default eta for"
            " each metric.",
        )

    def ask(
        self,
        image,
        question,
        metric,
        eta=None,  # this default makes it optional; the others' are their components' values
        format=None,
        quality=None,
        local_format=None,
        local_quality=None,
        force=None,
        cropper=None,
        looks=None,
    ) -> dict[str, Any]:
        """Return both stages: `Transcript.to_dict()`, or gr.Error with one sentence."""
        with _refused():
            asked = image, question, metric, eta, format, quality, local_format, local_quality
            case = self._begin(*asked, cropper, looks)
            if case.transcript.uncertain or force:
                case = self.live.run(ask_second, case)
        return case.transcript.to_dict()

    def look_here(
        self,
        image,
        question,
        metric,
        eta=None,
        format=None,
        quality=None,
        local_format=None,
        local_quality=None,
        box=None,
    ) -> dict[str, Any]:
        """Return both stages, the second with the caller's box: a transcript, or gr.Error."""
        with _refused():
            asked = image, question, metric, eta, format, quality, local_format, local_quality
            box = inputs.as_box(box)
            case = self.live.run(ask_elsewhere, self._begin(*asked), box)
        return case.elsewhere.to_dict()

    def _begin(self, image, question, metric, eta, *more):
        """Return `inputs.begin`, with the model's own η where none was sent."""
        if eta is None and isinstance(metric, str):
            eta = self.live.current().vlm.info.thresholds.get(metric)
        return inputs.begin(self.live, image, question, metric, eta, *more)

    def model(self) -> dict[str, Any]:
        """Return `core.vlm.ModelInfo` as plain JSON."""
        return asdict(self.live.current().vlm.info)


@contextmanager
def _refused() -> Iterator[None]:
    """Raise what is expected as gr.Error: one sentence for whoever called."""
    try:
        yield
    except EXPECTED as error:
        raise gr.Error(str(error), print_exception=False) from None
