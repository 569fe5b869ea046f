"""What must hold of the parts of a transcript beyond their types, so that it can be drawn as it is.

Each check raises TranscriptError, naming the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.box import Box
from core.imaging import ImageError, available_formats
from core.transcript.errors import TranscriptError, require
from core.transcript.events import Event, MessageRecord
from core.transcript.looks import Attention, EncodedImage, Round, Stage
from core.uncertainty import METRICS


def is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return len(text) <= 40


def check_box(box: Box, original_size: tuple[int, int], where: str) -> None:
    left, top, right, bottom = box.as_tuple()
    inside = 0 <= left < right <= original_size[0] and 0 <= top < bottom <= original_size[1]
    require(inside, where, "inside the original, and not empty")


def check_image(image: EncodedImage, where: str) -> None:
    formats = available_formats()
    require(image.format in formats, f"{where}.format", f"one of {', '.join(formats)}")
    try:
        size = image.open().size
    except ImageError as error:
        raise TranscriptError(f"{where} is not valid: {error}") from None
    require(size == image.size, f"{where}.size", f"{list(size)}, the size of its data")


def check_stage(stage: Stage, where: str) -> None:
    require(len(stage.tokens) > 0, f"{where}.tokens", "a list with at least one token")
    require(stage.prompt_tokens >= 0, f"{where}.prompt_tokens", "0 or more")
    known = stage.scores.keys() <= METRICS.keys()
    require(known, f"{where}.scores", f"of any of {', '.join(METRICS)}")
    for name, scores in stage.scores.items():
        require(len(scores) == len(stage.tokens), f"{where}.scores[{name!r}]", "one score a token")
    for name, pairs in stage.bounds.items():
        bounded = f"{where}.bounds[{name!r}]"
        require(name in stage.scores, bounded, "of a metric that has scores")
        require(len(pairs) == len(stage.tokens), bounded, "two numbers a token")
        require(all(low <= high for low, high in pairs), bounded, "lowest and highest, in order")
    for i, token in enumerate(stage.tokens):
        for _, probability in token.alternatives:
            fits = 0 <= probability <= 1
            require(fits, f"{where}.tokens[{i}].alternatives", "probabilities between 0 and 1")


def check_attention(attention: Attention) -> None:
    shape = [len(row) for row in attention.question]
    for name in ("question", "generic", "relative", "searched"):
        rows = getattr(attention, name)
        if rows is None:
            require(name != "question", f"attention.{name}", "present")
            continue
        rectangular = len(rows) > 0 and len(rows[0]) > 0 and len({len(row) for row in rows}) == 1
        require(rectangular, f"attention.{name}", "a map of equal rows")
        same = [len(row) for row in rows] == shape
        require(same, f"attention.{name}", "as large as attention.question")
    both = (attention.generic is None) == (attention.relative is None)
    require(both, "attention.generic", "present if, and only if, attention.relative is")
    left, top, right, bottom = attention.extent
    require(left < right and top < bottom, "attention.extent", "left, top, right, bottom in order")


def check_rounds(rounds: Sequence[Round], original_size: tuple[int, int], events: int) -> None:
    """Check the looks after the second stage's; events: how many the transcript has."""
    ends = 0
    for i, one in enumerate(rounds):
        check_box(one.box, original_size, f"rounds[{i}].box")
        check_image(one.local_image, f"rounds[{i}].local_image")
        check_stage(one.stage, f"rounds[{i}].stage")
        if one.began is not None:
            fits = ends <= one.began <= events
            require(fits, f"rounds[{i}].began", "the place of an event, in order")
            ends = one.began
        if one.attention is not None:
            check_attention(one.attention)


def check_events(events: Sequence[Event]) -> None:
    for i, event in enumerate(events):
        if isinstance(event, MessageRecord):
            fits = 0 <= event.image_bytes <= event.byte_count
            require(fits, f"events[{i}].image_bytes", "between 0 and byte_count")
            continue
        require(event.seconds >= 0, f"events[{i}].seconds", "0 or more")
        for name in ("flops", "exact_flops"):
            flops = getattr(event, name)
            require(flops is None or flops >= 0, f"events[{i}].{name}", "0 or more")
