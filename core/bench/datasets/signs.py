"""The three sets of the bundled model: rendered scenes of signs, one question a scene.

`signs-text` is the counterpart of TextVQA (`signs-text+hints`: with OCR tokens), `signs-presence`
of POPE, and `signs-attributes` of GQA and A-OKVQA. Every sample is made from its split and index
alone, so there are no files, and no sample depends on another. Questions are drawn as in
`core.pocket.evaluate`, in phrasings seen in training; the test split's fonts are held out.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

from PIL import Image

from core.bench.datasets.base import Entry, Loaded, Place, Sample, register
from core.pocket import fonts
from core.pocket.evaluate import questions
from core.pocket.render import render
from core.pocket.scenes import make_scene

SIZE = 10_000  # samples of a split


@dataclass(frozen=True)
class Signs(Sequence[Sample]):
    """The samples of one family, made on demand (some 10 ms each, the image another 50)."""

    family: str  # text, presence or attributes
    split: str
    hints: bool = False
    indices: range = range(SIZE)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return Signs(self.family, self.split, self.hints, self.indices[index])
        return self._sample(self.indices[operator.index(index)])

    def _sample(self, index: int) -> Sample:
        # Not every scene has what the question is about: the next candidate is a scene that no
        # other sample can have.
        for candidate in count(index, SIZE):
            scene = make_scene(self.split, candidate)
            question = None
            if scene.signs:
                question = questions(scene, candidate, self.family, self.split, False, self.hints)
            if question is not None:
                break
        first_line, *rest = question.text.split("\n")
        options = [line.split(". ", 1)[1] for line in rest] if question.kind == "choice" else []
        right = "ABCD".index(question.answer) if options else None
        return Sample(
            id=f"{self.split}-{index}",
            image_id=f"{self.split}-{candidate}",
            question=first_line,
            prompt=question.text,  # the bundled model was trained without an instruction
            answers=(options[right] if options else question.answer,),
            opener=partial(scene_image, self.split, candidate),
            choices=tuple(options),
            choice=right,
            boxes=question.boxes,
            group=question.kind,
        )


def scene_image(split: str, index: int) -> Image.Image:
    return render(make_scene(split, index))


def load(place: Place, split: str, family: str, hints: bool = False) -> Loaded:
    faces = fonts.families(held_out=split == "test") or ("Pillow's own",)
    source = {"kind": "rendered", "family": family, "hints": hints, "fonts": list(faces)}
    return Signs(family, split, hints), source


def _entry(name: str, label: str, scoring: str, **options) -> Entry:
    return Entry(name, label, ("test", "validation"), scoring, partial(load, **options))


register(
    _entry("signs-text", "Signs, text", "exact", family="text"),
    _entry("signs-text+hints", "Signs, text with hints", "exact", family="text", hints=True),
    _entry("signs-presence", "Signs, presence", "pope", family="presence"),
    _entry("signs-attributes", "Signs, attributes", "exact", family="attributes"),
)
