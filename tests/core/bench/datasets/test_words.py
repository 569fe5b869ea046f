import pytest
from PIL import Image

from core.bench.datasets import DatasetError, load_dataset
from core.bench.datasets.scoring import SCORERS


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "test").mkdir()
    for name in ("test/1.png", "test/2.png", "a b.png"):
        Image.new("RGB", (60, 20)).save(tmp_path / name)
    return tmp_path


def test_tags_as_iiit5k_has_them(folder):
    (folder / "test.tags").write_text("test/1.png PRIVATE\n\ntest/2.png SALE!\n")
    dataset = load_dataset("words", folder=folder)
    assert [(s.id, s.answers) for s in dataset] == [
        ("test/1.png", ("PRIVATE",)), ("test/2.png", ("SALE!",)),
    ]  # fmt: skip
    assert dataset[0].question == dataset[0].prompt == "What is written in the image?"
    assert dataset[0].image == (folder / "test" / "1.png").resolve()
    score = SCORERS[dataset.scoring].score
    assert score("private", dataset[0]) == 1 and score("PRIVATE PARKING", dataset[0]) == 0


def test_labels_as_icdar_has_them_and_of_ones_own(folder):
    lines = '\ufefftest/1.png, "Tiredness"\r\na b.png, "say \\"no\\", please"\r\n'
    (folder / "gt.txt").write_text(lines, encoding="utf-8")
    assert [s.answers[0] for s in load_dataset("words", folder=folder)] == [
        "Tiredness", 'say "no", please',
    ]  # fmt: skip
    own = folder / "mine.txt"
    own.write_text("test/2.png two words\n")
    assert load_dataset("words", folder=own)[0].answers == ("two words",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("test/1.png A\ntest/9.png B\n", "line 2"),
        ("../1.png A\n", "a path inside the folder"),
        ("alone\n", "expected `picture.png"),
        ("test/1.png A\ntest/1.png B\n", "twice"),
        ("\n", "labels"),
    ],
)
def test_a_list_that_cannot_be_read_says_why(folder, text, said):
    (folder / "labels.txt").write_text(text)
    with pytest.raises(DatasetError, match=said):
        load_dataset("words", folder=folder)


def test_a_folder_without_a_list_says_what_it_looked_for(folder):
    with pytest.raises(DatasetError, match=r"train\.tags or gt\.txt or labels\.txt"):
        load_dataset("words", "train", folder=folder)
