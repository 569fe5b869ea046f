"""Scoring, held to the worked examples of the publications and to brute force."""

import hashlib
from dataclasses import dataclass
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bench.datasets.scoring import (
    CONTRACTIONS,
    SCORERS,
    evalai_normalise,
    pope_says_yes,
    soft_accuracy,
    vqav2_normalise,
)


@dataclass(frozen=True)
class Truth:
    answers: tuple[str, ...]
    choices: tuple[str, ...] = ()
    choice: int | None = None
    group: str = ""


def score(scorer: str, prediction: str, *answers: str) -> float:
    return SCORERS[scorer].score(prediction, Truth(answers))


# --- soft accuracy -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agree", "worth"), [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1), (10, 1)]
)
def test_ten_annotators_make_an_answer_worth_three_tenths_each(agree, worth):
    annotated = ["red"] * agree + ["blue"] * (10 - agree)
    assert soft_accuracy("red", annotated) == pytest.approx(worth)


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=10))
def test_soft_accuracy_is_the_mean_over_leave_one_out_subsets(annotated):
    subsets = list(combinations(annotated, len(annotated) - 1))
    brute = sum(min(subset.count("a") / 3, 1) for subset in subsets) / len(subsets)
    assert soft_accuracy("a", annotated) == pytest.approx(brute)


# --- normalisation -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        # the worked examples of visualqa.org/evaluation
        ("dont", "don't"),
        ("girl's", "girl's"),
        ("2:50 pm", "2:50 pm"),
        ("100,978", "100978"),
        # its rules: case, periods, number words, articles, other punctuation
        ("Yes.", "yes"),
        ("U.S.A.", "usa"),
        ("3.5", "3.5"),
        ("3.", "3"),
        ("three dogs", "3 dogs"),
        ("none", "0"),
        ("The man on a horse", "man on horse"),
        ("black-and-white", "black and white"),
        ("black/ white", "black white"),
        # what the rules imply, strange as it is
        ("a", ""),
        ("1,000 x-rays", "1000 xrays"),  # one comma between digits, and every mark just vanishes
        ("red-blue - green", "redblue green"),  # decided per mark, not per place
        ("...", ""),
        ("yes ,no", "yes no"),
        ("yes,no", "yes no"),
    ],
)
def test_vqav2_normalisation(text, normal):
    assert vqav2_normalise(text) == normal


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("the corner shop", "corner shop"),
        ("McDonald's", "mcdonald 's"),
        ("it's", "it 's"),  # so contractions with 's are never whole here
        ("isnt", "isn't"),
        ("yes,no", "yesno"),  # commas go before punctuation is looked at
        ("1,000 x-rays", "1000 x rays"),
        ("why?", "why"),
        ("\tTwo\nmen ", "2 men"),
        ("", ""),
    ],
)
def test_evalai_normalisation(text, normal):
    assert evalai_normalise(text) == normal


def test_only_the_first_32_periods_go_as_published():
    assert vqav2_normalise("." * 40) == "." * 8


def test_contractions_are_those_of_the_published_table():
    """The digest is of the table in VQA's vqaEval.py, less the two entries that change nothing."""
    table = "\n".join(f"{wrong} {right}" for wrong, right in sorted(CONTRACTIONS.items()))
    assert len(CONTRACTIONS) == 118
    assert hashlib.sha256(table.encode()).hexdigest() == (
        "4636998a0c37e99b77f3f6c74402dd0c58fbe440105ab1fd70b6a0a5f9514475"
    )


def test_textvqa_normalises_both_sides():
    answers = ["corner shop"] * 6 + ["the corner shop"] * 2 + ["shop", "unanswerable"]
    assert score("textvqa", "The Corner Shop.", *answers) == 1
    assert score("textvqa", "Shop", *answers) == pytest.approx(0.3)
    assert score("textvqa", "corner", *answers) == 0


@pytest.mark.parametrize(
    ("prediction", "answer"),
    [("Yes", "yes"), ("Two", "2"), ("White", "white"), ("a dog", "dog"), ("Yes.", "yes"),
     ("yes", "Yes"), ("dont", "don't"), ("1000", "1,000"), ("t-shirt", "t shirt")],
)  # fmt: skip
def test_vqav2_normalises_both_sides_whether_annotators_agree_or_not(prediction, answer):
    assert score("vqav2", prediction, *[answer] * 10) == 1
    assert score("vqav2", prediction, *[answer] * 9, "zebra") == 1
    assert score("vqav2-official", prediction, *[answer] * 10) == 0
    assert score("vqav2-official", prediction, *[answer] * 9, "zebra") == 1


@pytest.mark.parametrize("scorer", ["vqav2", "vqav2-official"])
def test_vqav2_by_either_rule_where_the_annotators_differ(scorer):
    assert score(scorer, " yes\n", *["yes"] * 10) == 1
    assert score(scorer, "One", *["1"] * 7, "one", "one", "2") == 1
    assert score(scorer, "2", *["1"] * 7, "one", "one", "2") == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("prediction", "seven", "three", "vqav2", "textvqa", "official", "alone"),
    [
        ("1,000", "1000", "1000 x-rays", 1, 1, 1, 1),
        ("man's", "mans", "man 's", 0, 0.9, 0, 0),  # EvalAI's processor sets 's apart
        ("7-eleven", "7 eleven", "7eleven", 1, 1, 1, 1),
        ("black/ white", "black white", "black/white", 1, 1, 1, 1),
        ("the", "a", "", 1, 1, 1, 1),  # articles are nothing, and nothing equals nothing
        ("none", "0", "zero", 1, 1, 1, 1),
        ("2:50 p.m.", "2:50 pm", "2.50 pm", 1, 1, 1, 1),
        (".5", "0.5", "5", 0, 0, 0, 0),
        ("-1", "1", "- 1", 1, 1, 1, 1),  # the sign of a number is a mark like others
        ("“Stop”", "stop", "Stop", 0, 0, 0, 0),  # curly quotes aren't in the table
        ("cafe\u0301", "caf\u00e9", "cafe", 0, 0, 0, 0),  # nor is any Unicode form chosen
        ("a\u00a0dog", "dog", "a dog", 1, 1, 1, 1),
        ("Somebody'd", "somebodyd", "somebody'd", 1, 1, 1, 1),
        ("." * 33 + "stop", "stop", "." * 33 + "stop", 0.9, 0.9, 0.9, 0),  # 32 periods go
    ],
)
def test_soft_accuracy_as_the_published_code_has_it(
    prediction, seven, three, vqav2, textvqa, official, alone
):
    """Values of lmms-eval's vqav2, LLaVA's TextVQA evaluator and the official script.

    `alone` is the accuracy where all ten annotators said `seven`; there the official script has 0.
    """
    answers = [seven] * 7 + [three] * 3
    assert score("vqav2", prediction, *answers) == pytest.approx(vqav2)
    assert score("textvqa", prediction, *answers) == pytest.approx(textvqa)
    assert score("vqav2-official", prediction, *answers) == pytest.approx(official)
    assert score("vqav2", prediction, *[seven] * 10) == alone
    assert score("textvqa", prediction, *[seven] * 10) == alone
    assert score("vqav2-official", prediction, *[seven] * 10) == 0


# --- POPE ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prediction", "yes"),
    [
        ("Yes", True),
        ("no", False),
        ("No, there is no snowboard in the image.", False),
        ("There is a car. It is not red.", True),  # the first sentence only
        ("I do not see one", False),
        ("no,", False),
        ("NO", True),  # as published: three spellings, compared as they are
        ("None", True),
        ("", True),
        ("yes, no", False),
        ("Yes. No.", True),
        (".no", True),
        ("There isn't one", True),
        ('"no"', True),  # words are what stands between spaces
        ("no\nIt isn't there", True),
    ],
)
def test_pope_reads_answers_as_published(prediction, yes):
    assert pope_says_yes(prediction) is yes


def test_labels_of_pope_may_be_capitals():
    truths = [Truth(("Yes",)), Truth(("No",)), Truth(("YES",)), Truth((" no.",))]
    figures = SCORERS["pope"].figures(["Yes", "No", "No", "no"], truths)
    assert list(figures.values()) == pytest.approx([0.75, 1, 0.5, 2 / 3, 0.25])


def test_pope_figures_of_a_confusion_matrix():
    """3 hits, 1 miss, 2 false alarms, 4 rejections."""
    said = ["yes"] * 3 + ["no"] + ["yes"] * 2 + ["no"] * 4
    truths = [Truth(("yes",))] * 4 + [Truth(("no",))] * 6
    figures = SCORERS["pope"].figures(said, truths)
    assert list(figures) == ["accuracy", "precision", "recall", "f1", "yes_ratio"]
    assert list(figures.values()) == pytest.approx([0.7, 3 / 5, 3 / 4, 2 / 3, 0.5])


def test_a_model_that_always_says_yes_gets_the_f1_that_pope_reports_for_it():
    """Half the labels are yes: accuracy 50, precision 50, recall 100, F1 66.67, yes 100."""
    truths = [Truth(("yes",)), Truth(("no",))] * 50
    figures = SCORERS["pope"].figures(["Yes"] * 100, truths)
    assert list(figures.values()) == pytest.approx([0.5, 0.5, 1, 2 / 3, 1])


def test_pope_figures_without_any_yes_are_zero_not_an_error():
    figures = SCORERS["pope"].figures(["no", "no"], [Truth(("no",))] * 2)
    assert list(figures.values()) == [1, 0, 0, 0, 0]


# --- exact match and A-OKVQA ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("prediction", "worth"),
    [
        ("fence", 1),
        ("Fence.", 1),
        (" fence\n", 1),
        ("fence..", 1),
        ("fence .", 0),
        ("a fence", 0),
        ("fences", 0),
        ("", 0),
    ],
)
def test_exact_match_ignores_case_and_the_final_period_only(prediction, worth):
    assert score("exact", prediction, "fence") == worth


def test_exact_match_takes_any_of_several_right_answers():
    assert score("exact", "the corner shop", "Corner Shop", "The Corner Shop") == 1


@pytest.mark.parametrize(("agree", "worth"), [(0, 0), (1, 1 / 3), (2, 2 / 3), (3, 1), (10, 1)])
def test_direct_answers_are_worth_a_third_for_each_annotator(agree, worth):
    answers = ["fetch"] * agree + ["sit"] * (10 - agree)
    assert score("direct", "Fetch.", *answers) == pytest.approx(worth)


CHOICES = ("skateboarder", "train", "delivery", "cab")  # the example of A-OKVQA's own page


@pytest.mark.parametrize("scorer", ["choice", "exact"])
def test_a_question_with_options_is_scored_by_the_option(scorer):
    truth = Truth(("cab",), CHOICES, 3)
    assert [SCORERS[scorer].score(said, truth) for said in ("D", "cab", "B", "?")] == [1, 1, 0, 0]


def test_an_option_that_stands_twice_is_right_twice():
    """The official script compares texts."""
    truth = Truth(("cab",), ("cab", "train", "bus", "cab"), 3)
    assert [SCORERS["choice"].score(said, truth) for said in ("cab", "A", "D", "B")] == [1, 1, 1, 0]


# --- figures -------------------------------------------------------------------------------


def test_figures_give_the_accuracy_of_each_group():
    truths = [
        Truth(("yes",), group="verify"),
        Truth(("no",), group="verify"),
        Truth(("dog",), group="query"),
    ]
    figures = SCORERS["exact"].figures(["yes", "yes", "dog"], truths)
    assert figures == {
        "accuracy": pytest.approx(2 / 3),
        "accuracy, query": 1,
        "accuracy, verify": 0.5,
    }


def test_figures_need_as_many_truths_as_answers():
    with pytest.raises(ValueError, match="no answers"):
        SCORERS["exact"].figures([], [])
    with pytest.raises(ValueError):
        SCORERS["exact"].figures(["a", "b"], [Truth(("a",))])


@given(st.text(max_size=30), st.lists(st.text(max_size=8), min_size=10, max_size=10))
def test_every_score_lies_between_0_and_1(prediction, answers):
    truth = Truth(("yes", *answers[1:]), tuple(answers[:4]), 1)
    for scorer in SCORERS.values():
        assert 0 <= scorer.score(prediction, truth) <= 1
