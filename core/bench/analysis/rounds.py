"""Several looks after the fact: what a gate with an η for each round does, from a recorded run.

A run holds every look that there was, whatever a gate would have decided. Where a look falls
depends on no η, so any number of rounds up to the recorded one, with any ηs, is computed from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.bench.runs import tokens
from core.bench.runs.later import places
from core.bench.runs.run import Run
from core.uncertainty import METRICS, Gate

__all__ = ["chained", "every_look", "folded", "looks_of", "reached"]

# What a further look adds to the columns of a second stage, and what takes their place.
ADDED = ("local_bytes", "second_flops", "second_flops_exact", "second_seconds", "search_up_bytes",
         "search_down_bytes", "search_round_trips")  # fmt: skip
REPLACED = ("second_answer", "second_score", "second_visual_tokens", "second_prompt_tokens", "box",
            "finer", "crop_request_message_bytes", "local_image_message_bytes",
            "refined_message_bytes")  # fmt: skip


def looks_of(run: Run, rounds: int) -> tuple[Run, ...]:
    """Return the answered samples of each of so many rounds, the first one first.

    There may be fewer, where no sample was looked at so often. Raises ValueError for more rounds
    than were recorded, or a run in which no sample was answered.
    """
    if not 1 <= rounds <= run.metadata.rounds:
        raise ValueError(
            f"The run has {run.metadata.rounds} of the {rounds} rounds that are asked for: record "
            f"it anew with --rounds {rounds}."
        )
    run = run.answered
    return (run, *run.later[: rounds - 1])


def reached(gate: Gate, threshold: float, uncertainty: np.ndarray) -> np.ndarray:
    """Return which answers of this uncertainty (N,), by a gate's metric, ask for a look, (N,)."""
    if METRICS[gate.metric].higher_is_uncertain:
        return uncertainty >= threshold
    return uncertainty <= threshold


def every_look(metric: str, rounds: int) -> Gate:
    """Return the gate that takes so many looks, as far as there are any."""
    always = float("-inf") if METRICS[metric].higher_is_uncertain else float("inf")
    return Gate(metric, always, rounds=(always,) * (rounds - 1))


def chained(looks: Sequence[Run], metric: str, first_tokens: int | None) -> np.ndarray:
    """Return the highest η, shared by all rounds, at which each look is taken: (L,), of all looks.

    A look is taken if every answer before it reached η: the least uncertain of them says. Turned as
    `Run.ranked`, the higher the more uncertain.
    """
    least: list[np.ndarray] = []
    for index, one in enumerate(looks):
        ranked = one.ranked(metric, first_tokens)
        if index:
            before = least[-1][places(looks[index - 1].id, one.id)]
            ranked = np.minimum(before, ranked)
        least.append(ranked)
    return np.concatenate(least)


def folded(run: Run, gate: Gate) -> Run:
    """Return the answered samples with one second stage, which is all looks that the gate's rounds
    take after the first look.

    Its answer is the last one's, and its costs are those of all: what crossed the link before the
    last look counts as its search. The first look is the first gate's affair: here it is always
    taken. Raises ValueError as `looks_of` does, and for a metric that the run doesn't hold.
    """
    base, *later = looks_of(run, 1 + len(gate.rounds))
    columns = {name: getattr(base, name).copy() for name in (*ADDED, *REPLACED, "box_hit")}
    for name in ADDED:
        columns[name] = np.nan_to_num(columns[name]) if "search" in name else columns[name]
    source = np.arange(len(base))  # of each sample's last answer, among the rows of all looks
    going, begin = np.ones(len(base), dtype=bool), len(base)
    for one, eta in zip(later, gate.rounds, strict=False):
        at = places(base.id, one.id)
        uncertainty = one.uncertainty(gate.metric, gate.first_tokens)
        again = np.flatnonzero(going[at] & reached(gate, eta, uncertainty))
        rows = at[again]
        columns["search_down_bytes"][rows] += columns["crop_request_message_bytes"][rows]
        columns["search_up_bytes"][rows] += columns["local_image_message_bytes"][rows]
        columns["search_round_trips"][rows] += 1
        for name in ADDED:
            columns[name][rows] += np.nan_to_num(getattr(one, name)[again])
        for name in REPLACED:
            columns[name][rows] = getattr(one, name)[again]
        columns["box_hit"][rows] = np.fmax(columns["box_hit"][rows], one.box_hit[again])
        going = np.zeros(len(base), dtype=bool)
        going[rows] = True
        source[rows] = begin + again
        begin += len(one)
    metadata = replace(base.metadata, rounds=1 + len(gate.rounds))
    return replace(base, metadata=metadata, later=(), **columns, **_second((base, *later), source))


def _second(looks: Sequence[Run], source: np.ndarray) -> dict[str, Any]:
    """Return the token scores of the second answers in these rows, counted over all looks."""
    if not all(one.second_scores for one in looks):
        return {}
    lengths = np.concatenate([np.diff(one.second_offsets) for one in looks])
    offsets = np.append(0, np.cumsum(lengths))
    scores = {
        metric: np.concatenate([one.second_scores[metric] for one in looks])
        for metric in looks[0].second_scores
    }
    return {
        "second_scores": tokens.select(scores, offsets, source),
        "second_offsets": np.append(0, np.cumsum(lengths[source])),
    }
