"""What the model said, as a stage of a transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.transcript import Stage, Token
from core.uncertainty import all_scores

if TYPE_CHECKING:
    from core.vlm.base import VLM, Generation

__all__ = ["ALTERNATIVES", "stage_of"]

ALTERNATIVES = 5  # tokens listed at each position of an answer


def stage_of(
    vlm: VLM, generation: Generation, question: str, images: int = 1, count: int = ALTERNATIVES
) -> Stage:
    """Return an answer with the scores of every metric that it gives.

    images: that it was given from. count: of alternatives listed for each token.
    """
    scores, bounds = all_scores(generation.evidence)
    tokens = tuple(
        Token(text, chosen, alternatives)
        for text, chosen, alternatives in zip(
            generation.tokens, map(int, generation.token_ids),
            _alternatives(vlm, generation, count), strict=True,
        )
    )  # fmt: skip
    prompt = vlm.prompt_text(question, images)
    return Stage(generation.text, tokens, scores, prompt, bounds, generation.prompt_tokens)


def _alternatives(
    vlm: VLM, generation: Generation, count: int
) -> list[tuple[tuple[str, float], ...]]:
    """Return each token's likeliest alternatives as (text, probability), itself first."""
    if generation.likeliest:
        return [
            tuple((text, float(np.exp(logp))) for text, logp in row[:count])
            for row in generation.likeliest
        ]
    logits = np.asarray(generation.logits, dtype=np.float64)
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = odds / odds.sum(axis=-1, keepdims=True)
    rows = []
    for text, chosen, p in zip(generation.tokens, generation.token_ids, probabilities, strict=True):
        top = np.argpartition(p, -min(count, p.size))[-count:]
        others = sorted((int(i) for i in top if i != chosen), key=lambda i: (-p[i], i))
        ids = [chosen, *others[: count - 1]]
        texts = [text] + [vlm.decode_token(i) for i in ids[1:]]
        rows.append(tuple(zip(texts, (float(p[i]) for i in ids), strict=True)))
    return rows
