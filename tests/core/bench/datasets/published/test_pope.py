import json

import pytest

from core.bench.datasets import load_dataset

SPLITS = ("adversarial", "popular", "random")


@pytest.mark.parametrize(
    ("split", "absent"), [("adversarial", "fork"), ("popular", "person"), ("random", "giraffe")]
)
def test_each_split_as_published(official, split, absent):
    dataset = load_dataset("pope", split, folder=official / "pope")
    assert (dataset.scoring, len(dataset)) == ("pope", 4)
    assert [sample.answers for sample in dataset] == [("yes",), ("no",)] * 2
    sample = dataset[1]
    assert (sample.id, sample.image_id) == ("2", "COCO_val2014_000000000042")
    assert sample.question == f"Is there a {absent} in the image?"
    assert sample.prompt == sample.question
    assert sample.image.name == "COCO_val2014_000000000042.jpg"


def test_labels_may_be_capitals(copied):
    folder = copied("pope")
    path = folder / "coco_pope_random.json"
    path.write_text(path.read_text().replace('"yes"', '"Yes"').replace('"no"', '"NO"'))
    dataset = load_dataset("pope", "random", folder=folder)
    assert [sample.answers for sample in dataset] == [("yes",), ("no",)] * 2


def test_the_mirror_equals_the_files(official, mirror, stored):
    folder = official / "pope"
    tables = {}
    for split in SPLITS:
        lines = (folder / f"coco_pope_{split}.json").read_text().splitlines()
        tables["Full", split] = [
            {
                "id": str(number),
                "question_id": str(entry["question_id"]),
                "question": entry["text"],
                "answer": entry["label"],
                "image_source": entry["image"].removesuffix(".jpg"),
                "image": stored(folder / "val2014" / entry["image"]),
                "category": split,
            }
            for number, entry in enumerate(map(json.loads, lines))
        ]
    name = mirror(tables)
    for split in SPLITS:
        from_hub = load_dataset("pope", split, mirror=name)
        from_files = load_dataset("pope", split, folder=folder)
        assert list(from_hub) == list(from_files)
        assert [s.image for s in from_hub] == [s.image.read_bytes() for s in from_files]
        assert from_hub.source["split"] == split
