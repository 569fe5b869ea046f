from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench import intervals
from core.bench.curves import COSTS, random_curve, tradeoff
from core.bench.intervals import (
    accuracy_statistic,
    auroc_statistic,
    bootstrap,
    distance_statistic,
    resample,
)
from core.bench.runs import Run
from core.bench.separability import bhattacharyya, overlap, separability
from core.bench.synthetic import synthetic_run
from core.uncertainty import METRICS

from .strategies import METADATA, patient, runs

SEPARATING = {
    "auroc": auroc_statistic,
    "overlap": partial(distance_statistic, distance=overlap),
    "bhattacharyya": partial(distance_statistic, distance=bhattacharyya),
}
metrics = st.sampled_from(sorted(METRICS))


def _copies(run: Run, weights: np.ndarray) -> Run:
    """A run in which each sample is there as often as it was drawn."""
    rows, right = [], run.answered
    for i, weight in enumerate(weights):
        rows += [replace(right.record(i), id=f"{i}/{k}") for k in range(int(weight))]
    return Run.from_records(rows, METADATA)


@patient
@given(run=runs(), metric=metrics, name=st.sampled_from(sorted(COSTS)), seed=st.integers(0, 99))
def test_a_weight_counts_as_that_many_copies(run, metric, name, seed):
    """Every statistic on drawn weights is the plain one on a run of the drawn samples."""
    rng = np.random.default_rng(seed)
    n = len(run.answered)
    weights = np.stack([np.ones(n), rng.integers(1, 4, n)]).astype(float)
    for row in weights:
        drawn = _copies(run, row)
        curve, chance = tradeoff(drawn, metric), random_curve(drawn)
        low, high = curve.cost(name)[[0, -1]]
        at = [low, (low + high) / 2, high, high + 1]
        for statistic, expected in (
            (accuracy_statistic(run, at, metric, name=name), curve),
            (accuracy_statistic(run, at, None, name=name), chance),
        ):
            # At `low` itself, rounding decides whether the budget is just short of it.
            found = statistic(row[None])[0][1:]
            assert found == pytest.approx([expected.accuracy_at(c, name) for c in at[1:]])
        edges = [0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 99.0]  # many values lie on an edge
        plain = separability(drawn, metric, bins=edges)
        for measure, make in SEPARATING.items():
            options = {} if measure == "auroc" else {"bins": edges}
            found = make(run, metric=metric, **options)(row[None])
            assert found.shape == (1,)
            assert found[0] == pytest.approx(getattr(plain, measure), nan_ok=True)


def test_the_estimate_is_the_figure_of_the_run_itself():
    run = synthetic_run(400)
    plain = separability(run)
    for measure, make in SEPARATING.items():
        found = bootstrap(run, make(run), replicates=50)
        assert found.estimate == pytest.approx(getattr(plain, measure))
        assert found.low < found.high
    found = bootstrap(run, accuracy_statistic(run, [0.2, 0.5]), replicates=50)
    assert found.estimate == pytest.approx([tradeoff(run).accuracy_at(c) for c in (0.2, 0.5)])
    assert (found.low < found.estimate).all() and (found.estimate < found.high).all()


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


def test_distributions_that_are_apart_are_infinitely_apart_in_every_draw():
    run = synthetic_run(40)
    right = np.arange(40) % 2 == 0
    scores = np.repeat(np.where(right, 0.1, 0.9), run.lengths)
    run = replace(run, first_score=right.astype(float), scores={"min_entropy": scores})
    found = bootstrap(run, distance_statistic(run, bhattacharyya), 100)
    assert found.estimate == found.low == found.high == np.inf
    overlapping = bootstrap(run, distance_statistic(run, overlap), 100)
    assert overlapping.estimate == overlapping.high == 0


def test_what_cannot_be_drawn_is_refused():
    run = synthetic_run(3)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        bootstrap(run, auroc_statistic(run), replicates=0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap(run, auroc_statistic(run), level=95)
    with pytest.raises(ValueError, match="must be one of"):
        accuracy_statistic(run, 0.5, name="money")
