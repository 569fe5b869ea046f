"""What recorded runs demand of a shared link: questions to draw from, and when they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from core.bench.analysis.calibration import halves
from core.bench.commands.gain_command import source
from core.bench.runs.run import Run
from core.policies.expectation import QUANTILES, Expectation, isotonic

__all__ = ["Arrivals", "Questions", "Split", "bursts", "fit", "poisson", "recorded"]


@dataclass(frozen=True, eq=False)
class Questions:
    """N recorded questions: what they put on the link and the server, and what came of both looks.

    Every array is (N,): bytes of each message, seconds of the server's work, scores 0..1, and the
    ranked uncertainty of the first answer.
    """

    question_bytes: np.ndarray
    answer_bytes: np.ndarray
    request_bytes: np.ndarray
    crop_bytes: np.ndarray
    refined_bytes: np.ndarray
    first_seconds: np.ndarray
    second_seconds: np.ndarray
    first_score: np.ndarray
    second_score: np.ndarray
    uncertainty: np.ndarray

    @classmethod
    def of_runs(
        cls, runs: Sequence[Run], metric: str = "min_entropy", first_tokens: int | None = None
    ) -> Self:
        """Return the answered samples of all runs, one after the other.

        Raises ValueError for runs whose questions, or local images, took no bytes.
        """
        parts = [run.answered for run in runs]
        columns = (
            "question_message_bytes", "answer_message_bytes", "crop_request_message_bytes",
            "local_image_message_bytes", "refined_message_bytes", "first_seconds",
            "second_seconds", "first_score", "second_score",
        )  # fmt: skip
        ranked = np.concatenate([run.ranked(metric, first_tokens) for run in parts])
        arrays = [np.concatenate([getattr(run, name) for run in parts]) for name in columns]
        found = cls(**dict(zip((f.name for f in fields(cls)), [*arrays, ranked], strict=True)))
        if not (found.question_bytes.any() and found.crop_bytes.any()):
            raise ValueError(
                "By this run's record, its questions or its local images took no bytes: choose one "
                "that sent both."
            )
        return found

    def __len__(self) -> int:
        return len(self.uncertainty)

    def take(self, indices: np.ndarray) -> Self:
        """Return the questions with these indices, in their order."""
        return type(self)(*(getattr(self, f.name)[indices] for f in fields(self)))


def fit(
    runs: Sequence[Run], metric: str = "min_entropy", first_tokens: int | None = None
) -> Expectation:
    """Return what a second look is expected to add and to take, by these runs.

    Raises ValueError for a metric that a run doesn't hold, and as `Questions.of_runs`.
    """
    known = Questions.of_runs(runs, metric, first_tokens)
    steps, gains = isotonic(known.uncertainty, known.second_score - known.first_score)
    quantiles = np.quantile(known.uncertainty, np.linspace(0, 1, QUANTILES))
    return Expectation(
        metric=metric, first_tokens=first_tokens, steps=steps.tolist(), gains=gains.tolist(),
        quantiles=quantiles.tolist(), crop_bytes=float(known.crop_bytes.mean()),
        crop_request_bytes=float(known.request_bytes.mean()),
        answer_bytes=float(known.refined_bytes.mean()),
        work_seconds=float(known.second_seconds.mean()),
        fitted_on=tuple(map(source, runs)), model=runs[0].metadata.model, questions=len(known),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Split:
    """Recorded questions in two halves, no image in both: to set policies on, and to try them."""

    expectation: Expectation  # fitted on the first half
    known: Questions
    fresh: Questions

    @classmethod
    def of(
        cls,
        runs: Sequence[Run],
        metric: str = "min_entropy",
        first_tokens: int | None = None,
        seed: int = 0,
    ) -> Self:
        """Return half of each run's images, drawn by the seed, and the other half.

        Raises ValueError as `fit`, and for a run of fewer than two images.
        """
        pairs = [halves(run.answered, seed) for run in runs]
        known, fresh = ([pair[side] for pair in pairs] for side in (0, 1))
        return cls(
            fit(known, metric, first_tokens),
            Questions.of_runs(known, metric, first_tokens),
            Questions.of_runs(fresh, metric, first_tokens),
        )


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Times at which questions are asked, rising seconds, and by which edge, (N,) each.

    opening: bytes that cross the link and are answered before the question may, because its edge
    has no connection to the server; None: all edges have one, and keep it.
    """

    seconds: np.ndarray
    edge: np.ndarray
    opening: np.ndarray | None = None


def poisson(count: int, rate: float, edges: int, rng: np.random.Generator) -> Arrivals:
    """Return `count` questions, `rate` a second over all edges, each by any of them."""
    gaps = rng.exponential(1 / rate, count)
    return Arrivals(np.cumsum(gaps), rng.integers(edges, size=count))


def bursts(
    count: int, rate: float, edges: int, rng: np.random.Generator, size: float = 5.0
) -> Arrivals:
    """Return questions in bursts: one edge asks `size` on average (geometric) at the same time.

    Bursts come as a Poisson process, so that `rate` is the same as without.
    """
    sizes = rng.geometric(1 / size, count)  # more than are needed
    starts = np.cumsum(rng.exponential(size / rate, count))
    which = np.repeat(np.arange(count), sizes)[:count]
    return Arrivals(starts[which], rng.integers(edges, size=count)[which])


def recorded(
    times: np.ndarray, count: int, rate: float, edges: int, rng: np.random.Generator
) -> Arrivals:
    """Return questions with the gaps of a recorded trace, over and over, scaled to `rate`.

    times: seconds, (M,), in any order. Raises ValueError for fewer than two different ones.
    """
    times = np.sort(np.asarray(times, dtype=np.float64))  # NaN last
    if not (len(times) and 0 < float(times[-1]) - float(times[0]) < np.inf):
        raise ValueError("A trace needs at least two different times, in seconds.")
    gaps = np.diff(times)
    start = rng.integers(len(gaps))
    gaps = np.roll(np.resize(gaps, max(count, len(gaps))), -start)[:count] / gaps.mean() / rate
    return Arrivals(np.cumsum(gaps), rng.integers(edges, size=count))
