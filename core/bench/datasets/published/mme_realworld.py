"""MME-RealWorld-Lite (Zhang et al. 2024): 1,919 questions about large images, five options each.

    mme_realworld_lite.tsv    index, question, multi-choice options, answer, category, l2-category,
                              image

The options are a list as Python writes it, "(A) red" to "(E) …", the image is in base64. On the
hub: yifanzhang114/MME-RealWorld-lite-lmms-eval, the image in the column `bytes`. Fields as read in
lmms-eval's `mme_realworld` and VLMEvalKit's `MMERealWorld`.
"""

from __future__ import annotations

import ast

from core.bench.datasets.base import Loaded, Place, Sample, collect, published, register
from core.bench.datasets.hub import Table
from core.bench.datasets.pictures import read_table
from core.bench.datasets.records import Record, fingerprints
from core.vlm.loading.instructions import MME_REALWORLD

OPTIONS = "multi-choice options"


def _from_files(place: Place, split: str) -> Loaded:
    path = place.files / "mme_realworld_lite.tsv"
    rows = read_table(path, "the questions of MME-RealWorld-Lite")
    samples = collect((_sample(record, opener) for record, opener in rows), path)
    return samples, {"kind": "files", "files": fingerprints(path)}


def _from_hub(place: Place, split: str) -> Loaded:
    table = Table(place.hub, None, "train", place.revision, image="bytes")  # its only split
    samples = (_sample(record, table.opener(index)) for index, record in enumerate(table.records()))
    return collect(samples, table.where), table.source


def _sample(record: Record, opener) -> Sample:
    options, question = _options(record), record.text("question")
    answer = record.text("answer").strip().upper()
    if len(answer) != 1 or answer not in "ABCDE"[: len(options)]:
        raise record.wrong("answer", "the letter of an option")
    listed = "\n".join(["The choices are listed below:", *options])
    return Sample(
        id=record.name("index"),
        image_id=record.name("index"),
        question=question,
        prompt=f"{question} {listed}\n{MME_REALWORLD}",
        answers=(answer,),
        opener=opener,
        choices=tuple(option[4:] for option in options),
        choice="ABCDE".index(answer),
        group=record.text("category"),  # Perception/Remote Sensing, …
    )


def _options(record: Record) -> tuple[str, ...]:
    given = record.values.get(OPTIONS)
    if isinstance(given, str):
        try:
            given = ast.literal_eval(given)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise record.wrong(OPTIONS, "a list of texts") from None
    options = Record(record.where, {OPTIONS: given}).texts(OPTIONS)
    if any(not o.startswith(f"({letter})") for letter, o in zip("ABCDE", options, strict=False)):
        raise record.wrong(OPTIONS, "options that begin with (A), (B), …")
    return options


register(
    published(
        "mme-realworld-lite", "MME-RealWorld-Lite", _from_files, _from_hub, splits=("test",),
        scoring="mme-realworld", mirror="yifanzhang114/MME-RealWorld-lite-lmms-eval",
    )
)  # fmt: skip
