import numpy as np
import pytest

from core.signs.scenes import SPLITS
from core.signs.words import WORDS
from core.signs.world import faces, strings


def test_no_word_is_in_two_splits_in_whatever_case():
    words = {split: {w.lower() for w in strings.vocabulary(split)} for split in SPLITS}
    assert not words["train"] & words["test"] and not words["validation"] & words["test"]
    assert not words["train"] & words["validation"]
    assert len(words["train"]) > 40_000 and len(words["validation"]) > 2_000 < len(words["test"])
    assert all(strings.split_of(word) == strings.split_of(word.upper()) for word in words["test"])


def test_the_closed_worlds_words_are_never_unseen():
    assert {strings.split_of(word) for word in WORDS} == {"train"}


@pytest.mark.parametrize("kind", [*strings.KINDS, "alphanumeric", "letters", "telephone"])
def test_strings_of_a_kind_belong_to_their_split_and_fit(kind):
    rng = np.random.default_rng(0)
    for split in SPLITS:
        for _ in range(30):
            text = strings.sample(rng, split, kind)
            assert 1 <= len(text) <= strings.LONGEST and text == text.strip()
            assert strings.belongs(text, split)
            assert set(text) <= set(strings.CHARACTERS + " ")


@pytest.mark.parametrize("split", SPLITS)
def test_a_text_of_lines_has_two_to_four_and_fits_an_answer(split):
    rng = np.random.default_rng(0)
    texts = [strings.sample(rng, split, "lines") for _ in range(400)]
    assert {1, 2} <= {text.count("\n") for text in texts} <= {1, 2, 3}
    assert max(map(len, texts)) <= strings.LONGEST_LINES
    assert all(strings.belongs(text, split) for text in texts)
    assert all(line and line == line.strip() for text in texts for line in text.split("\n"))
    assert set("".join(texts)) <= set(strings.CHARACTERS + " \n")


def test_no_split_has_a_string_of_another_but_for_the_shortest():
    rng = np.random.default_rng(1)
    drawn = {s: {strings.sample(rng, s).lower() for _ in range(2000)} for s in SPLITS}
    shared = drawn["train"] & drawn["test"] | drawn["train"] & drawn["validation"]
    # Prices, dates and times with spaces are few, and are not words.
    assert all(
        len(text) <= strings.SHARED or not text.replace(" ", "").isalpha() for text in shared
    )
    assert len({text for text in shared if len(text) > 3}) < 20


def test_random_strings_hold_every_letter_and_digit_evenly_and_every_length():
    rng = np.random.default_rng(2)
    texts = [strings.sample(rng, "test", "alphanumeric") for _ in range(2000)]
    counts = np.array([sum(text.count(c) for text in texts) for c in strings.ALPHANUMERIC])
    assert counts.min() > 0.7 * counts.mean()
    lengths = np.bincount([len(text) for text in texts])[1:]
    assert len(lengths) == 6 and lengths.min() > 0.7 * lengths.mean()


def test_lists_of_typefaces_are_disjoint_and_long():
    train, validation, test = (set(faces.FAMILIES[split]) for split in SPLITS)
    assert not train & test and not train & validation and not validation & test
    assert len(train) >= 150 and len(validation) >= 10 and len(test) >= 20


def test_what_a_typeface_cannot_show_is_not_written_with_it():
    assert faces.written("Stop", "bungee") == "STOP" and faces.written("Stop", "lato") == "Stop"
    assert faces.written("Maß", "bungee") is None and faces.written("5 €", "arvo") is None


def test_no_sign_in_a_classroom_shouts_abuse():
    words = {word.lower() for split in SPLITS for word in strings.vocabulary(split)}
    assert len(words) > 50_000 and not words & {"fuck", "shit", "shits", "slut", "nazi", "pussy"}
