"""POPE (Li et al. 2023): is an object in the image? Three ways to choose those that aren't.

    coco_pope_{split}.json    JSON lines {question_id, image, text, label}; label: yes or no
    val2014/{image}           COCO_val2014_000000000000.jpg

On the hub: lmms-lab-encoder/POPE (earlier lmms-lab/POPE), configuration Full.
"""

from core.bench.datasets.base import (
    Loaded,
    Place,
    Sample,
    collect,
    published,
    register,
)
from core.bench.datasets.hub import Table
from core.bench.datasets.records import (
    Record,
    fingerprints,
    image_file,
    image_folder,
    json_lines,
)


def _from_files(place: Place, split: str) -> Loaded:
    path = place.files / f"coco_pope_{split}.json"
    records = json_lines(path, f"the {split} questions of POPE")
    images = image_folder(place.images or place.files / "val2014", "the images of COCO val2014")

    def sample(record: Record) -> Sample:
        image = image_file(images, record.text("image"), record, "image")
        keys = {"image": "image", "question": "text", "answer": "label"}
        return _sample(record, image, **keys)

    samples = collect(map(sample, records), path)
    return samples, {"kind": "files", "files": fingerprints(path)}


def _from_hub(place: Place, split: str) -> Loaded:
    table = Table(place.hub, "Full", split, place.revision)
    keys = {"image": "image_source", "question": "question", "answer": "answer"}
    samples = (
        _sample(record, table.opener(index), **keys) for index, record in enumerate(table.records())
    )
    return collect(samples, table.where), table.source


def _sample(record: Record, opener, image: str, question: str, answer: str) -> Sample:
    text = record.text(question)
    return Sample(
        id=record.name("question_id"),
        image_id=record.text(image).removesuffix(".jpg"),
        question=text,
        prompt=text,
        answers=(record.label(answer),),
        opener=opener,
    )


register(
    published(
        "pope", "POPE", _from_files, _from_hub,
        splits=("adversarial", "popular", "random"), scoring="pope",
        mirror="lmms-lab-encoder/POPE",
    )
)  # fmt: skip
