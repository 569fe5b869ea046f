from fractions import Fraction
from math import ceil, comb, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench.analysis.promises.bounds import (
    Betting,
    Binomial,
    HoeffdingBentkus,
    OnAverage,
    Plainly,
    betting_capital,
    binomial_p_value,
    least,
    most_allowed,
    needed,
)
from tests.support.strategies import patient

shares = st.floats(0.01, 0.99)


def test_how_many_images_a_promise_takes_is_known_beforehand():
    assert needed(0.02, 0.9) == 114
    assert needed(0.01, 0.9) == 230
    assert needed(0.05, 0.9) == 45
    assert needed(0.02, None) == 49
    assert needed(0.5, 0.5) == 1


@patient
@given(share=shares, confidence=st.floats(0.5, 0.99))
def test_that_many_are_enough_and_one_less_is_not(share, confidence):
    n, level = needed(share, confidence), 1 - confidence
    assert binomial_p_value(0, n, share) <= level * (1 + 1e-9)
    assert n == 1 or binomial_p_value(0, n - 1, share) > level
    n = needed(share, None)
    assert OnAverage()(np.zeros(n), np.ones(n), 1, share)
    assert n == 1 or not OnAverage()(np.zeros(n - 1), np.ones(n - 1), 1, share)


@patient
@given(n=st.integers(0, 40), k=st.integers(0, 40), share=st.integers(1, 99))
def test_the_binomial_p_value_is_a_sum_of_fractions(n, k, share):
    p = Fraction(share, 100)
    exact = sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(min(k, n) + 1))
    assert binomial_p_value(k, n, share / 100) == pytest.approx(float(exact), rel=1e-11, abs=1e-15)


def test_the_binomial_p_value_is_that_of_scipy_for_many_trials():
    binom = pytest.importorskip("scipy.stats").binom
    for n in (1, 999, 100_000):
        for share in (1e-3, 0.02, 0.45, 0.9):
            k = np.unique(np.clip(n * share + sqrt(n) * np.linspace(-6, 6, 9), 0, n).astype(int))
            assert binomial_p_value(k, n, share) == pytest.approx(
                binom.cdf(k, n, share), rel=1e-9, abs=1e-12
            )


def test_the_bounds_are_those_of_mapie():
    """Its WSR bound isn't among them: it adds the maxima of two halves' capitals, so it rejects
    more often than Ville allows."""
    methods = pytest.importorskip("mapie.risk_control.methods")
    rng = np.random.default_rng(0)
    for n in (50, 200, 1_000):
        for alpha in (0.01, 0.02, 0.05, 0.3):
            counts = np.unique(rng.integers(0, n // 2, 40)).astype(float)
            theirs = methods.compute_hoeffding_bentkus_p_value(
                counts / n - 1e-12, n, alpha, binary=True
            )
            ours = binomial_p_value(counts.astype(int), n, alpha)
            below = counts < n * alpha  # beyond, Hoeffding's is 1, and so is all they say
            assert ours[below] == pytest.approx(theirs[below, 0], abs=1e-9)
            limit = HoeffdingBentkus(0.1).limit(np.ones(n), 1, alpha)
            sums = np.clip(limit + np.array([-1e-6, 1e-6]), 0, n)
            p = methods.compute_hoeffding_bentkus_p_value(sums / n, n, alpha)[:, 0]
            assert p[1] > 0.1 and (limit < 0 or p[0] <= 0.1)
            losses = rng.random((n, 30)) ** 8 * np.linspace(0, 1, 30)
            _, bound = methods.get_r_hat_plus(losses, np.arange(30), "crc", None, None, None)
            kept = [OnAverage()(column, np.ones(n), 1, alpha) for column in losses.T]
            assert kept == (bound <= alpha).tolist()
            sums = losses.sum(axis=0) - OnAverage().limit(np.ones(n), 1, alpha)
            assert sums / (n + 1) == pytest.approx(bound - alpha, abs=1e-9)


@patient
@given(
    values=st.lists(st.floats(0, 1), max_size=30), mean=shares, level=st.sampled_from([0.05, 0.5])
)
def test_betting_is_a_loop_over_the_values(values, mean, level):
    capital, result, center, squares, n = 0.0, [], 0.5, 0.25, len(values)
    for i, value in enumerate(values, 1):
        stake = min(1.0, sqrt(2 * log(1 / level) / (n * squares / i)))
        capital += log(1 - stake * (value - mean))
        result.append(capital)
        center = (0.5 + sum(values[:i])) / (i + 1)
        squares += (value - center) ** 2
    assert betting_capital(np.array(values), mean, level) == pytest.approx(result, abs=1e-9)


@pytest.mark.parametrize("soft", [False, True])
def test_betting_on_what_is_false_seldom_wins(soft):
    rng = np.random.default_rng(0)
    wins, draws, share, level = 0, 2_000, 0.05, 0.1
    for _ in range(draws):
        values = (rng.random(200) < (2 * share if soft else share)) * (0.5 if soft else 1.0)
        wins += Betting(level)(values, np.ones(200), 1, share)
    assert 0.02 < wins / draws <= level + 3 * sqrt(level * (1 - level) / draws)


@patient
@given(n=st.integers(1, 60), share=shares, level=st.floats(0.01, 0.5))
def test_the_largest_count_is_the_last_that_is_rejected(n, share, level):
    limit = most_allowed(n, share, level)
    rejected = [bool(binomial_p_value(k, n, share) <= level) for k in range(n + 1)]
    assert rejected == [k <= limit for k in range(n + 1)]


@pytest.mark.parametrize("rule", [Plainly(), OnAverage(), Binomial(0.1), Betting(0.1),
                                  HoeffdingBentkus(0.1)])  # fmt: skip
def test_no_rule_claims_what_the_numbers_contradict(rule):
    n = 300
    assert rule(np.zeros(n), np.ones(n), 1, 0.05)
    assert not rule(np.ones(n), np.ones(n), 1, 0.05)
    assert not rule(np.full(n, 1.0) * (np.arange(n) < 0.06 * n), np.ones(n), 1, 0.05)


def test_how_many_more_images_it_takes_is_found_by_trying():
    one = np.zeros(1), np.ones(1), 1
    assert least(Binomial(0.1), *one, 0.02) == needed(0.02, 0.9)
    assert least(OnAverage(), *one, 0.02) == needed(0.02, None)
    soft = least(Betting(0.1), *one, 0.02)
    assert needed(0.02, 0.9) < soft < 150
    # Three of four images bring one question where one brings five: two a question on average.
    uneven = np.zeros(4), np.array([1, 1, 1, 5]), 5
    assert ceil(soft * 5 / 2) * 0.8 < least(Betting(0.1), *uneven, 0.02) < ceil(soft * 5 / 2) * 1.4
    assert least(Binomial(0.1), np.ones(1), np.ones(1), 1, 0.02) is None
