"""Everything that happened for one question: what was sent, what it cost, what the server thought.

A transcript is the bird's-eye view of a run of Algorithm 1: neither edge nor server ever holds
it. It travels as plain JSON (`to_dict`, `to_json`), and `from_dict` trusts nothing it is given:
what loads can be drawn.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from PIL import Image

from core.cropping import Box
from core.imaging import Codec, Fit, ImageError, available_formats
from core.messages import Answer, CropRequest, LocalImage, Message, Question, SecondLook
from core.uncertainty import METRICS, Gate

__all__ = [
    "INFINITE",
    "Attention",
    "AttentionMap",
    "EncodedImage",
    "Event",
    "MessageRecord",
    "Round",
    "Stage",
    "Step",
    "Token",
    "Transcript",
    "TranscriptError",
    "timed",
]

VERSION = 6
RELATIVE = "relative"  # the cropper of eq. 22, the only one before version 5
# JSON has no infinity. Only η may be infinite: the gate that always, or never, asks.
INFINITE: dict[float, Literal["Infinity", "-Infinity"]] = {
    float("inf"): "Infinity",
    float("-inf"): "-Infinity",
}
Place = Literal["edge", "server"]
AttentionMap = tuple[tuple[float, ...], ...]  # (rows, cols), as laid over the global image


class TranscriptError(ValueError):
    """This is not a transcript; the text is one sentence that names the field at fault."""


@dataclass(frozen=True)
class EncodedImage:
    """An image as it was sent: the encoded bytes, not the pixels before encoding."""

    format: str  # a format of core.imaging.Codec
    data: bytes
    size: tuple[int, int]  # (width, height), pixels

    def open(self) -> Image.Image:
        """The image as the server saw it, compression artefacts included."""
        return Codec(self.format).decode(self.data)


@dataclass(frozen=True)
class Token:
    """One generated token."""

    text: str
    id: int
    alternatives: tuple[tuple[str, float], ...]  # (text, probability): this one, likeliest others


@dataclass(frozen=True)
class Stage:
    """One answer of the model."""

    answer: str
    tokens: tuple[Token, ...]  # T, the end-of-sequence token included
    scores: dict[str, tuple[float, ...]]  # metric name -> T token scores (eq. 14-16)
    prompt: str | None = None  # as the model read it, a placeholder for each image; None: not known
    # Metric name -> lowest and highest of each token's score, where an engine tells too little for
    # one number; `scores` has the more uncertain of the two.
    bounds: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    prompt_tokens: int = 0  # that the model read, visual tokens included; 0: not counted

    @property
    def token_ids(self) -> tuple[int, ...]:
        return tuple(token.id for token in self.tokens)


@dataclass(frozen=True)
class Attention:
    """Where the server looked: one layer's attention over the visual tokens (section VI-B)."""

    question: AttentionMap  # numerator of eq. 22
    # The denominator, the same for the generic prompt, and A_rel (eq. 22); None: the cropper needs
    # neither.
    generic: AttentionMap | None
    relative: AttentionMap | None
    extent: tuple[float, float, float, float]  # of the grid: left, top, right, bottom, in pixels
    # of the original; beyond its borders if the model pads, within them if it crops
    # What another cropper than `relative` found its box on; None: it used no map of its own.
    searched: AttentionMap | None = None

    @property
    def shown(self) -> AttentionMap:
        """The map that says best where the server looked."""
        return self.searched or self.relative or self.question


@dataclass(frozen=True)
class MessageRecord:
    """One message that crossed the link."""

    sender: Place
    kind: str
    byte_count: int  # length of the message on the wire
    image_bytes: int  # of these, the encoded image
    text: str  # what it says, for people

    @classmethod
    def of(cls, sender: Place, message: Message) -> Self:
        """Return the record of a message that `sender` sent."""
        match message:
            case Question():
                text = message.question
            case Answer():
                text = message.text
            case SecondLook():
                text = "Look again."
            case CropRequest():
                text = "Send {}, {} to {}, {} in detail.".format(*message.box.as_tuple())
            case LocalImage():
                text = "Here it is."
        return cls(sender, message.kind, message.byte_count, message.image_bytes, text)


@dataclass(frozen=True)
class Step:
    """One piece of work."""

    name: str
    where: Place
    seconds: float  # wall clock
    flops: int | None = None  # of a model pass as the paper counts them (eq. 17-19)
    exact_flops: int | None = None  # as executed: vision tower, text, head and decoding, too


Event = Step | MessageRecord


@dataclass(frozen=True)
class Round:
    """One more look, after the second stage's: another local image."""

    box: Box
    local_image: EncodedImage
    stage: Stage  # the answer from the global image and this one, or all so far (`keeps`)
    # Where the server looked in the local image before; None: nowhere there, so this is the next
    # best box on the global image.
    attention: Attention | None = None
    box_fallback: str = ""  # as a transcript's
    # Where the transcript's events begin that are this round's, the search for its box first; None:
    # not known.
    began: int | None = None


@contextmanager
def timed(
    steps: list[Step] | list[Event], name: str, where: Place, flops: int | None = None
) -> Iterator[None]:
    """Append what is done meanwhile to `steps`, with the seconds it takes."""
    start = time.perf_counter()
    yield
    steps.append(Step(name, where, time.perf_counter() - start, flops))


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
        return {"version": VERSION} | _plain(self)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the inverse of `to_dict`; also of what versions 2 to 5 wrote.

        Raises TranscriptError, and nothing else, on anything else.
        """
        if not isinstance(data, dict):
            raise TranscriptError("A transcript must be a JSON object.")
        version = data.get("version")
        if type(version) is not int or version not in range(2, VERSION + 1):
            raise TranscriptError(f"version must be {VERSION}: record this transcript anew.")
        rest = {name: value for name, value in data.items() if name != "version"}
        if version < 4:
            _require("fit" not in data, "fit", f"absent from a transcript of version {version}")
            rest["fit"] = None
        if version == 2:
            rest = _from_version_2(rest)
        if version < 4:  # these kept no prompts
            rest |= {
                name: {"prompt": None} | rest[name]
                for name in ("first", "second")
                if isinstance(rest.get(name), dict)
            }
        if version < 5:  # no date; one cropper, one look, of the model that answered and told all
            rest |= {"cropper": RELATIVE, "box_fallback": "", "date": None, "rounds": []}
            if isinstance(rest.get("gate"), dict):
                rest["gate"] = {"rounds": []} | rest["gate"]
            if isinstance(rest.get("attention"), dict):
                rest["attention"] = {"searched": None} | rest["attention"]
            rest |= {
                name: {"bounds": {}} | rest[name]
                for name in ("first", "second")
                if isinstance(rest.get(name), dict)
            }
            rest["look"] = ""
        if version < 6:
            rest = _from_version_5(rest)
        transcript = _typed(rest, cls, "")
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


def _from_version_5(data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of today: version 5 counted no prompts, and kept no local image."""

    def counted(stage: Any) -> Any:
        return {"prompt_tokens": 0} | stage if isinstance(stage, dict) else stage

    rest = {"keeps": False} | data
    rest |= {name: counted(rest[name]) for name in ("first", "second") if name in rest}
    if isinstance(rest.get("rounds"), list):
        rest["rounds"] = [
            {"began": None} | one | {"stage": counted(one.get("stage"))}
            if isinstance(one, dict) else one
            for one in rest["rounds"]
        ]  # fmt: skip
    return rest


def _from_version_2(data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of today: version 2 kept steps and messages apart."""
    for name in ("steps", "messages"):
        _require(name in data, name, "present")
    _require("events" not in data, "events", "absent from a transcript of version 2")
    steps = _typed(data["steps"], tuple[Step, ...], "steps")
    messages = _typed(data["messages"], tuple[MessageRecord, ...], "messages")
    rest = {name: value for name, value in data.items() if name not in ("steps", "messages")}
    return rest | {"events": _plain(_order_of_version_2(steps, messages))}


def _order_of_version_2(
    steps: Sequence[Step], messages: Sequence[MessageRecord]
) -> tuple[Event, ...]:
    """Return the order in which they happened, which version 2 didn't keep.

    Whoever sends a message has done its own steps before, and the other side's next ones wait
    for it. No answer waits for a look at where to look: that is for the crop request after it.
    """
    left, events = list(steps), list[Event]()
    for message in messages:
        while left and left[0].where == message.sender:
            if message.kind == "answer" and left[0].name == "relative attention":
                break
            events.append(left.pop(0))
        events.append(message)
    return (*events, *left)


# Plain JSON and back, by the types the fields declare.


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float):
        return INFINITE.get(value, float(value))  # float(): NumPy's are floats, too
    return value


def _typed(value: Any, kind: Any, where: str) -> Any:
    """`value` as the declared type `kind`, or a TranscriptError naming the field `where`."""
    if isinstance(kind, type) and is_dataclass(kind):
        return _object(value, kind, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType and NoneType in arguments:  # X | None
        return None if value is None else _typed(value, arguments[0], where)
    if origin is UnionType:  # of dataclasses: the one whose fields these are
        _require(isinstance(value, dict), where, "an object")
        fitting = [k for k in arguments if value.keys() == _field_types(k).keys()]
        _require(len(fitting) == 1, where, " or ".join(f"a {k.__name__}" for k in arguments))
        return _typed(value, fitting[0], where)
    if origin is Literal:
        _require(isinstance(value, str) and value in arguments, where, " or ".join(arguments))
        return value
    if origin is dict:
        _require(isinstance(value, dict) and all(type(k) is str for k in value), where, "an object")
        return {k: _typed(v, arguments[1], f"{where}[{k[:40]!r}]") for k, v in value.items()}
    if origin is tuple:
        _require(isinstance(value, list), where, "a list")
        if arguments[-1] is Ellipsis:
            arguments = arguments[:1] * len(value)
        _require(len(value) == len(arguments), where, f"a list of {len(arguments)}")
        pairs = zip(value, arguments, strict=True)
        return tuple(_typed(v, a, f"{where}[{i}]") for i, (v, a) in enumerate(pairs))
    return _scalar(value, kind, where)


def _object(value: Any, kind: type, where: str) -> Any:
    _require(isinstance(value, dict), where, "an object")
    types, prefix = _field_types(kind), f"{where}." if where else ""
    for name in types:
        _require(name in value, prefix + name, "present")
    if len(value) > len(types):
        raise TranscriptError(f"{where or 'The transcript'} has fields that don't belong there.")
    typed = {name: _typed(value[name], types[name], prefix + name) for name in types}
    try:
        return kind(**typed)
    except ValueError as error:  # Box and Gate have rules of their own
        raise TranscriptError(f"{where} is not valid: {error}") from None


@cache
def _field_types(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _scalar(value: Any, kind: type, where: str) -> Any:
    """Strict: no number for a bool, no infinity, no text without a UTF-8 form."""
    if kind is bytes:
        try:
            return base64.b64decode(value.encode("ascii"), validate=True)
        except (AttributeError, UnicodeEncodeError, binascii.Error):
            raise TranscriptError(f"{where} must be base64.") from None
    if kind is bool:
        _require(type(value) is bool, where, "true or false")
    elif kind is str:
        _require(type(value) is str, where, "text")
        _require(not any("\ud800" <= c <= "\udfff" for c in value), where, "text in valid Unicode")
    elif kind is int:
        _require(type(value) is int and abs(value) < 2**63, where, "a whole number")
    elif kind is float:
        if where.startswith(("gate.threshold", "gate.rounds")) and value in INFINITE.values():
            return float(value)
        _require(type(value) in (int, float) and abs(value) < 1e300, where, "a finite number")
        return float(value)
    else:
        raise AssertionError(f"no rule for {kind}")
    return value


def _require(condition: bool, where: str, what: str) -> None:
    if not condition:
        raise TranscriptError(f"{where or 'The transcript'} must be {what}.")


def _check(t: Transcript) -> None:
    """Check what the types can't say, so that whoever draws a transcript need not ask."""
    width, height = t.original_size
    _require(width > 0 and height > 0, "original_size", "positive")
    _require(t.original_bytes is None or t.original_bytes > 0, "original_bytes", "positive")
    _require(t.date is None or _is_date(t.date), "date", "a date and time as ISO 8601 has them")
    _require(t.gate.metric in METRICS, "gate.metric", f"one of {', '.join(METRICS)}")
    _check_image(t.global_image, "global_image")
    _check_stage(t.first, "first")
    _require(t.gate.metric in t.first.scores, "first.scores", f"of {t.gate.metric}, too")
    if t.attention is not None:
        _check_attention(t.attention)
    if t.box is not None:
        _check_box(t.box, t.original_size, "box")
    if t.second is not None:
        _require(t.local_image is not None, "local_image", "present when there is a second stage")
        _require(t.box is not None, "box", "present when there is a second stage")
        _check_stage(t.second, "second")
    else:
        _require(t.local_image is None, "local_image", "absent when there is no second stage")
    if t.local_image is not None:
        _check_image(t.local_image, "local_image")
    _require(not t.rounds or t.second is not None, "rounds", "absent without a second stage")
    ends = 0
    for i, one in enumerate(t.rounds):
        _check_box(one.box, t.original_size, f"rounds[{i}].box")
        _check_image(one.local_image, f"rounds[{i}].local_image")
        _check_stage(one.stage, f"rounds[{i}].stage")
        if one.began is not None:
            fits = ends <= one.began <= len(t.events)
            _require(fits, f"rounds[{i}].began", "the place of an event, in order")
            ends = one.began
        if one.attention is not None:
            _check_attention(one.attention)
    forced = t.second is not None and not t.uncertain
    _require(t.forced == forced, "forced", f"{str(forced).lower()}, as scores and gate say")
    for i, event in enumerate(t.events):
        if isinstance(event, MessageRecord):
            fits = 0 <= event.image_bytes <= event.byte_count
            _require(fits, f"events[{i}].image_bytes", "between 0 and byte_count")
            continue
        _require(event.seconds >= 0, f"events[{i}].seconds", "0 or more")
        for name in ("flops", "exact_flops"):
            flops = getattr(event, name)
            _require(flops is None or flops >= 0, f"events[{i}].{name}", "0 or more")


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return len(text) <= 40


def _check_box(box: Box, original_size: tuple[int, int], where: str) -> None:
    left, top, right, bottom = box.as_tuple()
    inside = 0 <= left < right <= original_size[0] and 0 <= top < bottom <= original_size[1]
    _require(inside, where, "inside the original, and not empty")


def _check_image(image: EncodedImage, where: str) -> None:
    formats = available_formats()
    _require(image.format in formats, f"{where}.format", f"one of {', '.join(formats)}")
    try:
        size = image.open().size
    except ImageError as error:
        raise TranscriptError(f"{where} is not valid: {error}") from None
    _require(size == image.size, f"{where}.size", f"{list(size)}, the size of its data")


def _check_stage(stage: Stage, where: str) -> None:
    _require(len(stage.tokens) > 0, f"{where}.tokens", "a list with at least one token")
    _require(stage.prompt_tokens >= 0, f"{where}.prompt_tokens", "0 or more")
    known = stage.scores.keys() <= METRICS.keys()
    _require(known, f"{where}.scores", f"of any of {', '.join(METRICS)}")
    for name, scores in stage.scores.items():
        _require(len(scores) == len(stage.tokens), f"{where}.scores[{name!r}]", "one score a token")
    for name, pairs in stage.bounds.items():
        bounded = f"{where}.bounds[{name!r}]"
        _require(name in stage.scores, bounded, "of a metric that has scores")
        _require(len(pairs) == len(stage.tokens), bounded, "two numbers a token")
        _require(all(low <= high for low, high in pairs), bounded, "lowest and highest, in order")
    for i, token in enumerate(stage.tokens):
        for _, probability in token.alternatives:
            fits = 0 <= probability <= 1
            _require(fits, f"{where}.tokens[{i}].alternatives", "probabilities between 0 and 1")


def _check_attention(attention: Attention) -> None:
    shape = [len(row) for row in attention.question]
    for name in ("question", "generic", "relative", "searched"):
        rows = getattr(attention, name)
        if rows is None:
            _require(name != "question", f"attention.{name}", "present")
            continue
        rectangular = len(rows) > 0 and len(rows[0]) > 0 and len({len(row) for row in rows}) == 1
        _require(rectangular, f"attention.{name}", "a map of equal rows")
        same = [len(row) for row in rows] == shape
        _require(same, f"attention.{name}", "as large as attention.question")
    both = (attention.generic is None) == (attention.relative is None)
    _require(both, "attention.generic", "present if, and only if, attention.relative is")
    left, top, right, bottom = attention.extent
    _require(left < right and top < bottom, "attention.extent", "left, top, right, bottom in order")
