"""Which option an answer names: as models write it, and as they write it when they are in doubt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench.datasets.choices import read_choice

CHOICES = ("skateboarder", "train", "delivery", "cab")  # the example of A-OKVQA's own page


def reads(choices, read, *answers):
    assert {answer: read_choice(answer, choices) for answer in answers} == dict.fromkeys(
        answers, read
    )


@pytest.mark.parametrize(
    "answer",
    ["D", "d", "D.", "D;", "D,", "D:", "D!", "(D)", "[D]", "{D}", "<D>", "(d)", "d)", "(D", " D\n",
     "**D**", "*D*", "__D__", "`D`", "<b>D</b>", "### D", "- D", '"D"', "'d'", "“D”", "Ｄ", "D。",
     r"\boxed{D}", r"$D$", r"\(D\)", r"The answer is $\boxed{\text{D}}$.", "<answer>D</answer>",
     "<think>A or B?</think>\nD", '{"answer": "D"}', "D D D"],
)  # fmt: skip
def test_a_letter_however_it_is_dressed(answer):
    reads(CHOICES, 3, answer)


@pytest.mark.parametrize(
    "answer",
    ["D. cab", "D) cab", "(D) cab", "D: cab", "D, cab", "D; cab", "D - cab", "D – cab", "D-cab",
     "D.cab", "D:cab", "D = cab", "D -> cab", "D cab", "d cab", "D (cab)", "D\ncab", "D. A cab",
     "cab (D)", "**D.** cab", "**D. cab**", "D. The cab is yellow."],
)  # fmt: skip
def test_a_letter_with_the_text_of_its_option(answer):
    reads(CHOICES, 3, answer)


@pytest.mark.parametrize(
    "answer",
    ["Answer: D", "ANSWER: D", "answer: d", "Answer D", "Answer:\nD", "Answer - (D)", "Option D",
     "option d", "Choice D", "Letter D", "The answer is D", "the answer is d", "The answer is: (D)",
     "The answer is **D**.", "The answer is option D, cab.", "the correct option is D",
     "The correct answer would be D.", "The answer to the question is D.", "My choice is D.",
     "The best one is D", "It's D", "it's d.", "It is D", "I think it's D.", "I'd go with D",
     "I choose (D).", "I pick d.", "Definitely D", "Hmm, D?", "Based on the image, D.", "So D.",
     "D is correct", "D is the answer.", "D because of the sign", "D\n\nBecause it is yellow.",
     "Option D: cab", "It stands in a street and is yellow. Final answer: D."],
)  # fmt: skip
def test_a_letter_in_a_sentence(answer):
    reads(CHOICES, 3, answer)


@pytest.mark.parametrize(
    "answer",
    ["cab", "Cab.", "CAB", "'cab'", "**cab**", "A cab", "a cab.", "The cab", "It's a cab",
     "The answer is cab", "The answer is a cab.", 'The answer is "cab".', "Answer: a cab",
     "cab, because it is yellow", "The man is calling a cab.", "The vehicle is a cab",
     "A cab, not a train", "{'answer': 'cab'}"],
)  # fmt: skip
def test_the_text_of_an_option_and_an_article_is_no_letter(answer):
    reads(CHOICES, 3, answer)


@pytest.mark.parametrize(
    "answer",
    ["not A, but D", "It is not A but D", "A is wrong. D is right.", "D, not A", "D (not A)",
     "D not A", "D rather than A", "A is incorrect, so it must be D", "A isn't right, it's D.",
     "The answer isn't A. It's D.", "D, because A is wrong", "It is a cab, not a train",
     "Not sure, but D", "There is no doubt it is D."],
)  # fmt: skip
def test_what_is_denied_is_not_named(answer):
    reads(CHOICES, 3, answer)


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("Answer: A\nNo. Final answer: D", 3),
        (r"It may be (A) or (B). \boxed{D}", 3),
        ("A. skateboarder\nB. train\nC. delivery\nD. cab\nAnswer: D", 3),
        ("Option A has wheels. The answer is D", 3),
        ("A. Hmm. The answer is D", 3),
        ("Answer: (D) cab. The train (B) is not there.", 3),
        ("cab, because of the train", 3),
        ("A because he skates", 0),
        ("the answer is a", 0),
        ("The answer is A.", 0),
    ],
)
def test_what_is_stated_last_comes_before_what_is_mentioned(answer, read):
    reads(CHOICES, read, answer)


@pytest.mark.parametrize(
    "answer",
    ["A or B", "A and B", "A, B", "A/B", "A & B", "both A and B", "(A) or (B)", "A and (B)",
     "Options A and D", "Option A shows a skateboarder, option D a cab.", "Answer: A. Answer: D",
     "A. skateboarder\nB. train\nC. delivery\nD. cab", "cab or train", "the cab and the train",
     "D. train", "D train", "D: a train.", "cab (B)"],
)  # fmt: skip
def test_several_options_are_none(answer):
    reads(CHOICES, None, answer)


@pytest.mark.parametrize(
    "answer",
    ["", " ", "?", "...", "E", "bus", "I", "I do not know", "None", "none of the above", "A man",
     "A man with a dog.", "the answer is a vehicle", "a", "vitamin D", "Plan B is what they do.",
     "Washington D.C.", "D.C.", "A.M.", "A-frame", "cabs", "cab-driver", "Dog", "DD", "AB",
     "It is not D", "neither A nor B", "The answer is not A", "I don't think the answer is A",
     "There is no cab", "I can't tell whether it is a cab", "without a cab"],
)  # fmt: skip
def test_no_option_is_none(answer):
    reads(CHOICES, 0 if answer == "a" else None, answer)


def test_options_that_are_yes_and_no():
    choices = ("yes", "no")
    reads(choices, 0, "yes", "Yes.", "Yes, there is.", "A", "A. Yes", "yes, no doubt")
    reads(choices, 1, "no", "No", "No, it isn't.", "B. no", "There is no dog.", "The answer is no")
    reads(choices, None, "yes and no", "yes or no", "A. no", "There isn't")


def test_options_that_are_numbers():
    choices = ("1", "2", "3", "4")
    reads(choices, 1, "2", "B", "B. 2", "B) 2", "2.", "There are 2 dogs", "Answer: 2", "2, or so")
    reads(choices, None, "12", "2.5", "-2", "1,234", "2:30", "1 or 2", "A 2", "A. 2", "two")
    reads(("-2", "2", "1,000", "2.5"), 0, "-2", "It is -2.", "A. -2")
    reads(("-2", "2", "1,000", "2.5"), 2, "1,000", "C: 1,000.")


def test_options_that_are_letters():
    """The prompt asks for a letter, so a letter is that of the option."""
    reads(("b", "a"), 0, "A", "a")
    reads(("x", "y", "z", "w"), 1, "y", "Y.", "B", "It is a y.")
    reads(("p.m.", "a.m."), 1, "a.m.", "A.M.", "B", "It is 10 a.m.")
    reads(("A+", "A", "B-", "B"), 0, "A+", "A")
    reads(("vitamin a", "vitamin b", "vitamin c", "vitamin d"), 2, "Vitamin C", "C", "C. vitamin c")


def test_options_that_hold_each_other_or_an_article():
    reads(("red", "blue", "red and blue"), 2, "red and blue", "It is red and blue.", "C")
    reads(("red", "blue", "red and blue"), 0, "Red", "A red one", "The color is red.")
    reads(("red", "blue", "red and blue"), None, "blue-green", "red, blue")
    beach = ("a dog", "the beach", "none of the above")
    reads(beach, 0, "dog", "The dog.", "a dog", "A")
    reads(beach, 1, "beach", "On the beach.", "the beach")
    reads(beach, 2, "None of the above", "C. None of the above.")


def test_options_that_differ_in_letter_case_only_or_not_at_all():
    reads(("CH", "ch", "x"), 1, "ch", "B", "B. ch")
    reads(("CH", "ch", "x"), None, "Ch")
    reads(("cab", "train", "cab"), 0, "cab", "Cab.", "A")
    reads(("cab", "train", "cab"), 2, "C")
    reads(("train", "\u00a0", "cab "), 1, "\u00a0", "B")
    reads(("train", "\u00a0", "cab "), 2, "cab", "cab ", "C")


def test_many_options():
    numbers = "one two three four five six seven eight nine ten".split()
    reads(numbers, 8, "I", "I.", "I. nine", "(I)", "Answer: I", "option i")
    reads(numbers, 2, "I think it is three")
    reads(numbers, None, "I don't know", "I would not say")
    reads([f"option {number}" for number in range(40)], 39, "option 39")


WORDS = st.text("abcdefgxyz", min_size=2, max_size=8)


@given(st.lists(WORDS, min_size=2, max_size=5, unique=True), st.data())
def test_any_word_names_itself(choices, data):
    index = data.draw(st.integers(0, len(choices) - 1))
    word, letter = choices[index], "ABCDE"[index]
    for answer in (word, f"{word.upper()}.", letter, f"{letter}. {word}", f"The answer is {word}."):
        assert read_choice(answer, choices) == index


@given(st.text(max_size=60), st.lists(st.text(max_size=8), max_size=5))
def test_any_answer_is_read_or_not(answer, choices):
    read = read_choice(answer, choices)
    assert read is None or 0 <= read < len(choices)


@pytest.mark.parametrize("part", ["(", "A ", "<answer>", "\\boxed{", "not ", "A and ", "cab and "])
def test_a_long_answer_takes_no_longer_than_its_length(part):
    """Answers come out of files, too: were this quadratic, it would take minutes."""
    assert read_choice(part * (60_000 // len(part)), CHOICES) in (None, 0, 3)
