from __future__ import annotations

import math
from itertools import count

import numpy as np
import pytest

from core.bench.datasets import Sample
from core.bench.tuning.choose import (
    Layer,
    as_good_a_layer,
    best_layer,
    best_side,
    layers,
    sides_of,
    threshold,
)
from core.bench.tuning.measure import Trial
from core.uncertainty import Gate

IDS = count()


def trial(score=1.0, scores=(), hits=(), overlaps=(), contrasts=(), metric="min_entropy", image=""):
    sample = Sample("", image or f"{next(IDS)}", "", "", (), bytes)
    return Trial(sample, score, {metric: scores}, (), (), hits, overlaps, contrasts, 0.0)


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
    assert sides_of((192, 192)) == (128, 192, 224, 256, 320, 384)
    assert sides_of((448, 336)) == (224, 336, 392, 448, 560, 672)


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
def test_the_threshold_parts_right_from_wrong(metric):
    rng = np.random.default_rng(0)
    sure, unsure = (0.9, 0.1) if metric == "probability_margin" else (0.1, 0.9)
    trials = [
        trial(float(right), rng.normal(sure if right else unsure, 0.05, 4), metric=metric)
        for right in [True, False] * 40
    ]
    found = threshold(metric, trials, now=0.0)
    assert found.best_index == 1 and 0.2 < found.best < 0.8
    assert found.now_index == 0 and not found.as_good  # asks for all, or for none
    gate = Gate(metric, threshold=found.best)
    decided = [gate.retransmit(one.scores[metric]) for one in trials]
    assert decided == [False, True] * 40


@pytest.mark.parametrize("score", [0.0, 1.0, 0.5])
def test_where_all_answers_score_alike_there_is_no_threshold(score):
    assert threshold("min_entropy", [trial(score, (i,)) for i in range(5)], 1.0) is None


def test_half_right_answers_count_half():
    trials = [trial(1.0, (0.1,)), trial(0.9, (0.2,)), trial(0.1, (2.0,)), trial(0.0, (2.1,))]
    found = threshold("min_entropy", trials, 1.0)
    assert 0.2 < found.best <= 2.0 and found.best_index == pytest.approx(0.9)
    assert found.now_index == pytest.approx(0.9) and found.as_good


def flat(rng, n=200):
    """Answers whose right and wrong ones are equally well parted anywhere from 0.4 to 0.6."""
    right = rng.random(n) < 0.5
    values = np.where(right, rng.uniform(0.0, 0.42, n), rng.uniform(0.58, 1.0, n))
    swapped = rng.random(n) < 0.1
    values = np.where(swapped, rng.uniform(0.0, 1.0, n), values)
    return [trial(float(a), (b,)) for a, b in zip(right, values, strict=True)]


def stays_at(eta, seed):
    return threshold("min_entropy", flat(np.random.default_rng(seed)), eta).as_good


def test_the_best_of_many_by_chance_is_not_surely_better_than_the_one_in_use():
    """The one in use is among the best in truth: in 95 % of draws, none is surely better."""
    assert np.mean([stays_at(0.5, seed) for seed in range(20)]) >= 0.9
    assert not any(stays_at(0.8, seed) for seed in range(8))


def test_questions_about_one_image_are_no_more_evidence_than_the_image():
    hits = [(True, True)] * 10 + [(True, False)] * 8 + [(False, True)] * 12 + [(False, False)] * 10
    drawn = [trial(hits=one) for one in hits]
    again = [trial(hits=one.hits, image=one.sample.image_id) for one in drawn for _ in range(10)]
    alone = [trial(hits=one.hits) for one in again]
    assert as_good_a_layer(drawn, 0) and as_good_a_layer(again, 0)
    assert not as_good_a_layer(alone, 0)
    assert all(as_good_a_layer(some, 1) for some in (drawn, again, alone))
