"""Photographs of single words: IIIT5K, ICDAR's word recognition, or one's own folder.

`words` reads a list of labels beside its pictures, one a line, in either of two forms:

    test/1002_1.png PRIVATE            IIIT5K as tags: test.tags, train.tags
    word_1.png, "JOINT"                ICDAR 2013 and 2015: gt.txt

For one's own photographs, write `labels.txt` in either form. No picture comes with this project:
the sets' own pages have them. The question is always the same one, which names nothing; an answer
is right if it equals the label but for letter case, as these sets are scored.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from core.bench.datasets.base import Entry, Loaded, Place, Sample, collect, register
from core.bench.datasets.folder import inside
from core.bench.datasets.records import DatasetError, Record, fingerprints
from core.support.tables import TableError, decode

QUESTION = "What is written in the image?"
LISTS = ("{split}.tags", "gt.txt", "labels.txt")  # looked for in this order
# `word_1.png, "JOINT"`, in which a quotation mark is \\", or `test/1002_1.png PRIVATE`
LINE = re.compile(r'(?P<a>[^,]+?),\s*"(?P<quoted>.*)"|(?P<b>\S+)\s+(?P<plain>.+)')


def load(place: Place, split: str) -> Loaded:
    path = _list(place.files, split)
    samples = collect(_samples(path, path.parent.resolve()), path)
    return samples, {"kind": "files", "files": fingerprints(path)}


def _list(folder: Path, split: str) -> Path:
    if folder.is_file():
        return folder
    names = [name.format(split=split) for name in LISTS]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(f"{folder}: expected a list of labels there, {' or '.join(names)}.")


def _samples(path: Path, root: Path) -> Iterator[Sample]:
    try:
        lines = decode(path.read_bytes()).splitlines()
    except TableError as error:
        raise DatasetError(f"{path.name}: {error}.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        found = LINE.fullmatch(line.strip())
        if found is None:
            raise DatasetError(f'{where}: expected `picture.png, "WORD"` or `picture.png WORD`.')
        word = found["plain"] if found["quoted"] is None else found["quoted"].replace('\\"', '"')
        record = Record(where, {"image": found["a"] or found["b"]}, number)
        yield Sample(
            id=record.text("image"),
            image_id=record.text("image"),
            question=QUESTION,
            prompt=QUESTION,
            answers=(word,),
            opener=partial(inside, root, record),
        )
        inside(root, record)  # a missing picture should show now, with its line


register(Entry("words", "Words, photographs", ("test", "train"), "exact", load, ("folder",)))
