from dataclasses import replace
from itertools import permutations
from math import erf, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.bench.analysis.separability import (
    auprc,
    aurc,
    auroc,
    bhattacharyya,
    bin_edges,
    changes,
    distribution,
    overlap,
    prr,
    reliability,
    separability,
    step_means,
)
from core.bench.runs.errors import RunError
from core.bench.runs.run import Run
from tests.support.strategies import METADATA, patient, runs
from tools.doubles.synthetic import synthetic_run

tied = st.sampled_from([0.0, 0.5, 1.0])


@st.composite
def judged(draw, max_size=8):
    """Uncertainties with ties, and which of the answers are wrong."""
    n = draw(st.integers(1, max_size))
    return draw(hnp.arrays(float, n, elements=tied)), draw(hnp.arrays(bool, n))


# Overlap and D_B.


def test_overlap_and_distance_of_worked_examples():
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5])
    assert overlap(p, q) == 0.5  # eq. 23
    assert bhattacharyya(p, q) == pytest.approx(log(2))  # eq. 24
    assert (overlap(p, p), bhattacharyya(p, p)) == (1, 0)
    apart = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.5, 0.5])
    assert (overlap(*apart), bhattacharyya(*apart)) == (0, np.inf)


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_overlap_and_distance_of_two_normal_distributions(shift):
    """Of N(0, 1) and N(d, 1) they are 2 Φ(-d / 2) and d² / 8."""
    rng = np.random.default_rng(0)
    right, wrong = rng.normal(0, 1, 200_000), rng.normal(shift, 1, 200_000)
    edges = bin_edges(np.concatenate((right, wrong)))
    p, q = distribution(right, edges), distribution(wrong, edges)
    assert overlap(p, q) == pytest.approx(1 + erf(-shift / 2 / sqrt(2)), abs=0.01)
    assert bhattacharyya(p, q) == pytest.approx(shift**2 / 8, abs=0.01)


def test_overlap_and_distance_of_two_uniform_distributions():
    """Of U(0, 1) and U(1/2, 3/2), on 30 bins that meet at 1/2 and 1."""
    p = distribution((np.arange(3_000) + 0.5) / 3_000, np.linspace(0, 1.5, 31))
    q = distribution((np.arange(3_000) + 0.5) / 3_000 + 0.5, np.linspace(0, 1.5, 31))
    assert overlap(p, q) == pytest.approx(0.5)
    assert bhattacharyya(p, q) == pytest.approx(log(2))


def test_bins_are_of_equal_width_over_all_values_or_those_given():
    values = np.array([0.5, 2.5, 1.0])
    assert bin_edges(values, 4).tolist() == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert bin_edges(values, [0, 1, 3]).tolist() == [0, 1, 3]
    assert distribution(values, np.array([0.5, 1.0, 2.5])).tolist() == [1 / 3, 2 / 3]
    with pytest.raises(ValueError, match=r"cover all values, 0\.5 to 2\.5"):
        bin_edges(values, [0, 2])
    for bins in ([1], [0, 3, 3], [[0, 3]]):
        with pytest.raises(ValueError, match="must rise"):
            bin_edges(values, bins)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        bin_edges(values, 0)


@pytest.mark.parametrize("values", [[0.3, 0.3], [1e6, np.nextafter(1e6, 2e6)]])
def test_values_that_are_all_but_equal_have_bins_too(values):
    edges = bin_edges(np.array(values))
    assert len(edges) == 51 and (np.diff(edges) > 0).all()
    assert distribution(np.array(values), edges).sum() == 1


# Rankings.


@patient
@given(data=judged())
def test_auroc_is_the_share_of_pairs_won(data):
    uncertainty, wrong = data
    pairs = [(a > b) + (a == b) / 2 for a in uncertainty[wrong] for b in uncertainty[~wrong]]
    expected = np.mean(pairs) if pairs else np.nan
    assert auroc(uncertainty, wrong) == pytest.approx(expected, nan_ok=True)


def test_auroc_is_the_normalised_mann_whitney_statistic():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    wrong = rng.random(5_000) < 0.3
    uncertainty = np.round(rng.normal(wrong, 1.5), 1)
    u = stats.mannwhitneyu(uncertainty[wrong], uncertainty[~wrong]).statistic
    assert auroc(uncertainty, wrong) == pytest.approx(u / wrong.sum() / (~wrong).sum())


@patient
@given(data=judged())
def test_auprc_is_the_sum_over_thresholds(data):
    uncertainty, wrong = data
    expected, recall = 0.0, 0.0
    for threshold in sorted(set(uncertainty), reverse=True):
        caught = wrong[uncertainty >= threshold]
        before, recall = recall, caught.sum() / max(wrong.sum(), 1)
        expected += (recall - before) * caught.mean()
    assert auprc(uncertainty, wrong) == pytest.approx(
        expected if wrong.any() else np.nan, nan_ok=True
    )


@patient
@given(data=judged(max_size=5), seed=st.integers(0, 99))
def test_aurc_is_the_expectation_over_all_orders_of_the_tied(data, seed):
    uncertainty, _ = data
    score = np.random.default_rng(seed).random(len(uncertainty))
    areas = []
    for order in permutations(range(len(score))):
        order = np.array(order)
        if (np.diff(uncertainty[order]) >= 0).all():
            risks = [1 - score[order[: k + 1]].mean() for k in range(len(order))]
            areas.append(np.mean(risks))
    assert aurc(uncertainty, score) == pytest.approx(np.mean(areas))


@patient
@given(data=judged(), seed=st.integers(0, 99))
def test_unnormalised_prr_is_one_minus_aurc(data, seed):
    """Put back what normalising took: prr (oracle - random) + random = 1 - AURC."""
    uncertainty, _ = data
    rng = np.random.default_rng(seed)
    score = rng.choice([0.0, 0.3, 1.0], len(uncertainty))
    if score.min() == score.max():
        assert np.isnan(prr(uncertainty, score))
        return
    # Independently: mean scores of the k most certain, the tied all at their mean.
    expected = np.array([score[uncertainty == u].mean() for u in np.sort(uncertainty)])
    count = np.arange(1, len(score) + 1)
    unnormalised = (np.cumsum(expected) / count).mean()
    oracle = (np.cumsum(np.sort(score)[::-1]) / count).mean()
    assert unnormalised == pytest.approx(1 - aurc(uncertainty, score))
    assert prr(uncertainty, score) * (oracle - score.mean()) + score.mean() == pytest.approx(
        unnormalised
    )


def test_prr_of_the_best_of_no_and_of_the_worst_order():
    score = np.array([1.0, 0.6, 0.3, 0.0])
    assert prr(-score, score) == pytest.approx(1)
    assert prr(np.zeros(4), score) == pytest.approx(0)
    assert prr(score, score) < -0.9


# Of runs.


@patient
@given(run=runs())
def test_separability_puts_the_measures_together(run):
    found, right = separability(run), run.answered
    wrong = right.first_score < 0.5
    u = right.uncertainty()
    assert (found.samples, found.wrong) == (len(right), wrong.sum())
    assert found.auroc == pytest.approx(auroc(u, wrong), nan_ok=True)
    assert found.gain_auroc == pytest.approx(
        auroc(u, right.second_score > right.first_score), nan_ok=True
    )
    assert found.aurc == pytest.approx(aurc(u, right.first_score))
    undefined = wrong.all() or not wrong.any()
    assert np.isnan([found.overlap, found.bhattacharyya, found.auroc]).tolist() == [undefined] * 3
    if not undefined:
        assert found.right_share.sum() == pytest.approx(1)
        assert found.wrong_share.sum() == pytest.approx(1)
        assert 0 <= found.overlap <= 1 + 1e-12


def test_a_margin_separates_as_well_as_its_complement():
    run = synthetic_run(2_000)
    margins = run.scores["probability_margin"]
    flipped = replace(run, scores={"min_entropy": 1 - margins})
    a, b = separability(run, "probability_margin"), separability(flipped, "min_entropy")
    for name in ("auroc", "auprc", "aurc", "prr", "gain_auroc", "overlap", "bhattacharyya"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), abs=2e-3), name
    assert a.auroc > 0.6


def test_right_is_from_the_score_asked_for():
    run = replace(synthetic_run(4), first_score=np.array([0.3, 0.5, 0.6, 1.0]))
    assert separability(run).wrong == 1
    assert separability(run, right_from=0.6).wrong == 2
    assert separability(run, right_from=1.0).wrong == 3


def test_changes_count_what_is_mended_and_broken():
    run = replace(
        synthetic_run(5),
        first_score=np.array([0, 0.3, 1, 1, 0.6]),
        second_score=np.array([1, 0.6, 0, 1, 0.3]),
    )
    found = changes(run)
    assert (found.uplifts, found.regressions, found.unchanged) == (2, 2, 1)
    assert (found.uplift, found.regression) == pytest.approx((1.3 / 5, 1.3 / 5))


@patient
@given(run=runs())
def test_changes_add_up_to_the_gap(run):
    found, right = changes(run), run.answered
    gap = right.second_score.mean() - right.first_score.mean()
    assert found.uplift - found.regression == pytest.approx(gap)
    assert found.uplifts + found.regressions + found.unchanged == len(right)


@patient
@given(run=runs())
def test_step_means_are_those_of_a_loop(run):
    found, right = step_means(run, "shannon_entropy"), run.answered
    rows = [right.record(i) for i in range(len(right))]
    assert len(found.right) == max(len(row.scores["shannon_entropy"]) for row in rows)
    for step in range(len(found.right)):
        for is_right, means, counts in (
            (True, found.right, found.right_count), (False, found.wrong, found.wrong_count),
        ):  # fmt: skip
            values = [
                row.scores["shannon_entropy"][step] for row in rows
                if (row.first_score >= 0.5) == is_right
                and len(row.scores["shannon_entropy"]) > step
            ]  # fmt: skip
            assert counts[step] == len(values)
            expected = np.mean(values) if values else np.nan
            assert means[step] == pytest.approx(expected, nan_ok=True)


def _sure(confidence, score):
    """A run of one-token answers of these confidences and first scores."""
    base, rows = synthetic_run(1).record(0), []
    for i, (c, s) in enumerate(zip(confidence, score, strict=True)):
        scores = {"min_entropy": (float(-np.log2(c)),)}
        rows.append(replace(base, id=str(i), first_score=s, scores=scores))
    return Run.from_records(rows, METADATA)


def test_ece_of_a_worked_example():
    found = reliability(_sure([0.9, 0.9, 0.6, 0.6], [1, 0, 1, 1]), bins=4)
    assert found.count.tolist() == [0, 0, 2, 2]
    assert found.confidence[2:] == pytest.approx([0.6, 0.9])
    assert found.accuracy[2:].tolist() == [1, 0.5]
    assert np.isnan(found.confidence[:2]).all()
    assert found.ece == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)


def test_a_model_that_is_right_as_often_as_it_is_sure_has_no_calibration_error():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.05, 1, 20_000)
    calibrated = (rng.random(20_000) < confidence).astype(float)
    assert reliability(_sure(confidence[:4_000], calibrated[:4_000])).ece < 0.03
    assert reliability(_sure(np.ones(10), np.ones(10))).ece == 0
    assert reliability(_sure(np.ones(10), np.zeros(10))).ece == 1


def test_what_cannot_be_measured_is_refused():
    run = synthetic_run(3)
    with pytest.raises(ValueError, match="no 'guess'"):
        separability(run, "guess")
    with pytest.raises(ValueError, match="no 'guess'"):
        step_means(run, "guess")
    with pytest.raises(ValueError, match="at least 1, not 0"):
        reliability(run, bins=0)
    with pytest.raises(RunError, match="no sample"):
        changes(Run.from_records([], METADATA))
