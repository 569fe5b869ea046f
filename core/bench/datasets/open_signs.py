"""Rendered signs of the open world, one question a scene, under one condition at a time.

`open-signs` with the option `condition` (core.signs.world.trials.CONDITIONS): strings that no
training used, then what visitors bring, one thing changed at a time. Every sample is made from its
condition, split and index alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PIL import Image

from core.bench.datasets.base import Entry, Loaded, Place, Sample, register
from core.bench.datasets.signs import Rendered
from core.signs import fonts
from core.signs.render import render
from core.signs.world import faces
from core.signs.world.trials import CONDITIONS, SEED, SIZE, trial


@dataclass(frozen=True)
class OpenSigns(Rendered):
    """The samples of one condition."""

    condition: str
    split: str
    indices: range = range(SIZE)

    def _sample(self, index: int) -> Sample:
        found = trial(self.condition, self.split, index)
        question = found.question
        return Sample(
            id=f"{self.split}-{index}",
            image_id=f"{self.split}-{self.condition}-{found.index}",
            question=question.text,
            prompt=question.text,
            answers=found.answers,
            opener=partial(_image, self.condition, self.split, index),
            boxes=question.boxes,
            group=question.kind,
            letter_height=question.letter_height,
        )


def _image(condition: str, split: str, index: int) -> Image.Image:
    return render(trial(condition, split, index).scene)


def load(place: Place, split: str, condition: str) -> Loaded:
    families = fonts.families(True) if split == "test" else faces.families(split)
    source = {"kind": "rendered", "condition": condition, "seed": SEED}
    source["fonts"] = [name for name in families if name] or ["Pillow's own"]
    return OpenSigns(condition, split), source


register(
    Entry("open-signs", "Signs, open world", ("test", "validation"), "exact", load,
          options={"condition": tuple(CONDITIONS)}),
)  # fmt: skip
