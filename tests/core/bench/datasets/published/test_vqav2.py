import json

import pytest

from core.bench.datasets import DatasetError, load_dataset

QUESTIONS = "v2_OpenEnded_mscoco_val2014_questions.json"
ANSWERS = "v2_mscoco_val2014_annotations.json"


def test_questions_find_their_answers_whatever_the_order(official):
    """The fixture lists the answers in the opposite order."""
    dataset = load_dataset("vqav2", folder=official / "vqav2")
    assert [sample.id for sample in dataset] == ["42000", "42001", "73000"]
    assert [sample.group for sample in dataset] == ["yes/no", "number", "other"]
    sample = dataset[1]
    assert (sample.question, sample.image_id) == ("How many dogs are there?", "42")
    assert sample.answers == ("1",) * 7 + ("one",) * 2 + ("2",)
    assert sample.image.name == "COCO_val2014_000000000042.jpg"


def test_a_question_without_answers_is_named(edited):
    folder = edited("vqav2", ANSWERS, lambda content: content["annotations"].pop(0))
    with pytest.raises(DatasetError, match=f"{ANSWERS}: expected answers to question 73000"):
        load_dataset("vqav2", folder=folder)


@pytest.mark.parametrize("spoil", [lambda a: a.pop(), lambda a: a[3].clear()])
def test_answers_that_are_not_ten_are_named(edited, spoil):
    def change(content):
        spoil(content["annotations"][1]["answers"])

    folder = edited("vqav2", ANSWERS, change)
    with pytest.raises(
        DatasetError, match=f"{ANSWERS}, entry 2: 'answers' should be a list of ten"
    ):
        load_dataset("vqav2", folder=folder)


def test_the_mirror_equals_the_files(official, mirror, stored):
    folder = official / "vqav2"
    annotations = {
        entry["question_id"]: entry
        for entry in json.loads((folder / ANSWERS).read_text())["annotations"]
    }
    rows = [
        annotations[entry["question_id"]]
        | entry
        | {"image": stored(folder / "val2014" / f"COCO_val2014_{entry['image_id']:012}.jpg")}
        for entry in json.loads((folder / QUESTIONS).read_text())["questions"]
    ]
    from_hub = load_dataset("vqav2", mirror=mirror({("default", "validation"): rows}))
    from_files = load_dataset("vqav2", folder=folder)
    assert list(from_hub) == list(from_files)
    assert [s.image for s in from_hub] == [s.image.read_bytes() for s in from_files]
