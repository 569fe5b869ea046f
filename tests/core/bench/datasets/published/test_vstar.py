import json
from dataclasses import replace

import pytest

from core.bench.datasets import DatasetError, load_dataset
from core.bench.datasets.scoring import SCORERS

FILE = "test_questions.jsonl"


def test_options_stand_on_lines_of_their_own_and_boxes_beside_the_image(official):
    dataset = load_dataset("vstar", folder=official / "vstar")
    first, second = dataset
    assert first.question == "What is the color of the kite?"
    assert first.prompt == (
        "What is the color of the kite?\nA. green\nB. pale yellow\nC. red\nD. white\n"
        "Answer with the option's letter from the given choices directly."
    )
    assert (first.choices[first.choice], first.answers) == ("pale yellow", ("B",))
    assert (first.group, first.boxes) == ("direct_attributes", ((3, 2, 7, 7),))
    assert second.boxes == ((0, 1, 2, 3), (9, 6, 15, 10))  # two targets, rounded to pixels
    assert first.image.name == "sa_1.jpg"


def test_lmms_eval_and_vlmevalkit_read_the_same_answer_otherwise(official):
    official_rule = load_dataset("vstar", folder=official / "vstar")
    inferred = load_dataset("vstar+inferred", folder=official / "vstar")
    assert list(official_rule) == list(inferred)
    said = "Clearly pale yellow"  # its first letter is that of an option
    assert SCORERS[official_rule.scoring].score(said, official_rule[0]) == 0
    assert SCORERS[inferred.scoring].score(said, inferred[0]) == 1


def test_the_mirror_has_no_boxes(official, mirror, stored):
    folder = official / "vstar"
    rows = [json.loads(line) for line in (folder / FILE).read_text().splitlines()]
    rows = [dict(row, image=stored(folder / row["image"])) for row in rows]
    from_hub = load_dataset("vstar", mirror=mirror({("default", "test"): rows}))
    from_files = load_dataset("vstar", folder=folder)
    assert list(from_hub) == [replace(s, image_id=s.id, boxes=()) for s in from_files]
    assert [s.image for s in from_hub] == [s.image.read_bytes() for s in from_files]


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        (FILE, '{"text": "Which? (A) a", "label": "A"}', r"'text' should be .*options"),
        (FILE, '{"text": "Which? (A) a (B) b", "label": "C"}', "'label' should be the letter"),
        ("direct_attributes/sa_1.json", '{"bbox": []}', "'bbox' should be a list of boxes"),
        ("direct_attributes/sa_1.json", '{"bbox": [[1, 2, 0, 3]]}', "neither side 0"),
        ("direct_attributes/sa_1.json", "[]", "'bbox' should be a list of boxes"),
    ],
)
def test_what_is_wrong_is_named(copied, file, content, sentence):
    folder = copied("vstar")
    if file == FILE:
        more = {"category": "x", "question_id": 1, "image": "direct_attributes/sa_1.jpg"}
        content = json.dumps(json.loads(content) | more)
    (folder / file).write_text(content)
    with pytest.raises(DatasetError, match=sentence):
        load_dataset("vstar", folder=folder)


def test_no_image_outside_the_folder_is_read(copied):
    folder = copied("vstar")
    text = (folder / FILE).read_text().replace("direct_attributes/sa_1", "../../sa_1")
    (folder / FILE).write_text(text)
    with pytest.raises(DatasetError, match="inside the folder"):
        load_dataset("vstar", folder=folder)
