"""Eq. 22, and what becomes of rows that it can't divide."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.attention import FLOOR, relative_attention
from core.cropping import find_box

GRID = (3, 4)
weights = arrays(np.float64, 12, elements=st.floats(1e-5, 1))
anything = arrays(np.float64, 12, elements=st.floats(allow_subnormal=True)) | arrays(
    np.float32, 12, elements=st.floats(width=32, allow_subnormal=True)
)


def test_by_hand():
    question, generic = [0.2, 0.1, 0.3, 0.4, 0.0, 0.5], [0.1, 0.2, 0.3, 0.1, 0.2, 0.25]
    got = relative_attention(question, generic, (2, 3))
    assert got.dtype == np.float64
    assert got == pytest.approx(np.array([[2, 0.5, 1], [4, 0, 2]]), abs=1e-12)


@given(weights, weights)
def test_ordinary_rows_are_divided_to_the_last_bit(question, generic):
    got = relative_attention(question, generic, GRID)
    assert np.array_equal(got, (question / generic).reshape(GRID))


@given(anything, anything)
def test_finite_and_not_negative_for_any_rows(question, generic):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = relative_attention(question, generic, GRID)
        assert np.isfinite(got).all() and np.isfinite(got.sum()) and (got >= 0).all()
        find_box(got, (640, 480), 200)


def test_float32_rows_never_reach_the_ceiling():
    """So the largest cell stays the largest, whatever a real model may give."""
    info = np.finfo(np.float32)
    question = np.array([info.max, info.max / 2], np.float32)
    generic = np.full(2, info.smallest_subnormal)
    got = relative_attention(question, generic, (1, 2))
    assert got[0, 0] == pytest.approx(2 * got[0, 1], rel=1e-6)


def test_rows_whose_quotient_overflows():
    got = relative_attention([1e308, 1e308, 1e-100], [1e-250, 1.0, 1.0], (1, 3))
    assert np.isfinite(got.sum()) and got[0, 0] > got[0, 2]
    assert np.isfinite(relative_attention([1e308, 0.0], [1e-250, 0.0], (1, 2)).sum())


@given(weights, weights, st.floats(1e-12, 1e12), st.floats(1e-12, 1e12))
def test_scale(question, generic, a, b):
    expected = relative_attention(question, generic, GRID) * a / b
    got = relative_attention(a * question, b * generic, GRID)
    assert got == pytest.approx(expected, rel=1e-9)


@given(weights, weights, st.integers(-40, 40), st.integers(-40, 40))
def test_scale_does_not_move_the_box(question, generic, a, b):
    """By powers of two, so that no rounding can decide between near ties."""
    box = find_box(relative_attention(question, generic, GRID), (640, 480), 200)
    scaled = relative_attention(question * 2.0**a, generic * 2.0**b, GRID)
    assert find_box(scaled, (640, 480), 200) == box


def test_a_vanished_weight_counts_as_the_floor():
    got = relative_attention([0.1, 0.1, 0.0], [0.5, 0.0, 0.0], (1, 3))
    assert got[0] == pytest.approx([0.2, 0.1 / (FLOOR * 0.5), 0.0])


def test_a_generic_row_of_zeros_counts_as_uniform():
    for generic in (np.zeros(4), np.full(4, 5e-324), np.full(4, math.nan) * [0, 1, 1, 1]):
        question = np.array([0.1, 0.2, 0.3, 0.4]) * np.isfinite(generic)
        got = relative_attention(question, generic, (2, 2))
        assert got.ravel() == pytest.approx(question * 4)


def test_no_attention_at_all():
    assert not relative_attention(np.zeros(4), np.zeros(4), (2, 2)).any()


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf, -0.1])
def test_a_weight_that_cannot_be_one_is_no_evidence(broken):
    whole, bad = [0.2, 0.2, 0.2, 0.2], [0.1, broken, 0.2, 0.4]
    assert relative_attention(bad, whole, (2, 2)).ravel() == pytest.approx([0.5, 0, 1, 2])
    assert relative_attention(whole, bad, (2, 2)).ravel() == pytest.approx([2, 0, 1, 0.5])


def test_the_rows_are_left_alone():
    question, generic = np.array([0.1, math.nan]), np.array([0.0, 0.0])
    relative_attention(question, generic, (1, 2))
    assert question[0] == 0.1 and math.isnan(question[1]) and not generic.any()


@pytest.mark.parametrize(
    ("question", "generic", "grid"),
    [
        (np.ones(6), np.ones(6), (2, 4)),
        (np.ones(6), np.ones(4), (2, 3)),
        (np.ones((2, 3)), np.ones((2, 3)), (2, 3)),
        (np.ones(0), np.ones(0), (0, 0)),
        (np.ones(6), np.ones(6), (-2, -3)),
    ],
)
def test_rows_that_do_not_fit_the_grid(question, generic, grid):
    with pytest.raises(ValueError, match="grid"):
        relative_attention(question, generic, grid)
