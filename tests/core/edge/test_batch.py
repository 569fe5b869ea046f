"""A batch can be cut short anywhere, and goes on where it was."""

import contextlib
import io
import json

import httpx
import pytest
from PIL import Image

from core.edge import batch
from core.edge.batch import BatchError, Row, Tally, read_csv, read_folder, run, tally
from core.edge.client import Client, EdgeError, Refused, Result, Unreachable
from core.imaging import ImageError
from core.messages import Answer, Message, QuestionError
from tests.support.pixels import picture


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
    run(FakeClient(), rows, output, lambda row, record: seen.append(row.id))
    assert [record["id"] for record in records(output)] == seen == [row.id for row in rows]
    assert records(output)[2]["answer"] == "2.JPG"
    assert tally(rows, output) == Tally(6, 0, 0, 0) and tally(rows, output).complete
    again = FakeClient()
    run(again, rows, output)
    assert again.asked == [] and len(records(output)) == 6


@pytest.mark.parametrize(
    "error",
    [Unreachable("gone"), EdgeError("no server")]
    + [Refused(status, "unknown", "no") for status in (301, 400, 401, 403, 404, 413, 422, 501)]
    + [Refused(413, "too_large", "no"), Refused(400, "bad_message", "no")],
)
def test_an_error_that_ends_the_batch_loses_nothing(tmp_path, rows, error):
    output = tmp_path / "out.jsonl"
    with pytest.raises(EdgeError):
        run(FakeClient({"3.jpg": error}), rows, output)
    assert len(records(output)) == 3 and tally(rows, output) == Tally(3, 0, 0, 3)
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


BAD_ROWS = {
    "1.jpg": ImageError("no image"),
    "2.jpg": QuestionError("empty"),
    "4.jpg": Refused(422, "bad_question", "shorter"),
    "5.jpg": Refused(422, "refused_by_model", "too long"),
}


def test_a_bad_row_does_not_stop_the_others_and_is_counted(tmp_path, rows):
    output = tmp_path / "out.jsonl"
    run(FakeClient(BAD_ROWS), rows, output)
    assert [(record.get("error"), record.get("failed")) for record in records(output)] == [
        (None, None), ("no image", "image"), ("empty", "question"), (None, None),
        ("shorter", "question"), ("too long", "question"),
    ]  # fmt: skip
    assert tally(rows, output) == Tally(2, 1, 3, 0) and not tally(rows, output).complete


def test_a_bad_row_is_tried_again_and_stands_once(tmp_path, rows):
    """Its image may be there by now, its question another."""
    output = tmp_path / "out.jsonl"
    run(FakeClient(BAD_ROWS), rows, output)
    again = FakeClient({"4.jpg": Refused(422, "bad_question", "shorter")})
    rows[2] = Row("2", "2.jpg", rows[2].path, "What then?")
    run(again, rows, output)
    assert again.asked == ["1.jpg", "2.jpg", "4.jpg", "5.jpg"]
    assert sorted(record["id"] for record in records(output)) == list("012345")
    assert tally(rows, output) == Tally(5, 0, 1, 0)
    assert [file.name for file in tmp_path.iterdir()] == ["out.jsonl"]


def test_what_an_earlier_version_wrote_down_as_a_result_is_asked(tmp_path, rows):
    output = tmp_path / "out.jsonl"
    run(FakeClient(), rows[:2], output)
    spoilt = {"id": "2", "image": "2.jpg", "question": "Question 2?", "error": "No route."}
    with open(output, "a") as file:
        file.write(json.dumps(spoilt) + "\n")
    assert tally(rows, output) == Tally(2, 0, 0, 4)
    run(FakeClient(), rows, output)
    assert [record["id"] for record in records(output)] == list("012345")
    assert tally(rows, output).complete


def test_an_image_that_breaks_the_server_does_not_keep_the_others_from_it(tmp_path, rows):
    output, broken = tmp_path / "out.jsonl", Refused(500, "internal", "The server failed.")
    seen = []
    client = FakeClient({"2.jpg": broken, "5.jpg": broken})
    run(client, rows, output, lambda row, record: seen.append(record.get("error")))
    assert len(client.asked) == 6 and seen[2] == seen[5] == "The server failed."
    assert tally(rows, output) == Tally(4, 0, 0, 2)
    client = FakeClient({row.image: broken for row in rows})  # it isn't the image
    with pytest.raises(Refused):
        run(client, rows, tmp_path / "other.jsonl")
    assert client.asked == ["0.jpg", "1.jpg"]


def test_another_list_leaves_the_errors_of_a_file_alone(tmp_path, rows):
    output = tmp_path / "out.jsonl"
    run(FakeClient(BAD_ROWS), rows, output)
    before = output.read_bytes()
    with pytest.raises(BatchError, match="another question"):
        run(FakeClient(), [Row("0", "0.jpg", rows[0].path, "Else?"), rows[1]], output)
    assert output.read_bytes() == before


def test_an_output_that_cannot_be_written_is_one_sentence(tmp_path, rows):
    for output in (tmp_path, tmp_path / "none" / "out.jsonl"):
        with pytest.raises(BatchError, match="can't be (read|written)"):
            run(FakeClient(), rows, output)


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
        (b"", "holds no questions"),
        (b"image,question\n", "holds no questions"),
        (b"Bild,Frage\n1,q\n", "needs a column image and question"),
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


def proxied(spoilt):
    """A client whose server answers every question but one; there, `spoilt` comes."""
    asked = []

    def serve(request):
        if request.method == "GET":
            return httpx.Response(200, content=iter([b'{"input_size": [9, 9]}']))
        asked.append(Message.from_bytes(request.content).question)
        if spoilt is not None and asked[-1] == "Question 2?":
            status, headers, body = spoilt
            return httpx.Response(status, headers=headers, content=iter([body]))
        return httpx.Response(200, content=iter([Answer(asked[-1].upper(), "s").to_bytes()]))

    client = Client("http://server.test", transport=httpx.MockTransport(serve), patience=0)
    return client, asked


BODIES = (
    ({}, b""),
    ({"Content-Type": "text/html"}, b"<html>Sorry</html>"),
    ({"Content-Type": "application/json"}, b'{"detail": "Not Found"}'),
    ({"Content-Type": "application/problem+json"}, b'{"code": "later", "detail": "Not now."}'),
    ({"Location": "https://elsewhere.test/", "Retry-After": "soon"}, b"\xff\x00{"),
    ({"Retry-After": "3", "Content-Encoding": "gzip"}, b"[" * 5000),
    ({"Content-Type": "application/vnd.second-look"}, Answer("Not yours", "s").to_bytes()),
)


def test_whatever_comes_in_between_every_row_is_answered_once_in_the_end(tmp_path, monkeypatch):
    """Every status with one kind of body, and those that mean something with all of them."""
    monkeypatch.setattr(batch.os, "fsync", lambda number: None)
    photo = io.BytesIO()
    Image.new("RGB", (9, 9)).save(photo, "bmp")
    rows = [Row(str(i), "photo", photo.getvalue(), f"Question {i}?") for i in range(1, 4)]
    cases = [(status, BODIES[status % len(BODIES)]) for status in range(300, 600)]
    cases += [(status, body) for status in (301, 401, 404, 413, 422, 500, 502) for body in BODIES]
    for number, (status, (headers, body)) in enumerate(cases):
        output = tmp_path / f"{number}.jsonl"
        client, _ = proxied((status, headers, body))
        with contextlib.suppress(EdgeError):
            run(client, rows, output)
        held = [record["id"] for record in records(output)]
        assert held == ["1"] or (held == ["1", "3"] and status == 500)
        assert not tally(rows, output).complete
        client, asked = proxied(None)
        run(client, rows, output)
        assert asked == [row.question for row in rows if row.id not in held]
        assert sorted((r["id"], r["answer"]) for r in records(output)) == [
            (row.id, row.question.upper()) for row in rows
        ]
        assert tally(rows, output) == Tally(3, 0, 0, 0)


@pytest.mark.parametrize("body", [b"", b"<html>Log in</html>", b"{}", b"\x00\x00\x00\x02{}"])
def test_a_success_that_is_no_answer_is_not_written_down_either(tmp_path, body):
    picture().save(tmp_path / "photo.png")
    row = Row("1", "photo.png", tmp_path / "photo.png", "Question 2?")
    client, _ = proxied((200, {}, body))
    with pytest.raises(EdgeError):
        run(client, [row], tmp_path / "out.jsonl")
    assert tally([row], tmp_path / "out.jsonl") == Tally(0, 0, 0, 1)
