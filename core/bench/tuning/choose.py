"""The best of what was measured, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.bench.tuning.measure import Trial
from core.uncertainty import METRICS, Gate

SIDES = (2 / 3, 1.0, 7 / 6, 4 / 3)  # of the model's input: a wider box holds more, in less detail


@dataclass(frozen=True)
class Layer:
    """What a layer's boxes are worth."""

    index: int
    hit: float  # share of boxes that hold what was asked about
    overlap: float  # mean IoU
    contrast: float  # median; NaN where nothing could be compared


def layers(trials: Sequence[Trial]) -> list[Layer]:
    """Return every layer, the first one first."""
    hits = np.mean([trial.hits for trial in trials], axis=0)
    overlaps = np.mean([trial.overlaps for trial in trials], axis=0)
    contrasts = np.array([trial.contrasts for trial in trials])
    return [
        Layer(i, float(hits[i]), float(overlaps[i]), _median(contrasts[:, i]))
        for i in range(len(hits))
    ]


def best_layer(found: Sequence[Layer]) -> Layer:
    """Return the layer whose boxes hold most often what was asked about, and fit it best."""
    return max(found, key=lambda layer: (layer.hit, layer.overlap))


def sides_of(input_size: tuple[int, int]) -> tuple[int, ...]:
    """Return sides of the box to try, in pixels of the original."""
    return tuple(round(share * min(input_size)) for share in SIDES)


def best_side(sides: Sequence[int], scores: Sequence[Sequence[float]], now: int) -> int:
    """Return the side with the best answers; of equals, the one in use, else the smallest.

    scores: of each question, by side.
    """
    means = np.mean(scores, axis=0)
    return min(
        (side for side, mean in zip(sides, means, strict=True) if mean >= means.max() - 1e-9),
        key=lambda side: (side != now, side),
    )


def best_threshold(metric: str, trials: Sequence[Trial]) -> tuple[float, float] | None:
    """Return η with the largest Youden index, and that index; None if all answers score alike.

    The index: the share of what is wrong that is asked again, minus that of what is right; an
    answer that is half right counts as half of either.
    """
    gate = Gate(metric)
    values = np.array([gate.uncertainty(trial.scores[metric]) for trial in trials])
    right = np.array([trial.score for trial in trials])
    if not 0 < right.mean() < 1 or np.ptp(right) == 0:
        return None
    best = (float(values[0]), -1.0)
    for eta in np.quantile(values, np.linspace(0.02, 0.98, 97)):
        again = values >= eta if METRICS[metric].higher_is_uncertain else values <= eta
        index = np.average(again, weights=1 - right) - np.average(again, weights=right)
        if index > best[1]:
            best = (float(eta), float(index))
    return best


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else math.nan
