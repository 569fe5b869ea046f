"""How questions about documents and charts are scored: nearly right counts.

`python -m tools.published.official_scores` holds both rules against lmms-eval and VLMEvalKit.
"""

from __future__ import annotations

from collections.abc import Sequence

LEAST = 0.5  # of the similarity: below, an answer is worth nothing
TOLERANCE = 0.05  # of a number, relative


def anls(answer: str, right: Sequence[str]) -> float:
    """Return the normalised Levenshtein similarity to the nearest right answer; 0 below 0.5.

    Letter case and the amount of white space don't count in the distance, but the length by which
    it is divided is that of the texts as they are. Source: Biten et al. 2019, as DocVQA has it.
    """
    similarity = 1 - min(_distance(answer, text) for text in right)
    return similarity if similarity >= LEAST else 0.0


def _distance(answer: str, right: str) -> float:
    longest = max(len(right.upper()), len(answer.upper()))
    edits = levenshtein(" ".join(answer.lower().split()), " ".join(right.lower().split()))
    return edits / longest if longest else 0.0


def levenshtein(a: str, b: str) -> int:
    """Return how many characters have to be put in, left out or replaced to make `b` of `a`."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, start=1):
        above, row = row, [i]
        for j, other in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (one != other)))
    return row[-1]


def nearly(answer: str, right: str) -> bool:
    """Return whether a number is within 5 % of the right one, or a text equal but for letter case.

    *5%* is 0.05, and right numbers of 0 are compared as texts. Source: ChartQA, section 5.
    """
    said, true = _number(answer), _number(right)
    if said is not None and true:
        return abs(said - true) / abs(true) <= TOLERANCE
    return answer.lower() == right.lower()


def _number(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
