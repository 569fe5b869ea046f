"""OpenAI's chat completions, as far as a question about an image needs them.

Fields that other engines have and that change nothing here are let through unread; what would
change an answer and can't be done is refused in one sentence.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.imaging import available_formats
from core.messages import MAX_QUESTION, MAX_SESSION, MAX_SIDE
from core.server.problems import Problem

MOST_LIKELIEST = 20  # alternatives of a token, as OpenAI has it
IMAGES = 2  # the global one and a local one
# The type is written in any case, and may bear parameters (RFC 2397).
_DATA_URL = re.compile(r"data:image/([a-z]{1,10})(?:;[\w.-]{1,50}=[\w.-]{1,50}){0,4};base64,(.*)",
                       re.DOTALL | re.IGNORECASE)  # fmt: skip
_NAMES = {"jpg": "jpeg"}  # as some clients write it
_UNSERVED = ("response_format", "stop", "tools", "logit_bias")  # of what would change an answer

Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ImageURL(_Body):
    url: str = Field(description="A data URL: data:image/jpeg;base64,…")


class TextPart(_Body):
    type: Literal["text"]
    text: str


class ImagePart(_Body):
    type: Literal["image_url"]
    image_url: ImageURL


class ChatMessage(_Body):
    role: str = Field(max_length=50)
    content: (
        str
        | Annotated[
            list[Annotated[TextPart | ImagePart, Field(discriminator="type")]],
            Field(max_length=16),
        ]
    )


class StreamOptions(_Body):
    include_usage: bool | None = None


class Wish(_Body):
    """What an edge that knows this server may say, beside what every client says."""

    original_size: Annotated[list[Side], Field(min_length=2, max_length=2)] | None = Field(
        default=None,
        description="Width and height of the original, in whose pixels the box is named.",
    )
    session: str | None = Field(
        default=None, min_length=1, max_length=MAX_SESSION,
        description="Of the first stage, with both images: nothing is read twice.",
    )  # fmt: skip


class Form(_Body):
    """How the answer's text is to be formed."""

    type: Literal["text"] = "text"


class ChatBody(_Body):
    """A question about one image, or about a global image and a local one, in that order.

    The last four would change the answer, so they may be there and say nothing, as some clients
    write them.
    """

    model: str = Field(max_length=4_096)
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=64)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_LIKELIEST)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    second_look: Wish | None = None
    response_format: Form | None = None
    stop: Literal[""] | Annotated[list[str], Field(max_length=0)] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    logit_bias: Annotated[dict[str, Any], Field(max_length=0)] | None = None


@dataclass(frozen=True)
class Asked:
    """What a body asks for."""

    model: str
    question: str
    images: tuple[tuple[str, bytes], ...]  # (format, encoded), the global one first
    original_size: tuple[int, int] | None
    session: str | None
    max_tokens: int | None
    likeliest: int | None  # alternatives of each token to be told; None: no log-probabilities
    stream: bool
    usage: bool  # also at the end of a stream


def read(content: bytes) -> Asked:
    """Return what a request's body asks for. Raises Problem."""
    try:
        body = ChatBody.model_validate_json(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        if unserved := next((one["loc"][0] for one in faults if one["loc"][:1] and
                             one["loc"][0] in _UNSERVED), None):  # fmt: skip
            raise Problem(
                400, "unsupported",
                f"{unserved}: the answer is the model's own, whole, in plain text: leave this out.",
            ) from None  # fmt: skip
        # Where a field has several forms, the one that was read the furthest was meant.
        meant = max(faults, key=lambda one: len(one["loc"]))
        where = ".".join(map(str, meant["loc"]))[:200] or "The body"
        raise Problem(400, "bad_field", f"{where}: {meant['msg']}.") from None
    except RecursionError:
        raise Problem(400, "bad_field", "The body is nested without end.") from None
    if len(body.messages) != 1 or body.messages[0].role != "user":
        raise Problem(
            400, "bad_messages",
            "Send one message of the role user: this server answers a question about an image, and"
            " its models were given no system prompt and no conversation.",
        )  # fmt: skip
    content_ = body.messages[0].content
    parts = [TextPart(type="text", text=content_)] if isinstance(content_, str) else content_
    question = "\n".join(part.text for part in parts if isinstance(part, TextPart))
    urls = [part.image_url.url for part in parts if isinstance(part, ImagePart)]
    if not 1 <= len(urls) <= IMAGES:
        raise Problem(
            400, "bad_messages",
            f"Send one image, or at most {IMAGES} image(s): the whole, and a part of it in detail;"
            f" there are {len(urls)}.",
        )  # fmt: skip
    if len(question) > MAX_QUESTION:
        raise Problem(400, "bad_question", f"A question may have {MAX_QUESTION:,} characters.")
    wish = body.second_look or Wish()
    counts = [count for count in (body.max_tokens, body.max_completion_tokens) if count]
    return Asked(
        model=body.model, question=question, images=tuple(map(_image, urls)),
        original_size=None if wish.original_size is None
        else (wish.original_size[0], wish.original_size[1]),
        session=wish.session, max_tokens=min(counts, default=None),
        likeliest=(body.top_logprobs or 0) if body.logprobs else None, stream=bool(body.stream),
        usage=bool(body.stream_options and body.stream_options.include_usage),
    )  # fmt: skip


def _image(url: str) -> tuple[str, bytes]:
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise Problem(
            400, "bad_image",
            "Send images as data URLs, data:image/jpeg;base64,…: nothing is fetched from a link.",
        )  # fmt: skip
    name = found[1].lower()
    name = _NAMES.get(name, name)
    if name not in available_formats():
        raise Problem(
            400, "bad_image",
            f"An image can be of the types {', '.join(available_formats())}, not {name}.",
        )  # fmt: skip
    try:
        return name, base64.b64decode(found[2], validate=True)
    except (binascii.Error, ValueError):
        raise Problem(400, "bad_image", "An image's data URL isn't base64.") from None


def request_body() -> dict[str, Any]:
    """The request body, for the OpenAPI description."""
    schema = _schema()
    del schema["$defs"]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def schemas() -> dict[str, Any]:
    """Return what the description of the request body refers to, by name."""
    return _schema()["$defs"]


def _schema() -> dict[str, Any]:
    return ChatBody.model_json_schema(ref_template="#/components/schemas/{model}")
