import json

import pytest

from core.bench.datasets import DatasetError, load_dataset

FILE, OCR = "TextVQA_0.5.1_val.json", "TextVQA_Rosetta_OCR_v0.2_val.json"


def test_a_sample_as_published(official):
    dataset = load_dataset("textvqa", folder=official / "textvqa")
    assert (dataset.split, dataset.scoring, len(dataset)) == ("val", "textvqa", 3)
    sample = dataset[0]
    assert (sample.id, sample.image_id) == ("34602", "0a1b2c3d4e5f6071")
    assert sample.question == "what is the name of the shop?"
    assert sample.prompt == "what is the name of the shop?"
    assert sample.answers == ("corner shop",) * 6 + ("the corner shop",) * 2 + (
        "shop",
        "unanswerable",
    )


def test_ocr_tokens_stand_behind_the_question(official):
    with_ocr = load_dataset("textvqa+ocr", folder=official / "textvqa")
    prompt = "what is the name of the shop?\nReference OCR token: CORNER, SHOP, 12"
    assert with_ocr[0].prompt == prompt
    assert with_ocr[2].prompt == "is there any text?\nReference OCR token: "
    without = load_dataset("textvqa", folder=official / "textvqa")
    assert [s.question for s in with_ocr] == [s.question for s in without]
    assert [file["name"] for file in with_ocr.source["files"]] == [FILE, OCR]


def test_tokens_are_needed_only_where_they_are_asked_for(copied):
    folder = copied("textvqa")
    (folder / OCR).unlink()
    assert len(load_dataset("textvqa", folder=folder)) == 3
    with pytest.raises(DatasetError, match=f"no file .*{OCR}; expected the OCR tokens"):
        load_dataset("textvqa+ocr", folder=folder)


def test_an_image_without_tokens_is_named(edited):
    folder = edited("textvqa", OCR, lambda content: content["data"].pop())
    sentence = f"{OCR}: expected the tokens of image '9f8e7d6c5b4a3920', found none"
    with pytest.raises(DatasetError, match=sentence):
        load_dataset("textvqa+ocr", folder=folder)


def test_the_mirror_equals_the_files(official, mirror, stored):
    folder = official / "textvqa"
    tokens = {
        entry["image_id"]: entry["ocr_tokens"]
        for entry in json.loads((folder / OCR).read_text())["data"]
    }
    rows = [
        entry
        | {"image": stored(folder / "train_images" / f"{entry['image_id']}.jpg")}
        | {"ocr_tokens": tokens[entry["image_id"]]}
        for entry in json.loads((folder / FILE).read_text())["data"]
    ]
    name = mirror({("default", "validation"): rows})
    for variant in ("textvqa", "textvqa+ocr"):
        from_hub = load_dataset(variant, mirror=name)
        from_files = load_dataset(variant, folder=folder)
        assert list(from_hub) == list(from_files)
        assert [s.image for s in from_hub] == [s.image.read_bytes() for s in from_files]


def test_the_boxes_of_answers_are_those_of_the_mirror(official, mirror, stored):
    image = stored(official / "textvqa" / "train_images" / "0a1b2c3d4e5f6071.jpg")
    row = {"question": "what is it?", "answer": ["shop", "the shop"], "image": image}
    rows = [
        row | {"dataset_id": "34602", "bbox": [10.0, 20.0, 30.4, 5.0]},
        row | {"dataset_id": "34603", "bbox": [10.0, 20.0, 0.0, 5.0]},
    ]
    dataset = load_dataset("textvqa+boxes", mirror=mirror({("default", "train"): rows}))
    assert [sample.boxes for sample in dataset] == [((10, 20, 40, 25),), ()]
    assert (dataset[0].id, dataset.scoring) == ("34602", "exact")
    assert dataset[0].answers == ("shop", "the shop")
