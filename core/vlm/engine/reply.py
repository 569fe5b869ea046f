"""What an engine's reply says: the answer, its tokens, and how likely each of them was.

The form is OpenAI's, as vLLM, SGLang, llama.cpp, Ollama and LMDeploy fill it (their own words are
in tests/core/vlm/engine/replies). They differ in whether the end token is among the tokens, in
whether thinking stands in the text, beside it or in neither, and in what a token's text looks like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from core.vlm.base import VLMError

MAX_TOKENS = 10_000  # of a reply, thinking included
NEVER = -9_000.0  # vLLM writes -9999 for a token that can't come, llama.cpp the least float
SAME = 1e-6  # nats between two mentions of one token's log-probability, at most
ROUNDING = 1e-3  # by how much a log-probability may be above 0
_THOUGHT = b"</think>"  # what thinking models write between thoughts and answer

Alternatives = tuple[tuple[str, float], ...]  # (text, natural log-probability)


class _Likely(BaseModel):
    token: str
    logprob: float = Field(allow_inf_nan=True)
    octets: list[int] | None = Field(None, alias="bytes")

    @property
    def piece(self) -> bytes:
        """What it adds to the text."""
        if self.octets and all(0 <= one < 256 for one in self.octets):
            return bytes(self.octets)
        return self.token.encode("utf-8", "replace")


class _Token(_Likely):
    top_logprobs: list[_Likely] | None = None

    def alternatives(self) -> Alternatives:
        """Itself first, then the others, the likeliest first."""
        others = [one for one in self.top_logprobs or () if one.logprob > NEVER]
        # It is among them, with the same log-probability; in llama.cpp under another text, which
        # sends none for the end token, and may send none for another one.
        near = [one for one in others if abs(one.logprob - self.logprob) < SAME]
        same = [one for one in near if one.token == self.token] or near
        same = same or [one for one in others if one.token == self.token and self.token]
        if same:
            others.remove(min(same, key=lambda one: abs(one.logprob - self.logprob)))
        others.sort(key=lambda one: -one.logprob)
        return tuple((one.token, min(one.logprob, 0.0)) for one in (self, *others))


class _Logprobs(BaseModel):
    content: list[_Token] | None = Field(None, max_length=MAX_TOKENS)


class _Message(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None  # vLLM before 0.12, SGLang, llama.cpp, LMDeploy
    reasoning: str | None = None  # vLLM, Ollama


class _Choice(BaseModel):
    message: _Message
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Details(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Body(BaseModel):
    choices: list[_Choice] = Field(min_length=1, max_length=16)
    usage: _Usage | None = None


class Untold(VLMError):
    """A reply without log-probabilities."""


@dataclass(frozen=True)
class Usage:
    """How long a prompt was."""

    prompt_tokens: int  # 0: not told
    cached_tokens: int | None  # of these, found in the engine's cache; None: not told


@dataclass(frozen=True)
class Reply:
    """One answer of an engine."""

    text: str  # stripped, without thoughts
    tokens: tuple[Alternatives, ...]  # (T,) each token of the answer, its alternatives behind it
    ended: bool | None  # whether the last of them is the end token; None: it can't be told
    finish: str  # why it ended: "stop", "length", or the engine's own word
    thought: int  # tokens before the answer that were skipped
    prompt_tokens: int  # 0: not told
    cached_tokens: int | None  # of these, found in the engine's cache; None: not told


def read_reply(body: Any, where: str) -> Reply:
    """Return what the JSON of a reply says. where: the engine's address, for sentences.

    Raises VLMError, one sentence, for what isn't a reply, or has no log-probabilities.
    """
    read = _validated(body, where)
    choice = read.choices[0]
    tokens = choice.logprobs.content if choice.logprobs else None
    text, finish = _answer(choice.message.content or ""), choice.finish_reason or ""
    if not tokens:
        raise Untold(
            f"{where} tells no log-probabilities of its answers, which the gate judges them by:"
            " choose an engine, or a version of it, that does (see docs/engines.md)."
        )
    if any(not NEVER < one.logprob <= ROUNDING for one in tokens):
        raise VLMError(f"{where} tells log-probabilities that can't be any.")
    first = _first(tokens, text, choice.message)
    if first == len(tokens):
        raise VLMError(
            f"{where} spent all {len(tokens)} tokens before it came to an answer: turn its thinking"
            " off, or give it room (thinking_tokens=1000 in the address, see docs/engines.md)."
        )
    answer = tokens[first:]
    usage = _usage(read)
    return Reply(
        text=text, tokens=tuple(one.alternatives() for one in answer),
        ended=_ended(answer, text, finish), finish=finish, thought=first,
        prompt_tokens=usage.prompt_tokens, cached_tokens=usage.cached_tokens,
    )  # fmt: skip


def read_usage(body: Any, where: str) -> Usage:
    """Return how long a reply's prompt was, whatever it tells of its answer.

    Raises VLMError, one sentence, for what isn't a reply.
    """
    return _usage(_validated(body, where))


def _validated(body: Any, where: str) -> _Body:
    try:
        return _Body.model_validate(body)
    except (ValidationError, RecursionError) as error:
        what = error.errors()[0] if isinstance(error, ValidationError) else None
        if what and what["loc"][-1:] == ("logprob",) and "prob" in what["input"]:
            raise VLMError(
                f"{where} tells what sampling has made of its probabilities, which at temperature"
                " 0 is always 1: leave post_sampling_probs out of the address."
            ) from None
        place = ".".join(map(str, what["loc"])) if what else "the whole"
        raise VLMError(
            f"The reply of {where} isn't a chat completion as OpenAI writes it ({place}): check"
            " the address."
        ) from None


def _usage(read: _Body) -> Usage:
    usage = read.usage or _Usage()
    details = usage.prompt_tokens_details or _Details()
    return Usage(max(0, usage.prompt_tokens or 0), details.cached_tokens)


def _answer(content: str) -> str:
    """The text behind thoughts that stand in it."""
    return content.rpartition(_THOUGHT.decode())[2].strip()


def _first(tokens: list[_Token], text: str, message: _Message) -> int:
    """Which token the answer begins with: thoughts before it are skipped."""
    pieces = [one.piece for one in tokens]
    joined = b"".join(pieces)
    end = joined.rfind(_THOUGHT)
    begins = 0
    if end >= 0:
        begins = end + len(_THOUGHT)
    elif message.reasoning_content or message.reasoning:
        begins = joined.rfind(text.encode()) if text else len(joined)
    elif joined.lstrip().startswith(b"<think>"):
        begins = len(joined)  # cut off amid its thoughts
    if begins <= 0:
        return 0
    at = 0
    for index, piece in enumerate(pieces):
        # A token may end the thoughts and begin the answer; white space between belongs to neither.
        if at + len(piece) > begins and piece[max(0, begins - at) :].strip():
            return index
        at += len(piece)
    return len(pieces)


def _ended(tokens: list[_Token], text: str, finish: str) -> bool | None:
    """Whether the last token is the end token: it adds nothing to the text."""
    if finish == "length":
        return False
    if not tokens[-1].piece:
        return True
    for texts in ([one.piece.decode("utf-8", "replace") for one in tokens], _plain(tokens)):
        if "".join(texts).strip() == text:
            return False
        if "".join(texts[:-1]).strip() == text:
            return True
    return None


def _plain(tokens: list[_Token]) -> list[str]:
    """Their texts where an engine tells them as its vocabulary writes them (LMDeploy)."""
    return [
        one.token.replace("▁", " ").replace("Ġ", " ").replace("Ċ", "\n").replace("<0x0A>", "\n")
        for one in tokens
    ]
