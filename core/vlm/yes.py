"""How likely an answer begins with yes, and how likely with no."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence

import numpy as np

YES, NO = ("Yes", "yes"), ("No", "no")  # as models write them


def of_likeliest(alternatives: Sequence[tuple[str, float]]) -> float:
    """Return how likely "yes" is beside "no", 0 to 1; one half where neither is among them.

    alternatives: of the first token, (text, natural log-probability).
    """
    odds = {"yes": 0.0, "no": 0.0}
    for text, logp in alternatives:
        word = re.sub(r"[\W_]+", "", text.replace("▁", "").replace("Ġ", "")).lower()
        if word in odds:
            odds[word] += math.exp(logp)
    total = odds["yes"] + odds["no"]
    return odds["yes"] / total if total else 0.5


def of_logits(logits: np.ndarray, yes: Collection[int], no: Collection[int]) -> float:
    """Return the same by the logits (V,) of the first token. yes, no: tokens that are either."""
    both = np.asarray(logits, np.float64)[[*yes, *no]]
    if not np.isfinite(both.max()):
        return 0.5
    odds = np.exp(both - both.max())
    return float(odds[: len(yes)].sum() / odds.sum())
