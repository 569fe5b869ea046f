"""DocVQA, InfographicVQA, ChartQA and RealWorldQA."""

import json
from dataclasses import replace

import pytest

from core.bench.datasets import DatasetError, load_dataset
from core.bench.datasets.scoring import SCORERS
from core.vlm.loading.instructions import SHORT, instructed


def test_documents_are_found_with_and_without_types_of_questions(official):
    documents = load_dataset("docvqa", folder=official / "docvqa")
    assert [sample.id for sample in documents] == ["101", "102"]
    assert documents[0].answers == ("M. Okafor", "Okafor")
    assert documents[0].image.name == "abcd0001_1.jpg"
    graphics = load_dataset("infovqa", folder=official / "infovqa")
    assert graphics.source["files"][0]["name"] == "infographicsVQA_val_v1.0_withQT.json"
    assert graphics[0].image.name == "30001.jpeg"
    assert SCORERS["anls"].score("62.%", graphics[0]) == 0.75


@pytest.mark.parametrize(
    ("name", "file", "config", "image"),
    [
        ("docvqa", "val_v1.0.json", "DocVQA", "{image}"),
        ("infovqa", "infographicsVQA_val_v1.0_withQT.json", "InfographicVQA",
         "infographicsvqa_images/{image_local_name}"),
    ],
)  # fmt: skip
def test_mirrors_equal_the_files(official, mirror, stored, name, file, config, image):
    folder = official / name
    rows = [
        {
            "questionId": str(row["questionId"]),
            "question": row["question"],
            "answers": row["answers"],
            "image": stored(folder / image.format(**row)),
        }
        for row in json.loads((folder / file).read_text())["data"]
    ]
    from_hub = load_dataset(name, mirror=mirror({(config, "validation"): rows}))
    from_files = load_dataset(name, folder=folder)
    assert list(from_hub) == [replace(sample, image_id=sample.id) for sample in from_files]


def test_charts_are_of_people_and_of_a_machine(official, mirror, stored):
    folder = official / "chartqa"
    from_files = load_dataset("chartqa", folder=folder)
    assert [(s.id, s.group) for s in from_files] == [
        ("human-1", "human"),
        ("augmented-1", "augmented"),
    ]
    figures = SCORERS["relaxed"].figures(["14", "Norway"], list(from_files))
    assert figures == {"accuracy": 0.5, "accuracy, augmented": 0.0, "accuracy, human": 1.0}
    rows = [
        {
            "type": f"{s.group}_test",
            "question": s.question,
            "answer": s.answers[0],
            "image": stored(s.image),
        }
        for s in from_files
    ]
    from_hub = load_dataset("chartqa", mirror=mirror({("default", "test"): rows}))
    assert list(from_hub) == [replace(sample, image_id=sample.id) for sample in from_files]


def test_realworldqa_has_questions_with_options_and_without(official, mirror, stored):
    folder = official / "realworldqa"
    turn, speed, road = dataset = load_dataset("realworldqa", folder=folder)
    assert turn.choices == ("Only left", "Only right", "Either way") and turn.choice == 2
    assert (speed.choices, speed.answers) == ((), ("60",))
    assert [instructed(sample.prompt, SHORT) for sample in dataset] == [s.prompt for s in dataset]
    score = SCORERS[dataset.scoring].score
    assert [score("C. Either way", turn), score("Either way", turn), score("60.", speed)] == [
        1, 0, 1,
    ]  # fmt: skip
    inferred = load_dataset("realworldqa+inferred", folder=folder)
    assert list(inferred) == [turn, road]
    assert SCORERS[inferred.scoring].score("Either way", turn) == 1
    rows = [
        {"question": s.question, "answer": s.answers[0], "image": stored(s.image)} for s in dataset
    ]
    from_hub = load_dataset("realworldqa", mirror=mirror({("default", "test"): rows}))
    assert list(from_hub) == [replace(sample, image_id=sample.id) for sample in dataset]


@pytest.mark.parametrize(
    ("name", "file", "change", "sentence"),
    [
        ("docvqa", "val_v1.0.json", lambda c: c["data"][0].update(answers=[]), "'answers'"),
        ("docvqa", "val_v1.0.json", lambda c: c["data"][1].update(image="../a.png"), "'image'"),
        ("chartqa", "test/test_human.json", lambda c: c[0].pop("query"), "entry 1: 'query'"),
        ("chartqa", "test/test_human.json", lambda c: c[0].update(imgname="../a"), "'imgname'"),
        ("realworldqa", "annotations.json", lambda c: c[2].update(answer=""), "'answer'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(edited, name, file, change, sentence):
    folder = edited(name, file, change)
    with pytest.raises(DatasetError, match=sentence):
        samples = load_dataset(name, folder=folder)
        [sample.image for sample in samples]
