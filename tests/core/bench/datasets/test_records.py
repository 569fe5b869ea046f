"""Missing and malformed files: one sentence that names the file, the entry, and what was due."""

import pytest

from core.bench.datasets import DatasetError, load_dataset
from core.bench.datasets.records import csv_rows, json_lines

MAIN = {
    "textvqa": "TextVQA_0.5.1_val.json",
    "pope": "coco_pope_adversarial.json",
    "aokvqa": "aokvqa_v1p0_val.json",
    "gqa": "testdev_balanced_questions.json",
    "vqav2": "v2_OpenEnded_mscoco_val2014_questions.json",
}


def message(name, folder):
    with pytest.raises(DatasetError) as caught:
        load_dataset(name, folder=folder)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".")
    return text


@pytest.mark.parametrize("name", MAIN)
def test_a_missing_file_is_named(copied, name):
    folder = copied(name)
    (folder / MAIN[name]).unlink()
    text = message(name, folder)
    assert f"no file {folder / MAIN[name]}" in text and "expected the" in text


@pytest.mark.parametrize("name", MAIN)
@pytest.mark.parametrize(
    "damage", [b'[{"image_id": 1,\n "question"', b"\xff\xfe\x00", b'"text"', b""]
)
def test_a_damaged_file_is_named(copied, name, damage):
    folder = copied(name)
    (folder / MAIN[name]).write_bytes(damage)
    text = message(name, folder)
    assert str(folder / MAIN[name]) in text and "expected" in text


def test_invalid_json_is_named_by_line(copied):
    folder = copied("gqa")
    path = folder / MAIN["gqa"]
    path.write_text(path.read_text().replace('"question":', '"question"', 1))
    line = path.read_text()[: path.read_text().index('"question" ')].count("\n") + 1
    assert f"{path}, line {line}: expected" in message("gqa", folder)


def test_endlessly_nested_json_is_refused(copied):
    folder = copied("gqa")
    (folder / MAIN["gqa"]).write_text("[" * 200_000)
    assert "expected the testdev questions of GQA" in message("gqa", folder)


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        (
            "textvqa",
            lambda c: c["data"][1].pop("question"),
            "entry 2: 'question' should be a text, ",
        ),
        (
            "textvqa",
            lambda c: c["data"][1].update(question=" "),
            "'question' should be a text, not",
        ),
        (
            "textvqa",
            lambda c: c["data"][2]["answers"].pop(),
            "entry 3: 'answers' should be a list of",
        ),
        (
            "textvqa",
            lambda c: c["data"][0].update(answers="x" * 10),
            "entry 1: 'answers' should be",
        ),
        (
            "textvqa",
            lambda c: c["data"][0].update(question_id=1.5),
            "entry 1: 'question_id' should be",
        ),
        (
            "textvqa",
            lambda c: c["data"][0].update(image_id="../../x"),
            "entry 1: 'image_id' should be",
        ),
        ("textvqa", lambda c: c["data"].append(7), "entry 4: expected an object"),
        ("textvqa", lambda c: c.pop("data"), "a list under 'data', found None"),
        ("textvqa", lambda c: c["data"].clear(), "expected questions, found none"),
        (
            "textvqa",
            lambda c: c["data"].append(c["data"][0]),
            "every question once, but '34602' is",
        ),
        (
            "aokvqa",
            lambda c: c[0].update(image_id=True),
            "entry 1: 'image_id' should be a whole number",
        ),
        (
            "aokvqa",
            lambda c: c[1].update(difficult_direct_answer=1),
            "entry 2: 'difficult_direct_answer'",
        ),
        (
            "gqa",
            lambda c: c["201640614"].pop("answer"),
            "entry '201640614': 'answer' should be a text",
        ),
        ("gqa", lambda c: c.update({"1": []}), "entry '1': expected an object"),
        (
            "vqav2",
            lambda c: c["questions"][2].update(image_id=-1),
            "entry 3: 'image_id' should be a",
        ),
    ],
)
def test_a_malformed_entry_is_named(edited, name, change, sentence):
    folder = edited(name, MAIN[name], change)
    text = message(name, folder)
    assert str(folder / MAIN[name]) in text and sentence in text


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{broken", "line 3: expected one JSON object a line"),
        ("[1]", "line 3: expected an object"),
        (
            '{"question_id": 9, "image": "a.jpg", "text": "Is it?"}',
            "line 3: 'label' should be 'yes' or",
        ),
        ('{"question_id": 9, "image": "a.jpg", "text": "Is it?", "label": "yep"}', "not 'yep'"),
        ('{"question_id": ' + "9" * 5000 + "}", "line 3: expected one JSON object a line"),
        (
            '{"question_id": 9, "image": "../a.jpg", "text": "Is it?", "label": "no"}',
            "without folders",
        ),
        ('{"question_id": 9, "image": "..", "text": "Is it?", "label": "no"}', "without folders"),
    ],
)
def test_a_malformed_line_is_named(copied, line, sentence):
    folder = copied("pope")
    path = folder / MAIN["pope"]
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "", line, *lines[1:]]))
    text = message("pope", folder)
    assert str(path) in text and sentence in text


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": "x\xe2\x80\xa8y"}\r\n\r\n{"a": "z"}\r\n')
    records = list(json_lines(path, "lines"))
    assert [(r.where, r.values["a"]) for r in records] == [
        (f"{path}, line 1", "x\u2028y"),
        (f"{path}, line 3", "z"),
    ]


def test_csv_cells_may_hold_commas_quotes_and_line_breaks(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('\ufeffimage , question\r\na.png,"one, ""two""\nthree"\r\n\r\nb.png,four\r\n')
    rows = list(csv_rows(path, "rows"))
    assert [dict(row.values) for row in rows] == [
        {"image": "a.png", "question": 'one, "two"\nthree'},
        {"image": "b.png", "question": "four"},
    ]
    assert [row.number for row in rows] == [3, 5]
