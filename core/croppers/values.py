"""Where the cached values are like those of the words asked about (FOCUS, arXiv 2506.21710)."""

from __future__ import annotations

import numpy as np

from core.croppers.base import Clues, Cropper, Found, Need
from core.croppers.words import target


def _values(clues: Clues) -> Found:
    alike = clues.similarity_map(target(clues.question))  # (layers, rows, cols)
    weights = alike[len(alike) // 2 :].mean(axis=0)  # deep layers, where words have found things
    return clues.on(weights - np.min(weights))


ENTRIES = (
    Cropper(
        name="values",
        label="Value similarity",
        rule="Where what is cached of the image is like what is cached of the words asked about.",
        source="FOCUS, arXiv 2506.21710",
        find=_values,
        needs=frozenset({Need.VALUES}),
    ),
)
