"""ChartQA (Masry et al. 2022): questions about charts, written by people or by a machine.

    test/test_human.json        [{imgname, query, label}]
    test/test_augmented.json    the same, of the machine
    test/png/{imgname}

On the hub: lmms-lab-encoder/ChartQA (earlier lmms-lab/ChartQA): type, question, answer, image.
Numbers may be off by 5 %.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.bench.datasets.base import Loaded, Place, Sample, collect, published, register
from core.bench.datasets.hub import Table
from core.bench.datasets.records import Record, entries, fingerprints, image_file, image_folder

KINDS = ("human", "augmented")


def _from_files(place: Place, split: str) -> Loaded:
    folder = place.files / split
    images = image_folder(place.images or folder / "png", "the charts of ChartQA")
    paths = {kind: folder / f"{split}_{kind}.json" for kind in KINDS}

    def samples() -> Iterator[Sample]:
        for kind, path in paths.items():
            for record in entries(path, None, f"the {kind} questions of ChartQA"):
                name = record.name("imgname")
                image = image_file(images, name, record, "imgname")
                yield _sample(record, f"{kind}-{record.number}", kind, name, image, "query",
                              "label")  # fmt: skip

    found = collect(samples(), folder)
    return found, {"kind": "files", "files": fingerprints(*paths.values())}


def _from_hub(place: Place, split: str) -> Loaded:
    table = Table(place.hub, None, split, place.revision)

    def samples() -> Iterator[Sample]:
        numbers = dict.fromkeys(KINDS, 0)
        for index, record in enumerate(table.records()):
            kind = record.text("type").split("_")[0]
            if kind not in numbers:
                raise record.wrong("type", f"{KINDS[0]}_{split} or {KINDS[1]}_{split}")
            numbers[kind] += 1
            name = f"{kind}-{numbers[kind]}"
            yield _sample(record, name, kind, name, table.opener(index), "question", "answer")

    return collect(samples(), table.where), table.source


def _sample(
    record: Record, name: str, kind: str, image_id: str, opener, asked: str, right: str
) -> Sample:
    question = record.text(asked)
    return Sample(name, image_id, question, question, (record.text(right),), opener, group=kind)


register(
    published(
        "chartqa", "ChartQA", _from_files, _from_hub, splits=("test", "val"), scoring="relaxed",
        mirror="lmms-lab-encoder/ChartQA",
    )
)  # fmt: skip
