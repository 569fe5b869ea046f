"""HR-Bench (Wang et al. 2024): 200 questions about images of 4K and 8K, options in four orders.

    hr_bench_4k.tsv    index, question, A, B, C, D, answer, category, cycle_category, image
    hr_bench_8k.tsv    the same

One row an order, with the letter of the right option as `answer` and the image in base64. On the
hub: DreamMr/HR-Bench, configuration hrbench_version_split. Fields as read in lmms-eval's `hrbench`
and VLMEvalKit's `HRBenchDataset`; both average over the four orders, which have the same size.
"""

from __future__ import annotations

from core.bench.datasets.base import (
    Loaded,
    Place,
    Sample,
    collect,
    published,
    register,
    with_options,
)
from core.bench.datasets.hub import Table
from core.bench.datasets.pictures import read_table
from core.bench.datasets.records import Record, fingerprints
from core.vlm.loading.instructions import HR_BENCH


def _from_files(place: Place, split: str, size: str) -> Loaded:
    path = place.files / f"hr_bench_{size}.tsv"
    rows = read_table(path, f"the questions of HR-Bench {size.upper()}")
    samples = collect((_sample(record, opener) for record, opener in rows), path)
    return samples, {"kind": "files", "files": fingerprints(path)}


def _from_hub(place: Place, split: str, size: str) -> Loaded:
    table = Table(place.hub, "hrbench_version_split", f"hrbench_{size}", place.revision)
    samples = (_sample(record, table.opener(index)) for index, record in enumerate(table.records()))
    return collect(samples, table.where), table.source


def _sample(record: Record, opener) -> Sample:
    letters = [letter for letter in "ABCD" if record.values.get(letter) is not None]
    choices = tuple(record.name(letter) for letter in letters)
    answer, question = record.text("answer").strip().upper(), record.text("question").strip()
    if answer not in letters or "".join(letters) != "ABCD"[: len(letters)]:
        raise record.wrong("answer", "the letter of an option, of A to D")
    return Sample(
        id=record.name("index"),
        image_id=record.name("index"),
        question=question,
        prompt=f"{with_options(question, choices)}\n{HR_BENCH}",
        answers=(answer,),
        opener=opener,
        choices=choices,
        choice=letters.index(answer),
        group=record.text("category"),  # single, cross
    )


for _size in ("4k", "8k"):
    register(
        published(
            f"hr-bench-{_size}", f"HR-Bench {_size.upper()}", _from_files, _from_hub,
            splits=("test",), scoring="inferred", mirror="DreamMr/HR-Bench", size=_size,
        )
    )  # fmt: skip
