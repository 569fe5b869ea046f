"""The model is asked for the box itself, where it has learned to name one."""

from __future__ import annotations

import re

from core.box import Box
from core.croppers.base import Clues, Cropper, Found, Need, around
from core.croppers.words import target

PROMPT = "Locate the {}. Answer with its bounding box only: [x1, y1, x2, y2]."
MARGIN = 1.2  # times the longer side of what was named, that the box has at least


def _ask(clues: Clues) -> Found:
    said = clues.answer(PROMPT.format(target(clues.question)))
    named = read_box(said, clues.box_units, clues.original_size)
    side = clues.info.base_side
    if named is None:
        width, height = clues.original_size
        middle = around((width / 2, height / 2), (side, side), clues.original_size)
        return Found((middle,), fallback=f"The model named no box, but said {said[:80]!r}.")
    side = max(side, int(MARGIN * max(named.size)))
    centre = (named.left + named.right) / 2, (named.top + named.bottom) / 2
    return Found((around(centre, (side, side), clues.original_size),))


def read_box(said: str, units: tuple[float, float], size: tuple[int, int]) -> Box | None:
    """Return the first box that a text names, in pixels of the original; None if it names none.

    units: what width and height of the image count, in the text's numbers. size: of the original.
    """
    numbers = r"\s*,\s*".join([r"(-?\d+(?:\.\d+)?)"] * 4)
    found = re.search(numbers, said)
    if not found:
        return None
    scale = size[0] / units[0], size[1] / units[1]
    left, top, right, bottom = (
        round(min(max(float(text) * scale[i % 2], 0), size[i % 2]))
        for i, text in enumerate(found.groups())
    )
    return Box(left, top, right, bottom) if left < right and top < bottom else None


ENTRIES = (
    Cropper(
        name="ask",
        label="Asking the model",
        rule="The model names the box itself.",
        source="Qwen2.5-VL, arXiv 2502.13923, grounding",
        find=_ask,
        needs=frozenset({Need.ANSWERS, Need.BOXES}),
    ),
)
