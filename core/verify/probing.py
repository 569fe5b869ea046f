"""What has to be known of an engine before its answers are trusted, found out by asking it.

An engine behind HTTP (core.vlm.engine) is somebody else's program with somebody else's settings.
Each of the faults looked for here was met in one: log-probabilities after temperature, caches that
hand out another image's answer, a chat template that leaves out the token that begins a text.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image

from core.verify.report import Finding, Report, Section
from core.vlm.base import MAX_NEW_TOKENS, VLMError
from core.vlm.engine.address import Address
from core.vlm.engine.endpoint import Endpoint
from core.vlm.engine.reply import Alternatives, Reply, Untold, Usage, read_reply, read_usage
from core.vlm.engine.request import body, data_url
from core.vlm.engine.trial import Trial, tried

IMAGES = 20
AT_ONCE = 8
SIDE = 336  # pixels of the pictures, where nothing else is said
APART = 0.2  # nats by which an answer has changed, beyond what arithmetic in another order does
REPEATS = 5  # of a timing
DRAWS = 5  # of a first token, where nothing is told of it
_QUESTION = "What colours are there? Answer with one word."
_OTHER = "Is it dark or bright? Answer with one word."


def probe(
    address: Address, side: int = SIDE, said: Callable[[str], None] = lambda what: None
) -> Report:
    """Return what asking an engine about a hundred times shows.

    side: of the pictures, in pixels. said: is told what is being done. Raises VLMError if there is
    nobody to ask.
    """
    endpoint = Endpoint(address)
    asker = _Asker(endpoint, address, side)
    sections: list[Section] = []

    def check(title: str, work: Callable[[], Sequence[Finding]]) -> None:
        said(title)
        start = time.perf_counter()
        try:
            findings = tuple(work())
        except VLMError as error:
            findings = (Finding("failed", str(error)),)
        sections.append(Section(title, findings, time.perf_counter() - start, None))

    check("What it can do", asker.begin)
    if (trial := asker.trial) is not None:
        check("Log-probabilities", lambda: [_temperature(asker), _count(trial)])
        check("Beginning and end of a text", lambda: [_begins(asker), _ends(trial)])
        check("Images", lambda: _images(asker))
        check("Scores, asked again", lambda: _drift(asker))
        check("Time", lambda: [_times(asker)])
    facts = {"engine": address.name, "pictures": f"{side} × {side} pixels"}
    title = "Second Look, probe of an engine"
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return Report(facts, {"date": when}, tuple(sections), title)


class _Asker:
    """The engine, asked about pictures that nobody has shown it before."""

    def __init__(self, endpoint: Endpoint, address: Address, side: int):
        self.endpoint, self.address, self._side = endpoint, address, side
        self.trial: Trial | None = None
        self._pictures = np.random.default_rng(time.time_ns())  # no cache of an earlier probe helps

    def begin(self) -> list[Finding]:
        self.trial = trial = tried(self.endpoint, self.address)
        findings = [Finding("passed", "It takes two images in one prompt.")]
        if trial.card:
            about = {name: trial.card[name] for name in ("root", "max_model_len", "owned_by")
                     if isinstance(trial.card.get(name), str | int)}  # fmt: skip
            findings.append(Finding("note", f"It lists the model {trial.card['id']!r}.", about))
        return findings

    def picture(self) -> str:
        """A data URL of a picture of large coloured squares."""
        squares = self._pictures.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        whole = Image.fromarray(squares).resize((self._side,) * 2, Image.Resampling.NEAREST)
        return data_url(whole)

    def ask(
        self,
        urls: Sequence[str],
        text: str = _QUESTION,
        tokens: int = MAX_NEW_TOKENS,
        **fields: Any,
    ) -> Reply:
        said = self._said(urls, text, tokens, fields)
        return read_reply(said, self.endpoint.where)

    def usage(self, url: str, text: str = _QUESTION, **fields: Any) -> Usage:
        """What is told of the prompt, with one token of an answer."""
        return read_usage(self._said([url], text, 1, fields), self.endpoint.where)

    def _said(self, urls: Sequence[str], text: str, tokens: int, fields: dict[str, Any]) -> Any:
        likeliest = self.trial.asked if self.trial else 0
        content = body(self.address, urls, text, tokens, likeliest) | fields
        return self.endpoint.post("chat/completions", content)


def _temperature(asker: _Asker) -> Finding:
    """Whether log-probabilities are the model's own, or what sampling makes of them."""
    urls = [asker.picture()]
    rows = {t: _once(_drawn(asker, urls, t)) for t in (0, 1, 2)}
    if len(rows[1]) < 2:
        return Finding(
            "left out",
            "Whether log-probabilities are raw can't be told: there is one a token.",
        )
    # Of tokens told at both: above 0 one is drawn, perhaps from far down the list.
    moved = {
        t: max((abs(rows[t][text] - rows[1][text]) for text in rows[t].keys() & rows[1].keys()),
               default=np.inf)
        for t in (0, 2)
    }  # fmt: skip
    facts = {"nats moved from temperature 1": {t: _finite(nats) for t, nats in moved.items()}}
    if max(moved.values()) <= APART:
        return Finding("passed", "Log-probabilities are raw: the same at any temperature.", facts)
    return Finding(
        "failed",
        "Log-probabilities are after temperature, so that at 0 every answer seems certain: have the"
        " engine tell raw ones (vLLM: --logprobs-mode raw_logprobs; llama.cpp: without"
        " post_sampling_probs).",
        facts,
    )


def _drawn(asker: _Asker, urls: Sequence[str], temperature: int) -> Alternatives:
    """A first token at a temperature. Of one that is part of a character, llama.cpp tells nothing:
    then another is drawn."""
    for left in reversed(range(DRAWS)):
        try:
            return asker.ask(urls, tokens=1, temperature=temperature).tokens[0]
        except Untold:
            if not left:
                raise
    raise AssertionError("the last draw ends in a token or an error")


def _once(row: Alternatives) -> dict[str, float]:
    """What is told of a token's alternatives, without texts that several of them have: those of
    parts of a character."""
    texts = [text for text, _ in row]
    return {text: logp for text, logp in row if texts.count(text) == 1}


def _count(trial: Trial) -> Finding:
    least = trial.likeliest
    text = f"It tells the {least} likeliest tokens of each position"
    if least < 2:
        text = "It tells the log-probability of the chosen token only"
    then = {
        1: "min-entropy is exact, margin and Shannon entropy are bounded",
    }.get(least, "min-entropy and margin are exact, Shannon entropy is bounded")
    return Finding("note", f"{text}: {then}.", {"likeliest": least, "asked": trial.asked})


def _ends(trial: Trial) -> Finding:
    said = {
        True: "The end token is among an answer's tokens.",
        False: "The end token is not among an answer's tokens: T is one less than the model's.",
        None: "Whether the end token is among an answer's tokens can't be told.",
    }[trial.ended]
    return Finding(
        "note", f"{said} A mean over tokens, and so η, holds for this engine only.",
        {"end_token": trial.ended},
    )  # fmt: skip


def _begins(asker: _Asker) -> Finding:
    """Whether the prompt begins with the token that the model's texts begin with."""
    how = "add ?add_special_tokens=true to the address"
    plain, added = (_tokens(asker, special) for special in (False, True))
    if plain and added:
        first = added[0]
        if added == plain:
            return Finding("passed", "The tokenizer has no token that begins a text.")
        if plain[0] == first:
            return Finding("passed", "The chat template writes the token that begins a text.")
        return Finding(
            "passed" if asker.address.fields.get("add_special_tokens") is True else "failed",
            "The chat template doesn't write the token that begins a text"
            + (", so it is asked for."
               if asker.address.fields.get("add_special_tokens") is True
               else f", and the engine adds none: {how}."),
            {"first token": plain[0], "with special tokens": added[:2]},
        )  # fmt: skip
    url = asker.picture()
    counts = [
        asker.usage(url, add_special_tokens=special).prompt_tokens for special in (False, True)
    ]
    if counts[0] and counts[1] == counts[0] + 1:
        return Finding(
            "guess",
            "With add_special_tokens a prompt is one token longer: either the chat template leaves"
            f" out the token that begins a text (then {how}), or it would stand there twice.",
            {"prompt_tokens": counts},
        )
    return Finding("left out", "Whether prompts begin as they should can't be told of this engine.")


def _tokens(asker: _Asker, special: bool) -> list[int] | None:
    """A prompt's tokens, as vLLM tells them beside its OpenAI routes; None: it doesn't."""
    url = asker.address.url
    if not url.endswith("/v1"):
        return None
    asked = {
        "model": asker.address.model, "add_special_tokens": special,
        "messages": [{"role": "user", "content": "What is it?"}],
    }  # fmt: skip
    try:
        found = asker.endpoint.post("../tokenize", asked)
    except VLMError:
        return None
    tokens = found.get("tokens") if isinstance(found, dict) else None
    if not isinstance(tokens, list) or not tokens or not all(type(one) is int for one in tokens):
        return None
    return tokens


def _images(asker: _Asker) -> list[Finding]:
    """One text over many images, in changing order: each keeps its own answer."""
    urls = [asker.picture() for _ in range(IMAGES)]
    orders = [list(range(IMAGES)), list(reversed(range(IMAGES)))]
    orders.append(random.Random(0).sample(range(IMAGES), IMAGES))
    rounds: list[list[Reply]] = []
    for number, order in enumerate(orders):
        found: dict[int, Reply] = {}
        if number == len(orders) - 1:  # the last one many at once
            with ThreadPoolExecutor(AT_ONCE) as pool:
                answers = list(pool.map(lambda i: asker.ask([urls[i]]), order))
            found = dict(zip(order, answers, strict=True))
        else:
            for i in order:
                found[i] = asker.ask([urls[i]])
        rounds.append([found[i] for i in range(IMAGES)])
    first = rounds[0]
    seen = max(_apart(a, b) for a, b in pairwise(first))
    facts = {"images": IMAGES, "largest difference between two images, nats": _finite(seen)}
    if seen == 0:
        return [
            Finding("failed", f"All {IMAGES} images get the same answer and the same scores: it"
                    " doesn't see them, or its cache takes one for another.", facts)
        ]  # fmt: skip
    mixed = {
        i
        for other in rounds[1:]
        for i, reply in enumerate(other)
        if (own := _apart(reply, first[i])) > APART
        and min(_apart(reply, first[j]) for j in range(IMAGES) if j != i) < own / 4
    }
    if mixed:
        return [
            Finding("failed", f"Of {len(mixed)} of {IMAGES} images came what another image had been"
                    " answered, in another order: its cache mixes them. Turn its prefix or"
                    " multimodal cache off, or update it.", facts | {"mixed": sorted(mixed)})
        ]  # fmt: skip
    changed = sum(
        any(other[i].text != first[i].text for other in rounds[1:]) for i in range(IMAGES)
    )
    return [
        Finding("passed", f"One text over {IMAGES} images in three orders: each keeps its own"
                f" answer; {changed} changed in their words.", facts | {"changed": changed})
    ]  # fmt: skip


def _drift(asker: _Asker) -> list[Finding]:
    """By how much scores move where the same is asked again: from the cache, and among others."""
    urls = [asker.picture() for _ in range(AT_ONCE)]
    fresh = [asker.ask([url]) for url in urls]
    again = [asker.ask([url]) for url in urls]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        together = list(pool.map(lambda url: asker.ask([url]), urls))
    found = []
    for what, others in (("asked again", again), (f"{AT_ONCE} asked at once", together)):
        moved = [_apart(a, b) for a, b in zip(fresh, others, strict=True)]
        words = sum(a.text != b.text for a, b in zip(fresh, others, strict=True))
        most = max(moved)
        found.append(
            Finding(
                "passed" if most <= APART else "failed",
                f"With {what}, a log-probability moves by {most:.2g} nats at most"
                f" ({most / np.log(2):.2g} bits), and {words} of {AT_ONCE} answers change."
                + ("" if most <= APART else " An η can't be trusted to that."),
                {"nats": [_finite(one) for one in moved], "changed": words},
            )
        )
    return found


def _times(asker: _Asker) -> Finding:
    fresh: list[float] = []
    cached: list[float] = []
    told: list[int | None] = []
    for _ in range(REPEATS):
        url = asker.picture()
        for seconds, text in ((fresh, _QUESTION), (cached, _OTHER)):
            start = time.perf_counter()
            usage = asker.usage(url, text)
            seconds.append(time.perf_counter() - start)
        told.append(usage.cached_tokens)
    first, second = statistics.median(fresh), statistics.median(cached)
    tokens = told[-1]
    says = "it doesn't say how many tokens were cached"
    if tokens is not None:
        says = f"it found {tokens} of {usage.prompt_tokens} tokens in its cache"
    return Finding(
        "note",
        f"To the first token, {first:.3f} s for a new image and {second:.3f} s for another question"
        f" about it; {says}.",
        {"seconds, new image": first, "seconds, same image": second, "cached_tokens": tokens},
    )


def _apart(a: Reply, b: Reply) -> float:
    """The largest difference in nats between what both tell of the same tokens, as long as both
    answers go the same way."""
    most = 0.0
    for one, other in zip(a.tokens, b.tokens, strict=False):
        mine, its = (_once(row) for row in (one, other))
        if common := mine.keys() & its.keys():
            most = max(most, *(abs(mine[text] - its[text]) for text in common))
        else:
            most = max(most, abs(one[0][1] - other[0][1]) if one[0][0] == other[0][0] else np.inf)
        if one[0][0] != other[0][0]:
            break
    return most


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
