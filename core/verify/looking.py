"""Whether the model looks at what it is asked about. Only trained weights can.

Nothing here stands against a model: an untrained one of the right shape is read as well as any.
But if the weights are real, and it doesn't look where it is asked, layer or prompt are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image, ImageStat

from core.box import Box
from core.edge.device import Edge
from core.server.stages.maps import attention_maps, chosen_box, geometry_on
from core.verify.case import Asked, Case, scene
from core.verify.report import Finding

_SCENES = 6


@dataclass(frozen=True)
class Looked:
    """Where a model looked in one picture, and what covering did to its answer."""

    question: str
    answer: str
    right: str
    hit: bool  # the box holds the centre of what was asked about
    chance: float  # share of the picture that the box covers
    density: float  # relative attention on it, over that of the whole picture
    covered: float  # how much of the first token's probability moves when it is covered
    elsewhere: float  # when another place is


def check(case: Case) -> Iterator[Finding]:
    """Yield where attention and box go in a few pictures, and what covering the object does."""
    looked = []
    for i in range(1, 1 + _SCENES):
        case.step(f"picture {i} of {_SCENES}, whole, and covered at two places")
        looked.append(look_at(case, scene(i)))
    hits, chance = sum(one.hit for one in looked), sum(one.chance for one in looked)
    density = float(np.median([one.density for one in looked]))
    moved = sum(one.covered > one.elsewhere for one in looked)
    right = sum(one.answer.strip().lower() == one.right.lower() for one in looked)
    facts = {"pictures": [asdict(one) for one in looked]}
    yield Finding(
        "note",
        f"In {hits} of {_SCENES} pictures the box holds the sign that was asked about (by chance: "
        f"{chance:.1f}); relative attention is {density:.1f} times as dense on it as elsewhere.",
        facts,
    )
    yield Finding(
        "note",
        f"Covering the sign changes the answer more than covering another place in {moved} of "
        f"{_SCENES}; {right} first answers are right.",
    )
    if hits > 2 * chance + 1 and moved > _SCENES / 2:
        yield Finding("note", "So it looks where it is asked, as trained weights do.")
    else:
        yield Finding(
            "note",
            "So it doesn't look where it is asked. Untrained weights don't; if these are trained "
            "ones, the layer is wrong, or the prompt, or such small signs can't be seen: try "
            "another --layer.",
        )


def look_at(case: Case, asked: Asked) -> Looked:
    """Ask about the sign, and again with the sign, and another place, covered."""
    vlm, edge = case.vlm, Edge(asked.image)
    view = edge.resize(vlm.info.fit)
    look = vlm.look(view)
    answer = vlm.answer(look, asked.question)
    generic = vlm.attend(look, vlm.info.generic_prompt)
    geometry = geometry_on(vlm, view.size, asked.image.size)
    attention = attention_maps(answer.attention, generic, geometry)
    box = chosen_box(vlm, attention, asked.image.size)
    x, y = (asked.box.left + asked.box.right) / 2, (asked.box.top + asked.box.bottom) / 2
    relative = np.asarray(attention.relative)
    rows, cols = geometry.grid
    inside = np.zeros((rows, cols), dtype=bool)
    for row in range(rows):
        for col in range(cols):
            left, top, right, bottom = geometry.cell(row, col)
            inside[row, col] = (
                left < asked.box.right and right > asked.box.left
                and top < asked.box.bottom and bottom > asked.box.top
            )  # fmt: skip
    dense = relative[inside].mean() / max(relative.mean(), 1e-30) if inside.any() else 0.0
    moved = []
    for place in (asked.box, _elsewhere(asked.box, asked.image.size)):
        hidden = Edge(_covered(asked.image, place)).resize(vlm.info.fit)
        other = vlm.answer(vlm.look(hidden), asked.question, max_new_tokens=1)
        moved.append(_moved(answer.logits[0], other.logits[0]))
    return Looked(
        asked.question, answer.text, asked.answer,
        box.left <= x < box.right and box.top <= y < box.bottom,
        box.area / (asked.image.width * asked.image.height), float(dense), *moved,
    )  # fmt: skip


def _moved(before: np.ndarray, after: np.ndarray) -> float:
    """Total variation between two distributions, 0 to 1."""
    one, other = (np.exp(x - x.max()) for x in (before.astype(np.float64), after))
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)


def _covered(image: Image.Image, box: Box) -> Image.Image:
    """The image with a box painted in the mean colour of what lies around it."""
    left, top, right, bottom = box.as_tuple()
    around = image.crop((
        max(left - box.width // 2, 0), max(top - box.height // 2, 0),
        min(right + box.width // 2, image.width), min(bottom + box.height // 2, image.height),
    ))  # fmt: skip
    colour = tuple(round(x) for x in ImageStat.Stat(around).mean)
    covered = image.copy()
    covered.paste(colour, (left, top, right, bottom))
    return covered


def _elsewhere(box: Box, size: tuple[int, int]) -> Box:
    """A box of the same size, as far away as the picture allows."""
    left = 0 if box.left + box.right > size[0] else size[0] - box.width
    top = 0 if box.top + box.bottom > size[1] else size[1] - box.height
    return Box(left, top, left + box.width, top + box.height)
