"""How the published benchmarks score an answer.

A scorer takes what the model wrote and the truth it is measured by, and gives 0 to 1; its
`figures` are what the benchmark reports for a whole set. All are fractions, not percent. Every
rule is that of the published script named in its docstring, oddities included: a figure made here
must mean the same as the figure of that name in a paper.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from core.bench.datasets.choices import read_choice
from core.bench.datasets.documents import anls, nearly
from core.bench.datasets.letters import (
    inferred_letter,
    mme_realworld_letter,
    ranked_letter,
    vstar_letter,
)


class Truth(Protocol):
    """What an answer is measured by; `core.bench.datasets.Sample` is one."""

    @property
    def answers(self) -> tuple[str, ...]: ...  # of the annotators; one where one is right
    @property
    def choices(self) -> tuple[str, ...]: ...  # the options, if the question has any
    @property
    def choice(self) -> int | None: ...  # index of the right option
    @property
    def group(self) -> str: ...  # the data set's own class of question, or ""


@dataclass(frozen=True)
class Scorer:
    name: str
    label: str
    definition: str  # one sentence
    score: Callable[[str, Truth], float]  # what the model wrote, the truth -> 0 to 1
    more: Callable[[Sequence[str], Sequence[Truth]], dict[str, float]] | None = None  # figures

    def figures(self, predictions: Sequence[str], truths: Sequence[Truth]) -> dict[str, float]:
        """The benchmark's own figures over a set: fractions by name, `accuracy` first.

        Where questions have groups, the accuracy of each group follows; for yes-or-no answers,
        precision, recall, F1 and the share of yes. Raises ValueError for an empty set or for
        lists of different length.
        """
        if not predictions:
            raise ValueError("There are no answers to score.")
        pairs = list(zip(predictions, truths, strict=True))
        scores = [self.score(prediction, truth) for prediction, truth in pairs]
        figures = {"accuracy": _mean(scores)}
        if self.more:
            figures |= self.more(predictions, truths)
        groups = defaultdict(list)
        for (_, truth), score in zip(pairs, scores, strict=True):
            groups[truth.group].append(score)
        named = sorted(group for group in groups if group)
        return figures | {f"accuracy, {group}": _mean(groups[group]) for group in named}


# --- soft accuracy: TextVQA and VQAv2 ------------------------------------------------------


def soft_accuracy(answer: str, annotated: Sequence[str]) -> float:
    """VQA accuracy: the mean of min(matches / 3, 1) over all leave-one-out sets of annotators.

    Compares as is: normalise first. Of ten annotators, n who gave this answer make it worth
    min(0.3 n, 1). Source: Antol et al. 2015; the evaluation of visualqa.org.
    """
    n, matches = len(annotated), sum(other == answer for other in annotated)
    left_in, left_out = min(matches / 3, 1), min((matches - 1) / 3, 1)
    return ((n - matches) * left_in + matches * left_out) / n


def textvqa_accuracy(prediction: str, truth: Truth) -> float:
    """Soft accuracy, both sides through the EvalAI answer processor (TextVQA; Pythia, MMF)."""
    return soft_accuracy(
        evalai_normalise(prediction), [evalai_normalise(answer) for answer in truth.answers]
    )


def vqav2_accuracy(prediction: str, truth: Truth) -> float:
    """Soft accuracy, both sides through the VQA normalisation, as LLaVA, ViCrop and lmms-eval
    report it."""
    return soft_accuracy(
        vqav2_normalise(_one_line(prediction)),
        [vqav2_normalise(_one_line(answer)) for answer in truth.answers],
    )


def vqav2_official_accuracy(prediction: str, truth: Truth) -> float:
    """Soft accuracy as the official script has it by itself (vqaEval.py of GT-Vision-Lab/VQA).

    It normalises only where the annotators differ, so where all ten agree on "2", "Two" is wrong;
    it was written for answers that had been normalised before.
    """
    answers = [_one_line(answer) for answer in truth.answers]
    if len(set(answers)) == 1:
        return soft_accuracy(_one_line(prediction), answers)
    return vqav2_accuracy(prediction, truth)


@lru_cache(maxsize=65_536)  # annotators repeat themselves, and every answer is scored twice
def evalai_normalise(text: str) -> str:
    """The EvalAI answer processor: commas and question marks go, `'s` stands apart, then as VQAv2.

    Unlike VQAv2's, it never sees a comma between digits, so "1,000" and "1000" are the same.
    """
    text = text.lower().replace(",", "").replace("?", "").replace("'s", " 's")
    return vqav2_normalise(_one_line(text))


@lru_cache(maxsize=65_536)
def vqav2_normalise(text: str) -> str:
    """The answer normalisation of VQA: punctuation, then case, number words, articles and
    missing apostrophes, word by word."""
    words = (NUMBERS.get(word, word) for word in _strip_punctuation(text).lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in ARTICLES)


def _one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def _strip_punctuation(text: str) -> str:
    """A mark beside a space vanishes, any other becomes a space; all of them vanish from a text
    with a comma between digits. Both are decided on the text as it came."""
    result, thousands = text, _COMMA_IN_NUMBER.search(text)
    for mark in PUNCTUATION:
        beside_space = f"{mark} " in text or f" {mark}" in text
        result = result.replace(mark, "" if thousands or beside_space else " ")
    return _PERIOD.sub("", result, count=_PERIODS)


PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
ARTICLES = frozenset(("a", "an", "the"))
NUMBERS = {"none": "0"} | {
    word: str(number)
    for number, word in enumerate("zero one two three four five six seven eight nine ten".split())
}
_COMMA_IN_NUMBER = re.compile(r"\d,\d")
# "(?<!\d)" was meant, but "(?!<=\d)" is what every published figure was made with: it is always
# true before a period, so any period that no digit follows goes ("3." becomes "3").
_PERIOD = re.compile(r"(?!<=\d)(\.)(?!\d)")
_PERIODS = 32  # as published: re.UNICODE, whose value is 32, stands where the count belongs

# Words as they should be. The published table lists each under every spelling that lacks one of
# its apostrophes; words that look like another when they lack theirs (she'd, we'll) aren't in it.
_APOSTROPHES = """
    'ow's'at 'twas I'd've I'm I've ain't aren't can't could've couldn't couldn't've didn't doesn't
    don't hadn't hadn't've hasn't haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've
    it'll ma'am might've mightn't mightn't've must've mustn't needn't not've o'clock oughtn't
    shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd
    someone'd've someone'll someone's something'd something'd've something'll that's there'd
    there'd've there're there's they'd they'd've they'll they're they've wasn't we'd've we've
    weren't what'll what're what's what've when's where'd where's where've who'd who'd've who'll
    who's who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'd've y'all'll
    you'd you'd've you'll you're you've
""".split()
CONTRACTIONS = {
    word[:place] + word[place + 1 :]: word
    for word in _APOSTROPHES
    for place, letter in enumerate(word)
    if letter == "'"
} | {"somebody'd": "somebodyd"}  # published the wrong way round


# --- POPE ----------------------------------------------------------------------------------


def pope_says_yes(prediction: str) -> bool:
    """POPE reads an answer as no if its first sentence has the word "No", "no" or "not"; any
    other answer, even an empty one, is a yes (evaluate.py of RUCAIBox/POPE)."""
    words = prediction.split(".")[0].replace(",", "").split(" ")
    return not {"No", "not", "no"} & set(words)


def read_label(text: str) -> str | None:
    """Return the label, yes or no, that a text is, whatever its letter case; None if neither."""
    label = plain(text)
    return label if label in ("yes", "no") else None


def pope_accuracy(prediction: str, truth: Truth) -> float:
    """1 if the answer, read as POPE does, is the label (`answers[0]`: yes or no)."""
    return float(pope_says_yes(prediction) == (read_label(truth.answers[0]) == "yes"))


def pope_figures(predictions: Sequence[str], truths: Sequence[Truth]) -> dict[str, float]:
    """Precision, recall and F1 of the answer yes, and the share of yes among the *answers*.

    A ratio of nothing (no yes said, or none true) is 0; the published script divides by zero.
    """
    said = [pope_says_yes(prediction) for prediction in predictions]
    true = [read_label(truth.answers[0]) == "yes" for truth in truths]
    hits = sum(s and t for s, t in zip(said, true, strict=True))
    precision, recall = hits / (sum(said) or 1), hits / (sum(true) or 1)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / ((precision + recall) or 1),
        "yes_ratio": sum(said) / len(said),
    }


# --- exact match, A-OKVQA ------------------------------------------------------------------


def plain(text: str) -> str:
    """Lower case, without surrounding space and trailing periods: LLaVA's rule for GQA."""
    return text.strip().rstrip(".").lower()


def exact_match(prediction: str, truth: Truth) -> float:
    """1 if the answer is one of the right ones, letter case and a final period aside.

    Case is ignored on signs too: a model that writes "Stop" has read STOP. A question with
    options counts as multiple choice.
    """
    if truth.choices:
        return choice_accuracy(prediction, truth)
    return float(plain(prediction) in map(plain, truth.answers))


def direct_accuracy(prediction: str, truth: Truth) -> float:
    """A-OKVQA, direct answer: min(1, matches / 3) over all annotators, none left out.

    The official script compares texts as they are and takes for granted that predictions come
    from a vocabulary of lower-case answers; free text is brought to that form by `plain`.
    """
    prediction = plain(prediction)
    return min(1.0, sum(prediction == plain(answer) for answer in truth.answers) / 3)


def choice_accuracy(prediction: str, truth: Truth) -> float:
    """1 if the answer names the right option, by its letter or by its text.

    The official script of A-OKVQA compares texts, so an option that stands twice is right twice.
    """
    read = read_choice(prediction, truth.choices)
    if read is None or truth.choice is None:
        return 0.0
    return float(truth.choices[read] == truth.choices[truth.choice])


# --- searching large images, documents and charts ------------------------------------------


def vstar_accuracy(prediction: str, truth: Truth) -> float:
    """1 if lmms-eval reads the right option's letter for V*Bench."""
    return float(vstar_letter(prediction) == _letter(truth))


def inferred_accuracy(prediction: str, truth: Truth) -> float:
    """1 if VLMEvalKit infers the right option, without a model that reads for it."""
    return float(inferred_letter(prediction, truth.choices) == _letter(truth))


def mme_realworld_accuracy(prediction: str, truth: Truth) -> float:
    """1 if MME-RealWorld's script reads the right option's letter."""
    return float(mme_realworld_letter(prediction) == _letter(truth))


def realworldqa_accuracy(prediction: str, truth: Truth) -> float:
    """1 if lmms-eval reads the right letter, or where no letter is right, for equal texts, letter
    case and final periods aside."""
    answer = truth.answers[0].strip()
    if answer.upper() in ("A", "B", "C", "D"):
        return float(ranked_letter(prediction) == answer.upper())
    return float(prediction.lower().strip().rstrip(".") == answer.lower())


def anls_accuracy(prediction: str, truth: Truth) -> float:
    """Average normalised Levenshtein similarity (ANLS) of one answer."""
    return anls(prediction, truth.answers)


def relaxed_accuracy(prediction: str, truth: Truth) -> float:
    """1 if a right answer is met: a number within 5 %, a text but for letter case (ChartQA)."""
    return float(any(nearly(prediction.strip(), answer) for answer in truth.answers))


def _letter(truth: Truth) -> str | None:
    return None if truth.choice is None else chr(ord("A") + truth.choice)


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values)


SCORERS: dict[str, Scorer] = {
    scorer.name: scorer
    for scorer in (
        Scorer("textvqa", "VQA accuracy (TextVQA)",
               "Soft agreement with ten annotators after EvalAI's answer normalisation.",
               textvqa_accuracy),
        Scorer("vqav2", "VQA accuracy (VQAv2)",
               "Soft agreement with ten annotators after VQA's answer normalisation.",
               vqav2_accuracy),
        Scorer("vqav2-official", "VQA accuracy (VQAv2, official script alone)",
               "Soft agreement with ten annotators, normalised only where they differ.",
               vqav2_official_accuracy),
        Scorer("pope", "POPE accuracy",
               "Share of yes-or-no questions answered as labelled; anything but a no is a yes.",
               pope_accuracy, pope_figures),
        Scorer("exact", "exact match",
               "Share of answers equal to a right one, letter case and a final period aside.",
               exact_match),
        Scorer("direct", "A-OKVQA direct answer",
               "A third of a point for each annotator who gave the same answer, at most one.",
               direct_accuracy),
        Scorer("choice", "multiple choice",
               "Share of questions whose right option is named by its letter or its text.",
               choice_accuracy),
        Scorer("vstar", "V*Bench accuracy",
               "Share of questions whose right letter is read by lmms-eval's rule for V*Bench.",
               vstar_accuracy),
        Scorer("inferred", "multiple choice, inferred",
               "Share of questions whose right option VLMEvalKit infers by exact matching.",
               inferred_accuracy),
        Scorer("mme-realworld", "MME-RealWorld accuracy",
               "Share of questions whose right letter is the first capital from A to E.",
               mme_realworld_accuracy),
        Scorer("realworldqa", "RealWorldQA accuracy",
               "Share of questions whose right letter lmms-eval reads, or whose text is right.",
               realworldqa_accuracy),
        Scorer("anls", "ANLS",
               "Normalised Levenshtein similarity to the nearest right answer, 0 below a half.",
               anls_accuracy),
        Scorer("relaxed", "relaxed accuracy",
               "Share of answers that are right, numbers within 5 %.",
               relaxed_accuracy),
    )
}  # fmt: skip
"""What `Dataset.scoring` names -> how its answers are scored."""
