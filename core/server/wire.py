"""The two forms in which a message comes in a request: compact, and JSON for people.

Compact is the protocol's own form (core/messages.py): its bytes are what the benchmarks count as
communication. JSON has the same fields, the image in base64: a third larger, but any language and
`curl` can write it. The reply comes in the form of the request.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal, cast
from urllib.parse import quote

from fastapi import Request
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect

from core.imaging import available_formats
from core.messages import (
    MAX_QUESTION,
    MAX_SESSION,
    MAX_SIDE,
    Answer,
    CropRequest,
    LocalImage,
    Message,
    Question,
    SecondLook,
)
from core.server.limits import Limits
from core.server.machine import Reply
from core.server.problems import Problem
from core.server.replies import Abandoned
from core.support.headers import (
    BOX,
    COMPACT,
    FIRST_ANSWER,
    PREFER_FIRST,
    SKIPPED,
    UNCERTAINTY,
    WAITED,
)
from core.uncertainty import Gate

JSON = "application/json"
MAX_WAITED = 3_600.0  # seconds; an edge may say what it likes
MAX_FALLBACK = 4_096  # characters of a header
FIRST_HEADERS = {  # beside a compact reply to a question, for the OpenAPI description
    name: {"description": text, "schema": {"type": kind}}
    for name, kind, text in (
        (
            BOX,
            "string",
            "Of an answer that ends a search: left,top,right,bottom of what it is from.",
        ),
        (UNCERTAINTY, "number", "G_avg (eq. 9) of the first answer."),
        (FIRST_ANSWER, "string", "If a local image is asked for: on a shared link, or preferred."),
        (SKIPPED, "string", "On a shared link: why no local image was asked for, late or dear."),
    )
}

Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Session = Annotated[str, Field(min_length=1, max_length=MAX_SESSION)]
ImageFormat = Annotated[
    str, Field(pattern=f"^({'|'.join(available_formats())})$", description="Of the encoded image.")
]
Number = float | Literal["Infinity", "-Infinity"]  # JSON has no infinity


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class QuestionBody(_Body):
    """The global image and the question (Algorithm 1, line 4)."""

    question: str = Field(min_length=1, max_length=MAX_QUESTION)
    original_size: Annotated[list[Side], Field(min_length=2, max_length=2)] = Field(
        description="Width and height of the original in pixels: boxes are named in them."
    )
    image: Base64Bytes = Field(
        description="The original scaled down to the model's input size, encoded; base64."
    )
    image_format: ImageFormat


class SecondLookBody(_Body):
    """A second look please, although the first answer was good enough for the gate."""

    session: Session


class LocalImageBody(_Body):
    """The local image asked for (line 18)."""

    session: Session
    image: Base64Bytes = Field(description="The box of the original, scaled down; base64.")
    image_format: ImageFormat


class AnswerBody(BaseModel):
    """The answer (line 23)."""

    kind: Literal["answer"] = "answer"
    text: str
    session: str | None = Field(None, description="With which a second look may be asked for.")
    uncertainty: float | None = Field(None, description="G_avg (eq. 9), of a first answer.")
    skipped: Literal["late", "dear"] | None = Field(
        None, description="On a shared link: it would come too late, or cost others too much."
    )
    box: list[int] | None = Field(
        None, description="Of an answer that ends a search: of the local image that it is from."
    )


class CropRequestBody(BaseModel):
    """Send this box of the original in full detail (line 15)."""

    kind: Literal["crop request"] = "crop request"
    session: str
    box: list[int] = Field(
        min_length=4, max_length=4,
        description="Left, top, right, bottom in pixels of the original; the last two exclusive.",
    )  # fmt: skip
    uncertainty: float | None = Field(None, description="G_avg (eq. 9) of the first answer.")
    first_answer: str | None = Field(
        None, description="On a shared link, or where `Prefer: first-answer` was sent."
    )


BODIES: dict[type[Message], type[BaseModel]] = {
    Question: QuestionBody,
    SecondLook: SecondLookBody,
    LocalImage: LocalImageBody,
}


def described(kind: type[Message]) -> dict[str, Any]:
    """The request body of a route, for the OpenAPI description."""
    schema = BODIES[kind].model_json_schema()
    binary = {"type": "string", "format": "binary", "description": "As core/messages.py packs it."}
    content = {JSON: {"schema": schema}, COMPACT: {"schema": binary}}
    return {"requestBody": {"required": True, "content": content}}


async def read_body(request: Request, limits: Limits) -> bytes:
    """The whole body, if it is small enough and arrives in time. Raises Problem or Abandoned."""
    too_large = Problem(
        413, "too_large", f"The body may have up to {limits.body_bytes:,} bytes: send less."
    )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.body_bytes:
        raise too_large
    body, loop = bytearray(), asyncio.get_running_loop()
    deadline = loop.time() + limits.body_seconds
    stream = request.stream()
    try:
        while True:
            async with asyncio.timeout_at(min(deadline, loop.time() + limits.stall_seconds)):
                chunk = await anext(stream, None)
            if chunk is None:
                return bytes(body)
            body += chunk
            if len(body) > limits.body_bytes:
                raise too_large
    except TimeoutError:
        raise Problem(
            408, "too_slow", "The body took too long to arrive: send it again.", Connection="close"
        ) from None
    except ClientDisconnect:
        raise Abandoned from None


def waited(request: Request) -> float:
    """Return the seconds that an edge says its message waited; 0 if it says nothing sensible."""
    try:
        seconds = float(request.headers.get(WAITED, "0"))
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), MAX_WAITED) if seconds == seconds else 0.0


def prefers_first(request: Request) -> bool:
    """Return whether an edge wants to know the first answer even when a crop is asked for."""
    wishes = ",".join(request.headers.getlist("prefer")).split(",")
    return PREFER_FIRST in (wish.split(";")[0].strip().lower() for wish in wishes)


def media_type(request: Request) -> str:
    """COMPACT or JSON, by the request's header. Raises Problem for any other type."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind in (COMPACT, JSON):
        return kind
    raise Problem(415, "wrong_type", f"Send a body of type {JSON} or {COMPACT}.")


def unpack(kind: type[Message], form: str, body: bytes) -> Message:
    """Read the message in a body. Raises ProtocolError, or Problem for unfit JSON."""
    if form == COMPACT:
        return kind.from_bytes(body)
    try:
        fields = BODIES[kind].model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "The body"
        raise Problem(422, "bad_field", f"{where}: {first['msg']}.") from None
    return kind(**dict(fields))


def pack(
    reply: Reply, gate: Gate, form: str, tell_first: bool = False
) -> tuple[bytes, dict[str, str]]:
    """Return the body of a response, and the headers beside it.

    tell_first: say the first answer beside a crop request also where no link is shared.
    """
    uncertainty, message = None, reply.message
    first = isinstance(message, CropRequest) or message.session is not None
    if reply.stage is not None and first:
        uncertainty = gate.uncertainty(reply.stage.scores[gate.metric])
    first_answer = reply.fallback
    if tell_first and reply.stage is not None and isinstance(message, CropRequest):
        first_answer = reply.stage.answer
    if form == COMPACT:
        beside = {} if uncertainty is None else {UNCERTAINTY: f"{uncertainty:.4f}"}
        if reply.skipped:
            beside[SKIPPED] = reply.skipped
        if reply.box:
            beside[BOX] = ",".join(map(str, reply.box.as_tuple()))
        if first_answer is not None and len(text := quote(first_answer)) <= MAX_FALLBACK:
            beside[FIRST_ANSWER] = text
        return message.to_bytes(), beside
    body: BaseModel
    if isinstance(message, Answer):
        body = AnswerBody(
            text=message.text, session=message.session, uncertainty=uncertainty,
            skipped=cast(Literal["late", "dear"] | None, reply.skipped),
            box=list(reply.box.as_tuple()) if reply.box else None,
        )  # fmt: skip
    else:
        body = CropRequestBody(
            session=message.session, box=list(message.box.as_tuple()), uncertainty=uncertainty,
            first_answer=first_answer,
        )  # fmt: skip
    unsaid = {
        name for name in ("skipped", "first_answer", "box") if getattr(body, name, None) is None
    }
    return body.model_dump_json(exclude=unsaid).encode(), {}
