"""The best of what was measured, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.bench.analysis.intervals import LEVEL
from core.bench.tuning.measure import Trial
from core.uncertainty import METRICS, Gate

DRAWS = 1_000
# Of the model's input: a wider box holds more, in less detail.
SIDES = (2 / 3, 1.0, 7 / 6, 4 / 3, 5 / 3, 2.0)


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


def as_good_a_layer(trials: Sequence[Trial], index: int) -> bool:
    """Return whether no layer's boxes surely hold more often what was asked about."""
    hits = np.array([trial.hits for trial in trials], dtype=float)

    def share(weights: np.ndarray) -> np.ndarray:
        return weights @ hits / weights.sum(axis=1, keepdims=True)

    return _may_be_best(share, trials, index)


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


@dataclass(frozen=True)
class Threshold:
    """The η of a metric that parts right from wrong first answers best.

    The Youden index: the share of what is wrong that is asked again, minus that of what is right;
    an answer that is half right counts as half of either.
    """

    best: float  # of the ηs that were tried
    best_index: float
    now: float  # in use
    now_index: float
    as_good: bool  # whether none surely parts them better than the one in use


def threshold(metric: str, trials: Sequence[Trial], now: float) -> Threshold | None:
    """Return the best η and what the one in use is worth; None if all answers score alike."""
    gate = Gate(metric)
    values = np.array([gate.uncertainty(trial.scores[metric]) for trial in trials])
    right = np.array([trial.score for trial in trials])
    if not 0 < right.mean() < 1 or np.ptp(right) == 0:
        return None
    etas = np.append(np.quantile(values, np.linspace(0.02, 0.98, 97)), now)
    again = values[:, None] >= etas
    if not METRICS[metric].higher_is_uncertain:
        again = values[:, None] <= etas

    def index(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # a draw may have nothing right, or nothing wrong
            wrong_again, right_again = (
                weights * part @ again / (weights @ part)[:, None] for part in (1 - right, right)
            )
        return wrong_again - right_again

    found = index(np.ones((1, len(trials))))[0]
    best = int(found[:-1].argmax())
    return Threshold(
        float(etas[best]), float(found[best]), now, float(found[-1]),
        _may_be_best(index, trials, len(etas) - 1),
    )  # fmt: skip


def _may_be_best(
    worth: Callable[[np.ndarray], np.ndarray], trials: Sequence[Trial], option: int
) -> bool:
    """Whether no option is surely worth more than this one.

    worth: weights of the trials (b, N) -> (b, options). Whichever of many is best by chance looks
    better than it is: so the largest lead over the option is held against what the largest error
    of any lead comes to in 95 % of the draws (a simultaneous bound, by the bootstrap). Images are
    drawn, and each brings all its questions.
    """
    _, image = np.unique([trial.sample.image_id for trial in trials], return_inverse=True)
    images = int(image.max()) + 1
    rng = np.random.default_rng(0)
    weights = rng.multinomial(images, np.full(images, 1 / images), DRAWS)[:, image].astype(float)
    found, drawn = worth(np.ones((1, len(trials))))[0], worth(weights)
    lead = found - found[option]
    error = (drawn - drawn[:, [option]] - lead).max(axis=1)
    return bool(lead.max() <= np.nanquantile(error, LEVEL))


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else math.nan
