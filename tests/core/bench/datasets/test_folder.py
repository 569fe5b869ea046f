import json
import os

import pytest

from core.bench.datasets import DatasetError, load_dataset
from core.bench.datasets.scoring import SCORERS
from core.imaging import load_image


@pytest.mark.parametrize("file", ["questions.jsonl", "questions.csv"])
def test_both_kinds_of_file_give_the_same_questions(official, file):
    dataset = load_dataset("folder", folder=official / "own" / file)
    assert [sample.image_id for sample in dataset] == [
        "photos/shop.png",
        "photos/door.png",
        "photos/shop.png",
    ]
    sample = dataset[0]
    assert sample.question == "What is it called?"
    assert sample.prompt == sample.question
    assert sample.answers == ("Corner Shop", "The Corner Shop")
    assert SCORERS[dataset.scoring].score("corner shop", sample) == 1
    assert load_image(sample.image).size == (16, 12)
    assert dataset.source["files"][0]["name"] == file


def write(tmp_path, *lines, name="mine.jsonl"):
    (tmp_path / "a.png").write_bytes(b"not looked at here")
    path = tmp_path / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def line(image="a.png", **fields):
    return {"image": image, "question": "What?", "answers": ["x"]} | fields


def test_a_folder_stands_for_its_only_file(tmp_path, official):
    path = write(tmp_path, line())
    assert list(load_dataset("folder", folder=tmp_path)) == list(
        load_dataset("folder", folder=path)
    )
    with pytest.raises(
        DatasetError, match=r"found questions\.csv, questions\.jsonl; name the file"
    ):
        load_dataset("folder", folder=official / "own")
    with pytest.raises(DatasetError, match="found none"):
        load_dataset("folder", folder=official / "own" / "photos")
    with pytest.raises(DatasetError, match=r"door\.png: expected a file of type \.jsonl"):
        load_dataset("folder", folder=official / "own" / "photos" / "door.png")
    with pytest.raises(DatasetError, match=r"no file .*none\.csv; expected questions with the"):
        load_dataset("folder", folder=tmp_path / "none.csv")


def test_ids_are_given_or_counted_and_unique(tmp_path):
    path = write(tmp_path, line(), line(id="door"), line(id=7))
    assert [sample.id for sample in load_dataset("folder", folder=path)] == ["1", "door", "7"]
    path = write(tmp_path, line(id=0), line(id=None), line(id=" "))
    assert [sample.id for sample in load_dataset("folder", folder=path)] == ["0", "2", "3"]
    path = write(tmp_path, line(id="a"), line(id="a"))
    with pytest.raises(DatasetError, match="every question once, but 'a' is twice"):
        load_dataset("folder", folder=path)


@pytest.mark.parametrize(
    "image",
    ["../secret.png", "photos/../../secret.png", "/etc/hostname", "link.png", "linked/secret.png",
     "a.png\0", "photos", "..\\secret.png", "photos\\..\\..\\secret.png", "C:\\secret.png",
     "\\\\host\\secret.png", "LINKED/SECRET.PNG", "Link.png"],
)  # fmt: skip
def test_images_outside_the_folder_are_refused(tmp_path, image):
    outside, inside = tmp_path / "secret.png", tmp_path / "mine"
    outside.write_bytes(b"secret")
    (inside / "photos").mkdir(parents=True)
    os.symlink(outside, inside / "link.png")
    os.symlink(tmp_path, inside / "linked")
    path = write(inside, line(), line(image))
    with pytest.raises(DatasetError, match=r"mine\.jsonl, line 2: 'image' should be .*path"):
        load_dataset("folder", folder=path)


def test_an_image_swapped_for_a_link_later_is_refused_too(tmp_path):
    (tmp_path / "mine").mkdir()
    path = write(tmp_path / "mine", line())
    dataset = load_dataset("folder", folder=path)
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "mine" / "a.png").unlink()
    os.symlink(tmp_path / "secret.png", tmp_path / "mine" / "a.png")
    with pytest.raises(DatasetError, match="inside the folder"):
        _ = dataset[0].image


def test_links_within_the_folder_and_a_linked_folder_are_fine(tmp_path):
    (tmp_path / "mine").mkdir()
    write(tmp_path / "mine", line("b.png"))
    os.symlink("a.png", tmp_path / "mine" / "b.png")
    os.symlink("mine", tmp_path / "alias")
    assert len(load_dataset("folder", folder=tmp_path / "alias" / "mine.jsonl")) == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"image": "b.png"}, "'image' should be the path of an image that exists in {folder}, not"),
        (
            {"image": "x" * 5000},
            "'image' should be the path of an image that exists in {folder}, not",
        ),
        ({"image": "no/b.png"}, "that exists in {folder}, not 'no/b.png'"),
        ({"image": 3}, "'image' should be a text, not 3"),
        ({"question": ""}, "'question' should be a text"),
        ({"answers": []}, "'answers' should be a list of texts, not empty"),
        ({"answers": [1]}, "'answers' should be a list of texts"),
        ({"id": False}, "'id' should be a text or a whole number"),
        ({"id": {"a": 1}}, "'id' should be a text or a whole number"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, fields, sentence):
    path = write(tmp_path, line(), line(**fields))
    with pytest.raises(DatasetError, match=r"mine\.jsonl, line 2: ") as caught:
        load_dataset("folder", folder=path)
    assert sentence.replace("{folder}", str(tmp_path.resolve())) in str(caught.value)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("a.png,What?", "line 2: expected 3 columns (image, question, answers), found 2"),
        ("a.png,What?, | ", "line 2: 'answers' should be a list of texts, not empty"),
        (
            'a.png,"What?,x',
            "line 2: not valid CSV (unexpected end of data): expected questions with the",
        ),
    ],
)
def test_a_malformed_row_is_named(tmp_path, row, sentence):
    write(tmp_path, name="other.txt")
    (tmp_path / "mine.csv").write_text("image,question,answers\n" + row)
    with pytest.raises(DatasetError) as caught:
        load_dataset("folder", folder=tmp_path)
    assert sentence in str(caught.value)


def test_ten_annotators_or_yes_and_no_are_scored_as_published(tmp_path):
    path = write(tmp_path, line(answers=["12"] * 2 + ["twelve"] * 8))
    dataset = load_dataset("folder+vqa", folder=path)
    assert SCORERS[dataset.scoring].score("12.", dataset[0]) == pytest.approx(0.6)
    with pytest.raises(DatasetError, match="line 1: 'answers' should be yes or no"):
        load_dataset("folder+yes-no", folder=path)
    path = write(tmp_path, line(answers=["no"]), line(answers=["Yes"]), line(answers="NO."))
    dataset = load_dataset("folder+yes-no", folder=path)
    assert dataset.scoring == "pope"
    assert [sample.answers for sample in dataset] == [("no",), ("yes",), ("no",)]
    with pytest.raises(DatasetError, match="line 1: 'answers' should be a list of 10 texts"):
        load_dataset("folder+vqa", folder=path)


def test_a_table_from_a_spreadsheet_on_windows_is_read(tmp_path):
    """Semicolons, tabs, UTF-16, capitals in the first line, `\\` between folders."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "shöp.png").write_bytes(b"not looked at here")
    table = "Image;Question;Answers\nphotos\\shöp.png;What, then?;x|y\n"
    path = tmp_path / "mine.csv"
    for text, encoding in (
        (table, "utf-8-sig"),
        (table.replace(";", "\t"), "utf-16"),
        ("sep=;\n" + table, "utf-8"),
    ):
        path.write_text(text, encoding)
        sample = load_dataset("folder", folder=path)[0]
        assert (sample.question, sample.answers) == ("What, then?", ("x", "y"))
        assert sample.image == (tmp_path / "photos" / "shöp.png").resolve()
    path = path.rename(tmp_path / "mine.tsv")
    assert list(load_dataset("folder", folder=path)) == [sample]


def test_the_keys_of_json_lines_may_be_capitals_and_stand_once(tmp_path):
    (tmp_path / "a.png").write_bytes(b"not looked at here")
    path = tmp_path / "mine.jsonl"
    path.write_text('{"Image": "a.png", "QUESTION": "What?", "Answers": ["x"]}')
    assert load_dataset("folder", folder=path)[0].answers == ("x",)
    path.write_text('{"image": "a.png", "question": "What?", "answers": ["x"], "Image": "b.png"}')
    with pytest.raises(DatasetError, match="line 1: .*a key stands twice among image, question"):
        load_dataset("folder", folder=path)
    path.write_text('{"picture": "a.png", "question": "What?"}')
    with pytest.raises(DatasetError, match="'image' .*, but is missing among picture, question"):
        load_dataset("folder", folder=path)


@pytest.mark.parametrize(
    "cell, boxes",
    [
        ("1 2 30 40", ((1, 2, 30, 40),)),
        ("1 2 30 40 | 5 6 7 8", ((1, 2, 30, 40), (5, 6, 7, 8))),
        ("", ()),
    ],
)
def test_boxes_of_a_table_and_of_json_lines(copied, cell, boxes):
    folder = copied("own")
    (folder / "b.csv").write_text(f"image,question,answers,boxes\nphotos/shop.png,Q?,x,{cell}\n")
    line = {"image": "photos/shop.png", "question": "Q?", "answers": ["x"], "boxes": boxes}
    (folder / "b.jsonl").write_text(json.dumps(line))
    for file in ("b.csv", "b.jsonl"):
        assert load_dataset("folder", folder=folder / file)[0].boxes == boxes


@pytest.mark.parametrize(
    "cell", ["1 2 3", "a b c d", "30 2 1 40", "1 2 1 40", "-1 2 30 40", "1.5 2 30 40"]
)
def test_a_box_that_is_none_is_named_with_its_line(copied, cell):
    folder = copied("own")
    (folder / "b.csv").write_text(f"image,question,answers,boxes\nphotos/shop.png,Q?,x,{cell}\n")
    with pytest.raises(DatasetError, match="line 2: 'boxes' should be"):
        load_dataset("folder", folder=folder / "b.csv")
