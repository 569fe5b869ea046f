"""Checks of a run's columns: that they fit together, and that each sample is one that can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.bench.runs.errors import RunError
from core.bench.runs.record import COUNTS, MEASURES, MESSAGES, NO_BOX, OPTIONAL_COSTS, SHARES, TEXTS
from core.bench.runs.tokens import StoredScores, not_finite
from core.uncertainty import METRICS

MAX_COUNT = 1 << 40  # bytes of one thing: the sum over a run stays far inside an int64
MAX_MEASURE = 1e30  # FLOPs or seconds of one stage: sums stay finite
MAX_TOKENS = 10_000  # of one answer


def check(columns: Mapping[str, Any], later: Sequence[Mapping[str, Any]], rounds: int) -> None:
    """Check the columns that a `Run` is made of: arrays of the types that it says.

    later: the columns of its later looks. rounds: how many looks its metadata allow.
    Raises RunError, in one sentence, for columns that make no run.
    """
    n = len(columns["id"])
    for name in (*TEXTS, *COUNTS, *MEASURES):
        if columns[name].shape != (n,):
            raise RunError(f"Column {name} must hold one value for each of the {n} samples.")
    if columns["box"].shape != (n, 4):
        raise RunError(f"box must be ({n}, 4) for {n} samples.")
    for of, (scores, offsets) in _answers(columns).items():
        if offsets.shape != (n + 1,):
            raise RunError(f"offsets of {of} answers must be ({n + 1},) for {n} samples.")
        if offsets[0] != 0 or (np.diff(offsets) < 0).any():
            raise RunError(f"offsets of {of} answers must start at 0 and never fall.")
        for metric in scores:
            if metric not in METRICS:
                raise RunError(
                    f"The run holds the metric {metric!r:.80}, which this version doesn't know: "
                    "update Second Look, or add it to METRICS."
                )
        for metric, values in _held(scores).items():
            if values.shape != (offsets[-1],):
                raise RunError(f"{metric} must have one value for each of {offsets[-1]} tokens.")
    _check_samples(columns)
    _check_rounds(columns, later, rounds)


def _check_rounds(
    columns: Mapping[str, Any], later: Sequence[Mapping[str, Any]], rounds: int
) -> None:
    first = columns["round"]
    if (first != first[:1]).any():
        raise RunError("All rows of a round must be of the same one.")
    if len(later) >= rounds:
        raise RunError(f"A run of {rounds} rounds can't have {1 + len(later)}.")
    before = columns
    for number, one in enumerate(later, 2):
        known = not set(one["id"]) - set(before["id"])
        if one["later"] or (one["round"] != number).any() or not known:
            raise RunError(f"The rows of round {number} must be of samples that have one before.")
        if (one["error"] != "").any():
            raise RunError(f"Round {number} must have no sample that failed.")
        before = one


def _answers(
    columns: Mapping[str, Any],
) -> dict[str, tuple[Mapping[str, np.ndarray], np.ndarray]]:
    """Return the token scores and offsets of first and of second answers."""
    return {
        "first": (columns["scores"], columns["offsets"]),
        "second": (columns["second_scores"], columns["second_offsets"]),
    }


def _held(scores: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Return the token scores that are in memory; others were checked where they were read."""
    return {} if isinstance(scores, StoredScores) else scores


def _check_samples(columns: Mapping[str, Any]) -> None:
    ids, box, n = columns["id"], columns["box"], len(columns["id"])
    ok = columns["error"] == ""

    def refuse(bad: np.ndarray, what: str) -> None:
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            raise RunError(f"Sample {first} ({ids[first]!r:.80}) must have {what}.")

    if len(set(ids)) < n:
        repeated = np.ones(n, dtype=bool)
        repeated[np.unique(ids, return_index=True)[1]] = False
        refuse(repeated, "an id that no other sample has")
    for name in ("first_score", "second_score"):
        values = columns[name]
        refuse(ok & ~((values >= 0) & (values <= 1)), f"a {name} from 0 to 1")
    for name in ("first_flops", "second_flops", "first_seconds", "second_seconds"):
        values = columns[name]
        refuse(ok & ~((values >= 0) & (values <= MAX_MEASURE)), f"a finite {name}, 0 or more")
    for name in OPTIONAL_COSTS:
        values = columns[name]
        refuse((values < 0) | (values > MAX_MEASURE), f"a finite {name}, 0 or more, or none")
    for name in SHARES:
        values = columns[name]
        refuse((values < 0) | (values > 1), f"a {name} from 0 to 1, or none")
    hit = columns["box_hit"]
    refuse(~((hit == 0) | (hit == 1) | np.isnan(hit)), "a box_hit that is true, false or not known")
    for name in ("global_bytes", "local_bytes", "reference_bytes"):
        values = columns[name]
        refuse(ok & ~((values >= 1) & (values <= MAX_COUNT)), f"{name} of at least 1")
    for name in MESSAGES:
        values = columns[name]
        refuse(ok & ~((values >= 0) & (values <= MAX_COUNT)), f"{name} of at least 0")
    no_box = (box == NO_BOX).all(axis=1)
    left, top, right, bottom = box.T
    is_box = (left >= 0) & (top >= 0) & (right > left) & (bottom > top)
    refuse(~(no_box | is_box), "a box with 0 <= left < right and 0 <= top < bottom, or none")
    if not columns["scores"]:
        refuse(ok, "token scores of at least one metric")
    refuse(ok & (np.diff(columns["offsets"]) < 1), "at least one token")
    for of, (scores, offsets) in _answers(columns).items():
        refuse(np.diff(offsets) > MAX_TOKENS, f"at most {MAX_TOKENS:,} tokens")
        for metric, values in _held(scores).items():
            owners = np.searchsorted(offsets, not_finite(values), side="right") - 1
            bad = np.isin(np.arange(n), owners)
            refuse(bad, f"a finite {metric} for every token of its {of} answer")
