"""What is written in the open world: strings that training, validation and test never share.

A word belongs to the split that a hash of its lower-cased form names, and so does every string of
three or more characters that isn't made of words. So no split knows a word of another, in whatever
case it is written. Strings of one or two characters are too few to be divided: all splits share
them. The word list of the closed world belongs to training.

Words, names and places: SCOWL (its licence is in words.LICENSE), the commoner first.
"""

import hashlib
import re
from functools import cache
from importlib.resources import files
from string import ascii_letters, ascii_uppercase, digits

import numpy as np

from core.signs.words import WORDS

UMLAUTS = "ÄÖÜäöüßéèÉÈ"
PUNCTUATION = ".,:;!?&-'/$€£%#+()@\""
CHARACTERS = digits + ascii_letters + UMLAUTS + PUNCTUATION  # all that a sign can hold, but a space
ALPHANUMERIC = digits + ascii_uppercase  # random strings are made of all of these, I, O and Q too
LONGEST = 14  # characters of a string, spaces included
LONGEST_LINES = 19  # characters of a text of several lines, line breaks included
SHARED = 2  # strings up to this length belong to every split
# Shares of the splits, in thousandths of the hash's range.
_SHARES = {"train": 880, "validation": 50, "test": 70}
KINDS = {  # in training: what share of the strings
    "upper": 0.2,
    "lower": 0.12,
    "title": 0.12,
    "mixed": 0.02,
    "long": 0.08,
    "pair": 0.12,
    "random": 0.16,
    "digits": 0.07,
    "price": 0.04,
    "marked": 0.04,
    "umlaut": 0.03,
}


@cache
def split_of(text: str) -> str:
    """The split that a word, or a string taken for one, belongs to, whatever its case."""
    key = text.lower()
    if key in _CLOSED:
        return "train"
    at = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest()) * 1000 >> 32
    for split, share in _SHARES.items():
        if at < share:
            return split
        at -= share
    raise AssertionError("the shares are of a thousand")


_CLOSED = frozenset(word.lower() for word in WORDS)


@cache
def vocabulary(split: str) -> tuple[str, ...]:
    """The words, names and places of a split, as they are spelled, the commoner first."""
    text = files(__package__).joinpath("words.txt").read_text(encoding="utf-8")
    return tuple(word for word in text.split() if split_of(word) == split)


@cache
def _by_length(split: str, shortest: int, longest: int) -> tuple[str, ...]:
    return tuple(word for word in vocabulary(split) if shortest <= len(word) <= longest)


def belongs(text: str, split: str) -> bool:
    """Return whether this string may stand on a sign of that split."""
    words = re.findall(r"[^\W\d_]+", text)
    if any(len(word) > SHARED and split_of(word) != split for word in words):
        return False
    several = any(char.isspace() for char in text)
    return len(text) <= SHARED or text.isalpha() or several or split_of(text) == split


def sample(rng: np.random.Generator, split: str, kind: str | None = None) -> str:
    """A string of a split: of the kind, or of one drawn as `KINDS` says."""
    if kind is None:
        kind = str(rng.choice(list(KINDS), p=np.array(list(KINDS.values()))))
    make = _MAKERS[kind]
    while True:  # most are of training; of the smaller splits one in fifteen
        text = make(rng, split)
        if len(text) <= (LONGEST_LINES if kind == "lines" else LONGEST) and belongs(text, split):
            return text


def _word(rng, split, shortest=2, longest=9) -> str:
    words = _by_length(split, shortest, longest)
    return words[int(len(words) * rng.random() ** 1.5)]  # the commoner ones more often


def _lower(rng, split) -> str:
    return _word(rng, split).lower()


def _mixed(rng, split) -> str:
    return "".join(c.upper() if rng.random() < 0.5 else c.lower() for c in _word(rng, split))


def _cased(rng, word: str) -> str:
    return (word.upper(), word.lower(), word.title())[rng.integers(3)]


def _long(rng, split) -> str:
    return _cased(rng, _word(rng, split, 7, 12))


def _pair(rng, split) -> str:
    first = _word(rng, split, 2, 7)
    second = str(rng.integers(1, 100)) if rng.random() < 0.1 else _word(rng, split, 2, 6)
    return _cased(rng, f"{first} {second}")


def _characters(rng, split, alphabet: str, shortest: int, longest: int) -> str:
    """Random characters. The length is drawn first: else the small splits had short ones only."""
    length = int(rng.integers(shortest, longest + 1))
    while True:
        text = "".join(alphabet[i] for i in rng.integers(len(alphabet), size=length))
        if belongs(text, split):
            return text


def _random(rng, split) -> str:
    draw = rng.random()
    if draw < 0.6:
        return _characters(rng, split, ALPHANUMERIC, 1, 7)
    if draw < 0.75:
        return _characters(rng, split, ascii_uppercase, 1, 7)
    if draw < 0.85:
        return _characters(rng, split, ascii_letters, 1, 6)
    letters = _characters(rng, split, ascii_uppercase, 1, 3)
    numbers = _characters(rng, split, digits, 1, 4)
    return f"{letters}{('', '-', ' ')[rng.integers(3)]}{numbers}"  # a plate


def _digits(rng, split) -> str:
    return _characters(rng, split, digits, *((1, 6) if rng.random() < 0.6 else (7, 10)))


def _price(rng, split) -> str:
    """A price, a time, a date, a share or an angle."""
    whole, cents = int(rng.integers(1, 10 ** rng.integers(1, 4))), int(rng.integers(100))
    hour, minute = int(rng.integers(24)), int(rng.integers(60))
    return (
        f"${whole}.{cents:02}", f"{whole},{cents:02} €", f"£{whole}", f"€{whole}.{cents:02}",
        f"{hour}:{minute:02}", f"{hour}.{minute:02}", f"{hour % 12 + 1} {'ap'[hour // 12]}m",
        f"{whole}%", f"-{whole}%", f"{hour + 1}/{minute % 12 + 1}", f"#{whole}",
        f"{hour}-{minute}", f"{whole}.{cents % 10} km",
    )[rng.integers(13)]  # fmt: skip


def _marked(rng, split) -> str:
    """Words with punctuation."""
    word, other = _cased(rng, _word(rng, split, 2, 7)), _cased(rng, _word(rng, split, 2, 5))
    return (
        f"{word}!", f"{word}?", f"{word}.", f"{word}:", f"{word}, {other}", f"{word} & {other}",
        f"{word}-{other}", f"{word}/{other}", f"{word}'s", f'"{word}"', f"({word})", f"{word}+",
        f"@{word.lower()}", f"No. {rng.integers(1, 1000)}", f"{word}; {other}",
    )[rng.integers(15)]  # fmt: skip


_UMLAUTED = str.maketrans("aouAOUeE", "äöüÄÖÜéè")


def _umlaut(rng, split) -> str:
    """A word with one of its vowels changed, or a sharp s: no real word, but real letters."""
    word = _cased(rng, _word(rng, split, 3, 9))
    word = word.replace("ss", "ß") if rng.random() < 0.5 else word
    vowels = [i for i, c in enumerate(word) if ord(c) in _UMLAUTED]
    if vowels:
        at = vowels[rng.integers(len(vowels))]
        word = word[:at] + word[at].translate(_UMLAUTED) + word[at + 1 :]
    return word


def _lines(rng, split) -> str:
    """Two to four lines as on a sign: words in one case, or with a number among them."""
    case = (str.upper, str.lower, str.title, str.title)[rng.integers(4)]
    found = []
    for _ in range(int(rng.choice((2, 3, 4), p=(0.6, 0.32, 0.08)))):
        draw = rng.random()
        if draw < 0.78:
            line = case(_word(rng, split, 2, 8))
        elif draw < 0.84:
            line = case(f"{_word(rng, split, 2, 5)} {_word(rng, split, 2, 5)}")
        elif draw < 0.9:
            line = _price(rng, split)
        else:
            line = _characters(rng, split, digits, 1, 4)
        found.append(line)
    return "\n".join(found)


_MAKERS = {
    "upper": lambda rng, split: _word(rng, split).upper(),
    "lower": _lower,
    "title": lambda rng, split: _word(rng, split).title(),
    "mixed": _mixed,
    "long": _long,
    "pair": _pair,
    "random": _random,
    "alphanumeric": lambda rng, split: _characters(rng, split, ALPHANUMERIC, 1, 6),
    "letters": lambda rng, split: _characters(rng, split, ascii_uppercase, 1, 6),
    "digits": _digits,
    "telephone": lambda rng, split: _characters(rng, split, digits, 7, 10),
    "price": _price,
    "marked": _marked,
    "umlaut": _umlaut,
    "lines": _lines,
}
assert set(KINDS) <= set(_MAKERS) and abs(sum(KINDS.values()) - 1) < 1e-9
