"""Our rules of scoring beside the public code they follow.

    git clone https://github.com/EvolvingLMMs-Lab/lmms-eval
    git clone https://github.com/open-compass/VLMEvalKit
    python -m tools.published.official_scores --lmms-eval lmms-eval --vlmevalkit VLMEvalKit

Made-up answers, as odd as models write them, are scored by both. Of their code, only the functions
that score are taken out and run: neither has to be installed. Prints, for each rule, how many
answers were worth something and how many were scored otherwise, with the first of these. Ends with
1 if any was that docs/datasets.md doesn't explain.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.bench.datasets.scoring import SCORERS

SHOWN = 5  # differences
CHOICES = ("red", "dark blue", "2", "a cat", "on the left")


@dataclass(frozen=True)
class Truth:
    """What an answer is measured by, as `core.bench.datasets.scoring` takes it."""

    answers: tuple[str, ...]
    choices: tuple[str, ...] = ()
    choice: int | None = None
    group: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule of ours, and theirs for the same answers."""

    name: str
    scorer: str  # key of SCORERS
    kind: str  # key of MAKERS
    theirs: Callable[[str, Truth], float]
    # Why the two may differ on an answer; "" where they must not.
    explained: Callable[[str, Truth], str] = lambda answer, truth: ""


def taken(path: Path, *names: str) -> dict[str, Any]:
    """Return functions and constants of a file by name, without importing what it imports.

    What of the standard library and NumPy the file imports is there; nothing else of it is run.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kept: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            roots = [alias for alias in node.names if _is_standard(alias.name)]
            kept += [ast.Import([alias]) for alias in roots]
        elif isinstance(node, ast.ImportFrom) and _is_standard(node.module or "."):
            kept.append(node)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            if node.name in names:
                node.decorator_list = []
                kept.append(node)
        elif isinstance(node, ast.Assign):
            targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if targets & set(names):
                kept.append(node)
    space: dict[str, Any] = {}
    module = ast.fix_missing_locations(ast.Module(kept, []))
    exec(compile(module, str(path), "exec"), space)
    if missing := [name for name in names if name not in space]:
        raise SystemExit(f"{path} has no {missing[0]}: is it of another version?")
    return space


def _is_standard(name: str) -> bool:
    root = name.split(".")[0]
    return root in sys.stdlib_module_names or root == "numpy"


def of_lmms_eval(root: Path) -> Iterator[Rule]:
    """Yield the rules of lmms-eval."""
    tasks = root / "lmms_eval" / "tasks"
    vstar = taken(tasks / "vstar_bench/utils.py", "extract_answer_letter")
    yield Rule("V*Bench", "vstar", "letters", lambda a, t: float(
        vstar["extract_answer_letter"](a) == _letter(t)))  # fmt: skip
    hr = taken(tasks / "hrbench/hrbench_evals.py", "HRBenchEval")["HRBenchEval"]
    infer = hr.__new__(hr).can_infer
    yield Rule("HR-Bench", "inferred", "letters", lambda a, t: float(
        infer(a, _options(t)) == _letter(t)), _of_versions)  # fmt: skip
    mme = taken(tasks / "mme_realworld/utils.py", "extract_characters_regex")
    yield Rule("MME-RealWorld", "mme-realworld", "letters", lambda a, t: float(
        mme["extract_characters_regex"](a) == _letter(t)))  # fmt: skip
    reader = taken(tasks / "_task_utils/mcq_extract.py", "extract_mcq_answer", "_ANSWER_PHRASES",
                   "_FORMAT_PRIORITY", "_DEFAULT_CHOICES")["extract_mcq_answer"]  # fmt: skip

    def realworldqa(answer: str, truth: Truth) -> float:
        right = truth.answers[0]
        if right.upper() in ("A", "B", "C", "D"):
            return float(reader(answer, choices=["A", "B", "C", "D"]) == right.upper())
        return float(answer.lower().strip().rstrip(".") == right.lower())

    yield Rule("RealWorldQA", "realworldqa", "mixed", realworldqa)
    metrics = taken(root / "lmms_eval/api/metrics.py", "levenshtein_distance", "anls")
    yield Rule("DocVQA, InfographicVQA", "anls", "texts", lambda a, t: metrics["anls"](
        list(t.answers), [a])["anls"])  # fmt: skip
    chart = taken(tasks / "chartqa/utils.py", "relaxed_correctness")
    yield Rule("ChartQA", "relaxed", "numbers", lambda a, t: float(
        chart["relaxed_correctness"](a, t.answers[0])), _of_spaces)  # fmt: skip


def of_vlmevalkit(root: Path) -> Iterator[Rule]:
    """Yield the rules of VLMEvalKit."""
    folder = root / "vlmeval"
    infer = taken(folder / "utils/matching_util.py", "can_infer", "can_infer_option",
                  "can_infer_text", "_VERBOSE_ANSWER_RE")["can_infer"]  # fmt: skip
    yield Rule("V*Bench, HR-Bench, RealWorldQA", "inferred", "letters", lambda a, t: float(
        infer(a, _options(t)) == _letter(t)))  # fmt: skip
    mme = taken(folder / "dataset/utils/multiple_choice.py", "extract_characters_regex")

    def realworld(answer: str, truth: Truth) -> float:
        tagged = re.search("<answer>(.*?)</answer>", answer, re.DOTALL)
        text = tagged[1].strip().upper() if tagged else answer
        return float(mme["extract_characters_regex"](text) == _letter(truth))

    yield Rule("MME-RealWorld", "mme-realworld", "letters", realworld, _of_tags)
    vqa = taken(folder / "dataset/utils/vqa_eval.py", "levenshtein_distance", "anls_compute",
                "relaxed_correctness")  # fmt: skip

    def anls(answer: str, truth: Truth) -> float:
        matches = [vqa["anls_compute"](right, answer) for right in truth.answers]
        return 0.0 if 1 - min(matches) < 0.5 else 1 - min(matches)

    yield Rule("DocVQA, InfographicVQA", "anls", "texts", anls)
    yield Rule("ChartQA", "relaxed", "numbers", lambda a, t: float(any(
        vqa["relaxed_correctness"](right, a.strip()) for right in t.answers)))  # fmt: skip


def _letter(truth: Truth) -> str:
    return "ABCDE"[truth.choice or 0]


def _options(truth: Truth) -> dict[str, str]:
    return dict(zip("ABCDE", truth.choices, strict=False))


def _of_versions(answer: str, truth: Truth) -> str:
    """lmms-eval has an earlier version of the inference."""
    letters = [letter for letter in _options(truth) if letter in _words(answer)]
    if len(answer.lower()) > 2 * sum(map(len, truth.choices)):
        return "a long answer, in which lmms-eval looks for the text of an option"
    if len(letters) == 1 and _words(answer).index(letters[0]) <= len(_words(answer)) - 5:
        return "a letter before the last four words, which lmms-eval takes"
    return "'answer is B', which lmms-eval doesn't look for" if "nswer is" in answer else ""


def _words(answer: str) -> list[str]:
    return "".join(" " if c in ".()[],:;!*#{}" else c for c in answer).split()


def _of_tags(answer: str, truth: Truth) -> str:
    return "what stands in <answer>, which VLMEvalKit reads alone" if "</answer>" in answer else ""


def _of_spaces(answer: str, truth: Truth) -> str:
    return "spaces around the answer, which lmms-eval leaves" if answer != answer.strip() else ""


# --- made-up answers ---------------------------------------------------------------------------

LETTERS = ("A", "B", "C", "D", "E", "Z", "a", "b", "d", "F")
FORMS = ("{}", "({})", "{}.", "{}:", "{})", "**{}**", "[{}]", "{},", "Option {}", "option {}.",
         "{}. red", "The answer is {}", "the answer is {}.", "The correct answer is **{}**",
         "The best answer is {}", "Answer: {}", "Best option: {}", "my choice is {}", "I choose {}",
         "<answer>{}</answer>", "\\boxed{{{}}}", "정답은 {}", "答案是{}", "\"{}\"", "'{}'!",
         "not {}", "{} or B", "choice {}")  # fmt: skip
WORDS = ("Blue", "Can't tell", "a cat", "the dog", "red", "dark blue", "on the left", "2", "two",
         "I think", "because", "Cannot determine the answer", "it is", "ABBA", "CD", "x", "is",
         "Ärzte", "Straße", "İ", "Sorry, I can't help with images of people yet.", "Zoe", "Dr.",
         "vitamin D", "The answer", "answer is", "\n", "  ", "\t", "—", "。", "", "e.g. A.", "ﬁ",
         "Failed to obtain answer via API")  # fmt: skip
TEXTS = ("Edward R. Shannon", "1,000", "$ 5.00", "January 1, 2024", "the", "NEW  york", "İzmir",
         "straße", "q", "", " ", "A  B", "yes", "Yes.", "0.28", "½", "é", "é", "\n")  # fmt: skip
NUMBERS = ("0", "1", "-1", "5%", "0.05", "12", "12.5", "1e3", "1,000", "nan", "inf", "-inf", "1_0",
           "%", "", "100%", "0%", "0.0", "½", "١٢", "5 %", "12.6", "13.2", "Yes", "no", "yes ",
           " 12", "12\n", "US", "us", "2019", "2020", "1e400", "+5", ".5")  # fmt: skip


def _of_letters(rng: np.random.Generator) -> tuple[str, Truth]:
    parts = []
    for _ in range(rng.integers(1, 7)):
        if rng.random() < 0.4:
            letter = LETTERS[rng.integers(len(LETTERS))]
            parts.append(FORMS[rng.integers(len(FORMS))].format(letter))
        else:
            parts.append(WORDS[rng.integers(len(WORDS))])
    separator = (" ", "", "\n", ", ")[rng.choice(4, p=(0.7, 0.1, 0.1, 0.1))]
    choice = int(rng.integers(4))
    if named := [letter for letter in "ABCD" if letter in "".join(parts)]:
        choice = "ABCD".index(named[rng.integers(len(named))])  # so that most are worth something
    return separator.join(parts), Truth(("ABCD"[choice],), CHOICES[:4], choice)


def _mixed(rng: np.random.Generator) -> tuple[str, Truth]:
    answer, truth = _of_letters(rng)
    if rng.random() < 0.7:
        return answer, truth
    right = WORDS[rng.integers(len(WORDS))].strip()
    return (f" {right.upper()}. " if rng.random() < 0.5 else answer), Truth((right,))


def _of_texts(rng: np.random.Generator) -> tuple[str, Truth]:
    right = tuple(_text(rng) for _ in range(rng.integers(1, 4)))
    answer = right[rng.integers(len(right))] if rng.random() < 0.8 else _text(rng)
    letters = list(answer)
    for _ in range(rng.integers(0, 5)):
        at = int(rng.integers(len(letters) + 1))
        if rng.random() < 0.5 and letters:
            letters.pop(min(at, len(letters) - 1))
        else:
            letters.insert(at, "aE 1é\n.ß"[rng.integers(8)])
    changed = "".join(letters)
    return (changed.upper() if rng.random() < 0.3 else changed), Truth(right)


def _text(rng: np.random.Generator) -> str:
    return " ".join(TEXTS[rng.integers(len(TEXTS))] for _ in range(rng.integers(1, 4)))


def _of_numbers(rng: np.random.Generator) -> tuple[str, Truth]:
    right = NUMBERS[rng.integers(len(NUMBERS))]
    draw = rng.random()
    if draw < 0.4:
        answer = NUMBERS[rng.integers(len(NUMBERS))]
    elif draw < 0.6:
        answer = f" {right.swapcase()}" if rng.random() < 0.3 else right.swapcase()
    else:
        value = float(rng.choice((1, 12, 250, 0.4, -7)))
        right, factor = f"{value:g}", float(rng.choice((0.95, 1.05, 0.949, 1.0501, 1, 1.2)))
        answer = f"{100 * value * factor}%" if rng.random() < 0.3 else f"{value * factor}"
    return answer, Truth((right,))


MAKERS: dict[str, Callable[[np.random.Generator], tuple[str, Truth]]] = {
    "letters": _of_letters,
    "mixed": _mixed,
    "texts": _of_texts,
    "numbers": _of_numbers,
}


def compare(rule: Rule, count: int, seed: int) -> tuple[int, list[str], dict[str, int]]:
    """Return how many of so many made-up answers were worth something, the differences that nothing
    explains, and how often each explanation was needed."""
    rng, ours = np.random.default_rng(seed), SCORERS[rule.scorer]
    worth, odd, explained = 0, [], dict[str, int]()
    for _ in range(count):
        answer, truth = MAKERS[rule.kind](rng)
        mine, theirs = ours.score(answer, truth), rule.theirs(answer, truth)
        worth += theirs > 0
        if mine == theirs:
            continue
        if why := rule.explained(answer, truth):
            explained[why] = explained.get(why, 0) + 1
        else:
            odd.append(f"{answer!r} for {truth.answers}: {mine:g} here, {theirs:g} there")
    return worth, odd, explained


def main() -> int:
    args = _parser().parse_args()
    failed = False
    for name, path, rules in (
        ("lmms-eval", args.lmms_eval, of_lmms_eval),
        ("VLMEvalKit", args.vlmevalkit, of_vlmevalkit),
    ):
        for rule in rules(path) if path else ():
            worth, odd, explained = compare(rule, args.answers, args.seed)
            failed |= bool(odd)
            print(f"{name}, {rule.name} ({rule.scorer}): {args.answers} answers, {worth} worth "
                  f"something, {len(odd)} scored otherwise")  # fmt: skip
            for why, times in explained.items():
                print(f"  {times} explained: {why}")
            for line in odd[:SHOWN]:
                print(f"  {line}")
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lmms-eval", type=Path, help="folder of lmms-eval's code")
    parser.add_argument("--vlmevalkit", type=Path, help="folder of VLMEvalKit's code")
    parser.add_argument(
        "--answers", type=int, default=5000, help="made-up answers a rule (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the made-up answers")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
