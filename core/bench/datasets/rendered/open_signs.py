"""Rendered signs of the open world, one question a scene, under one condition at a time.

`open-signs` with the option `condition` (core.signs.world.trials.CONDITIONS): strings that no
training used, then what visitors bring, one thing changed at a time; or `each` in turn in which one
thing is asked for. Every sample is made from its condition, split and index alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PIL import Image

from core.bench.datasets.base import Entry, Loaded, Place, Sample, register
from core.bench.datasets.rendered.signs import Rendered
from core.signs import fonts
from core.signs.world import faces
from core.signs.world.trials import CONDITIONS, SEED, SIZE, trial

EACH = "each"
# What isn't there has no box, and of several that are alike, none is the one.
_OTHERS = (
    "absent", "absent-object", "alike", "too-small", "other-name", "any-sign", "large-object",
)  # fmt: skip
_IN_TURN = [name for name in CONDITIONS if name not in _OTHERS]


@dataclass(frozen=True)
class OpenSigns(Rendered):
    """The samples of one condition, or of each in turn."""

    condition: str
    split: str
    indices: range = range(SIZE)

    def _sample(self, index: int) -> Sample:
        condition = _condition(self.condition, index)
        found = trial(condition, self.split, index)
        question = found.question
        return Sample(
            id=f"{self.split}-{index}",
            image_id=f"{self.split}-{condition}-{found.index}",
            question=question.text,
            prompt=question.text,
            answers=found.answers,
            opener=partial(_image, condition, self.split, index),
            boxes=question.boxes,
            group=question.kind,
            letter_height=question.letter_height,
        )


def _condition(name: str, index: int) -> str:
    return _IN_TURN[index % len(_IN_TURN)] if name == EACH else name


def _image(condition: str, split: str, index: int) -> Image.Image:
    return trial(condition, split, index).picture()


def load(place: Place, split: str, condition: str) -> Loaded:
    families = fonts.families(True) if split == "test" else faces.families(split)
    source = {"kind": "rendered", "condition": condition, "seed": SEED}
    source["fonts"] = [name for name in families if name] or ["Pillow's own"]
    return OpenSigns(condition, split), source


register(
    Entry("open-signs", "Signs, open world", ("test", "validation"), "exact", load,
          options={"condition": (*CONDITIONS, EACH)}),
)  # fmt: skip
