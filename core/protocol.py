"""Algorithm 1 of the paper, between two machines that exchange nothing but bytes.

The line numbers in the comments are those of Algorithm 1. `Edge` holds the original and never a
model; `Server` holds the model and never the original. `ask` runs both in one process for
experiments, and even there what crosses from one to the other is the bytes of a message.

Nothing here imports a deep-learning framework, so an edge device needs none.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.attention import relative_attention
from core.cost import prefill_flops
from core.cropping import Box, find_box
from core.edge.device import Edge
from core.imaging import Codec, Geometry
from core.messages import (
    Answer,
    CropRequest,
    LocalImage,
    Message,
    MessageError,
    ProtocolError,
    Question,
    QuestionError,
    SecondLook,
    SessionExpired,
    check_question,
)
from core.transcript import (
    ATTENTION_STEP,
    Attention,
    AttentionMap,
    EncodedImage,
    MessageRecord,
    Place,
    Stage,
    Step,
    Token,
    Transcript,
    TranscriptError,
)
from core.uncertainty import METRICS, Gate, token_scores

if TYPE_CHECKING:
    from core.vlm.base import VLM, Generation, Look

__all__ = [
    "Answer",
    "Attention",
    "Box",
    "CropRequest",
    "Edge",
    "EncodedImage",
    "LocalImage",
    "Message",
    "MessageError",
    "MessageRecord",
    "ProtocolError",
    "Question",
    "QuestionError",
    "Reply",
    "SecondLook",
    "Server",
    "SessionExpired",
    "Sessions",
    "Stage",
    "Step",
    "Token",
    "Transcript",
    "TranscriptError",
    "ask",
    "attention_at",
    "first_stage",
    "second_stage",
]

ALTERNATIVES = 5  # tokens listed at each position of an answer


def ask(edge: Edge, server: Server, question: str, force: bool = False) -> Transcript:
    """Algorithm 1 for one image and one question.

    The second stage runs if the gate asks for it, or at any rate with `force`. Raises
    QuestionError for an empty or overlong question.
    """
    transcript = first_stage(edge, server, question)  # lines 2-15
    if transcript.box is not None or force:  # a box came back: G_avg reached η
        transcript = second_stage(edge, server, transcript)  # lines 16-22
    return transcript  # line 23: transcript.answer


def first_stage(edge: Edge, server: Server, question: str) -> Transcript:
    """Lines 2-15: global image and question there; an answer, or the request for a crop, back."""
    steps: list[Step] = []
    question = check_question(question)  # before any work is done for it
    with _timed(steps, "resize", "edge"):
        image = edge.resize(server.input_size)  # line 3
    with _timed(steps, "encode global", "edge"):
        message = edge.question(question, image)
    sent = message.to_bytes()  # line 4

    reply = server.receive(sent)  # lines 5-15

    received = Message.from_bytes(reply.message)
    return Transcript(
        question=message.question,
        model=server.vlm.info.name,
        revision=server.vlm.info.revision,
        gate=server.gate,
        original_size=message.original_size,
        original_bytes=edge.original_bytes,
        session=received.session,
        global_image=EncodedImage(message.image_format, message.image, image.size),
        first=reply.stage,
        attention=reply.attention,
        box=received.box if isinstance(received, CropRequest) else None,
        messages=(_record("edge", sent), _record("server", reply.message)),
        steps=(*steps, *reply.steps),
    )


def second_stage(
    edge: Edge, server: Server, transcript: Transcript, box: Box | None = None
) -> Transcript:
    """Lines 16-22: the crop there, the refined answer back; the transcript continued.

    `box` replaces the one the server found ("what if it had looked here?"). Without one, and if
    the gate said no, the edge first asks the server where it would look. Raises MessageError for
    a box that isn't in the original, SessionExpired if the server has answered the second stage
    of this transcript already or has forgotten its first one: then run `first_stage` again.
    """
    steps, messages, attention = list(transcript.steps), list(transcript.messages), None
    session = transcript.session
    if box is None and transcript.box is None:
        sent = SecondLook(session).to_bytes()
        reply = server.receive(sent)  # lines 13-15, on demand
        messages += [_record("edge", sent), _record("server", reply.message)]
        steps += reply.steps
        attention = reply.attention
        box = CropRequest.from_bytes(reply.message).box
    box = box or transcript.box

    with _timed(steps, "crop", "edge"):
        image = edge.crop(box, server.input_size)  # line 17
    with _timed(steps, "encode local", "edge"):
        message = edge.local_image(session, image)
    sent = message.to_bytes()  # line 18

    reply = server.receive(sent)  # lines 19-22

    return replace(
        transcript,
        attention=attention or transcript.attention,
        box=box,
        forced=not transcript.uncertain,
        local_image=EncodedImage(message.image_format, message.image, image.size),
        second=reply.stage,
        messages=(*messages, _record("edge", sent), _record("server", reply.message)),
        steps=(*steps, *reply.steps),
    )


def attention_at(vlm: VLM, transcript: Transcript, layer: int) -> tuple[Attention, Box]:
    """Where layer `layer` (0-based) of the model would have made the server look, and the box.

    Line 13 and 14 for another layer than the model's own, from the global image as it was sent;
    `vlm` is the transcript's model. Raises ValueError for a layer that it doesn't have.
    """
    look = vlm.look(transcript.global_image.open())
    rows = (
        vlm.attend(look, text, layer) for text in (transcript.question, vlm.info.generic_prompt)
    )
    geometry = vlm.geometry(look.image_size).of_original(transcript.original_size)
    attention = _attention(*rows, geometry)
    return attention, _box(vlm, attention, transcript.original_size)


@dataclass(frozen=True)
class Reply:
    """What came of one message to the server.

    `message` is all that the edge gets. The rest is what the server noted on the way, for a
    transcript.
    """

    message: bytes
    steps: tuple[Step, ...]
    stage: Stage | None = None  # when the model answered
    attention: Attention | None = None  # when the server looked for a box


class Server:
    """The machine with the model. Bytes in, bytes out: `receive` is its only door.

    vlm: a `core.vlm.base.VLM`. gate: decides whether the first answer will do. sessions: where
    first stages are held until the local image comes; servers that differ in their gate only
    may share them. `receive` may be called from several threads at once.
    """

    def __init__(self, vlm: VLM, gate: Gate, sessions: Sessions | None = None):
        self.vlm, self.gate = vlm, gate
        self.sessions = Sessions() if sessions is None else sessions

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) no image sent here may exceed: the input resolution of the model."""
        return self.vlm.info.input_size

    def receive(self, data: bytes) -> Reply:
        """Answer one message from an edge.

        Raises ProtocolError: MessageError for a message or an image that is not as agreed,
        QuestionError for the question in it, SessionExpired for a session not held here. The
        model's own VLMError passes through.
        """
        match Message.from_bytes(data):
            case Question() as message:
                return self._first_stage(message)
            case SecondLook(session):
                return self._request_crop(session, self.sessions.get(session))
            case LocalImage() as message:
                return self._second_stage(message)
        raise MessageError("Send the server a question, a wish for a second look, or an image.")

    def _first_stage(self, message: Question) -> Reply:
        steps: list[Step] = []
        with _timed(steps, "decode global", "server"):
            image = self._decode(message)
            _check_aspect(image.size, message.original_size)
        with self._asked(steps, "first answer", image.size):  # eq. 18
            look = self.vlm.look(image)  # line 6
            generation = self.vlm.answer(look, message.question)  # lines 7, 8, 10 (eq. 3)
        with _timed(steps, "score tokens", "server"):
            stage = self._stage(generation)  # line 9 (eq. 14-16)
        geometry = self.vlm.geometry(image.size).of_original(message.original_size)
        held = _FirstStage(
            message, geometry, image.size, look, generation.attention, generation.token_ids
        )
        session = self.sessions.add(held)
        if self.gate.retransmit(stage.scores[self.gate.metric]):  # lines 11, 12 (eq. 9)
            request = self._request_crop(session, held)  # lines 13-15
            return replace(request, steps=(*steps, *request.steps), stage=stage)
        return Reply(Answer(generation.text, session).to_bytes(), tuple(steps), stage)  # line 23

    def _request_crop(self, session: str, held: _FirstStage) -> Reply:
        steps: list[Step] = []
        info = self.vlm.info
        with self._asked(steps, ATTENTION_STEP, held.view_size):  # eq. 19, first term
            generic = self.vlm.attend(self._look(held), info.generic_prompt)
            attention = _attention(held.attention, generic, held.geometry)  # line 13
        with _timed(steps, "find box", "server"):
            box = _box(self.vlm, attention, held.message.original_size)  # line 14
        return Reply(CropRequest(session, box).to_bytes(), tuple(steps), attention=attention)  # 15

    def _second_stage(self, message: LocalImage) -> Reply:
        steps: list[Step] = []
        with _timed(steps, "decode local", "server"):
            local = self._decode(message)
        held = self.sessions.take(message.session)  # once: a second stage is answered only once
        with self._asked(steps, "second answer", held.view_size, local.size):  # eq. 19, 2nd term
            look, question = self._look(held), held.message.question
            generation = self.vlm.answer(look, question, local, draft=held.answer)  # 20-22 (eq. 12)
        with _timed(steps, "score tokens", "server"):
            stage = self._stage(generation)
        return Reply(Answer(generation.text).to_bytes(), tuple(steps), stage)  # line 23

    @contextmanager
    def _asked(self, steps: list[Step], name: str, *sizes: tuple[int, int]) -> Iterator[None]:
        """A step of the model, which reads images of these sizes."""
        n_visual = sum(map(self.vlm.visual_tokens, sizes))
        flops = prefill_flops(n_visual, self.vlm.info.hidden, self.vlm.info.layers)
        with self.vlm.tally() as tally, _timed(steps, name, "server", flops):
            yield
        steps[-1] = replace(steps[-1], exact_flops=tally.flops)

    def _look(self, held: _FirstStage) -> Look:
        """The look of a first stage; made anew if its memory was needed."""
        return held.look or self.vlm.look(self._decode(held.message))

    def _decode(self, message: Question | LocalImage) -> Image.Image:
        """The image of a message, if the model can take it."""
        width, height = self.input_size
        try:
            image = Codec(message.image_format).decode(message.image, max_pixels=width * height)
        except ValueError as error:  # an unknown format, or not an image of it
            raise MessageError(f"The image of the {message.kind} can't be used: {error}") from None
        if image.width > width or image.height > height:
            raise MessageError(
                f"The image of the {message.kind} has {image.width} × {image.height} pixels:"
                f" send at most {width} × {height}."
            )
        return image

    def _stage(self, generation: Generation) -> Stage:
        """An answer with the scores of every metric, from the raw logits (T, V)."""
        scores = {
            name: token_scores(generation.logits, name, generation.attention).tolist()
            for name in METRICS
        }
        logits = np.asarray(generation.logits, dtype=np.float64)
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities = odds / odds.sum(axis=-1, keepdims=True)
        tokens = []
        for text, chosen, p in zip(
            generation.tokens, generation.token_ids, probabilities, strict=True
        ):
            top = np.argpartition(p, -min(ALTERNATIVES, p.size))[-ALTERNATIVES:]
            others = sorted((int(i) for i in top if i != chosen), key=lambda i: (-p[i], i))
            ids = [chosen, *others[: ALTERNATIVES - 1]]
            texts = [text] + [self.vlm.decode_token(i) for i in ids[1:]]
            pairs = zip(texts, (float(p[i]) for i in ids), strict=True)
            tokens.append(Token(text, int(chosen), tuple(pairs)))
        return Stage(generation.text, tuple(tokens), {k: tuple(v) for k, v in scores.items()})


@dataclass(frozen=True)
class _FirstStage:
    """What the server keeps of a first stage, in case there is a second."""

    message: Question
    geometry: Geometry  # from the original to the attention grid
    view_size: tuple[int, int]  # (width, height) of the global image
    look: Look | None  # the model's own: the global image, encoded; None: to be made anew
    attention: np.ndarray  # (cells,), for the question
    answer: tuple[int, ...]  # (T,), token ids

    @property
    def nbytes(self) -> int:
        return len(self.message.image) + (self.look.nbytes if self.look else 0)


class Sessions:
    """First stages by session: at most `limit`, in at most `max_bytes`, the oldest dropped first,
    and none for longer than `max_seconds`.

    A look at an image takes 2 MB with the bundled model and 300 MB with one of seven billion
    parameters, a global image some kilobytes. So the oldest looks go first, and are made anew from
    their images when an edge comes back for them; then the oldest first stages. An edge whose first
    stage is gone asks again. The newest is held whatever it takes.
    """

    def __init__(
        self, limit: int = 64, max_bytes: int = 2 * 2**30, max_seconds: float = float("inf")
    ):
        if limit < 1:
            raise ValueError("limit must be at least 1.")
        self.limit, self.max_bytes, self.max_seconds = limit, max_bytes, max_seconds
        self._held: OrderedDict[str, tuple[float, _FirstStage]] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    def add(self, stage: _FirstStage) -> str:
        """Hold it; returns the session, which nobody can guess."""
        session = secrets.token_urlsafe(16)
        with self._lock:
            self._held[session] = time.monotonic() + self.max_seconds, stage
            self._nbytes += stage.nbytes
            self._drop_expired()
            if self._nbytes > self.max_bytes:
                self._drop_looks()
            while len(self._held) > self.limit or (
                self._nbytes > self.max_bytes and len(self._held) > 1
            ):
                self._drop_oldest()
        return session

    def get(self, session: str) -> _FirstStage:
        with self._lock:
            self._drop_expired()
            return self._found(self._held.get(session))

    def take(self, session: str) -> _FirstStage:
        with self._lock:
            self._drop_expired()
            stage = self._found(self._held.pop(session, None))
            self._nbytes -= stage.nbytes
            return stage

    def drop_expired(self) -> None:
        """Free what is out of date; `add`, `get` and `take` do so, too."""
        with self._lock:
            self._drop_expired()

    @property
    def nbytes(self) -> int:
        """What the looks and the global images held here take in memory."""
        return self._nbytes

    def __len__(self) -> int:
        return len(self._held)

    def _drop_expired(self) -> None:
        while self._held and next(iter(self._held.values()))[0] <= time.monotonic():
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, (_, stage) = self._held.popitem(last=False)
        self._nbytes -= stage.nbytes

    def _drop_looks(self) -> None:
        """The oldest, until there is room; never the newest."""
        for session in list(self._held)[:-1]:
            if self._nbytes <= self.max_bytes:
                return
            until, stage = self._held[session]
            self._held[session] = until, replace(stage, look=None)
            self._nbytes += len(stage.message.image) - stage.nbytes

    def _found(self, held: tuple[float, _FirstStage] | None) -> _FirstStage:
        if held is None:
            raise SessionExpired(
                "The server no longer holds this question, or has answered it: ask it again."
            )
        return held[1]


@contextmanager
def _timed(steps: list[Step], name: str, where: Place, flops: int | None = None) -> Iterator[None]:
    start = time.perf_counter()
    yield
    steps.append(Step(name, where, time.perf_counter() - start, flops))


def _check_aspect(size: tuple[int, int], original: tuple[int, int]) -> None:
    """Whether some one scale, at most 1, takes `original` to `size`, give or take a pixel."""
    (width, height), (full_width, full_height) = size, original
    if (
        width > full_width
        or height > full_height
        or (width - 1) * full_height > (height + 1) * full_width
        or (height - 1) * full_width > (width + 1) * full_height
    ):
        raise MessageError(
            f"A global image of {width} × {height} pixels can't be an original of"
            f" {full_width} × {full_height} scaled down: send it in its own proportions."
        )


def _attention(question: np.ndarray, generic: np.ndarray, geometry: Geometry) -> Attention:
    grid = geometry.grid
    return Attention(
        question=_map(question, grid),
        generic=_map(generic, grid),
        relative=_map(relative_attention(question, generic, grid), grid),  # eq. 22
        extent=tuple(float(edge) for edge in geometry.extent),
    )


def _box(vlm: VLM, attention: Attention, original_size: tuple[int, int]) -> Box:
    return find_box(  # eq. 11
        np.asarray(attention.relative), original_size, vlm.info.base_side, extent=attention.extent
    )


def _map(weights: np.ndarray, grid: tuple[int, int]) -> AttentionMap:
    """(rows, cols) of plain floats; a weight that is no number is no evidence, hence 0."""
    weights = np.asarray(weights, dtype=np.float64).reshape(grid)
    return tuple(map(tuple, np.where(np.isfinite(weights), weights, 0.0).tolist()))


def _record(sender: Place, data: bytes) -> MessageRecord:
    message = Message.from_bytes(data)
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
    return MessageRecord(sender, message.kind, len(data), message.image_bytes, text)
