"""Algorithm 1 of the paper, between two machines that exchange nothing but bytes.

The line numbers in the comments are those of Algorithm 1. `Edge` holds the original and never a
model; `Server` holds the model and never the original. `ask` runs both in one process for
experiments, and even there what crosses from one to the other is the bytes of a message.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.cropping import Box
from core.edge.device import Edge
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
from core.server.machine import Reply, Server
from core.server.stages.maps import attention_maps, chosen_box, geometry_on
from core.sessions import Sessions
from core.transcript import (
    Attention,
    EncodedImage,
    Event,
    MessageRecord,
    Round,
    Stage,
    Step,
    Token,
    Transcript,
    TranscriptError,
    timed,
)

if TYPE_CHECKING:
    from core.vlm.base import VLM

SCORED = "score tokens"  # the step after which the server decides whether to ask for more

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
    "Round",
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
    "first_alone",
    "first_stage",
    "look_anew",
    "second_stage",
]


def ask(edge: Edge, server: Server, question: str, force: bool = False) -> Transcript:
    """Algorithm 1 for one image and one question.

    The second stage runs if the gate asks for it, or at any rate with `force`; further rounds
    follow as long as the server asks. Raises QuestionError for an empty or overlong question.
    """
    transcript = first_stage(edge, server, question)  # lines 2-15
    if transcript.box is not None or force:  # a box came back: G_avg reached η
        transcript = second_stage(edge, server, transcript)  # lines 16-22
    return transcript  # line 23: transcript.answer


def first_stage(edge: Edge, server: Server, question: str) -> Transcript:
    """Lines 2-15: global image and question there; an answer, or a request for more, back."""
    events: list[Event] = []
    question = check_question(question)  # before any work is done for it
    with timed(events, "resize", "edge"):
        image = edge.resize(server.fit)  # line 3
    with timed(events, "encode global", "edge"):
        message = edge.question(question, image)
    received, reply = _exchange(events, server, message)  # lines 4-15
    assert reply.stage is not None and received.session is not None  # of every first stage
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
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        fit=server.fit,
        cropper=server.cropper.name,
        box_fallback=reply.box_fallback,
        attention=reply.attention,
        box=received.box if isinstance(received, CropRequest) else None,
        events=tuple(events),
        look=server.vlm.info.look,
    )


def second_stage(
    edge: Edge, server: Server, transcript: Transcript, box: Box | None = None
) -> Transcript:
    """Lines 16-22: the local image there, the refined answer back; the transcript continued, with
    every further round that the server asks for.

    `box` replaces the one the server found ("what if it had looked here?"). Without one, and if
    the gate said no, the edge first asks the server where it would look. Raises MessageError for
    a box that isn't in the original, SessionExpired if the server has answered the second stage
    of this transcript already or has forgotten its first one: then run `first_stage` again.
    ValueError for a box in place of that of a server with rounds, which looks on from its own.
    """
    searching = transcript.box is not None and server.cropper.parts
    if box is not None and (server.gate.rounds or searching):
        raise ValueError("A server that looks several times goes on from its own box: give none.")
    events, session = list(transcript.events), transcript.session
    if box is None and transcript.box is None:
        received, reply = _exchange(events, server, SecondLook(session))  # lines 13-15, on demand
        assert isinstance(received, CropRequest)
        transcript = replace(
            transcript,
            cropper=server.cropper.name,
            attention=reply.attention,
            box=received.box,
            box_fallback=reply.box_fallback,
        )
    box = box or transcript.box
    assert box is not None

    local, received, reply = _look(edge, server, session, box, events)  # lines 17-22
    parts, ended = {box: local}, None
    while reply.stage is None:  # it was a part that the cropper had to see
        assert isinstance(received, CropRequest)
        box, ended = received.box, reply
        parts[box], received, reply = _look(edge, server, session, box, events)
    if reply.box is not None:
        box, ended = reply.box, reply
    if ended is not None:
        transcript = replace(transcript, attention=ended.attention, box_fallback=ended.box_fallback)
    second, rounds = reply.stage, list[Round]()
    while isinstance(received, CropRequest):
        asked, where = received.box, reply
        began = len(events) - 1 - reply.search  # before it is what the last answer took
        image, received, reply = _look(edge, server, session, asked, events)
        assert reply.stage is not None
        rounds.append(Round(asked, image, reply.stage, where.attention, where.box_fallback, began))
    return replace(
        transcript,
        box=box,
        forced=not transcript.uncertain,
        local_image=parts[box],
        second=second,
        rounds=tuple(rounds),
        keeps=server.keeps,
        events=tuple(events),
    )


def first_alone(transcript: Transcript) -> Transcript:
    """Return a transcript up to the server's first reply, which may be a request for more."""
    events = transcript.events
    end = 1 + next(i for i, event in enumerate(events) if _is(event, "server"))
    bare = replace(
        transcript, events=events[:end], forced=False, local_image=None, second=None, rounds=()
    )
    if _is(events[end - 1], "server", CropRequest.kind):
        return bare
    return replace(bare, attention=None, box=None, box_fallback="")


def look_anew(edge: Edge, server: Server, transcript: Transcript) -> Transcript:
    """Return the second stage of a transcript by another server that has its session: of another
    cropper, or of another gate.

    What was looked at before is left out, and the first answer stays: nothing of it is computed
    again, and messages and boxes are those of a question that was asked of this server from the
    start. Raises what `second_stage` raises.
    """
    first = first_alone(transcript)
    asked = first.box is not None
    if asked:  # as if the gate had been content, and a second look was wished for
        events = first.events
        scored = next(i for i, event in enumerate(events) if getattr(event, "name", "") == SCORED)
        answer = MessageRecord.of("server", Answer(first.first_answer, first.session))
        first = replace(
            first, events=(*events[: scored + 1], answer),
            attention=None, box=None, box_fallback="",
        )  # fmt: skip
    looked = second_stage(edge, server, replace(first, gate=server.gate))
    if not asked:
        return looked
    wish = len(first.events)  # its place; the answer before it never crossed the link, either
    events = (*looked.events[: wish - 1], *looked.events[wish + 1 :])
    rounds = (replace(one, began=one.began and one.began - 2) for one in looked.rounds)
    return replace(looked, events=events, rounds=tuple(rounds))


def _is(event: Event, sender: str, kind: str | None = None) -> bool:
    """Return whether an event is a message of this sender, and of this kind."""
    if not isinstance(event, MessageRecord) or event.sender != sender:
        return False
    return kind is None or event.kind == kind


def _look(
    edge: Edge, server: Server, session: str, box: Box, events: list[Event]
) -> tuple[EncodedImage, Answer | CropRequest, Reply]:
    """Send a box in detail. Returns the local image, and what `_exchange` does."""
    with timed(events, "crop", "edge"):
        image = edge.crop(box, server.fit)  # line 17
    with timed(events, "encode local", "edge"):
        message = edge.local_image(session, image)
    received, reply = _exchange(events, server, message)  # lines 18-22
    return EncodedImage(message.image_format, message.image, image.size), received, reply


def _exchange(
    events: list[Event], server: Server, message: Message
) -> tuple[Answer | CropRequest, Reply]:
    """Send a message, as bytes, and read what comes back, from bytes; note all that happens.

    Returns the message that the edge received, and what the server noted for a transcript.
    """
    events.append(MessageRecord.of("edge", message))
    reply = server.receive(message.to_bytes())
    received = type(reply.message).from_bytes(reply.message.to_bytes())
    events.extend(reply.steps)
    events.append(MessageRecord.of("server", received))
    return received, reply


def attention_at(vlm: VLM, transcript: Transcript, layer: int) -> tuple[Attention, Box]:
    """Return where layer `layer` (0-based) of the model would have made the server look, and the
    box.

    Line 13 and 14 for another layer than the model's own, from the global image as it was sent;
    `vlm` is the transcript's model. Raises ValueError for a layer that it doesn't have.
    """
    look = vlm.look(transcript.global_image.open())
    question = vlm.attend(look, transcript.question, layer)
    generic = vlm.attend(look, vlm.info.generic_prompt, layer)
    geometry = geometry_on(vlm, look.image_size, transcript.original_size)
    attention = attention_maps(question, generic, geometry)
    return attention, chosen_box(vlm, attention, transcript.original_size)
