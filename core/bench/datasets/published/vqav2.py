"""VQAv2 (Goyal et al. 2017): open questions about COCO images, ten answers to each.

    v2_OpenEnded_mscoco_{split}2014_questions.json   {"questions": [{image_id, question,
                                                       question_id}]}
    v2_mscoco_{split}2014_annotations.json           {"annotations": [{question_id, answer_type,
                                                       answers: [{answer, ...}] * 10, ...}]}
    {split}2014/COCO_{split}2014_{image_id:012}.jpg

`vqav2` is scored as published models are, answers and annotations normalised; `vqav2+official` as
the official script scores answers that nobody normalised before (docs/datasets.md).

On the hub: lmms-lab-encoder/VQAv2 (earlier lmms-lab/VQAv2).
"""

from collections.abc import Mapping
from functools import partial

from core.bench.datasets.base import (
    HUB_SPLITS,
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
    entries,
    fingerprints,
    image_file,
    image_folder,
)


def _from_files(place: Place, split: str) -> Loaded:
    coco = f"{split}2014"
    path = place.files / f"v2_OpenEnded_mscoco_{coco}_questions.json"
    answers_path = place.files / f"v2_mscoco_{coco}_annotations.json"
    questions = entries(path, "questions", f"the {split} questions of VQAv2")
    annotated = entries(answers_path, "annotations", f"the {split} answers of VQAv2")
    images = image_folder(place.images or place.files / coco, f"the images of COCO {coco}")
    truths = {record.name("question_id"): _truth(record) for record in annotated}

    def sample(record: Record) -> Sample:
        name, number = record.name("question_id"), record.whole("image_id")
        if name not in truths:
            raise DatasetError(f"{answers_path}: expected answers to question {name}, found none.")
        image = image_file(images, f"COCO_{coco}_{number:012}.jpg", record, "image_id")
        return _sample(record, image, *truths[name])

    samples = collect(map(sample, questions), path)
    return samples, {"kind": "files", "files": fingerprints(path, answers_path)}


def _from_hub(place: Place, split: str) -> Loaded:
    table = Table(place.hub, None, HUB_SPLITS[split], place.revision)
    samples = (
        _sample(record, table.opener(index), *_truth(record))
        for index, record in enumerate(table.records())
    )
    return collect(samples, table.where), table.source


def _truth(record: Record) -> tuple[tuple[str, ...], str]:
    """The ten answers and the answer type: yes/no, number or other."""
    answers = record.values.get("answers")
    if isinstance(answers, list):
        answers = [item.get("answer") if isinstance(item, Mapping) else None for item in answers]
    if (
        not isinstance(answers, list)
        or len(answers) != 10
        or not all(isinstance(answer, str) for answer in answers)
    ):
        raise record.wrong("answers", "a list of ten objects, each with a text 'answer'")
    return tuple(answers), record.text("answer_type")


def _sample(record: Record, opener, answers: tuple[str, ...], answer_type: str) -> Sample:
    question = record.text("question")
    return Sample(
        id=record.name("question_id"),
        image_id=record.name("image_id"),
        question=question,
        prompt=question,
        answers=answers,
        opener=opener,
        group=answer_type,
    )


_vqav2 = partial(
    published, from_files=_from_files, from_hub=_from_hub, mirror="lmms-lab-encoder/VQAv2"
)
register(
    _vqav2("vqav2", "VQAv2", scoring="vqav2"),
    _vqav2("vqav2+official", "VQAv2, official script alone", scoring="vqav2-official"),
)
