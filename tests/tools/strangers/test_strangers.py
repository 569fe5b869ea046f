import json
import re
import sys
from collections import Counter

import pytest
from PIL import Image

from core.bench.datasets import load_dataset
from tests.support.paths import ROOT
from tools.strangers.__main__ import main
from tools.strangers.asks import KINDS
from tools.strangers.letters import FACES, installed, typeface
from tools.strangers.pictures import PICTURES, encoded, questions

ASKED = list(questions(PICTURES, "pictures"))
YES_OR_NO = (["yes"], ["no"])
COLOURS = "red orange yellow green blue purple white black".split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strangers")
    main(["--out", str(folder)])
    return folder


def test_what_is_written_is_a_data_set(folder):
    samples = load_dataset("folder", folder=folder)
    assert [sample.id for sample in samples] == [line["id"] for line in ASKED]
    assert {sample.image.name for sample in samples} == {picture.name for picture in PICTURES}
    assert len(list((folder / "pictures").iterdir())) == len(PICTURES)
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == ASKED


def test_pictures_have_their_sizes(folder):
    for picture in PICTURES:
        with Image.open(folder / "pictures" / picture.name) as image:
            assert image.size == picture.size, picture.name


def test_it_is_the_same_twice(folder):
    small = [picture for picture in PICTURES if picture.size[0] * picture.size[1] < 700_000]
    assert len(small) > 10
    for picture in small:
        assert (folder / "pictures" / picture.name).read_bytes() == encoded(picture), picture.name


def test_names_are_of_one_picture_or_question():
    assert len({picture.name.split(".")[0] for picture in PICTURES}) == len(PICTURES)
    assert len({line["id"] for line in ASKED}) == len(ASKED)


def test_there_are_enough_of_each_kind():
    counts = Counter(line["kind"] for line in ASKED)
    assert counts.keys() == set(KINDS)
    assert min(counts.values()) >= 15


@pytest.mark.parametrize("kind", ["says", "colour", "presence"])
def test_half_of_yes_and_no_is_yes(kind):
    answers = [line["answers"] for line in ASKED if line["kind"] == kind]
    yes, no = map(answers.count, YES_OR_NO)
    assert yes > 3 and abs(yes - no) <= 1


def test_answers_are_of_their_kind():
    for line in ASKED:
        kind, answers = line["kind"], line["answers"]
        if kind in ("says", "presence"):
            assert answers in YES_OR_NO, line
        elif kind == "colour":
            assert answers in YES_OR_NO or (len(answers) == 1 and answers[0] in COLOURS), line
        elif kind == "absent":
            assert answers in (["no such sign"], ["no such object"]), line
        elif kind == "several lines":
            assert " " in answers[0], line


def test_a_third_of_the_pictures_is_large():
    """Whose writing can be small for the picture, so that a second look is needed."""
    large = [picture for picture in PICTURES if max(picture.size) >= 1800]
    assert len(large) > len(PICTURES) / 3
    assert {max(picture.size) // 1000 for picture in PICTURES} == {0, 1, 2, 3}


def test_no_answer_shares_a_word_with_the_training():
    trained = set(re.findall(r"\w+", (ROOT / "core/signs/words.py").read_text("utf-8").lower()))
    texts = ("one line", "several lines", "pointed", "price or number")
    answers = " ".join(" ".join(line["answers"]) for line in ASKED if line["kind"] in texts)
    assert {word for word in re.findall(r"[a-z]{3,}", answers.lower())} & trained <= {"the", "and"}


def test_pillows_own_typeface_stands_in(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "fontpkg.pil", None)
    monkeypatch.setattr("tools.strangers.__main__.PICTURES", PICTURES[:1])
    typeface.cache_clear()
    try:
        assert installed() == []
        main(["--out", str(tmp_path)])
    finally:
        typeface.cache_clear()
    first, second, last = capsys.readouterr().out.splitlines()
    assert first == "Typefaces: none." and second.endswith(", ".join(FACES) + ".")
    assert last.startswith("1 pictures, 1 questions: ")


def test_a_folder_that_cannot_be_made_is_said(bad_files, capsys):
    with pytest.raises(SystemExit):
        main(["--out", bad_files["text"]])
    assert "nothing can be written into the folder" in capsys.readouterr().err
