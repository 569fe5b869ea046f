import json

import pytest

from core.bench.datasets import DatasetError, load_dataset

FILE = "testdev_balanced_questions.json"


def test_a_sample_as_published(official):
    dataset = load_dataset("gqa", folder=official / "gqa")
    assert (dataset.split, dataset.scoring, len(dataset)) == ("testdev", "exact", 3)
    sample = dataset[1]
    assert (sample.id, sample.image_id) == ("201640614", "n100001")
    assert (sample.question, sample.answers) == ("What is left of the dog?", ("fence",))
    assert (sample.group, sample.image.name) == ("query", "n100001.jpg")


def mirror_tables(folder, stored):
    questions = json.loads((folder / FILE).read_text())
    keep = ("imageId", "question", "answer", "fullAnswer", "isBalanced", "types")
    rows = [{"id": key} | {k: entry[k] for k in keep} for key, entry in questions.items()]
    images = sorted((folder / "images").iterdir(), reverse=True)  # joined by name, not by order
    return {
        ("testdev_balanced_instructions", "testdev"): rows,
        ("testdev_balanced_images", "testdev"): [
            {"id": image.stem, "image": stored(image)} for image in images
        ],
    }


def test_the_mirror_equals_the_files(official, mirror, stored):
    from_hub = load_dataset("gqa", mirror=mirror(mirror_tables(official / "gqa", stored)))
    from_files = load_dataset("gqa", folder=official / "gqa")
    assert list(from_hub) == list(from_files)
    assert [s.image for s in from_hub] == [s.image.read_bytes() for s in from_files]


def test_a_question_about_an_image_the_mirror_lacks_is_named(official, mirror, stored):
    tables = mirror_tables(official / "gqa", stored)
    del tables["testdev_balanced_images", "testdev"][0]
    with pytest.raises(DatasetError, match=r"row 2: 'imageId' should be an image of .*'n100002'"):
        load_dataset("gqa", mirror=mirror(tables))
