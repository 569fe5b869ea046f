"""GQA (Hudson & Manning 2019), balanced: compositional questions with one answer.

    {split}_balanced_questions.json    {question id: {imageId, question, answer, types, ...}}
    images/{imageId}.jpg

On the hub: lmms-lab-encoder/GQA (earlier lmms-lab/GQA), questions in the configuration
{split}_balanced_instructions, images in {split}_balanced_images, joined on imageId.
"""

from collections.abc import Mapping

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
    DatasetError,
    Record,
    fingerprints,
    image_file,
    image_folder,
    read_json,
)


def _from_files(place: Place, split: str) -> Loaded:
    path = place.files / f"{split}_balanced_questions.json"
    wanted = f"the {split} questions of GQA"
    content = read_json(path, wanted)
    if not isinstance(content, Mapping):
        raise DatasetError(f"{path}: expected {wanted}, an object with an entry for each question.")
    images = image_folder(place.images or place.files / "images", "the images of GQA")

    def sample(item) -> Sample:
        question_id, values = item
        where = f"{path}, entry {question_id!r}"
        if not isinstance(values, Mapping):
            raise DatasetError(f"{where}: expected an object, for {wanted}.")
        record = Record(where, values)
        image = image_file(images, f"{record.name('imageId')}.jpg", record, "imageId")
        return _sample(record, question_id, image)

    samples = collect(map(sample, content.items()), path)
    return samples, {"kind": "files", "files": fingerprints(path)}


def _from_hub(place: Place, split: str) -> Loaded:
    questions = Table(place.hub, f"{split}_balanced_instructions", split, place.revision)
    images = Table(place.hub, f"{split}_balanced_images", split, place.revision)
    places = {record.name("id"): index for index, record in enumerate(images.records())}

    def sample(record: Record) -> Sample:
        name = record.name("imageId")
        if name not in places:
            raise record.wrong("imageId", f"an image of {images.where}")
        return _sample(record, record.name("id"), images.opener(places[name]))

    return collect(map(sample, questions.records()), questions.where), questions.source


def _sample(record: Record, question_id: str, opener) -> Sample:
    question = record.text("question")
    types = record.values.get("types")
    structure = types.get("structural") if isinstance(types, Mapping) else None
    return Sample(
        id=question_id,
        image_id=record.name("imageId"),
        question=question,
        prompt=question,
        answers=(record.text("answer"),),
        opener=opener,
        group=structure or "",  # query, verify, logical, choose, compare
    )


register(
    published(
        "gqa", "GQA", _from_files, _from_hub,
        splits=("testdev", "val"), scoring="exact", mirror="lmms-lab-encoder/GQA",
    )
)  # fmt: skip
