"""Bits in lay words, for every value."""

import re

import numpy as np
import pytest

from core.transcript import Token
from core.uncertainty import METRICS
from dashboard.drawing.words.lay import doubt

LETTERS = [Token(text, 0, ()) for text in ("C", "A", "7", "")]
WORDS = [Token(text, 0, ()) for text in ("A", " cat", "<end>")]


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0.0, "next to no doubt a letter"),
        (0.049, "next to no doubt a letter"),
        (0.3, "0.3 of a coin toss of doubt a letter"),
        (0.949, "0.9 of a coin toss of doubt a letter"),
        (1.0, "one coin toss of doubt a letter"),
        (1.049, "one coin toss of doubt a letter"),
        (1.5, "1.5 coin tosses of doubt a letter"),
        (2.96, "3 coin tosses of doubt a letter"),
        (12.4, "12 coin tosses of doubt a letter"),
    ],
)
def test_bits_are_tosses_of_a_coin(bits, words):
    assert doubt(bits, METRICS["min_entropy"], LETTERS) == words


def test_what_is_said_is_true_of_every_value():
    for bits in np.concatenate([np.linspace(0, 12, 4801), [40.0, 1e6]]):
        words = doubt(float(bits), METRICS["shannon_entropy"], LETTERS)
        said = re.match(r"[\d.]+|one|next", words)[0]
        value = {"one": 1.0, "next": 0.0}.get(said) if said in ("one", "next") else float(said)
        assert abs(value - bits) <= (0.0501 if bits < 9.95 else 0.501)


def test_what_the_doubt_is_about_is_what_the_metric_takes():
    ends = {"min_entropy": "a token", "max_nll": "at its least sure token",
            "sum_nll": "in the whole answer"}  # fmt: skip
    for name, end in ends.items():
        assert doubt(2.0, METRICS[name], WORDS) == f"2 coin tosses of doubt {end}"
    assert doubt(2.0, METRICS["min_entropy"], WORDS[-1:]).endswith("a token")


def test_a_margin_is_points_and_what_has_no_plain_meaning_gets_no_words():
    margin = METRICS["probability_margin"]
    assert doubt(0.456, margin, WORDS) == "the first choice leads the second by 46 points of 100"
    assert [doubt(1.0, METRICS[name], WORDS) for name in ("energy", "focused_min_entropy")] == [
        ""
    ] * 2
