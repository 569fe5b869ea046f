"""The transcript: one question, asked and answered, and how it travels as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Self

from core.box import Box
from core.imaging import Fit
from core.transcript.checks import (
    check_attention,
    check_box,
    check_events,
    check_image,
    check_rounds,
    check_stage,
    is_date,
)
from core.transcript.errors import TranscriptError, require
from core.transcript.events import Event, MessageRecord, Step
from core.transcript.looks import Attention, EncodedImage, Round, Stage, Token
from core.transcript.plain import plain, typed
from core.transcript.versions import RELATIVE, VERSION, of_today
from core.uncertainty import METRICS, Gate


@dataclass(frozen=True)
class Transcript:
    """One question, asked and answered."""

    question: str
    model: str
    revision: str | None  # of the model
    gate: Gate
    original_size: tuple[int, int]  # (width, height), pixels
    original_bytes: int | None  # of the original file, where there is one
    session: str  # names the server's state; spent once the second stage is answered
    global_image: EncodedImage
    first: Stage
    # When it was asked, ISO 8601 in UTC; None: not known. Not compared: nothing depends on it.
    date: str | None = field(default=None, compare=False)
    fit: Fit | None = None  # how images are brought to the model; None: not known
    cropper: str = RELATIVE  # who chooses the box: as a rule a name in core.croppers.CROPPERS
    box_fallback: str = ""  # why the cropper's rule gave no box, and `box` is another; "": it did
    attention: Attention | None = None  # None: nobody asked where to look
    box: Box | None = None  # the box looked at: the server's, or one chosen in its place
    forced: bool = False  # the second stage was run although the gate said no
    local_image: EncodedImage | None = None
    second: Stage | None = None
    rounds: tuple[Round, ...] = ()  # looks after the second stage's
    keeps: bool = False  # whether a round's answer is from all local images so far, or the newest
    events: tuple[Event, ...] = ()  # steps and messages, in the order in which they happened
    look: str = ""  # who looked for the box, where it wasn't the model that answered

    @property
    def answer(self) -> str:
        """The final answer."""
        return self.stages[-1].answer

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return every answer, in order."""
        looked = () if self.second is None else (self.second,)
        return (self.first, *looked, *(one.stage for one in self.rounds))

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Return what was sent in detail, in order."""
        if self.second is None or self.box is None:
            return ()
        return (self.box, *(one.box for one in self.rounds))

    @property
    def first_answer(self) -> str:
        return self.first.answer

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of the first stage: what the gate judged."""
        return self.first.tokens

    @property
    def scores(self) -> dict[str, tuple[float, ...]]:
        """Token scores of the first stage, every metric."""
        return self.first.scores

    @property
    def finer(self) -> float | None:
        """Return how many times as fine as the global image the local one is; None if that isn't
        known.

        At 1 there was nothing more to see in it.
        """
        if self.fit is None or self.box is None:
            return None
        return self.fit.finer(self.original_size, self.box.size)

    @property
    def uncertainty(self) -> float:
        """G_avg (eq. 9): what the gate compares with η."""
        return self.gate.uncertainty(self.scores[self.gate.metric])

    @property
    def uncertain(self) -> bool:
        """The gate's verdict on the first answer."""
        return self.gate.retransmit(self.scores[self.gate.metric])

    @property
    def retransmitted(self) -> bool:
        """Return whether a local image was sent."""
        return self.second is not None

    @property
    def messages(self) -> tuple[MessageRecord, ...]:
        """Return what crossed the link, in order."""
        return tuple(event for event in self.events if isinstance(event, MessageRecord))

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return what was done at both ends, in order."""
        return tuple(event for event in self.events if isinstance(event, Step))

    def with_gate(self, gate: Gate) -> Self:
        """The same answers under another gate. Raises ValueError for one on a metric that they
        weren't scored by.

        The scores of every metric are here, so the model needn't run again; a second stage that
        continues from the result runs under that gate.
        """
        if gate.metric not in self.scores:
            raise ValueError(
                f"These answers tell nothing of {METRICS[gate.metric].noun}: set the gate on one"
                f" of {', '.join(self.scores)}."
            )
        judged = replace(self, gate=gate)
        return replace(judged, forced=judged.retransmitted and not judged.uncertain)

    def summary(self) -> str:
        """The verdict in words."""
        metric, threshold = METRICS[self.gate.metric], self.gate.threshold
        match self.gate.first_tokens:
            case None:
                over = ""
            case 1:
                over = " of the first token"
            case count:
                over = f" of the first {count} tokens"
        value, eta = _apart(self.uncertainty, threshold)
        unit = f" {metric.unit}" if metric.unit else ""
        if value == eta:
            relation = "exactly"
        else:
            relation = "above" if self.uncertainty > threshold else "below"
        verdict = "Uncertain" if self.uncertain else "Confident"
        if self.uncertain:
            then = "so the server asks for a local image"
        elif self.forced:
            then = "so the server would stop here; the second look was forced"
        else:
            then = "so the first answer stands"
        judged = f"{metric.phrase}{over} is {value}{unit}"
        return f"{verdict}: {judged}, {relation} η = {eta}, {then}."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: images as base64 of the bytes sent, maps as nested lists."""
        return {"version": VERSION} | plain(self)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the inverse of `to_dict`; also of what versions 2 to 5 wrote.

        Raises TranscriptError, and nothing else, on anything else.
        """
        transcript = typed(of_today(data), cls, "")
        _check(transcript)
        return transcript

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The inverse of `to_json`. Raises TranscriptError on anything else."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise TranscriptError("A transcript must be a JSON file.") from None
        return cls.from_dict(data)


def _apart(value: float, threshold: float) -> tuple[str, str]:
    """Both numbers with two decimals, or as many more (up to six) as tell them apart."""
    for digits in range(2, 7):
        texts = f"{value:.{digits}f}", f"{threshold:.{digits}f}".replace("inf", "∞")
        if texts[0] != texts[1]:
            return texts
    return f"{value:.2f}", f"{threshold:.2f}"


def _check(t: Transcript) -> None:
    """Check each part, and what must hold between them. Raises TranscriptError."""
    width, height = t.original_size
    require(width > 0 and height > 0, "original_size", "positive")
    require(t.original_bytes is None or t.original_bytes > 0, "original_bytes", "positive")
    require(t.date is None or is_date(t.date), "date", "a date and time as ISO 8601 has them")
    require(t.gate.metric in METRICS, "gate.metric", f"one of {', '.join(METRICS)}")
    check_image(t.global_image, "global_image")
    check_stage(t.first, "first")
    require(t.gate.metric in t.first.scores, "first.scores", f"of {t.gate.metric}, too")
    if t.attention is not None:
        check_attention(t.attention)
    if t.box is not None:
        check_box(t.box, t.original_size, "box")
    if t.second is not None:
        require(t.local_image is not None, "local_image", "present when there is a second stage")
        require(t.box is not None, "box", "present when there is a second stage")
        check_stage(t.second, "second")
    else:
        require(t.local_image is None, "local_image", "absent when there is no second stage")
    if t.local_image is not None:
        check_image(t.local_image, "local_image")
    require(not t.rounds or t.second is not None, "rounds", "absent without a second stage")
    check_rounds(t.rounds, t.original_size, len(t.events))
    forced = t.second is not None and not t.uncertain
    require(t.forced == forced, "forced", f"{str(forced).lower()}, as scores and gate say")
    check_events(t.events)
