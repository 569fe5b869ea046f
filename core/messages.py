"""The messages edge and server exchange, and their bytes.

A message is a compact JSON header with at most one encoded image behind it:

    4 bytes    length of the header, big-endian
    header     UTF-8 JSON, e.g. {"kind":"local image","session":"…","image_format":"jpeg"}
    payload    the encoded image; empty where a message carries none

The bytes counted as communication cost are the length of exactly this. Both ends read messages
from a stranger, so a message that can be constructed is well formed, and reading one raises
nothing but `MessageError`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, Self, cast

from core.box import Box

__all__ = [
    "MAX_HEADER",
    "MAX_QUESTION",
    "MAX_SESSION",
    "MAX_SIDE",
    "Answer",
    "CropRequest",
    "LocalImage",
    "Message",
    "MessageError",
    "ProtocolError",
    "Question",
    "QuestionError",
    "SecondLook",
    "SessionExpired",
    "check_question",
]

MAX_QUESTION = 1_000  # characters
MAX_HEADER = 65_536  # bytes
MAX_SESSION = 64  # characters
MAX_SIDE = 1_000_000  # pixels


class ProtocolError(ValueError):
    """Edge and server can't go on; the text is one sentence that says what to do."""


class MessageError(ProtocolError):
    """A message is malformed, or isn't the one expected at this point."""


class QuestionError(ProtocolError):
    """A question can't be asked as it stands."""


class SessionExpired(ProtocolError):
    """The server holds no first stage (any more) for the session a message names."""


class Message:
    """What all messages share: the way to bytes and back."""

    kind: ClassVar[str]

    def to_bytes(self) -> bytes:
        assert is_dataclass(self)  # as every kind of message is
        header = {"kind": self.kind}
        header |= {f.name: getattr(self, f.name) for f in fields(self) if f.name != "image"}
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), default=Box.as_tuple)
        encoded = text.encode("utf-8", "replace")  # a lone surrogate has no UTF-8 form
        return len(encoded).to_bytes(4, "big") + encoded + getattr(self, "image", b"")

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a message of this class; `Message.from_bytes` reads any kind.

        Raises MessageError, or QuestionError if all that is wrong is the question itself.
        """
        header, image = _split(data)
        kind = header.pop("kind", None)
        message_class = KINDS.get(kind) if isinstance(kind, str) else None
        if message_class is None or not issubclass(message_class, cls):
            wanted = getattr(cls, "kind", "known kind of message")
            raise MessageError(f"Something else came where a message was expected: {wanted}.")
        names = {f.name for f in fields(message_class)}
        if header.keys() != names - {"image"}:
            raise MessageError(f"The fields of the {kind} are not those of this protocol.")
        if "image" in names:
            header["image"] = image
        elif image:
            raise MessageError(f"The {kind} carries bytes after its header.")
        return cast(Self, message_class(**header))

    @property
    def byte_count(self) -> int:
        """Bytes on the wire, header included."""
        return len(self.to_bytes())

    @property
    def image_bytes(self) -> int:
        """Bytes of the encoded image alone; 0 in a message without one."""
        return len(getattr(self, "image", b""))


@dataclass(frozen=True)
class Question(Message):
    """Edge → server: the global image and the question (Algorithm 1, line 4).

    `original_size` (width, height) is all the server learns of the original; it needs it to
    name a box in original pixels.
    """

    kind = "question"
    original_size: tuple[int, int]
    image: bytes
    image_format: str
    question: str

    def __post_init__(self) -> None:
        _set(self, "original_size", _whole_numbers(self.original_size, 2, "original_size"))
        if not all(1 <= side <= MAX_SIDE for side in self.original_size):
            raise MessageError(f"original_size must lie between 1 and {MAX_SIDE:,} pixels a side.")
        _check_image(self)
        _set(self, "question", check_question(self.question))


@dataclass(frozen=True)
class Answer(Message):
    """Server → edge: the answer (line 23).

    After the first stage it carries the session with which the edge may still ask for a second
    look; a final answer has none.
    """

    kind = "answer"
    text: str
    session: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise MessageError("The text of an answer must be text.")
        if self.session is not None:
            _check_session(self)


@dataclass(frozen=True)
class SecondLook(Message):
    """Edge → server: a second look please, although the gate said no. Answered by a CropRequest.

    Not in the paper, where only the gate starts a second stage.
    """

    kind = "second look"
    session: str

    def __post_init__(self) -> None:
        _check_session(self)


@dataclass(frozen=True)
class CropRequest(Message):
    """Server → edge: send this box of the original in full detail (line 15)."""

    kind = "crop request"
    session: str
    box: Box

    def __post_init__(self) -> None:
        _check_session(self)
        if not isinstance(self.box, Box):
            _set(self, "box", Box(*_whole_numbers(self.box, 4, "box")))
        left, top, right, bottom = self.box.as_tuple()
        if not (0 <= left < right <= MAX_SIDE and 0 <= top < bottom <= MAX_SIDE):
            raise MessageError("The box asked for is empty or lies outside any image.")


@dataclass(frozen=True)
class LocalImage(Message):
    """Edge → server: the local image asked for (line 18)."""

    kind = "local image"
    session: str
    image: bytes
    image_format: str

    def __post_init__(self) -> None:
        _check_session(self)
        _check_image(self)


KINDS = {cls.kind: cls for cls in (Question, Answer, SecondLook, CropRequest, LocalImage)}


def check_question(question: str) -> str:
    """The question without surrounding white space; QuestionError if it can't be asked."""
    if not isinstance(question, str):
        raise QuestionError("The question must be text: type one.")
    question = question.strip()
    if not question:
        raise QuestionError("The question is empty: type one.")
    if len(question) > MAX_QUESTION:
        raise QuestionError(
            f"The question has {len(question):,} characters: shorten it to {MAX_QUESTION:,}."
        )
    if any("\ud800" <= character <= "\udfff" for character in question):
        raise QuestionError("The question holds characters that can't be sent: type it again.")
    return question


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and payload."""
    length = int.from_bytes(data[:4], "big")
    if not 0 < length <= min(MAX_HEADER, len(data) - 4):
        raise MessageError("The message is cut short or isn't one of this protocol.")
    try:
        header = json.loads(data[4 : 4 + length].decode("utf-8"))
    except (ValueError, RecursionError):  # RecursionError: thousands of nested brackets
        raise MessageError("The header of the message is not JSON.") from None
    if not isinstance(header, dict):
        raise MessageError("The header of the message is not a JSON object.")
    return header, bytes(data[4 + length :])


def _set(message: Message, name: str, value: Any) -> None:
    object.__setattr__(message, name, value)  # the way for a frozen dataclass to normalise a field


def _whole_numbers(value: Any, count: int, name: str) -> tuple[int, ...]:
    if (
        not isinstance(value, list | tuple)
        or len(value) != count
        or any(type(number) is not int for number in value)  # type(): True is an int, too
    ):
        raise MessageError(f"{name} must be {count} whole numbers.")
    return tuple(value)


def _check_session(message: Answer | SecondLook | CropRequest | LocalImage) -> None:
    if not isinstance(message.session, str) or not 0 < len(message.session) <= MAX_SESSION:
        raise MessageError(f"session must be text of 1 to {MAX_SESSION} characters.")


def _check_image(message: Question | LocalImage) -> None:
    if not isinstance(message.image, bytes) or not message.image:
        raise MessageError(f"The {message.kind} holds no image.")
    if not isinstance(message.image_format, str) or not 0 < len(message.image_format) <= 16:
        raise MessageError("image_format must be text of 1 to 16 characters.")
