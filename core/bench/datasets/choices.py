"""Which option of a multiple-choice question an answer names.

The prompt asks for a letter, and models write "D", "**D.** cab", "The answer is a cab.", or their
reasons first. What names one option is read; what names several, or none for certain, is not, and
counts as wrong: docs/datasets.md lists the cases.

An answer is read in three steps. Every mention of an option becomes one character, whether by its
text or by its letter. Mentions that are denied ("not A", "B is wrong") go. Then the first of these
that is there decides: a final answer, a statement of the answer, the beginning, any mention.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

TEXT, LETTER = 0xE000, 0xE100  # private characters: an option mentioned by its text, its letter
X, T, L = "[\ue000-\ue1ff]", "[\ue000-\ue0ff]", "[\ue100-\ue1ff]"


def read_choice(prediction: str, choices: Sequence[str]) -> int | None:
    """Return the index of the option that an answer names; None if it names none, or several.

    A letter counts before the text of an option that is a letter itself: the prompt asks for one.
    Of options that have the same text, the first is named.
    """
    options = _options(tuple(choices[:26]))
    for said in (prediction, prediction.strip()):
        if said in choices and not _is_letter(said, options.letters):
            return choices.index(said)
    said = _plain(prediction)
    bare = said.strip(_AROUND)
    if _is_letter(bare, options.letters):
        return options.letters.index(bare.lower())
    marked = _without_denied(_mark_letters(_mark_texts(said, options), options.letters))
    for stated in (_final, _declared, _first):
        if found := set(stated(marked)):
            return found.pop() if len(found) == 1 else None
    found = {_index(mark) for mark in re.findall(X, marked)}
    by_text_alone = not re.search(L, marked)
    if len(found) != 1 or (by_text_alone and _DENIAL.search(marked)):
        return None
    return found.pop()


# --- the text ------------------------------------------------------------------------------

_AROUND = " \n\"'.,:;!?()[]{}<>"


def _plain(text: str) -> str:
    """The text without its markup, on as many lines, quotes and dashes as a keyboard has them."""
    text = re.sub(r"[\ue000-\ue1ff]", "", unicodedata.normalize("NFKC", text))
    text = text.rpartition("</think>")[2].translate(_KEYBOARD)
    text = re.sub(r"\\(?:text|mathrm|mathbf|textbf|rm)\s*\{([^{}]*)\}", r"\1", text)
    text = re.sub(
        r"\\f?boxed\s*\{([^{}]*)\}|<answer>([^<]*)</answer>", r"\nFinal answer: \1\2\n", text
    )
    text = re.sub(r"\$([^$\n]*)\$", r"\1", text)
    text = re.sub(
        r"</?(?:b|i|u|p|em|strong|br|span) ?/?>|\\[()\[\]]|[*`#]|(?<!\w)_+|_+(?!\w)", "", text
    )
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n[\n ]*(?:[-•>] +)?", "\n", f"\n{text}").strip()


_KEYBOARD = str.maketrans("‘’“”«»–—−‐‑→。、", '\'\'""""-----=.,')


class _Options(NamedTuple):
    letters: str  # "abcd"
    pattern: re.Pattern[str] | None  # any option by its text, the longest that fits first
    indices: dict[str, tuple[int, ...]]  # of the options that have a text, lower case


@lru_cache(maxsize=1024)
def _options(choices: tuple[str, ...]) -> _Options:
    letters = "".join(chr(ord("a") + index) for index in range(len(choices)))
    indices: dict[str, tuple[int, ...]] = {}
    seen: set[str] = set()
    for index, choice in enumerate(choices):
        text = _ARTICLE.sub("", _plain(choice).strip().rstrip(".")).lower()
        if text and choice not in seen and not _is_letter(text, letters):
            indices[text] = (*indices.get(text, ()), index)
        seen.add(choice)
    longest = sorted(indices, key=len, reverse=True)
    if not longest:
        return _Options(letters, None, indices)
    either = "|".join(re.escape(text).replace(r"\ ", r"\s+") for text in longest)
    own = rf"(?:[{letters}]-(?=\w))?"  # of "D-cab"
    pattern = (
        rf"(?<!\w)(?<!\w['-])(?<!\d[.,:/])(?<![-+.](?=\d)){own}(?:(?:an?|the)\s+(?!\d))?({either})"
        r"(?!\w)(?!['-]\w)(?![.,:/]\d)"
    )
    return _Options(letters, re.compile(pattern, re.IGNORECASE), indices)


def _is_letter(text: str, letters: str) -> bool:
    return len(text) == 1 and text.lower() in letters


_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)


def _mark_texts(said: str, options: _Options) -> str:
    """`said` with a mark for every option that stands there by its text, an article included."""

    def mark(match: re.Match[str]) -> str:
        indices = options.indices.get(" ".join(match[1].lower().split()), ())
        return chr(TEXT + indices[0]) if len(indices) == 1 else match[0]

    return options.pattern.sub(mark, said) if options.pattern else said


# --- letters -------------------------------------------------------------------------------


def _mark_letters(said: str, letters: str) -> str:
    """`said` with a mark for every letter that stands for an option, and not for a word."""
    if not letters:
        return said

    def mark(match: re.Match[str]) -> str:
        place = match.start("x") - match.start()
        index = letters.index(match["x"].lower())
        return match[0][:place] + chr(LETTER + index) + match[0][place + 1 :]

    for pattern in _letter_patterns(letters[-1]):
        said = pattern.sub(mark, said)
    return said


_BEFORE = (
    "is|are|be|so|thus|hence|therefore|then|but|maybe|perhaps|probably|definitely|not|nor|neither"
    "|rather than|instead of|except"
)


@lru_cache
def _letter_patterns(last: str) -> tuple[re.Pattern[str], ...]:
    """Return where a letter up to `last` stands for an option; each match has it as its group x."""
    capital, either = f"[A-{last.upper()}]", f"[a-{last}A-{last.upper()}]"
    whole = r"(?![\w'])(?![.-]\w)"  # not "a.m.", "A-frame", "I'm"
    closed = r"(?=\s*(?:$|[.,;:!?)\]\"'\n=]))"
    reasons = r" (?:is|because|since|as|seems|not|rather|instead)\b"
    # After "answer is", "a cab" and "I think" are words, and "D as in dog" is a letter.
    named = rf"(?P<x>(?![aiAI]){either}{whole}|{either}{whole}(?=\s*(?:$|[^\w ]|{X}|-)|{reasons}))"
    noun = r"(?i:answer|option|choice|letter|alternative)"
    verb = r"(?i:choose|chose|pick|select|say|think|guess|(?:go|going|vote|opt) (?:with|for))"
    following = rf"(?P<x>{capital}){whole}"
    listed = r"(?:\s*(?:/|&|\+|,? ?\b(?:and|or|nor)\b|,)\s*|\s+)"
    patterns = (
        rf"[(\[{{\"'] ?(?P<x>{either})[.:]? ?[)\]}}\"']",  # (D), [d], "D"
        rf"^[(\[\"' ]*(?P<x>{either})(?=\s*$|\s*[:)\]=]|\s*[.;,](?!\w)|\s*[.,(-]*\s*{X}| ?- "
        rf"|(?<![aA]) \(|{reasons})",
        rf"(?<![\w'])(?P<x>{capital})(?=[.:),=-]?\s*{T})",  # ... D. cab
        rf"\b{noun}[ :=#.\n(-]*{named}",  # Option D, ANSWER: D
        rf"\b(?:{noun}|(?i:one))(?: [\w']+){{0,6}}? (?:is|was|be)[ :\n]*"
        rf"(?i:the )?(?:{noun} )?{named}",  # the right one would be D
        rf"\b{verb} (?:{noun} )?(?P<x>{either}){whole}{closed}",  # I choose d.
        rf"\b(?i:it is|it's|that's) (?P<x>{either}){whole}{closed}",  # it's d.
        rf"(?:(?<=[,:;=>-])|\b(?i:{_BEFORE})|'s) {following}{closed}",  # so, D.
        rf"[.,;:!?] (?P<x>{capital})(?={reasons})",  # ... D is right
        rf"(?<![\w'])(?P<x>{capital})(?={listed}[(\[\"']*(?:{capital}{whole}|{L}))",  # A or B
        *[rf"{L}[)\]\"']*{listed}(?:{noun} )?[(\[\"']*{following}"] * (ord(last) - ord("a")),
    )
    return tuple(re.compile(pattern, re.MULTILINE) for pattern in patterns)


# --- what is denied ------------------------------------------------------------------------

_DENIAL = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|except|rather than|instead of|[a-z]+n't)\b",
    re.IGNORECASE,
)
# Each way to divide two marks matches in one way only, or a long list would take for ever.
_MARKS = (
    rf"{X}[)\]\"']*(?:\s*(?:(?:/|&|(?:, ?)?\b(?:and|or|nor)\b)\s*)?[(\[\"']*{X}[)\]\"']*){{0,9}}"
)
_DENIED = (
    re.compile(r"\bno (?:doubt|question)\b", re.IGNORECASE),
    re.compile(rf"{_DENIAL.pattern}(?:(?!\bbut\b)[^.,;:!?\n\ue000-\ue1ff]){{0,60}}?{_MARKS}", re.I),
    re.compile(
        rf"{_MARKS}(?: ?[:=-] ?| )(?:(?!(?:but|because|since|as|and|so)\b)[\w']+ ){{0,3}}?"
        r"(?:not|wrong|incorrect|false|impossible|unlikely|never|cannot|[a-z]+n't)\b",
        re.IGNORECASE,
    ),
)


def _without_denied(marked: str) -> str:
    for pattern in _DENIED:
        marked = pattern.sub("", marked)
    return marked


# --- what is stated ------------------------------------------------------------------------

_GAP = "(?:[^\\w\ue000-\ue1ff]|\\b(?:option|choice|letter|the|an?)\\b)*"
_RUN = re.compile(
    rf"{_GAP}({X}(?:[^\w\ue000-\ue1ff]*(?:\b(?:and|or)\b)?[^\w\ue000-\ue1ff]*{X})*)", re.I
)
_GOES_ON = re.compile(r" *\w")
_BECAUSE = re.compile(r" *(?:because|since|as|is|which|that|and|or)\b", re.IGNORECASE)
_FINAL = re.compile(r"\bfinal (?:answer|choice|option)\b(?: is\b)?", re.IGNORECASE)
_DECLARED = re.compile(
    r"\b(?:answer|choice)\b(?! ?\w)"
    r"|\b(?:answer|choice|option|one)\b(?: [\w']+){0,6}? (?:is|was|be)\b",
    re.IGNORECASE,
)
_IS_RIGHT = re.compile(
    rf"({X})[)\]\"']*,? (?:is|seems|would be) (?:\w+ ){{0,3}}?(?:answer|correct|right|best)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^(?:it is|it's|this is|that is)\b", re.IGNORECASE)
_OF_LINE = re.compile(rf"^[(\[\"' ]*({L})", re.MULTILINE)


def _final(marked: str) -> Iterator[int]:
    """Return what stands after "final answer", or in a box."""
    for match in _FINAL.finditer(marked):
        yield from _at(marked, match.end())


def _declared(marked: str) -> Iterator[int]:
    """Return what stands after "the answer is", or before "is the answer"."""
    for match in _DECLARED.finditer(marked):
        yield from _at(marked, match.end())
    for match in _IS_RIGHT.finditer(marked):
        yield _index(match[1])


def _first(marked: str) -> Iterator[int]:
    """Return what stands at the beginning, or the letter at the beginning of any line."""
    yield from _at(_OPENING.sub("", marked), 0)
    for match in _OF_LINE.finditer(marked):
        yield _index(match[1])


def _at(marked: str, start: int) -> Iterator[int]:
    """The options named one right after the other from `start` on.

    A text that goes on ("cab driver") is none of them, nor one in a sentence after a letter.
    """
    run = _RUN.match(marked, start)
    if not run:
        return
    marks, rest = re.findall(X, run[1]), marked[run.end() :]
    goes_on = _GOES_ON.match(rest) and (len(marks) > 1 or not _BECAUSE.match(rest))
    if goes_on and re.match(T, marks[-1]):
        marks.pop()
    yield from map(_index, marks)


def _index(mark: str) -> int:
    return ord(mark) - (LETTER if ord(mark) >= LETTER else TEXT)
