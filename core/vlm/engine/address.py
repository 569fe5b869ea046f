"""How an engine and its model are named: ``openai:http://host:8000/v1#MODEL``.

What stands in a query (``…/v1?add_special_tokens=true#MODEL``) goes into every request as a field
of its own: engines have fields that others don't, and what changes answers has to stand in the
name, which transcripts and runs keep. A key never does: it comes from the environment.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from core.vlm.base import VLMError

__all__ = ["KEY", "PREFIX", "Address"]

PREFIX = "openai:"
KEY = "SECOND_LOOK_ENGINE_KEY"
"""Environment variable with the key that an engine asks for, if it does."""

LIKELIEST = "top_logprobs"  # of the query: how many; the others are the request's own
THINKING = "thinking_tokens"  # of the query: room for what is thought before an answer
_OURS = ("model", "messages", "stream", "logprobs", "n", "max_tokens", "temperature")
_EXAMPLE = "openai:http://127.0.0.1:8000/v1#MODEL"


@dataclass(frozen=True)
class Address:
    """An engine and one of its models."""

    name: str  # as it was written
    url: str  # that all routes stand below, without a slash at its end
    model: str
    likeliest: int | None = None  # log-probabilities to ask for a token; None: as many as it gives
    thinking: int = 0  # tokens that may come before the answer
    fields: dict[str, Any] = field(default_factory=dict)  # of every request

    @staticmethod
    def is_one(name: object) -> bool:
        return isinstance(name, str) and name.startswith(PREFIX)

    @classmethod
    def read(cls, name: str) -> Self:
        """Return what a name says. Raises VLMError, one sentence, which repeats no password."""
        try:
            parts = urlsplit(name.removeprefix(PREFIX))
            base = httpx.URL(parts._replace(query="", fragment="").geturl().rstrip("/"))
            port = parts.port or 0
        except (ValueError, UnicodeError, httpx.InvalidURL):
            raise _unreadable() from None
        if parts.username is not None or parts.password is not None:
            raise VLMError(
                f"An engine's address is kept in transcripts and runs, so it may hold no password:"
                f" put the key into the environment variable {KEY}."
            )
        if base.scheme not in ("http", "https") or not base.host or port > 65_535:
            raise _unreadable()
        if not (model := unquote(parts.fragment)):
            raise VLMError(
                f"Say which of the engine's models is to answer, after a #, as in {_EXAMPLE}."
            )
        said = {key: _value(text) for key, text in parse_qsl(parts.query, keep_blank_values=True)}
        for key in (key for key in said if key in _OURS or "key" in key.lower()):
            raise VLMError(f"{key!r} can't be set in an engine's address.")
        likeliest, thinking = said.pop(LIKELIEST, None), said.pop(THINKING, 0)
        if likeliest is not None and not _is_count(likeliest, 100):
            raise VLMError(f"{LIKELIEST} must be a whole number from 0 to 100.")
        if not _is_count(thinking, 100_000):
            raise VLMError(f"{THINKING} must be a whole number from 0 to 100000.")
        return cls(name, str(base), model, likeliest, thinking, said)

    @staticmethod
    def key() -> str | None:
        return os.environ.get(KEY, "").strip() or None


def _unreadable() -> VLMError:
    return VLMError(f"This isn't the address of an engine: write it like {_EXAMPLE}.")


def _value(text: str) -> Any:
    """What JSON makes of a text; what isn't JSON is a text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_count(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most
