import pytest

from core.uncertainty import METRICS
from dashboard.drawing import wording


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(1, 1000, "0.1 %"), (99, 1000, "9.9 %"), (997, 1000, "100 %"), (30, 10, "300 %")],
)
def test_shares_read_as_numbers(part, whole, text):
    assert wording.share(part, whole) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(999, "999"), (9_754_880, "9.75 million"), (7_595_892_000_000, "7.6 trillion")],
)
def test_large_numbers_are_words(number, text):
    assert wording.count(number) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00012, "0.1 ms"),
        (0.9, "900.0 ms"),
        (1.234, "1.23 s"),
        (59.6, "59.6 s"),
        (800, "13 min 20 s"),
        (7_260, "2 h 1 min"),
    ],
)
def test_seconds_at_every_scale(value, text):
    assert wording.seconds(value) == text


def test_values_carry_their_unit():
    assert wording.measured(1.5, METRICS["min_entropy"]) == "1.50 bits"
    assert wording.measured(0.25, METRICS["probability_margin"]) == "0.25"


def test_energy_and_the_bytes_of_a_day():
    assert [wording.energy(j) for j in (0.0123, 0.9996, 2.5)] == ["12.3 mJ", "1 J", "2.5 J"]
    sizes = (12_340, 999_600, 12_345_678, 2.5e9)
    assert [wording.many_bytes(n) for n in sizes] == ["12.3 kB", "1 MB", "12.3 MB", "2.5 GB"]
