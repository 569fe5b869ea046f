from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.bench.analysis import intervals, ranking
from core.bench.analysis.curves import random_curve, tradeoff
from core.bench.analysis.intervals import (
    accuracy_statistic,
    auroc_statistic,
    bootstrap,
    first_cost,
    gate_statistic,
    resample,
    separation_interval,
    side_by_side,
    wilson,
)
from core.bench.analysis.ranking import Segments
from core.bench.analysis.separability import separability
from core.bench.runs.files import load_run
from core.bench.runs.run import Run
from core.uncertainty import METRICS
from tests.support.paths import ROOT
from tests.support.strategies import METADATA, patient, runs
from tools.doubles.synthetic import synthetic_run
from tools.statistics import coverage

RUNS = ROOT / "assets" / "runs"
metrics = st.sampled_from(sorted(METRICS))


def _copies(run: Run, weights: np.ndarray) -> Run:
    """A run in which each sample is there as often as it was drawn."""
    rows, right = [], run.answered
    for i, weight in enumerate(weights):
        rows += [replace(right.record(i), id=f"{i}/{k}") for k in range(int(weight))]
    return Run.from_records(rows, METADATA)


def test_of_a_long_curve_some_points_are_kept_and_each_is_exact(monkeypatch):
    run = synthetic_run(2_000)
    ranked, n = run.ranked("min_entropy"), len(run)
    weights = np.random.default_rng(0).integers(0, 4, (2, n)).astype(float)
    every = Segments(ranked).along(weights)
    assert every.shape == (2, n + 1)  # no ties
    exact = accuracy_statistic(run, [0.2, 0.5], "min_entropy")(weights)
    auroc = auroc_statistic(run)(weights)
    monkeypatch.setattr(ranking, "MOST_POINTS", 100)
    asked = Segments(ranked).along(weights)
    assert np.array_equal(asked, every[:, ::20])  # every twentieth of 2,000
    thinned = accuracy_statistic(run, [0.2, 0.5], "min_entropy")
    assert thinned(weights) == pytest.approx(exact, abs=2e-3)
    assert not np.array_equal(thinned(weights), exact)
    assert auroc_statistic(run)(weights) == pytest.approx(auroc, abs=2e-4)
    points = [0, 7, 1_234, -1]  # of a gate they are those that were asked for
    for row, found in zip(weights, gate_statistic(run, points)(weights), strict=True):
        for point, accuracy in zip(points, found, strict=True):
            sent = np.isin(np.arange(n), np.argsort(-ranked)[: point % (n + 1)])
            score = np.where(sent, run.second_score, run.first_score)
            assert accuracy == pytest.approx((row * score).sum() / row.sum())


@pytest.mark.parametrize(("hits", "n"), [(0, 40), (3, 7), (50, 100), (9, 9)])
def test_the_interval_of_a_share_is_wilsons(hits, n):
    expected = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson(hits / n, n) == pytest.approx((expected.low, expected.high), abs=2e-5)


def test_statistics_side_by_side_are_drawn_as_each_is_alone():
    run = synthetic_run(300)
    each = [auroc_statistic(run, metric) for metric in run.metrics]
    found = bootstrap(run, side_by_side(each), replicates=50)
    for k, one in enumerate(each):
        alone = bootstrap(run, one, replicates=50)
        assert (found.estimate[k], found.low[k], found.high[k]) == (
            alone.estimate, alone.low, alone.high
        )  # fmt: skip


@patient
@given(run=runs(), metric=metrics, seed=st.integers(0, 99))
def test_a_weight_counts_as_that_many_copies(run, metric, seed):
    """Every statistic on drawn weights is the plain one on a run of the drawn samples."""
    rng = np.random.default_rng(seed)
    n = len(run.answered)
    weights = np.stack([np.ones(n), rng.integers(1, 4, n)]).astype(float)
    for row in weights:
        drawn = _copies(run, row)
        curve, chance = tradeoff(drawn, metric), random_curve(drawn)
        at = [0, 0.3, 0.5, 1]
        for statistic, expected in (
            (accuracy_statistic(run, at, metric), curve),
            (accuracy_statistic(run, at, None), chance),
        ):
            found = statistic(row[None])[0]
            assert found == pytest.approx([expected.accuracy_at(c) for c in at])
        every = np.arange(len(curve))  # its thresholds are those of the run itself
        assert gate_statistic(run, every, metric)(row[None])[0] == pytest.approx(curve.accuracy)
        found = auroc_statistic(run, metric)(row[None])
        assert found.shape == (1,)
        assert found[0] == pytest.approx(separability(drawn, metric).auroc, nan_ok=True)


def test_the_estimate_is_the_figure_of_the_run_itself():
    run = synthetic_run(400)
    plain, curve = separability(run), tradeoff(run)
    for name in ("overlap", "bhattacharyya"):
        found = separation_interval(run, name, replicates=50)
        assert found.estimate == pytest.approx(getattr(plain, name))
        assert found.low < found.estimate < found.high
    found = bootstrap(run, auroc_statistic(run), replicates=50)
    assert found.estimate == pytest.approx(plain.auroc) and found.low < found.high
    for statistic, expected in (
        (accuracy_statistic(run, [0.2, 0.5]), [curve.accuracy_at(c) for c in (0.2, 0.5)]),
        (gate_statistic(run, [0, 100]), curve.accuracy[[0, 100]]),
    ):
        found = bootstrap(run, statistic, replicates=50)
        assert found.estimate == pytest.approx(expected)
        assert (found.low < found.estimate).all() and (found.estimate < found.high).all()


@pytest.mark.parametrize("metric", ["min_entropy", "shannon_entropy"])
def test_no_figure_lies_outside_its_own_interval(metric):
    """As D_B of this run once did: 0.317 in [0.321, 0.464]."""
    run = load_run(RUNS / "signs-presence-q75.parquet")
    for name in ("overlap", "bhattacharyya"):
        found = separation_interval(run, name, metric, replicates=200)
        assert found.low < found.estimate < found.high
        assert found.estimate == getattr(separability(run, metric), name)


@pytest.mark.parametrize("population", ["sure", "alike"])
def test_intervals_of_overlap_and_distance_hold_the_truth(population):
    """The hardest of what `python tools/statistics/coverage.py` measures, on few and small runs:
    27 wrong answers on 50 bins, where percentiles of draws hold the truth in no run at all."""
    make = coverage.POPULATIONS[population]
    truth = coverage.Truth(make(20_000, 0))
    separations = [coverage.separations]
    found = coverage.coverage(make, truth, 300, trials=30, replicates=60, intervals=separations)
    assert min(found.values()) >= 0.93


def test_a_figure_is_covered_as_the_theory_of_normal_samples_has_it():
    """An oracle: scipy's own bootstrap, and its t interval of a mean."""
    run = synthetic_run(300)
    found = bootstrap(run, gate_statistic(run, [0]), replicates=2_000)
    other = stats.bootstrap((run.first_score,), np.mean, method="percentile", n_resamples=2_000,
                            rng=np.random.default_rng(0)).confidence_interval  # fmt: skip
    normal = stats.t.interval(0.95, 299, run.first_score.mean(), stats.sem(run.first_score))
    for expected in (other, normal):
        assert [found.low[0], found.high[0]] == pytest.approx(list(expected), abs=0.004)


def test_auroc_is_that_of_scikit_learn():
    run = synthetic_run(300)
    weights = np.random.default_rng(0).integers(0, 4, 300).astype(float)
    expected = sklearn.metrics.roc_auc_score(
        run.first_score < 0.5, run.uncertainty("min_entropy"), sample_weight=weights
    )
    assert auroc_statistic(run)(weights[None])[0] == pytest.approx(expected)


def test_the_cost_of_an_accuracy_lies_where_the_curve_may_first_have_it():
    run = synthetic_run(1_000)
    costs = np.linspace(0, 1, 101)
    found = first_cost(run, costs, short=0.005)
    ahead = [tradeoff(run).accuracy_at(c) >= run.second_score.mean() - 0.005 for c in costs]
    assert found.estimate == costs[np.argmax(ahead)]
    assert 0 < found.low < found.estimate < found.high < 1
    nothing = replace(run, second_score=run.first_score)
    found = first_cost(nothing, costs, short=0.005)
    assert found.estimate == found.low == found.high == 0


def test_an_interval_of_a_mean_is_as_wide_as_theory_says():
    run = synthetic_run(2_000)
    found = bootstrap(run, accuracy_statistic(run, 0.0), replicates=2_000)
    half = 1.96 * run.first_score.std() / np.sqrt(len(run))
    assert (found.high - found.low)[0] / 2 == pytest.approx(half, rel=0.08)
    narrower = bootstrap(run, accuracy_statistic(run, 0.0), replicates=2_000, level=0.5)
    assert (narrower.high - narrower.low)[0] / 2 == pytest.approx(half * 0.6745 / 1.96, rel=0.1)


def test_questions_about_one_image_are_drawn_together():
    run = synthetic_run(60)
    run = replace(run, image_id=np.array([f"{i // 3}" for i in range(60)], dtype=object))
    for weights in resample(run, 20):
        by_image = weights.reshape(-1, 20, 3)
        assert (by_image == by_image[:, :, :1]).all()
        assert (by_image[:, :, 0].sum(axis=1) == 20).all()
    same = replace(run, first_score=np.repeat(run.first_score[::3], 3))
    alone = replace(same, image_id=np.arange(60).astype(str).astype(object))
    wide, narrow = (bootstrap(r, accuracy_statistic(r, 0.0), 500) for r in (same, alone))
    assert wide.high - wide.low > 1.4 * (narrow.high - narrow.low)


def test_the_same_seed_draws_the_same_in_pieces_of_any_size(monkeypatch):
    run = synthetic_run(50)
    whole = np.concatenate(list(resample(run, 100, seed=3)))
    assert whole.shape == (100, 50) and (whole.sum(axis=1) == 50).all()
    monkeypatch.setattr(intervals, "CHUNK", 50 * 7)
    pieces = list(resample(run, 100, seed=3))
    assert len(pieces) == 15 and np.array_equal(np.concatenate(pieces), whole)
    assert not np.array_equal(np.concatenate(list(resample(run, 100, seed=4))), whole)


def test_a_paired_difference_is_sharper_than_its_parts():
    run = synthetic_run(3_000)
    gate, chance = accuracy_statistic(run, [0.4]), accuracy_statistic(run, [0.4], metric=None)
    parts = [bootstrap(run, s, 500) for s in (gate, chance)]
    difference = bootstrap(run, lambda w: gate(w) - chance(w), 500)
    assert difference.estimate == pytest.approx(parts[0].estimate - parts[1].estimate)
    assert difference.high - difference.low < min(p.high - p.low for p in parts)
    assert difference.low > 0  # invented so that uncertainty helps
    nothing = bootstrap(run, lambda w: gate(w) - gate(w), 50)
    assert nothing.low == nothing.high == 0


def test_draws_without_both_classes_are_left_out_and_none_is_nan():
    run = replace(synthetic_run(4), first_score=np.array([0.0, 1, 1, 1]))
    found = bootstrap(run, auroc_statistic(run), 200)
    assert 0 <= found.low <= found.high <= 1
    right = replace(run, first_score=np.ones(4))
    found = bootstrap(right, auroc_statistic(right), 20)
    assert np.isnan([found.estimate, found.low, found.high]).all()


def test_distributions_that_are_apart_may_be_infinitely_so():
    run = synthetic_run(40)
    right = np.arange(40) % 2 == 0
    scores = np.repeat(np.where(right, 0.1, 0.9), run.lengths)
    run = replace(run, first_score=right.astype(float), scores={"min_entropy": scores})
    found = separation_interval(run, "bhattacharyya", replicates=100)
    assert found.estimate == found.low == found.high == np.inf  # no bin is reached once
    assert separation_interval(run, "overlap", replicates=100).high == 0
    once = replace(
        run, scores={"min_entropy": scores + np.repeat(np.arange(40) / 100, run.lengths)}
    )
    found = separation_interval(once, "bhattacharyya", replicates=100)
    assert found.low < found.estimate == found.high == np.inf


def test_right_answers_alone_are_apart_from_nothing():
    run = replace(synthetic_run(20), first_score=np.ones(20))
    found = separation_interval(run, replicates=20)
    assert np.isnan([found.estimate, found.low, found.high]).all()


def test_what_cannot_be_drawn_is_refused():
    run = synthetic_run(3)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        bootstrap(run, auroc_statistic(run), replicates=0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap(run, auroc_statistic(run), level=95)
