"""`signs-search`: one small sign among many in a large original, or two that no one crop holds.

Made to tell rules for where to look apart: what is asked for covers 0.02 to 0.5 % of an original
of 2,048 to 4,096 pixels, and a crop of anything else shows nothing of use. Every sample is made
from its split and index alone.

Options: `fonts` and `phrasings`, as those of the other `signs-*` sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PIL import Image

from core.bench.datasets.base import Entry, Loaded, Place, Sample, register
from core.bench.datasets.rendered.signs import OPTIONS, SIZE, Rendered, held_out_fonts, signs_source
from core.signs.search import SEED, make_search, render_search


@dataclass(frozen=True)
class SignsSearch(Rendered):
    """The samples of a split."""

    split: str
    held_out_fonts: bool = True
    held_out_phrasings: bool = False
    indices: range = range(SIZE)

    def _sample(self, index: int) -> Sample:
        search = make_search(self.split, index, self.held_out_fonts, self.held_out_phrasings)
        question = search.question
        return Sample(
            id=f"{self.split}-{index}",
            image_id=f"{self.split}-{index}",
            question=question.text,
            prompt=question.text,
            answers=(question.answer,),
            opener=partial(search_image, self.split, index, self.held_out_fonts),
            boxes=question.boxes,
            group=question.kind,
            letter_height=question.letter_height,
        )


def search_image(split: str, index: int, held_out_fonts: bool) -> Image.Image:
    return render_search(make_search(split, index, held_out_fonts).scene)


def load(place: Place, split: str, fonts: str, phrasings: str) -> Loaded:
    held_out = held_out_fonts(split, fonts)
    source = signs_source(held_out, family="search", seed=SEED, phrasings=phrasings)
    return SignsSearch(split, held_out, phrasings == "held-out"), source


register(
    Entry(
        "signs-search",
        "Signs, search",
        ("test", "validation"),
        "exact",
        load,
        options=OPTIONS,
    )
)
