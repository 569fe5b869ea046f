"""A transcript's stages as HTML: what was sent, answered, and decided."""

from __future__ import annotations

from markupsafe import Markup
from PIL import Image

from core.imaging import FINER, Fit
from core.transcript import EncodedImage, Stage, Transcript
from core.uncertainty import METRICS, Gate
from dashboard.drawing import pictures, tokens, wording
from dashboard.drawing.looks import who_looked
from dashboard.drawing.overlays import display_copy
from dashboard.drawing.templating import render
from dashboard.drawing.words import lay

NTH = ("second", "third", "fourth", "fifth", "sixth")  # answers, as many as a page shows


def question(asked: str) -> Markup:
    """Return the question, as the heading of all that comes of it."""
    return render("transcript/question.html", question=asked)


def picture(transcript: Transcript, original: Image.Image) -> Markup:
    """Return the original beside the global image and, once it was asked for, the box on both.

    original: at any size.
    """
    boxes = tuple(box.as_tuple() for box in transcript.boxes)
    return _picture(
        original,
        transcript.global_image,
        (transcript.original_size, transcript.original_bytes, transcript.fit),
        boxes,
        transcript.model,
    )


def sent_alone(
    original: Image.Image, original_bytes: int | None, sent: EncodedImage, fit: Fit
) -> Markup:
    """Return the original beside the global image that would be sent of it."""
    return _picture(original, sent, (original.size, original_bytes, fit))


def _picture(
    original: Image.Image,
    sent: EncodedImage,
    of: tuple[tuple[int, int], int | None, Fit | None],
    boxes: tuple[pictures.Edges, ...] = (),
    model: str = "",
) -> Markup:
    """of: the original's size and bytes, and how it was brought to the model."""
    size, count, fit = of
    region = (0, 0, *size) if fit is None else fit.region(size)
    return render(
        "transcript/picture.html",
        model=model,
        sent=sent,
        compared=pictures.comparison(display_copy(original), sent, size, region, boxes),
        unseen=_unseen(fit, size),
        size=wording.bytes_sent(len(sent.data), count),
    )


def answers(transcript: Transcript, unfamiliar: bool = False) -> Markup:
    """Return the answers there are, side by side, and how sure the model was of each.

    unfamiliar: the picture is of a kind that the model wasn't made for. An answer that the model
    can't stand behind is called a guess.
    """
    gate = transcript.gate
    guess = why_a_guess(transcript, unfamiliar)
    return render(
        "transcript/answers.html",
        transcript=transcript,
        phrase=METRICS[gate.metric].phrase,
        first=tokens.coloured(transcript.first, gate),
        before=_measured(transcript.first, gate),
        lay_before=_lay(transcript.first, gate),
        looked=[
            {
                "nth": nth,
                "stage": stage,
                "coloured": tokens.coloured(stage, gate),
                "value": _measured(stage, gate),
                "lay": _lay(stage, gate),
            }
            for nth, stage in zip(NTH, transcript.stages[1:], strict=False)
        ],
        guess=guess,
    )


def why_a_guess(transcript: Transcript, unfamiliar: bool = False) -> str:
    """Return why the final answer is no more than a guess; "" for one that the model stands behind.

    unfamiliar: as of `answers`.
    """
    if unfamiliar:
        return "this model was made for pictures like the samples, and can be sure and wrong here"
    gate, final = transcript.gate, transcript.stages[-1]
    if not gate.retransmit(final.scores[gate.metric]):
        return ""
    if transcript.second:
        return "the model is still on the unsure side of η"
    return "the model is on the unsure side of η"


def verdict(transcript: Transcript) -> Markup:
    """Return what the gate makes of the first answer, in a sentence."""
    state = "uncertain" if transcript.uncertain else "confident"
    return render("transcript/verdict.html", transcript=transcript, state=state)


def notes(transcript: Transcript) -> Markup:
    """Return how all that is to be read, and the answers token by token."""
    gate = transcript.gate
    return render(
        "transcript/notes.html",
        transcript=transcript,
        metric=METRICS[gate.metric],
        unseen=_unseen(transcript.fit, transcript.original_size),
        legend=tokens.legend(transcript.first, gate),
        first=tokens.table(transcript.first, gate, "first-tokens"),
        looked=[
            (nth, stage, tokens.table(stage, gate, f"{nth}-tokens"))
            for nth, stage in zip(NTH, transcript.stages[1:], strict=False)
        ],
    )


def second_stage(transcript: Transcript) -> Markup:
    """Return the heading of stage 2; empty until there was one."""
    if transcript.second is None:
        return Markup()
    return render(
        "transcript/second_stage.html", look=transcript.look, cropper=who_looked(transcript)
    )


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


def _lay(stage: Stage, gate: Gate) -> str:
    value = gate.uncertainty(stage.scores[gate.metric])
    return lay.doubt(value, METRICS[gate.metric], stage.tokens)


def _measured(stage: Stage, gate: Gate) -> str:
    return wording.measured(gate.uncertainty(stage.scores[gate.metric]), METRICS[gate.metric])


def _unseen(fit: Fit | None, size: tuple[int, int]) -> str | None:
    """Return how many % of the picture the model is never shown; None if that is next to none."""
    covered = 1.0 if fit is None else fit.covered(size)
    return None if covered >= 0.995 else f"{100 * (1 - covered):.0f}"


def _size_of(image: EncodedImage, transcript: Transcript) -> str:
    return wording.bytes_sent(len(image.data), transcript.original_bytes)
