"""A-OKVQA 1.0 (Schwenk et al. 2022): questions that take knowledge of the world.

    aokvqa_v1p0_{split}.json     [{question_id, image_id, question, choices[4],
                                   correct_choice_idx, direct_answers[10],
                                   difficult_direct_answer}]
    {split}2017/{image_id:012}.jpg    COCO 2017

Asked two ways: `aokvqa` for a direct answer, without the questions marked as too difficult for
it, which the official script leaves out too; `aokvqa+choices` with the options.

On the hub: HuggingFaceM4/A-OKVQA, which has no image_id and writes the direct answers as one text.
"""

import ast
from collections.abc import Iterator
from functools import partial

from core.bench.datasets.base import (
    HUB_SPLITS,
    Loaded,
    Place,
    Sample,
    collect,
    published,
    register,
    with_options,
)
from core.bench.datasets.hub import Table
from core.bench.datasets.records import Record, entries, fingerprints, image_file, image_folder
from core.vlm.loading.instructions import LETTER


def _from_files(place: Place, split: str, choices: bool) -> Loaded:
    path = place.files / f"aokvqa_v1p0_{split}.json"
    records = entries(path, None, f"the {split} questions of A-OKVQA")
    folder = place.images or place.files / f"{split}2017"
    images = image_folder(folder, f"the images of COCO {split}2017")

    def samples() -> Iterator[Sample]:
        for record in records:
            number = record.whole("image_id")
            image = image_file(images, f"{number:012}.jpg", record, "image_id")
            if _is_asked(record, choices):
                yield _sample(record, str(number), image, choices)

    return collect(samples(), path), {"kind": "files", "files": fingerprints(path)}


def _from_hub(place: Place, split: str, choices: bool) -> Loaded:
    table = Table(place.hub, None, HUB_SPLITS[split], place.revision)
    samples = (
        _sample(record, record.name("question_id"), table.opener(index), choices)
        for index, record in enumerate(table.records())
        if _is_asked(record, choices)
    )
    return collect(samples, table.where), table.source


def _is_asked(record: Record, choices: bool) -> bool:
    return choices or not record.flag("difficult_direct_answer")


def _sample(record: Record, image_id: str, opener, as_choice: bool) -> Sample:
    question = record.text("question")
    choices = record.texts("choices")
    right = record.whole("correct_choice_idx")
    if right >= len(choices):
        raise record.wrong("correct_choice_idx", f"below {len(choices)}, the number of choices")
    if as_choice:
        prompt = f"{with_options(question, choices)}\n{LETTER}"
        return Sample(
            record.name("question_id"), image_id, question, prompt, (choices[right],), opener,
            choices=choices, choice=right,
        )  # fmt: skip
    prompt, answers = question, _direct_answers(record)
    return Sample(record.name("question_id"), image_id, question, prompt, answers, opener)


def _direct_answers(record: Record) -> tuple[str, ...]:
    """The ten answers; the mirror writes them as Python writes a list."""
    answers = record.values.get("direct_answers")
    if isinstance(answers, str):
        try:
            answers = ast.literal_eval(answers)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise record.wrong("direct_answers", "a list of texts") from None
        record = Record(record.where, {"direct_answers": answers})
    return record.texts("direct_answers")


_aokvqa = partial(
    published, from_files=_from_files, from_hub=_from_hub, mirror="HuggingFaceM4/A-OKVQA"
)
register(
    _aokvqa("aokvqa", "A-OKVQA, direct answer", scoring="direct", choices=False),
    _aokvqa("aokvqa+choices", "A-OKVQA, multiple choice", scoring="choice", choices=True),
)
