"""Runs and questions that promises are tried on."""

from dataclasses import replace

import numpy as np

from core.bench.analysis.promises.goal import ASKED
from core.bench.analysis.promises.questions import Questions
from core.bench.runs.run import Run


def binary(run: Run) -> Run:
    """Return the same with scores of 0 and 1 only."""
    return replace(
        run, first_score=run.first_score.round() * 1.0, second_score=run.second_score.round() * 1.0
    )


def invented(n: int, seed: int = 0, images: int | None = None) -> Questions:
    """Return questions of which the uncertain ones gain; about as many images, or fewer."""
    rng = np.random.default_rng(seed)
    ranked = rng.random(n).round(3)
    first = (rng.random(n) > ranked).astype(float)
    second = np.maximum(first, rng.random(n) < 0.9)
    image = np.arange(n) if images is None else rng.integers(0, images, n)
    return Questions(ranked, image, first, second, {ASKED: (np.zeros(n), np.ones(n))})
