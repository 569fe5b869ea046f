"""The letter of an option in an answer, by the rule of each published benchmark, oddities included.

`core.bench.datasets.choices` reads answers as people would. These rules don't: V*Bench's takes the
C of *Can't tell* for an option. They are here so that a figure means what it means in papers, and
`python -m tools.published.official_scores` holds them against the code they follow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

UNREAD = "Z"  # VLMEvalKit's letter of an answer that names no option


def vstar_letter(answer: str) -> str | None:
    """Return the letter, A to D, that lmms-eval reads for V*Bench; None if there is none."""
    answer = answer.strip().upper()
    for pattern in _VSTAR:
        if found := pattern.search(answer):
            return found[1].upper()
    letters = re.findall("[A-D]", answer)
    return letters[0] if len(letters) == 1 else None


_VSTAR = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^([A-D])\s*[\.)\]]*",  # any word that begins with one, too
        r"(?:THE\s+)?(?:ANSWER|CHOICE|OPTION)(?:\s+IS)?[\s:]+([A-D])",
        r"\(([A-D])\)",
        r"([A-D])\s*(?:\.|\)|])",
        r"(?:^|\s)([A-D])(?:\s|$)",
    )
]


def inferred_letter(answer: str, choices: Sequence[str]) -> str | None:
    """Return the letter that VLMEvalKit infers where no other model helps it to read; None if none.

    By the one letter that stands alone among the last words, else by *the answer is B*, else by the
    only option whose text is in an answer that isn't much longer than the options.
    """
    letters = [chr(ord("A") + index) for index in range(len(choices))]
    return _by_letter(answer, letters) or _by_text(answer, letters, choices)


def _by_letter(answer: str, letters: Sequence[str]) -> str | None:
    if "Failed to obtain answer via API" in answer:
        return None
    if any(refusal in answer for refusal in _REFUSALS):
        return UNREAD
    words = re.sub(r"[.()\[\],:;!*#{}]", " ", answer).split()
    named = [letter for letter in letters if letter in words]
    if len(named) == 1 and words.index(named[0]) > len(words) - 5:
        return named[0]
    if not named and UNREAD in words:
        return UNREAD
    stated = re.search(r"(?i)(?:correct\s+)?answer\s+is\s+\**([ABCD])\**", answer)
    return stated[1].upper() if stated and stated[1].upper() in letters else None


_REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)


def _by_text(answer: str, letters: Sequence[str], choices: Sequence[str]) -> str | None:
    answer = answer.lower()
    if len(answer) > 2 * sum(map(len, choices)):
        return None
    named = [
        letter for letter, choice in zip(letters, choices, strict=True) if choice.lower() in answer
    ]
    return named[0] if len(named) == 1 else None


def mme_realworld_letter(answer: str) -> str | None:
    """Return the letter, A to E, that MME-RealWorld's own script reads; None if there is none.

    The first of these capitals, wherever it stands, but for some beginnings of sentences.
    """
    answer = answer.strip()
    for beginning in _BEGINNINGS:
        answer = answer.replace(beginning, "")
    if found := re.search("[ABCDE]", answer):
        return found[0]
    if len(answer.split()) > 10:
        return None
    # "(a", "b)" or nothing at all, which is in every option
    return next((c for c in "ABCDE" if answer.lower() in f"({c})".lower()), None)


_BEGINNINGS = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option is",
    "The correct option is",
    "Best answer:",
    "Best option:",
)


def ranked_letter(answer: str, letters: Sequence[str] = "ABCD") -> str | None:
    """Return the letter that lmms-eval's shared reader takes for RealWorldQA; None if none.

    Of all mentions, that in the form of the highest rank; among these, the last one, and of two at
    one place the earlier letter.
    """
    if not answer.strip():
        return None
    text = answer.strip()
    for mark in (",", ".", "!", "?", ";", ":", "'", '"'):
        text = text.strip(mark)
    bare, text = text.strip(), f" {text} "
    mentions = []  # rank, place, letter
    for letter in letters:
        forms = ((6, f"({letter})"), (5, f"{letter}."), (4, f"{letter}:"), (3, f"{letter})"),
                 (2, f"{letter} "))  # fmt: skip
        mentions += [(rank, text.rfind(form), letter) for rank, form in forms if form in text]
        mentions += [(7, place, letter) for place in _stated(text, letter)]
        if bare.startswith(letter) and not bare[1:2].isalpha():
            mentions.append((10, 0, letter))
        if bare.endswith(letter) and not bare[-2:-1].isalpha():
            mentions.append((9, len(text) - 1, letter))
    if not mentions:
        mentions = [(0, text.rfind(letter), letter) for letter in letters if letter in text]
    if not mentions:
        return None
    best = max(mention[:2] for mention in mentions)
    return next(letter for *where, letter in mentions if tuple(where) == best)


def _stated(text: str, letter: str) -> list[int]:
    """Return where the letter follows phrases such as *the answer is*, however far behind."""
    small, places = text.lower(), []
    for phrase in _PHRASES:
        at = small.find(phrase)
        if at >= 0 and (place := text.find(letter, at + len(phrase))) >= 0:
            places.append(place)
    return places


_NOUNS = ("answer", "correct answer", "best answer", "correct option", "best option", "choice",
          "correct choice")  # fmt: skip
_PHRASES = (
    *(f"{article}{noun} is" for article in ("the ", "") for noun in _NOUNS),
    "i choose", "i select", "i pick", "my answer is", "my choice is",
    "옵션", "정답은", "답은", "답:", "答案是", "答案为", "选", "答えは",
)  # fmt: skip
