"""A transcript's stages as HTML: what was sent, answered, and decided."""

from __future__ import annotations

from markupsafe import Markup
from PIL import Image

from core.imaging import FINER
from core.transcript import EncodedImage, Stage, Transcript
from core.uncertainty import METRICS, Gate
from dashboard.drawing import gauge, pictures, tokens, wording
from dashboard.drawing.overlays import display_copy
from dashboard.drawing.templating import render


def first_stage(transcript: Transcript, original: Image.Image) -> Markup:
    """Return the first stage. original: at any size, what the global image is compared with."""
    fit, (width, height) = transcript.fit, transcript.original_size
    left, top, right, bottom = (0, 0, width, height) if fit is None else fit.region((width, height))
    seen = left / width, top / height, right / width, bottom / height
    compared = pictures.comparison(display_copy(original), transcript.global_image, seen)
    covered = 1.0 if fit is None else fit.covered((width, height))
    return render(
        "transcript/first_stage.html",
        transcript=transcript,
        compared=compared,
        unseen=None if covered >= 0.995 else f"{100 * (1 - covered):.0f}",
        size=_size_of(transcript.global_image, transcript),
    )


def verdict(transcript: Transcript) -> Markup:
    """Return the first answer, and what the gate makes of it: all that depends on metric and η."""
    gate = transcript.gate
    return render(
        "transcript/verdict.html",
        transcript=transcript,
        metric=METRICS[gate.metric],
        state="uncertain" if transcript.uncertain else "confident",
        coloured=tokens.coloured(transcript.first, gate),
        gauge=gauge.gauge(transcript),
        table=tokens.table(transcript.first, gate, "first-tokens"),
    )


def second_stage(transcript: Transcript) -> Markup:
    """Return the heading of stage 2; empty until there was one."""
    if transcript.second is None:
        return Markup()
    return render("transcript/second_stage.html")


def local_image(transcript: Transcript) -> Markup:
    """Return what the server asked for, and got; empty if it didn't."""
    if transcript.second is None:
        return Markup()
    image = transcript.local_image
    picture = pictures.as_sent(image, "local-image", "The local image as the server saw it")
    return render(
        "transcript/local_image.html",
        box=transcript.box,
        image=image,
        picture=picture,
        size=_size_of(image, transcript),
        finer=transcript.finer,
        too_coarse=transcript.finer is not None and transcript.finer <= FINER,
    )


def comparison(transcript: Transcript) -> Markup:
    """Return both answers side by side, and how sure the model was of each."""
    if transcript.second is None:
        return Markup()
    gate = transcript.gate
    return render(
        "transcript/comparison.html",
        transcript=transcript,
        phrase=METRICS[gate.metric].phrase,
        before=_measured(transcript.first, gate),
        after=_measured(transcript.second, gate),
        coloured=tokens.coloured(transcript.second, gate),
        table=tokens.table(transcript.second, gate, "second-tokens"),
    )


def move_the_box() -> Markup:
    """Return what stands above the box that a user may move."""
    return render("transcript/move_the_box.html")


def elsewhere(transcript: Transcript) -> Markup:
    """Return what the model says if it looks at a box of the user's instead."""
    gate, image = transcript.gate, transcript.local_image
    picture = pictures.as_sent(image, "elsewhere-image", "The local image of your own box")
    return render(
        "transcript/elsewhere.html",
        transcript=transcript,
        box=transcript.box,
        picture=picture,
        coloured=tokens.coloured(transcript.second, gate),
        phrase=METRICS[gate.metric].phrase,
        value=_measured(transcript.second, gate),
        size=wording.byte_count(len(image.data)),
    )


def _measured(stage: Stage, gate: Gate) -> str:
    return wording.measured(gate.uncertainty(stage.scores[gate.metric]), METRICS[gate.metric])


def _size_of(image: EncodedImage, transcript: Transcript) -> str:
    return wording.bytes_sent(len(image.data), transcript.original_bytes)
