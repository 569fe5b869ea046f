from __future__ import annotations

import math

import numpy as np
import pytest

from core.bench.tuning.choose import (
    Layer,
    best_layer,
    best_side,
    best_threshold,
    layers,
    sides_of,
)
from core.bench.tuning.measure import Trial
from core.uncertainty import Gate


def trial(score=1.0, scores=(), hits=(), overlaps=(), contrasts=(), metric="min_entropy"):
    return Trial(None, score, {metric: scores}, (), (), hits, overlaps, contrasts, 0.0)


def test_a_layer_is_judged_by_all_questions():
    first = trial(hits=(True, False), overlaps=(0.5, 0.0), contrasts=(2.0, math.nan))
    second = trial(hits=(True, True), overlaps=(0.3, 0.4), contrasts=(4.0, math.nan))
    a, b = layers([first, second])
    assert (a.index, a.hit, a.overlap, a.contrast) == (0, 1.0, 0.4, 3.0)
    assert (b.index, b.hit, b.overlap) == (1, 0.5, 0.2)
    assert math.isnan(b.contrast)


def test_the_best_layer_hits_most_often_and_then_fits_best():
    found = [Layer(0, 0.5, 0.9, 9), Layer(1, 0.6, 0.2, 1), Layer(2, 0.6, 0.3, 1)]
    assert best_layer(found).index == 2


@pytest.mark.parametrize(
    "scores, now, side",
    [
        ([[0, 1, 1], [0, 0, 1]], 10, 30),  # the best
        ([[1, 1, 0], [1, 1, 0]], 20, 20),  # of equals the one in use
        ([[1, 1, 0], [1, 1, 0]], 30, 10),  # else the smallest, which sees most detail
        ([[0, 0, 0], [0, 0, 0]], 99, 10),
    ],
)
def test_the_side_with_the_best_answers(scores, now, side):
    assert best_side((10, 20, 30), scores, now) == side


def test_sides_are_shares_of_the_input():
    assert sides_of((192, 192)) == (128, 192, 224, 256)
    assert sides_of((448, 336)) == (224, 336, 392, 448)


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
def test_the_threshold_parts_right_from_wrong(metric):
    rng = np.random.default_rng(0)
    sure, unsure = (0.9, 0.1) if metric == "probability_margin" else (0.1, 0.9)
    trials = [
        trial(float(right), rng.normal(sure if right else unsure, 0.05, 4), metric=metric)
        for right in [True, False] * 40
    ]
    eta, index = best_threshold(metric, trials)
    assert index == 1 and 0.2 < eta < 0.8
    gate = Gate(metric, threshold=eta)
    decided = [gate.retransmit(one.scores[metric]) for one in trials]
    assert decided == [False, True] * 40


@pytest.mark.parametrize("score", [0.0, 1.0, 0.5])
def test_where_all_answers_score_alike_there_is_no_threshold(score):
    assert best_threshold("min_entropy", [trial(score, (i,)) for i in range(5)]) is None


def test_half_right_answers_count_half():
    trials = [trial(1.0, (0.1,)), trial(0.9, (0.2,)), trial(0.1, (2.0,)), trial(0.0, (2.1,))]
    eta, index = best_threshold("min_entropy", trials)
    assert 0.2 < eta <= 2.0 and index == pytest.approx(0.9)
