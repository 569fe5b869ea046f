"""What a chat completion says: whole, or as the events of a stream."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

from core.messages import CropRequest
from core.server.chat.forms import Asked
from core.server.machine import Reply
from core.transcript import Stage, Token
from core.uncertainty import Gate
from core.vlm.base import MAX_NEW_TOKENS

NEVER = -9999.0  # in place of -inf, which JSON lacks; as vLLM writes it


def completion(asked: Asked, reply: Reply, gate: Gate) -> dict[str, Any]:
    """Return the JSON of a whole answer."""
    text, tokens, finish = _taken(asked, reply)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "logprobs": _logprobs(tokens, asked.likeliest),
        "finish_reason": finish,
    }
    said = _head(asked, "chat.completion") | {"choices": [choice], "usage": _usage(reply, tokens)}
    return said | _wish(reply, gate)


def events(asked: Asked, reply: Reply, gate: Gate) -> Iterator[str]:
    """Yield the same as server-sent events: the role, a chunk a token, the end, and [DONE]."""
    text, tokens, finish = _taken(asked, reply)
    head = _head(asked, "chat.completion.chunk")

    def event(delta: dict[str, Any], **rest: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} | rest
        return _event(head | {"choices": [choice]})

    yield event({"role": "assistant", "content": ""})
    for piece, token in zip(_pieces(text, tokens), tokens, strict=True):
        yield event({"content": piece}, logprobs=_logprobs([token], asked.likeliest))
    last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": finish}
    yield _event(head | {"choices": [last]} | _wish(reply, gate))
    if asked.usage:
        yield _event(head | {"choices": [], "usage": _usage(reply, tokens)})
    yield "data: [DONE]\n\n"


def _taken(asked: Asked, reply: Reply) -> tuple[str, tuple[Token, ...], str]:
    """The answer, its tokens, and why it ended, within the tokens that the client wants."""
    stage = _stage(reply)
    tokens = stage.tokens[: asked.max_tokens]
    if len(tokens) < len(stage.tokens):
        return "".join(token.text for token in tokens).strip(), tokens, "length"
    whole = "".join(token.text for token in tokens).strip() == stage.answer
    cut = len(tokens) == MAX_NEW_TOKENS and whole  # no end token among them
    return stage.answer, tokens, "length" if cut else "stop"


def _stage(reply: Reply) -> Stage:
    assert reply.stage is not None  # the model has answered
    return reply.stage


def _head(asked: Asked, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": asked.model,
    }


def _usage(reply: Reply, tokens: tuple[Token, ...]) -> dict[str, Any]:
    counts = {"prompt_tokens": _stage(reply).prompt_tokens, "completion_tokens": len(tokens)}
    return counts | {"total_tokens": sum(counts.values())}


def _wish(reply: Reply, gate: Gate) -> dict[str, Any]:
    """What isn't OpenAI's: the box of the local image that the gate wants, if it wants one."""
    if not isinstance(reply.message, CropRequest):
        return {}
    uncertainty = gate.uncertainty(_stage(reply).scores[gate.metric])
    box, session = list(reply.message.box.as_tuple()), reply.message.session
    return {"second_look": {"box": box, "session": session, "uncertainty": uncertainty}}


def _logprobs(tokens: Sequence[Token], likeliest: int | None) -> dict[str, Any] | None:
    if likeliest is None:
        return None
    return {
        "content": [
            _likely(token.alternatives[0])
            | {"top_logprobs": [_likely(one) for one in _likeliest(token)[:likeliest]]}
            for token in tokens
        ],
        "refusal": None,
    }


def _likeliest(token: Token) -> list[tuple[str, float]]:
    return sorted(token.alternatives, key=lambda one: -one[1])


def _likely(one: tuple[str, float]) -> dict[str, Any]:
    text, probability = one
    logprob = math.log(probability) if probability > 0 else NEVER
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "replace"))}


def _pieces(text: str, tokens: tuple[Token, ...]) -> list[str]:
    """The text, divided among its tokens; where these are no pieces of it, all with the first."""
    texts = [token.text for token in tokens]
    for ends in (texts, [*texts[:-1], ""]):  # the end token adds nothing
        joined = "".join(ends)
        if joined.strip() != text:
            continue
        pieces, skip, left = [], len(joined) - len(joined.lstrip()), len(text)
        for piece in ends:
            kept = piece[skip:][:left]
            skip, left = max(0, skip - len(piece)), left - len(kept)
            pieces.append(kept)
        return pieces
    return [text, *[""] * (len(tokens) - 1)]


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"
