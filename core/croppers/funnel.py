"""Three nested boxes, as far apart as attention is spread (after arXiv 2512.10362)."""

from __future__ import annotations

import numpy as np

from core.box import Box
from core.croppers.base import Clues, Cropper, Found, Need, around

NESTED = 3


def _funnel(clues: Clues) -> Found:
    weights = clues.relative_map
    (focus, *_) = clues.windows(weights, ratios=(1.0,))
    centre = (focus.left + focus.right) / 2, (focus.top + focus.bottom) / 2
    wider = 1 + spread(clues.question_map)
    nested: list[Box] = []
    for step in range(NESTED):
        side = int(max(focus.size) * wider**step)
        nested.append(around(centre, (side, side), clues.original_size))
    focal, context, broad = nested
    # Of one look, the context: the focus alone may cut what is asked about.
    return Found(tuple(dict.fromkeys((context, focal, broad)))[: clues.count], weights)


def spread(weights: np.ndarray) -> float:
    """Return the Shannon entropy of attention as a share of the greatest possible, 0 to 1."""
    total = weights.sum()
    if total <= 0 or weights.size < 2:
        return 1.0
    shares = weights[weights > 0] / total
    return float(-(shares * np.log(shares)).sum() / np.log(weights.size))


ENTRIES = (
    Cropper(
        name="funnel",
        label="Visual funnel",
        rule="Three nested boxes around the place of relative attention, the wider the more "
        "attention is spread; the middle one first.",
        source="after Visual Funnel, arXiv 2512.10362",
        find=_funnel,
        needs=frozenset({Need.QUESTION, Need.GENERIC}),
    ),
)
