"""TextVQA 0.5.1 (Singh et al. 2019): reading text in photos, ten answers to a question.

    TextVQA_0.5.1_val.json              {"data": [{image_id, question_id, question, answers[10]}]}
    TextVQA_Rosetta_OCR_v0.2_val.json   {"data": [{image_id, ocr_tokens}]}, for textvqa+ocr
    train_images/{image_id}.jpg         the images of both train and val

On the hub: lmms-lab-encoder/textvqa (earlier lmms-lab/textvqa), whose rows hold `ocr_tokens` too.

`textvqa+boxes` is ViCrop's (arXiv 2502.17422): 4,370 questions of its validation with the box in
which the answer lies, on the hub as jrzhang/TextVQA_GT_bbox (dataset_id, question, answer, bbox as
left, top, width, height in pixels). Its layout was read in programs that use it, not in a copy; an
answer is right there if it is one of the annotators'.
"""

from functools import partial

from core.bench.datasets.base import (
    HUB_SPLITS,
    Entry,
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


def _from_files(place: Place, split: str, ocr: bool) -> Loaded:
    path = place.files / f"TextVQA_0.5.1_{split}.json"
    ocr_path = place.files / f"TextVQA_Rosetta_OCR_v0.2_{split}.json"
    questions = entries(path, "data", f"the {split} questions of TextVQA")
    tokens = _ocr_tokens(ocr_path, split) if ocr else {}
    images = image_folder(place.images or place.files / "train_images", "the images of TextVQA")

    def sample(record: Record) -> Sample:
        name = record.name("image_id")
        if ocr and name not in tokens:
            raise DatasetError(f"{ocr_path}: expected the tokens of image {name!r}, found none.")
        image = image_file(images, f"{name}.jpg", record, "image_id")
        return _sample(record, image, tokens.get(name))

    source = {"kind": "files", "files": fingerprints(path, *([ocr_path] if ocr else []))}
    return collect(map(sample, questions), path), source


def _ocr_tokens(path, split: str) -> dict[str, tuple[str, ...]]:
    records = entries(path, "data", f"the OCR tokens of TextVQA, {split}")
    return {record.name("image_id"): _tokens(record) for record in records}


def _tokens(record: Record) -> tuple[str, ...]:
    """No text found in an image is no error: the list may be empty."""
    return () if record.values.get("ocr_tokens") == [] else record.texts("ocr_tokens")


def _from_hub(place: Place, split: str, ocr: bool) -> Loaded:
    table = Table(place.hub, None, HUB_SPLITS[split], place.revision)
    samples = (
        _sample(record, table.opener(index), _tokens(record) if ocr else None)
        for index, record in enumerate(table.records())
    )
    return collect(samples, table.where), table.source


def _sample(record: Record, opener, tokens: tuple[str, ...] | None) -> Sample:
    question = record.text("question")
    hint = "" if tokens is None else "\nReference OCR token: " + ", ".join(tokens)
    return Sample(
        id=record.name("question_id"),
        image_id=record.name("image_id"),
        question=question,
        prompt=question + hint,
        answers=record.texts("answers", 10),
        opener=opener,
    )


def _with_boxes(place: Place, split: str) -> Loaded:
    table = Table(place.hub, None, "train", place.revision)  # its only split

    def sample(index: int, record: Record) -> Sample:
        question, name = record.text("question"), record.name("dataset_id")
        left, top, width, height = record.whole_numbers("bbox", 4)
        return Sample(
            id=name,
            image_id=name,
            question=question,
            prompt=question,
            answers=record.texts("answer"),
            opener=table.opener(index),
            boxes=((left, top, left + width, top + height),) if width and height else (),
        )

    samples = (sample(index, record) for index, record in enumerate(table.records()))
    return collect(samples, table.where), table.source


_textvqa = partial(
    published,
    from_files=_from_files,
    from_hub=_from_hub,
    scoring="textvqa",
    mirror="lmms-lab-encoder/textvqa",
)
register(
    _textvqa("textvqa", "TextVQA", ocr=False),
    _textvqa("textvqa+ocr", "TextVQA with OCR tokens", ocr=True),
    Entry(
        "textvqa+boxes",
        "TextVQA with boxes",
        ("val",),
        "exact",
        _with_boxes,
        ("mirror", "revision"),
        "jrzhang/TextVQA_GT_bbox",
    ),
)
