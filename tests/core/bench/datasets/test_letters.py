import pytest

from core.bench.datasets.letters import (
    inferred_letter,
    mme_realworld_letter,
    ranked_letter,
    vstar_letter,
)

CHOICES = ("red", "dark blue", "2", "a cat")


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"), ("(c)", "C"), ("The answer is D.", "D"), ("It is B).", "B"), ("", None),
        ("Can't tell", "C"), ("blue", "B"), ("only one", None), ("x c y", "C"), ("see ABBA", None),
    ],
)  # fmt: skip
def test_vstar_reads_the_beginning_first_even_of_a_word(answer, letter):
    assert vstar_letter(answer) == letter


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"), ("**C**.", "C"), ("A or B", None), ("b", None), ("it is dark blue", "B"),
        ("red, or dark blue", None), ("A is one of five or more words", None), ("Z", "Z"),
        ("The answer is **d**, as A, B and C are not", "D"), ("I can't process this file.", "Z"),
        ("dark blue, which is what everyone here would say of it", None),
    ],
)  # fmt: skip
def test_inferred_by_a_lone_letter_a_statement_or_a_text(answer, letter):
    assert inferred_letter(answer, CHOICES) == letter


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"), ("The best answer is (D)", "D"), ("The answer: E", "E"), ("Dark", "D"),
        ("(b", "B"), ("b", "B"), ("no idea", None), ("", "A"),
        ("one two three four five six seven eight nine ten eleven", None),
    ],
)  # fmt: skip
def test_mme_realworld_takes_the_first_capital(answer, letter):
    assert mme_realworld_letter(answer) == letter


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("C", "C"), ("C. yes", "C"), ("It isn't (A), it is B", "B"), ("(A) or (C) it may be", "C"),
        ("answer is X, the answer is B, and then (D) follows", "D"), ("Cats", "C"), ("", None),
        ("my answer is: (B)!", "B"), ("yes", None), ("정답은 B", "B"), ("A: maybe (D) though", "A"),
    ],
)  # fmt: skip
def test_ranked_by_form_then_by_place(answer, letter):
    assert ranked_letter(answer) == letter
