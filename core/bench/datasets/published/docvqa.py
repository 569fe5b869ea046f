"""DocVQA (Mathew et al. 2021) and InfographicVQA (2022): questions about documents, by ANLS.

    val_v1.0.json or val_v1.0_withQT.json    {"data": [{questionId, question, image, answers}]}
    documents/xnbl0037_1.png                 as `image` has it

    infographicsVQA_val_v1.0.json, or …_withQT.json
                                             {"data": [{questionId, question, image_local_name,
                                                        answers}]}
    infographicsvqa_images/30000.jpeg

On the hub: lmms-lab-encoder/DocVQA (earlier lmms-lab/DocVQA), configurations DocVQA and
InfographicVQA. The answers of the test splits aren't published.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from core.bench.datasets.base import (
    HUB_SPLITS,
    Loaded,
    Place,
    Sample,
    collect,
    published,
    register,
)
from core.bench.datasets.folder import inside
from core.bench.datasets.hub import Table
from core.bench.datasets.records import Record, entries, fingerprints, image_file, image_folder


def _docvqa(place: Place, split: str) -> Loaded:
    path = _questions(place, f"{split}_v1.0")
    root = (place.images or place.files).resolve()

    def sample(record: Record) -> Sample:
        return _sample(record, record.text("image"), partial(inside, root, record))

    return _collected(sample, path)


def _infovqa(place: Place, split: str) -> Loaded:
    path = _questions(place, f"infographicsVQA_{split}_v1.0")
    folder = place.images or place.files / "infographicsvqa_images"
    images = image_folder(folder, "the images of InfographicVQA")

    def sample(record: Record) -> Sample:
        name = record.name("image_local_name")
        return _sample(record, name, image_file(images, name, record, "image_local_name"))

    return _collected(sample, path)


def _questions(place: Place, name: str) -> Path:
    """The file of the questions, with or without their types."""
    typed = place.files / f"{name}_withQT.json"
    return typed if typed.is_file() else place.files / f"{name}.json"


def _collected(sample, path: Path) -> Loaded:
    samples = collect(map(sample, entries(path, "data", "questions about documents")), path)
    return samples, {"kind": "files", "files": fingerprints(path)}


def _from_hub(place: Place, split: str, config: str) -> Loaded:
    table = Table(place.hub, config, HUB_SPLITS[split], place.revision)
    samples = (
        _sample(record, record.name("questionId"), table.opener(index))
        for index, record in enumerate(table.records())
    )
    return collect(samples, table.where), table.source


def _sample(record: Record, image_id: str, opener) -> Sample:
    question = record.text("question")
    return Sample(
        id=record.name("questionId"),
        image_id=image_id,
        question=question,
        prompt=question,
        answers=record.texts("answers"),
        opener=opener,
    )


register(
    *(
        published(
            name,
            label,
            from_files,
            partial(_from_hub, config=config),
            splits=("val",),
            scoring="anls",
            mirror="lmms-lab-encoder/DocVQA",
        )
        for name, label, from_files, config in (
            ("docvqa", "DocVQA", _docvqa, "DocVQA"),
            ("infovqa", "InfographicVQA", _infovqa, "InfographicVQA"),
        )
    )
)
