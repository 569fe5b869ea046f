"""A batch can be cut short anywhere, and goes on where it was."""

import json

import pytest

from core.edge import batch
from core.edge.batch import BatchError, Row, read_csv, read_folder, run
from core.edge.client import EdgeError, Refused, Result, Unreachable
from core.imaging import ImageError


class FakeClient:
    """Answers with the name of the image; fails as it is told to."""

    def __init__(self, failures=None):
        self.asked, self.failures = [], dict(failures or {})

    def ask(self, image, question, force=False):
        self.asked.append(image.name)
        if image.name in self.failures:
            raise self.failures[image.name]
        return Result(question, image.name.upper(), None, 0.5, None, (), 0, 0.1)


@pytest.fixture
def rows(tmp_path):
    return [Row(str(i), f"{i}.jpg", tmp_path / f"{i}.jpg", f"Question {i}?") for i in range(6)]


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_all_rows_once_in_their_order(tmp_path, rows):
    output, seen = tmp_path / "out.jsonl", []
    assert run(FakeClient(), rows, output, lambda row, record: seen.append(row.id)) == 0
    assert [record["id"] for record in records(output)] == seen == [row.id for row in rows]
    assert records(output)[2]["answer"] == "2.JPG"
    again = FakeClient()
    assert run(again, rows, output) == 0
    assert again.asked == [] and len(records(output)) == 6


@pytest.mark.parametrize("error", [Unreachable("gone"), Refused(401, "unauthorized", "no")])
def test_an_error_that_ends_the_batch_loses_nothing(tmp_path, rows, error):
    output = tmp_path / "out.jsonl"
    with pytest.raises(EdgeError):
        run(FakeClient({"3.jpg": error}), rows, output)
    assert len(records(output)) == 3
    again = FakeClient()
    run(again, rows, output)
    assert again.asked == ["3.jpg", "4.jpg", "5.jpg"]
    assert [record["id"] for record in records(output)] == [row.id for row in rows]


@pytest.mark.parametrize("kept", range(0, 400, 7))
def test_a_file_cut_short_at_any_byte(tmp_path, rows, kept):
    output = tmp_path / "out.jsonl"
    run(FakeClient(), rows, output)
    whole = records(output)
    output.write_bytes(output.read_bytes()[:kept])
    run(FakeClient(), rows, output)
    assert records(output) == whole


def test_a_bad_row_does_not_stop_the_others(tmp_path, rows):
    failures = {"1.jpg": ImageError("no image"), "4.jpg": Refused(422, "bad_question", "shorter")}
    output = tmp_path / "out.jsonl"
    assert run(FakeClient(failures), rows, output) == 2
    assert [record.get("error") for record in records(output)] == [
        None, "no image", None, None, "shorter", None
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["hello", "[]\n", '{"no": "id"}\n', "3\n", "[" * 9999 + "\n"])
def test_a_file_of_something_else_is_left_alone(tmp_path, rows, content):
    output = tmp_path / "out.jsonl"
    output.write_text(content + ("\n" if content == "hello" else ""))
    before = output.read_bytes()
    with pytest.raises(BatchError, match="new file"):
        run(FakeClient(), rows, output)
    assert output.read_bytes() == before


def test_the_output_of_another_list(tmp_path, rows):
    output = tmp_path / "out.jsonl"
    run(FakeClient(), rows, output)
    other = [Row("2", "2.jpg", tmp_path / "2.jpg", "Another question?")]
    with pytest.raises(BatchError, match="another question"):
        run(FakeClient(), other, output)


def test_csv(tmp_path):
    file = tmp_path / "list.csv"
    file.write_text('﻿id,image,question\na,x/1.jpg,"What, exactly?"\nb,2.jpg,Größe?\n', "utf-8")
    assert read_csv(file) == [
        Row("a", "x/1.jpg", tmp_path / "x/1.jpg", "What, exactly?"),
        Row("b", "2.jpg", tmp_path / "2.jpg", "Größe?"),
    ]
    file.write_text("question,image\nWhat?,1.jpg\nWhat?,1.jpg\n")
    assert [row.id for row in read_csv(file)] == ["1", "2"]
    file.write_text("image,question\n1.jpg,\n")
    assert read_csv(file)[0].question == ""


def test_a_csv_file_from_a_spreadsheet_on_windows(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").touch()
    file = tmp_path / "list.csv"
    file.write_text("Image;Question\nphotos\\1.JPG;What, exactly?\n", "utf-16")
    assert read_csv(file) == [
        Row("1", "photos\\1.JPG", tmp_path / "photos/1.jpg", "What, exactly?")
    ]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "column image and question"),
        (b"image\n1.jpg\n", "column question"),
        (b"\xff\x00image", "can't be read"),
        (b"image,question\n1.jpg\n", "line 2: expected 2 columns"),
        (b"image,question,Image\n1,q,2\n", "'image' stands twice"),
        (b"id,image,question\na,1,q\na,2,q\n", "an id twice"),
        (b'image,question\n"' + b"x" * 200_000, "can't be read"),
    ],
)
def test_a_csv_file_that_cannot_be_used(tmp_path, content, match):
    file = tmp_path / "list.csv"
    file.write_bytes(content)
    with pytest.raises(BatchError, match=match):
        read_csv(file)
    with pytest.raises(BatchError, match="can't be read"):
        read_csv(tmp_path / "none.csv")


def test_folder(tmp_path):
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    assert [row.id for row in read_folder(tmp_path, "What?")] == ["a.jpg", "b.PNG"]
    with pytest.raises(BatchError, match="no images"):
        read_folder(batch.Path(__file__).parent, "What?")
