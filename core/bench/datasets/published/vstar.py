r"""V*Bench (Wu & Xie 2024): 191 questions about details of large photographs, with target boxes.

    test_questions.jsonl                {text, label, category, question_id, image}
    direct_attributes/sa_4690.jpg       as `image` has it
    direct_attributes/sa_4690.json      {target_object, bbox, question, options}

`text` holds the options, "(A) rubber\n(B) cotton …", and the instruction; a `bbox` is left, top,
width, height in pixels. On the hub: lmms-lab-encoder/vstar-bench (earlier lmms-lab/vstar-bench),
without boxes. Layouts as read in penghao-wu/vstar and lmms-eval's `vstar_bench`.

`vstar` is scored as lmms-eval does, `vstar+inferred` as VLMEvalKit does.
"""

from __future__ import annotations

import re
from functools import partial

from core.bench.datasets.base import (
    Loaded,
    Place,
    Sample,
    collect,
    published,
    register,
    with_options,
)
from core.bench.datasets.folder import inside
from core.bench.datasets.hub import Table
from core.bench.datasets.records import Corners, Record, fingerprints, json_lines, read_json
from core.vlm.loading.instructions import LETTER

QUESTIONS = "test_questions.jsonl"


def _from_files(place: Place, split: str) -> Loaded:
    path = place.files / QUESTIONS
    root = (place.images or place.files).resolve()

    def sample(record: Record) -> Sample:
        return _sample(record, record.text("image"), partial(inside, root, record),
                       _boxes(inside(root, record).with_suffix(".json")))  # fmt: skip

    samples = collect(map(sample, json_lines(path, "the questions of V*Bench")), path)
    return samples, {"kind": "files", "files": fingerprints(path)}


def _boxes(path) -> tuple[Corners, ...]:
    """The boxes of what a question is about, from the file beside its image."""
    wanted = "what is known of an image of V*Bench"
    content = read_json(path, wanted)
    values = content.get("bbox") if isinstance(content, dict) else None
    record = Record(str(path), {"bbox": values})
    if not isinstance(values, list) or not values:
        raise record.wrong("bbox", "a list of boxes: left, top, width, height")
    corners = []
    for value in values if isinstance(values[0], list) else [values]:
        box = Record(str(path), {"bbox": value})
        left, top, width, height = box.whole_numbers("bbox", 4)
        if not width or not height:
            raise box.wrong("bbox", "left, top, width, height, neither side 0")
        corners.append((left, top, left + width, top + height))
    return tuple(corners)


def _from_hub(place: Place, split: str) -> Loaded:
    table = Table(place.hub, None, split, place.revision)
    samples = (
        _sample(record, record.name("question_id"), table.opener(index), ())
        for index, record in enumerate(table.records())
    )
    return collect(samples, table.where), table.source


def _sample(record: Record, image_id: str, opener, boxes: tuple[Corners, ...]) -> Sample:
    text = record.text("text").strip().removesuffix(LETTER).strip()
    question, *options = re.split(r"\s*\(([A-D])\)\s*", text)
    letters, choices = options[::2], tuple(option.strip() for option in options[1::2])
    if "".join(letters) != "ABCD"[: len(letters)] or len(letters) < 2:
        raise record.wrong("text", "a question with its options, (A) to (D)")
    label = record.text("label").strip().upper()
    if label not in letters:
        raise record.wrong("label", "the letter of an option")
    return Sample(
        id=record.name("question_id"),
        image_id=image_id,
        question=question,
        prompt=f"{with_options(question, choices)}\n{LETTER}",
        answers=(label,),
        opener=opener,
        choices=choices,
        choice=letters.index(label),
        boxes=boxes,
        group=record.text("category"),  # direct_attributes, relative_position
    )


_vstar = partial(
    published,
    from_files=_from_files,
    from_hub=_from_hub,
    splits=("test",),
    mirror="lmms-lab-encoder/vstar-bench",
)
register(
    _vstar("vstar", "V*Bench", scoring="vstar"),
    _vstar("vstar+inferred", "V*Bench, options inferred", scoring="inferred"),
)
