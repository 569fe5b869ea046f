"""Invented runs, to test and time the analysis with. They say nothing about any model."""

from dataclasses import replace

import numpy as np

from core.bench.runs.metadata import Metadata
from core.bench.runs.record import OPTIONAL
from core.bench.runs.run import Run
from core.uncertainty import METRICS, Evidence

VOCABULARY = 4
NOT_INVENTED = [name for name in OPTIONAL if name != "box_hit"]
SCORES = np.array([0.0, 0.3, 0.6, 0.9, 1.0])  # what soft accuracy can give


def synthetic_run(samples: int, seed: int = 0, max_tokens: int = 20) -> Run:
    """A run of invented samples, the same for the same seed; its model is called "synthetic".

    Each sample has a difficulty. It spreads the token distributions, so that they are uncertain,
    and it lowers the first score more than the second. So the second stage mostly helps where the
    first is unsure, and sometimes harms. Token scores are the metrics of invented logits.
    """
    rng = np.random.default_rng(seed)
    difficulty = rng.random(samples)
    lengths = rng.integers(1, max_tokens + 1, samples)
    offsets = np.concatenate(([0], np.cumsum(lengths)))

    logits = rng.gumbel(size=(offsets[-1], VOCABULARY))
    logits *= np.repeat(1 + 5 * (1 - difficulty), lengths)[:, None]
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    evidence = Evidence(logits, logp, attention=np.array([0.7, 0.1, 0.1, 0.1]))

    def scored(chance: np.ndarray) -> np.ndarray:
        level = chance + 0.3 * rng.standard_normal(samples)
        return SCORES[np.searchsorted([0.2, 0.35, 0.5, 0.65], level)]

    def text(form: str) -> np.ndarray:
        return np.array([form.format(i) for i in range(samples)], dtype=object)

    global_bytes = rng.integers(2_000, 9_000, samples)
    local_bytes = rng.integers(2_000, 9_000, samples)
    left, top = rng.integers(0, 500, (2, samples))
    return Run(
        metadata=Metadata(
            model="synthetic", revision=None, parameters=None, dataset="synthetic", split="test",
            seed=seed, codec="jpeg", quality=75, prompt="{question}", versions={}, machine="none",
            date="2026-01-01", command="",
        ),
        id=text("{}"), image_id=text("image {}"), question=text("Invented question {}?"),
        prompt=text("Invented question {}?"), answers=text('["{}"]'),
        round=np.ones(samples, np.int64),
        first_answer=text("first {}"), second_answer=text("second {}"),
        first_score=scored(1 - difficulty), second_score=scored(1 - difficulty / 2),
        global_bytes=global_bytes, local_bytes=local_bytes,
        reference_bytes=4 * global_bytes,
        question_message_bytes=global_bytes + 80, answer_message_bytes=np.full(samples, 70),
        crop_request_message_bytes=np.full(samples, 100),
        local_image_message_bytes=local_bytes + 90, refined_message_bytes=np.full(samples, 50),
        first_flops=np.full(samples, 1e9), second_flops=np.full(samples, 3e9),
        first_seconds=0.02 + 0.01 * rng.random(samples),
        second_seconds=0.04 + 0.01 * rng.random(samples),
        box=np.stack((left, top, left + 336, top + 336), axis=1), truth_boxes=text("[]"),
        box_hit=rng.integers(0, 2, samples).astype(float),
        group=text(""), guided_answer=text(""), hd_answer=text(""), box_fallback=text(""),
        **{name: np.full(samples, np.nan) for name in NOT_INVENTED},
        error=np.full(samples, "", object),
        scores={name: metric.score(evidence) for name, metric in METRICS.items()}, offsets=offsets,
    )  # fmt: skip


def looked_again(run: Run, rounds: int, seed: int = 0) -> Run:
    """Return a run with looks after the first one, of fewer samples with each round."""
    metadata, later, before = replace(run.metadata, rounds=rounds), [], run
    for number in range(2, rounds + 1):
        other = synthetic_run(len(run), seed=seed + number)
        rows = np.flatnonzero(np.isin(run.id, before.id[: 1 + 2 * len(before) // 3]))
        own = other.select(rows)
        later.append(
            replace(
                own, metadata=metadata, round=np.full(len(rows), number),
                first_answer=before.second_answer[: len(rows)],
                first_score=before.second_score[: len(rows)],
                answer_message_bytes=before.refined_message_bytes[: len(rows)],
            )
        )  # fmt: skip
        before = later[-1]
    return replace(run, metadata=metadata, later=tuple(later))
