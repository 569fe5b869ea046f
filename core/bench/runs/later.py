"""Looks after the first one: which rows of a run are of which, and that they belong together.

A row of a later look has the look before it for its first stage. So the rows of one round are a run
themselves, of the samples that were looked at so often: each is an answer, and the look after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.bench.runs import tokens

MAX_ROUNDS = 64  # of a run
SCORES = {"offsets": "scores", "second_offsets": "second_scores"}


def rows_of(columns: Mapping[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Return some rows, indices, of the columns that a `Run` is made of."""
    found: dict[str, Any] = {}
    for name, values in columns.items():
        if name in SCORES:
            lengths = np.diff(values)[rows]
            found[name] = np.append(0, np.cumsum(lengths))
            found[SCORES[name]] = tokens.select(columns[SCORES[name]], values, rows)
        elif name not in SCORES.values():
            found[name] = values[rows]
    return found


def by_round(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return columns whose rows are of any round as those of each, from the first on.

    Raises ValueError for rounds that can't be.
    """
    rounds = np.asarray(columns["round"])
    if not ((rounds >= 1) & (rounds <= MAX_ROUNDS)).all():
        raise ValueError(f"Each row must have a round from 1 to {MAX_ROUNDS}.")
    last = int(rounds.max(initial=1))
    if last == 1:
        return [dict(columns)]
    return [rows_of(columns, np.flatnonzero(rounds == n)) for n in range(1, last + 1)]


def places(earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Return where each id of later rows (M,) is among those of earlier ones: indices (M,).

    Raises KeyError for one that isn't there.
    """
    at = {id: index for index, id in enumerate(earlier)}
    return np.fromiter((at[id] for id in later), np.int64, len(later))
