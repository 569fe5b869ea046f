"""Who looks where an engine answers: engines tell no attention, and no API hands any out.

``scout:MODEL``: a small model on this machine reads the same global image, and eq. 22 is of its
attention. ``ask``: the engine itself names the box. ``tiles``: the engine says of each part of the
global image whether the question can be answered from it, after ZoomEye (arXiv 2411.16044): no
byte of it crosses the link to the edge. Each gives rows over a grid on the global image, which the
search of eq. 11 reads like any other.
"""

from __future__ import annotations

import json
import logging
import math
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.cropping import MIN_CELLS
from core.imaging import Fit, Geometry
from core.imaging.geometry import Rect
from core.vlm.base import VLM, VLMError
from core.vlm.loading.settings import Settings
from core.vlm.yes import of_likeliest

if TYPE_CHECKING:
    from PIL import Image

    from core.vlm.base import ModelInfo
    from core.vlm.engine.held import EngineLook
    from core.vlm.engine.reply import Reply

__all__ = ["LOOKS", "Looker", "looker", "named_box"]

LOOKS = "scout:MODEL, ask or tiles"  # for sentences
SCOUT = "scout:"
GRID = 32  # cells a side on which a named box is drawn
TILES = 4  # a side
PARTS = 1000  # of an image's side, in which an engine names a box: as Qwen3-VL was trained to
SIDE = 336  # pixels of the smallest box, where nobody says: the input of LLaVA-1.5
SLOPE = 0.25  # of a side, in which the weight around a named box falls to nothing
TILT = 1e-3  # so that a box larger than any window is looked at in its middle
MIDDLE = (0.25, 0.25, 0.75, 0.75)  # where no box is named
ROOM = 60  # tokens in which a box can be named

_WHERE = (
    'Where in the picture must one look closely to answer "{question}"? Reply with JSON only: '
    f'{{{{"box": [left, top, right, bottom]}}}}, in whole numbers from 0 to {PARTS} of its width '
    "and height."
)
_ENOUGH = 'Can "{question}" be answered from this picture alone? Answer yes or no.'
_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)

log = logging.getLogger(__name__)


class Speaker(Protocol):
    """The engine, as far as one who looks asks it."""

    info: ModelInfo

    def say_all(
        self, prompts: Sequence[tuple[Sequence[Image.Image], str]], max_tokens: int
    ) -> list[Reply]:
        """Return what it says to several texts about their images."""


class Looker(ABC):
    """Gives rows over a grid on the global image, as `VLM.attend` does.

    fit: how it wants the global image; None: in any way. layers: that have rows of their own.
    """

    name: str
    fit: Fit | None = None
    layers: int = 1
    layer_source: str = ""
    settings: Settings

    @abstractmethod
    def geometry(self, image_size: tuple[int, int]) -> Geometry:
        """Return where an image meets its grid, see `VLM.geometry`."""

    @abstractmethod
    def attend_batch(
        self,
        engine: Speaker,
        looks: Sequence[EngineLook],
        prompts: Sequence[str],
        layer: int | None,
    ) -> list[np.ndarray]:
        """Return a row for each prompt about its look, see `VLM.attend_batch`."""


class Scout(Looker):
    """A small model on this machine."""

    def __init__(self, name: str, vlm: VLM):
        self.name, self._vlm = f"{SCOUT}{name}", vlm
        info = vlm.info
        self.fit, self.layers, self.layer_source = info.fit, info.layers, info.layer_source
        self.settings = Settings(
            info.attention_layer, info.base_side, info.generic_prompt, min_cells=info.min_cells
        )
        self.look_bytes = info.look_bytes
        self._lock = threading.Lock()

    def geometry(self, image_size: tuple[int, int]) -> Geometry:
        return self._vlm.geometry(image_size)

    def attend_batch(
        self,
        engine: Speaker,
        looks: Sequence[EngineLook],
        prompts: Sequence[str],
        layer: int | None,
    ) -> list[np.ndarray]:
        layer = engine.info.attention_layer if layer is None else layer
        fresh = [look for look in dict.fromkeys(looks) if look.scouted is None]
        for look, scouted in zip(
            fresh, self._vlm.look_batch([look.image for look in fresh]), strict=True
        ):
            look.keep_scouted(scouted)
        scouted_looks = [look.scouted for look in looks if look.scouted is not None]
        return self._vlm.attend_batch(scouted_looks, prompts, layer)


class _Engines(Looker):
    """The engine that answers also looks: one row says where, and the generic prompt's is even."""

    grid: tuple[int, int]

    def geometry(self, image_size: tuple[int, int]) -> Geometry:
        return Geometry.stretch(image_size, image_size, self.grid)

    def attend_batch(
        self,
        engine: Speaker,
        looks: Sequence[EngineLook],
        prompts: Sequence[str],
        layer: int | None,
    ) -> list[np.ndarray]:
        if layer not in (None, 0):
            raise ValueError(f"layer must be 0 to 0, not {layer}.")
        even = np.ones(self.grid[0] * self.grid[1], np.float32)
        return [
            even if prompt == self.settings.generic_prompt else self._row(engine, look, prompt)
            for look, prompt in zip(looks, prompts, strict=True)
        ]

    @abstractmethod
    def _row(self, engine: Speaker, look: EngineLook, question: str) -> np.ndarray:
        """Return the weight of each cell, (cells,) float32."""


class Asked(_Engines):
    """The engine names the box, in JSON.

    Its row is a hill with the box for its plateau. `failures` counts the replies that named none:
    then the middle of the image is looked at.
    """

    name = "ask"
    grid = (GRID, GRID)

    def __init__(self, side: int) -> None:
        self.settings = Settings(0, side, min_cells=MIN_CELLS)
        self.failures = 0

    def _row(self, engine: Speaker, look: EngineLook, question: str) -> np.ndarray:
        prompt = _WHERE.format(question=question)
        box = named_box(engine.say_all([([look.image], prompt)], ROOM)[0].text)
        if box is None:
            self.failures += 1
            log.warning(
                "The engine named no box, so the middle is looked at (%d so far).", self.failures
            )
        left, top, right, bottom = box or MIDDLE
        return np.outer(_hill(top, bottom), _hill(left, right)).ravel().astype(np.float32)


class Tiles(_Engines):
    """The engine says of each part of the global image whether it is enough to answer from.

    ZoomEye's confidence is 2 · (p_yes − 0.5); its order is that of p_yes, which is a weight.
    """

    name = "tiles"
    grid = (TILES, TILES)

    def __init__(self, side: int) -> None:
        self.settings = Settings(0, side, min_cells=1)

    def _row(self, engine: Speaker, look: EngineLook, question: str) -> np.ndarray:
        text = _ENOUGH.format(question=question)
        replies = engine.say_all([([tile], text) for tile in _tiles(look.image)], 1)
        return np.array([of_likeliest(reply.tokens[0]) for reply in replies], np.float32)


def looker(
    name: str | None, load: Callable[[str], VLM], side: int | None, likeliest: int
) -> Looker:
    """Return who looks, by its name.

    load: a scout's model. side: of the smallest box, in pixels of the original; None: as usual.
    likeliest: log-probabilities that the engine tells of a token. Raises VLMError for another
    name, and whatever loading the scout raises.
    """
    if name is None:
        raise VLMError(
            "An engine tells no attention, so say who looks for the box (--look):"
            f" {LOOKS}; scout:pocket is there without a download."
        )
    if name.startswith(SCOUT) and (model := name.removeprefix(SCOUT)):
        if model.startswith("openai:"):
            raise VLMError("A scout is a model on this machine: an engine tells no attention.")
        return Scout(model, load(model))
    if name == Tiles.name and likeliest < 2:
        raise VLMError(
            "To look by tiles takes the log-probabilities of yes and of no, and the engine tells"
            f" {likeliest} a token: look with another of {LOOKS}."
        )
    if name in (Asked.name, Tiles.name):
        return (Asked if name == Asked.name else Tiles)(side or SIDE)
    raise VLMError(f"{name!r:.80} can't look: say {LOOKS}.")


def named_box(text: str) -> Rect | None:
    """Return left, top, right, bottom of the box that a reply names, as shares of the image.

    Strict: nothing but JSON, in a fence at most, that says what was asked for, or what Qwen-VL was
    trained to say (``[{"bbox_2d": […], …}]``): four numbers that make a box in the image. Else
    None.
    """
    fenced = _FENCE.fullmatch(text.strip())
    try:
        said: Any = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return None
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    if not isinstance(said, dict):
        return None
    edges = said.get("box", said.get("bbox_2d"))
    if not isinstance(edges, list) or len(edges) != 4:
        return None
    if any(type(edge) not in (int, float) or not math.isfinite(edge) for edge in edges):
        return None
    left, top, right, bottom = (edge / PARTS for edge in edges)
    inside = 0 <= left < right <= 1 and 0 <= top < bottom <= 1
    return (left, top, right, bottom) if inside else None


def _hill(begin: float, end: float) -> np.ndarray:
    """Weights of GRID equal parts of a side, (GRID,): even between two shares of it, and falling
    off on both sides.

    What eq. 11 finds on the product of two is a window that holds what is between them, and little
    more: a smaller one has no contrast, and a larger one less.
    """
    places = (np.arange(GRID) + 0.5) / GRID
    outside = np.maximum(np.maximum(begin - places, places - end), 0.0)
    within = np.abs(places - (begin + end) / 2)
    return np.clip(1 - outside / SLOPE, 0, None) + TILT * (1 - within)


def _tiles(image: Image.Image) -> list[Image.Image]:
    """The parts of an image, row by row; at least a pixel each."""

    def cuts(side: int) -> list[tuple[int, int]]:
        places = [round(i * side / TILES) for i in range(TILES + 1)]
        return [(min(a, side - 1), max(b, min(a, side - 1) + 1))
                for a, b in pairwise(places)]  # fmt: skip

    return [
        image.crop((left, top, right, bottom))
        for top, bottom in cuts(image.height)
        for left, right in cuts(image.width)
    ]
