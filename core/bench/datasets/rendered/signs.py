"""The three sets of the bundled model: rendered scenes of signs, one question a scene.

`signs-text` is the counterpart of TextVQA (`signs-text+hints`: with OCR tokens), `signs-presence`
of POPE, and `signs-attributes` of GQA and A-OKVQA. Every sample is made from its split and index
alone, so there are no files, and no sample depends on another.

Options: `fonts`, of the signs, and `phrasings`, of the questions, each `training` or `held-out`
from training. Unless told otherwise, fonts are those of the split (held out for the test) and
phrasings those seen in training.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

from PIL import Image

from core.bench.datasets.base import Entry, Loaded, Place, Sample, register
from core.signs import fonts as faces
from core.signs.questions import SceneQuestion, ask_attribute, ask_presence, ask_text
from core.signs.render import render
from core.signs.scenes import Scene, make_scene, scene_rng

SIZE = 10_000  # samples of a split
SEED = 40_000  # of the questions; that of the scenes is 0


def draw_question(
    scene: Scene, index: int, family: str, split: str, held_out: bool, hints: bool
) -> SceneQuestion | None:
    """One question about a scene; None if it has nothing that the family asks about."""
    if not scene.signs:
        return None
    rng = scene_rng(split, index, SEED)
    if family == "text":
        sign = scene.signs[rng.integers(len(scene.signs))]
        return ask_text(rng, scene, sign, held_out, hints)
    return (ask_presence if family == "presence" else ask_attribute)(rng, scene, held_out)


class Rendered(Sequence[Sample]):
    """Samples made on demand from their index. What they are of are fields, `indices` among them:
    a dataclass."""

    indices: range

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return replace(self, indices=self.indices[index])
        return self._sample(self.indices[operator.index(index)])

    def _sample(self, index: int) -> Sample:
        raise NotImplementedError


@dataclass(frozen=True)
class Signs(Rendered):
    """The samples of one family (some 10 ms each, the image another 50)."""

    family: str  # text, presence or attributes
    split: str
    hints: bool = False
    held_out_fonts: bool = True
    held_out_phrasings: bool = False
    indices: range = range(SIZE)

    def _sample(self, index: int) -> Sample:
        candidate, question = self._asked(index)
        first_line, *rest = question.text.split("\n")
        options = [line.split(". ", 1)[1] for line in rest] if question.kind == "choice" else []
        right = "ABCD".index(question.answer) if options else None
        return Sample(
            id=f"{self.split}-{index}",
            image_id=f"{self.split}-{candidate}",
            question=first_line,
            prompt=question.text,  # the bundled model was trained without an instruction
            answers=(question.answer if right is None else options[right],),
            opener=partial(scene_image, self.split, candidate, self.held_out_fonts),
            choices=tuple(options),
            choice=right,
            boxes=question.boxes,
            group=question.kind,
            letter_height=question.letter_height,
        )

    def _asked(self, index: int) -> tuple[int, SceneQuestion]:
        """Return the scene's index and its question. Not every scene has what the question is
        about: the next candidate is a scene that no other sample can have."""
        for candidate in count(index, SIZE):
            scene = make_scene(self.split, candidate, held_out_fonts=self.held_out_fonts)
            question = draw_question(
                scene, candidate, self.family, self.split, self.held_out_phrasings, self.hints
            )
            if question is not None:
                return candidate, question
        raise AssertionError("count() ends nowhere")


def scene_image(split: str, index: int, held_out_fonts: bool) -> Image.Image:
    return render(make_scene(split, index, held_out_fonts=held_out_fonts))


def load(
    place: Place, split: str, family: str, fonts: str, phrasings: str, hints: bool = False
) -> Loaded:
    held_out = held_out_fonts(split, fonts)
    source = signs_source(held_out, family=family, hints=hints, seed=0, phrasings=phrasings)
    return Signs(family, split, hints, held_out, phrasings == "held-out"), source


def held_out_fonts(split: str, fonts: str) -> bool:
    """Return whether the option `fonts` of a split means those that are held out."""
    return split == "test" if fonts == "split's" else fonts == "held-out"


def signs_source(held_out_fonts: bool, **said: Any) -> dict[str, Any]:
    """Return what it takes to draw such samples again: what is `said`, and the fonts."""
    families = faces.families(held_out_fonts) or ("Pillow's own",)
    return {"kind": "rendered", **said, "fonts": list(families)}


OPTIONS = {"fonts": ("split's", "held-out", "training"), "phrasings": ("training", "held-out")}


def _entry(name: str, label: str, scoring: str, **settings) -> Entry:
    load_family = partial(load, **settings)
    return Entry(name, label, ("test", "validation"), scoring, load_family, options=OPTIONS)


register(
    _entry("signs-text", "Signs, text", "exact", family="text"),
    _entry("signs-text+hints", "Signs, text with hints", "exact", family="text", hints=True),
    _entry("signs-presence", "Signs, presence", "pope", family="presence"),
    _entry("signs-attributes", "Signs, attributes", "exact", family="attributes"),
)
