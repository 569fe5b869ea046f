"""Who looked, and every look in the order in which they came."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from PIL import Image

from core.croppers import CROPPERS, DEFAULT, Cropper, label
from core.transcript import Transcript
from core.uncertainty import METRICS
from core.vlm import VLM
from dashboard.drawing import pictures, wording
from dashboard.drawing.overlays import display_copy, outline
from dashboard.drawing.templating import render
from dashboard.drawing.words.sentences import explain, notice

SIDE = 480  # px of the original with a box on it


def cropper_note(cropper: Cropper, vlm: VLM) -> Markup:
    """Return where a cropper looks, in a sentence; in one more, why this model can't do it."""
    obstacle = cropper.obstacle(vlm)
    return explain(rule(cropper.name)) + ("" if obstacle is None else notice(obstacle))


def rule(name: str) -> str:
    """Return where a cropper looks, and who published it; "" for one that isn't known here."""
    if name not in CROPPERS:
        return ""
    one = CROPPERS[name]
    return f"{one.rule} {one.source}." if one.source else one.rule


def who_looked(transcript: Transcript) -> dict[str, Any]:
    """Return what there is to say of a transcript's cropper, as the templates take it."""
    known = CROPPERS.get(transcript.cropper)
    return {
        "label": label(transcript.cropper),
        "rule": rule(transcript.cropper),
        "usual": transcript.cropper == DEFAULT,
        "blank": known is not None and known.shows is not None,
        "fallback": transcript.box_fallback,
    }


def looks(transcript: Transcript, original: Image.Image) -> Markup:
    """Return each look with its box, its local image, its answer and what these took; empty for
    fewer than two. original: at any size.
    """
    if not transcript.rounds:
        return Markup()
    gate, small = transcript.gate, display_copy(original, SIDE)
    images = (transcript.local_image, *(one.local_image for one in transcript.rounds))
    inside = (False, *(one.attention is not None for one in transcript.rounds))
    fallbacks = (transcript.box_fallback, *(one.box_fallback for one in transcript.rounds))
    cards = []
    for number, (box, stage) in enumerate(
        zip(transcript.boxes, transcript.stages[1:], strict=True), start=1
    ):
        image = images[number - 1]
        assert image is not None
        where = outline(small, box, transcript.original_size)
        cards.append({
            "number": number,
            "where": pictures.as_picture(where, "card-whole", f"The box of look {number}"),
            "picture": pictures.as_sent(image, "card-sent", f"The local image of look {number}"),
            "box": box,
            "inside": inside[number - 1],
            "fallback": fallbacks[number - 1],
            "size": wording.bytes_sent(len(image.data), transcript.original_bytes),
            "answer": stage.answer,
            "value": wording.measured(
                gate.uncertainty(stage.scores[gate.metric]), METRICS[gate.metric]
            ),
        })  # fmt: skip
    return render(
        "transcript/looks.html",
        looks=cards,
        phrase=METRICS[gate.metric].phrase,
        stopped=_stopped(transcript),
    )


def _stopped(transcript: Transcript) -> str:
    """Return why there was no further look: "sure", "spent", or "nothing" more to see."""
    gate, taken = transcript.gate, len(transcript.boxes)
    last = transcript.stages[-1].scores[gate.metric]
    if taken > len(gate.rounds):
        return "spent"
    return "nothing" if gate.again(taken, last) else "sure"
