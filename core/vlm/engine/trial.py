"""What an engine is asked before it is used: whether it can, and what it tells of its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from core.vlm.base import MAX_NEW_TOKENS, VLMError
from core.vlm.engine.address import LIKELIEST, Address
from core.vlm.engine.endpoint import Endpoint, Refused
from core.vlm.engine.reply import Reply, read_reply
from core.vlm.engine.request import body, data_url

MOST = (20, 5, 1, 0)  # alternatives of a token to ask for: OpenAI's limit, some hosts', and none
_QUESTION = "Is this grey? Answer yes or no."
_SIDE = 64  # pixels: no model takes less


@dataclass(frozen=True)
class Trial:
    """What one small question about two images showed."""

    asked: int  # alternatives a token that it may be asked for
    likeliest: int  # that it tells of each token, itself included
    ended: bool | None  # whether its end token is among an answer's tokens; None: it can't be told
    card: dict[str, Any]  # what /models says of the model; {}: nothing
    sentence: Callable[[Refused], str]  # what a refusal means


def tried(endpoint: Endpoint, address: Address) -> Trial:
    """Ask an engine one question about two grey images. Raises VLMError for what keeps it from
    being used."""
    cards = _cards(endpoint)

    def sentence(refusal: Refused) -> str:
        return _sentence(refusal, endpoint.where, address.model, list(cards))

    counts = MOST if address.likeliest is None else (address.likeliest,)
    urls = [data_url(Image.new("RGB", (_SIDE, _SIDE), (level,) * 3)) for level in (96, 160)]
    for count in counts:
        content = body(address, urls, _QUESTION, MAX_NEW_TOKENS, count)
        try:
            said = endpoint.post("chat/completions", content)
        except Refused as refusal:
            if "logprob" in refusal.said.lower() and count != counts[-1]:
                continue
            raise VLMError(sentence(refusal)) from None
        reply = read_reply(said, endpoint.where)
        card = cards.get(address.model, {})
        ended = None if reply.finish == "length" else reply.ended  # cut off, so there was none yet
        return Trial(count, _least(reply), ended, card, sentence)
    raise AssertionError("the last count ends in a reply or an error")


def _least(reply: Reply) -> int:
    return min(map(len, reply.tokens))


def _cards(endpoint: Endpoint) -> dict[str, dict[str, Any]]:
    """What /models lists, by id. Not every gateway has it, and nothing depends on it."""
    try:
        listed = endpoint.get("models")
    except Refused:
        return {}
    data = listed.get("data") if isinstance(listed, dict) else None
    return {
        one["id"]: one
        for one in (data if isinstance(data, list) else [])
        if isinstance(one, dict) and isinstance(one.get("id"), str)
    }


def _sentence(refusal: Refused, where: str, model: str, models: list[str]) -> str:
    """What a refusal means, where it can be told from the engine's words."""
    said = refusal.said.lower()
    if refusal.status in (400, 404) and "model" in said and model not in models:
        has = f"; it has {', '.join(models[:10])}" if models else ""
        return f"{where} has no model {model!r}{has}: name one after the # of the address."
    of_images = "image" in said and any(
        word in said for word in ("at most", "limit", "only one", "multiple", "too many", "maximum")
    )
    if refusal.status < 500 and of_images:
        return (
            f"{where} doesn't take two images in one prompt, which a second look needs (vLLM:"
            f" --limit-mm-per-prompt '{{\"image\": 2}}'); it says: {refusal.said}"
        ).rstrip(".") + "."
    if refusal.status < 500 and "logprob" in said:
        return (
            f"{where} tells no log-probabilities as asked ({LIKELIEST} in the address asks for"
            f" fewer, see docs/engines.md); it says: {refusal.said}"
        ).rstrip(".") + "."
    return str(refusal)
