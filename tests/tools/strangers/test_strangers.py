import json
import re
import sys
from collections import Counter

import pytest
from PIL import Image

from core.bench.datasets import load_dataset
from tests.support.paths import ROOT
from tools.strangers.__main__ import main
from tools.strangers.asks import KINDS, NOTHING
from tools.strangers.letters import FACES, installed, typeface
from tools.strangers.pictures import SERIES, encoded, questions

ASKED = {name: list(questions(pictures, "pictures")) for name, pictures in SERIES.items()}
EACH = pytest.mark.parametrize("series", SERIES)
YES_OR_NO = (["yes"], ["no"])
COLOURS = "red orange yellow green blue purple white black pink grey".split()


@pytest.fixture(scope="module", params=SERIES)
def drawn(request, tmp_path_factory):
    """A series, and the folder that it was drawn into."""
    folder = tmp_path_factory.mktemp(request.param)
    main(["--out", str(folder), "--series", request.param])
    return request.param, folder


def test_what_is_written_is_a_data_set(drawn):
    series, folder = drawn
    samples = load_dataset("folder", folder=folder)
    names = {picture.name for picture in SERIES[series]}
    assert [sample.id for sample in samples] == [line["id"] for line in ASKED[series]]
    assert {sample.image.name for sample in samples} == names
    assert {path.name for path in (folder / "pictures").iterdir()} == names
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == ASKED[series]


def test_pictures_have_their_sizes(drawn):
    series, folder = drawn
    for picture in SERIES[series]:
        with Image.open(folder / "pictures" / picture.name) as image:
            assert image.size == picture.size, picture.name


def test_it_is_the_same_twice(drawn):
    series, folder = drawn
    small = [picture for picture in SERIES[series] if picture.size[0] * picture.size[1] < 700_000]
    assert len(small) > 10
    for picture in small:
        assert (folder / "pictures" / picture.name).read_bytes() == encoded(picture), picture.name


@EACH
def test_names_are_of_one_picture_or_question(series):
    assert len({picture.name.split(".")[0] for picture in SERIES[series]}) == len(SERIES[series])
    assert len({line["id"] for line in ASKED[series]}) == len(ASKED[series])


@pytest.mark.parametrize(("series", "enough"), [("first", 15), ("second", 7)])
def test_there_are_enough_of_each_kind(series, enough):
    counts = Counter(line["kind"] for line in ASKED[series])
    assert counts.keys() == set(KINDS)
    assert min(counts.values()) >= enough


def test_the_first_is_drawn_unless_said_otherwise(monkeypatch, tmp_path):
    for name, pictures in SERIES.items():
        monkeypatch.setitem(SERIES, name, pictures[:1])
    main(["--out", str(tmp_path)])
    assert (tmp_path / "pictures" / SERIES["first"][0].name).exists()


@pytest.mark.parametrize("kind", ["says", "colour", "presence"])
def test_half_of_yes_and_no_is_yes(kind):
    answers = [line["answers"] for line in ASKED["first"] if line["kind"] == kind]
    yes, no = map(answers.count, YES_OR_NO)
    assert yes > 3 and abs(yes - no) <= 1


@EACH
def test_answers_are_of_their_kind(series):
    for line in ASKED[series]:
        kind, answers = line["kind"], line["answers"]
        if kind in ("says", "presence"):
            assert answers in YES_OR_NO, line
        elif kind == "colour":
            assert answers in YES_OR_NO or answers[0] in COLOURS, line
            assert len(answers) == 1 or series == "second", line
        elif kind == "absent":
            ways = [["no such sign"], ["no such object"]], [list(NOTHING)]
            assert answers in ways[series == "second"], line
        elif kind == "several lines":
            assert " " in answers[0], line


def test_a_third_of_the_pictures_is_large():
    """Whose writing can be small for the picture, so that a second look is needed."""
    longest = [max(picture.size) for picture in SERIES["first"]]
    assert sum(side >= 1800 for side in longest) > len(longest) / 3
    assert {side // 1000 for side in longest} == {0, 1, 2, 3}


def test_no_answer_shares_a_word_with_the_training():
    trained = set(re.findall(r"\w+", (ROOT / "core/signs/words.py").read_text("utf-8").lower()))
    texts = ("one line", "several lines", "pointed", "price or number")
    asked = [line for line in ASKED["first"] if line["kind"] in texts]
    answers = " ".join(" ".join(line["answers"]) for line in asked)
    assert {word for word in re.findall(r"[a-z]{3,}", answers.lower())} & trained <= {"the", "and"}


def test_pillows_own_typeface_stands_in(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "fontpkg.pil", None)
    monkeypatch.setitem(SERIES, "first", SERIES["first"][:1])
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
