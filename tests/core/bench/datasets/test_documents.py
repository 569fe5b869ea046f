import pytest

from core.bench.datasets.documents import anls, levenshtein, nearly


def test_levenshtein_counts_characters_put_in_left_out_and_replaced():
    assert [levenshtein("kitten", "sitting"), levenshtein("", "abc"), levenshtein("a", "a")] == [
        3, 3, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "right", "worth"),
    [
        ("okafor", ["Okafor"], 1),
        ("  Okafor  ", ["Okafor"], 1),
        ("Okafr", ["Okafor", "M. Okafor"], 1 - 1 / 6),
        ("ab", ["abcd"], 0.5),
        ("a", ["abc"], 0),
        ("", [""], 1),
        ("", ["x"], 0),
        ("new york ", ["NEW  YRK"], 1 - 1 / 9),  # divided by the length as it came
    ],
)
def test_anls(answer, right, worth):
    assert anls(answer, right) == worth


@pytest.mark.parametrize(
    ("answer", "right", "met"),
    [
        ("10.5", "10", True), ("10.51", "10", False), ("9.5", "10", True), ("-10", "10", False),
        ("5%", "0.05", True), ("5", "5%", False), ("0", "0.0", False), ("0", "0", True),
        ("Yes", "yes", True), ("yes.", "yes", False), ("nan", "nan", False),
        ("1,000", "1000", False), ("inf", "inf", False),
    ],
)  # fmt: skip
def test_numbers_may_be_off_by_a_twentieth(answer, right, met):
    assert nearly(answer, right) is met
