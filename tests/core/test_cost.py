"""Eq. 17-20 and the communication costs of sections VII-A and VII-F, in numbers from the paper."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cost import (
    additional_communication_cost,
    first_stage_flops,
    prefill_flops,
    relative_communication_cost,
    sample_flops,
    second_stage_flops,
)

LLAVA_7B = (576, 4096, 32)  # visual tokens, hidden size, layers
counts = st.integers(1, 10**6)
masks = st.lists(st.booleans(), min_size=1, max_size=20)
sizes = st.integers(1, 10**7)


def test_llava_7b():
    once = first_stage_flops(*LLAVA_7B)
    assert once == 7_595_649_662_976
    assert once / 1e12 == pytest.approx(7.596, abs=5e-4)
    assert prefill_flops(1152, 4096, 32) / once == pytest.approx(2.046, abs=5e-4)
    assert second_stage_flops(*LLAVA_7B) / once == pytest.approx(3.046, abs=5e-4)
    assert sample_flops(True, *LLAVA_7B) / once == pytest.approx(4.046, abs=5e-4)
    assert sample_flops(False, *LLAVA_7B) == once


def test_by_hand():
    assert prefill_flops(1, 1, 1) == 28
    assert prefill_flops(2, 3, 5) == (24 * 2 * 9 + 4 * 4 * 3) * 5


@given(counts, counts, counts)
def test_monotone(n, d, layers):
    cost = prefill_flops(n, d, layers)
    assert prefill_flops(n + 1, d, layers) > cost
    assert prefill_flops(n, d + 1, layers) > cost
    assert prefill_flops(n, d, layers + 1) > cost
    assert 2 * cost < prefill_flops(2 * n, d, layers) < 4 * cost
    assert sample_flops(True, n, d, layers) > sample_flops(False, n, d, layers) == cost


def test_whole_numbers_without_overflow():
    cost = prefill_flops(np.int32(10**6), np.int32(10**5), np.int32(1000))
    assert type(cost) is int and cost == (24 * 10**16 + 4 * 10**17) * 1000


@pytest.mark.parametrize("arguments", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-5, 1, 1)])
def test_flops_of_nothing(arguments):
    with pytest.raises(ValueError, match="at least 1"):
        prefill_flops(*arguments)


def test_flops_of_a_fraction():
    with pytest.raises(TypeError):
        prefill_flops(1.5, 1, 1)


@pytest.mark.parametrize(
    ("retransmitted", "cost"),
    [([False] * 4, 0), ([True] * 4, 1), ([True, False, False, False], 0.25)],
)
def test_additional_cost_counts_images(retransmitted, cost):
    assert additional_communication_cost(retransmitted) == cost


def test_additional_cost_in_measured_bytes():
    retransmitted = [True, False, True]
    assert additional_communication_cost(retransmitted, [100, 100, 200], [50, 999, 150]) == 0.5
    assert additional_communication_cost(retransmitted, 100, 60) == pytest.approx(0.4)
    unknown = [50, math.nan, 150]  # never encoded, because never asked for
    assert additional_communication_cost(retransmitted, [100, 100, 200], unknown) == 0.5


def test_relative_cost():
    args = [True, False, True], [100, 100, 200], [50, 999, 150]
    assert relative_communication_cost(*args, [400, 800, 1200]) == 0.25
    assert relative_communication_cost(*args, 200) == 1.0


@given(st.data(), masks)
def test_costs_are_monotone_in_the_samples_retransmitted(data, mask):
    n = len(mask)
    cost = st.lists(sizes, min_size=n, max_size=n)
    globals_, locals_, reference = data.draw(cost), data.draw(cost), data.draw(cost)
    more = np.array(mask) | np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    for bigger, smaller in ((more, mask), ([True] * n, more), (mask, [False] * n)):
        added = additional_communication_cost(bigger, globals_, locals_)
        assert added >= additional_communication_cost(smaller, globals_, locals_) >= 0
        total = relative_communication_cost(bigger, globals_, locals_, reference)
        assert total >= relative_communication_cost(smaller, globals_, locals_, reference) > 0
    assert additional_communication_cost([False] * n, globals_, locals_) == 0


@given(st.data(), masks)
def test_the_two_costs_agree_when_the_reference_is_what_was_sent(data, mask):
    n = len(mask)
    globals_ = data.draw(st.lists(sizes, min_size=n, max_size=n))
    locals_ = data.draw(st.lists(sizes, min_size=n, max_size=n))
    relative = relative_communication_cost(mask, globals_, locals_, globals_)
    additional = additional_communication_cost(mask, globals_, locals_)
    assert relative == pytest.approx(1 + additional, rel=1e-12)


@pytest.mark.parametrize("retransmitted", [[], [0, 1], [0.7, 0.2], [[True]], True])
def test_a_mask_that_is_none(retransmitted):
    with pytest.raises(ValueError, match="retransmitted"):
        additional_communication_cost(retransmitted)


@pytest.mark.parametrize("cost", [-1, math.nan, math.inf, [1, -1], [1, math.nan]])
def test_costs_that_cannot_be(cost):
    with pytest.raises(ValueError, match="finite and not negative"):
        additional_communication_cost([True, True], cost)
    with pytest.raises(ValueError, match="finite and not negative"):
        additional_communication_cost([True, True], 1, cost)
    with pytest.raises(ValueError, match="finite and not negative"):
        relative_communication_cost([True, True], 1, 1, cost)


def test_costs_of_another_length_and_shares_of_nothing():
    with pytest.raises(ValueError):
        additional_communication_cost([True, True], [1, 2, 3])
    with pytest.raises(ValueError, match="global_cost"):
        additional_communication_cost([True], 0)
    with pytest.raises(ValueError, match="reference_bytes"):
        relative_communication_cost([True], 1, 1, 0)
