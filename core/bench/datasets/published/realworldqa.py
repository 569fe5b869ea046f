r"""RealWorldQA (xAI 2024): 765 questions about photographs, most of them from vehicles.

    annotations.json    [{image, question, answer}]
    0.webp              as `image` has it

A question with options brings them, "\nA. yes\nB. no\n", and its instruction; its answer is a
letter. Others are answered by a word or a number. On the hub: lmms-lab-encoder/RealWorldQA (earlier
lmms-lab/RealWorldQA), or xai-org/RealworldQA: image, question, answer.

`realworldqa` is scored as lmms-eval does; `realworldqa+inferred` asks the questions with options,
and is scored as VLMEvalKit does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from core.bench.datasets.base import Loaded, Place, Sample, collect, published, register
from core.bench.datasets.folder import inside
from core.bench.datasets.hub import Table
from core.bench.datasets.records import Record, entries, fingerprints

_OPTION = re.compile(r"^\s*([A-D])[.)]\s+(.+?)\s*$", re.MULTILINE)


def _from_files(place: Place, split: str, with_options: bool) -> Loaded:
    path = place.files / "annotations.json"
    root = (place.images or place.files).resolve()

    def samples() -> Iterator[Sample]:
        for record in entries(path, None, "the questions of RealWorldQA"):
            opener = partial(inside, root, record)
            yield _sample(record, record.number - 1, record.text("image"), opener)

    return _asked(samples(), with_options, path), {"kind": "files", "files": fingerprints(path)}


def _from_hub(place: Place, split: str, with_options: bool) -> Loaded:
    table = Table(place.hub, None, split, place.revision)
    samples = (
        _sample(record, index, str(index), table.opener(index))
        for index, record in enumerate(table.records())
    )
    return _asked(samples, with_options, table.where), table.source


def _asked(samples: Iterator[Sample], with_options: bool, where: object) -> tuple[Sample, ...]:
    return collect((s for s in samples if s.choices or not with_options), where)


def _sample(record: Record, number: int, image_id: str, opener) -> Sample:
    question, answer = record.text("question").strip(), record.text("answer").strip()
    options = _OPTION.findall(question)
    letters = "".join(letter for letter, _ in options)
    listed = len(options) > 1 and letters == "ABCD"[: len(letters)] and answer in letters
    return Sample(
        id=str(number),
        image_id=image_id,
        question=question,
        prompt=question,
        answers=(answer,),
        opener=opener,
        choices=tuple(text for _, text in options) if listed else (),
        choice=letters.index(answer) if listed else None,
    )


_realworldqa = partial(
    published,
    from_files=_from_files,
    from_hub=_from_hub,
    splits=("test",),
    mirror="lmms-lab-encoder/RealWorldQA",
)
register(
    _realworldqa("realworldqa", "RealWorldQA", scoring="realworldqa", with_options=False),
    _realworldqa("realworldqa+inferred", "RealWorldQA, options inferred", scoring="inferred",
                 with_options=True),
)  # fmt: skip
