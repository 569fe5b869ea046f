"""What a cropper is: what it needs, what it is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.attention import relative_attention
from core.box import Box
from core.cropping import RATIOS, find_boxes, place
from core.hits import centres
from core.imaging import Geometry
from core.messages import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.vlm.base import VLM, Look, ModelInfo, PixelGradient

__all__ = ["Clues", "Cropper", "CropperError", "Found", "Need", "Wanted", "around", "windows"]


class CropperError(ProtocolError):
    """A cropper can't be used with this model; the text is one sentence that says what to do."""


class Wanted(Exception):
    """A search needs a part of the original that isn't here yet: `box`, in its pixels."""

    def __init__(self, box: Box):
        super().__init__(f"the part {box.as_tuple()}")
        self.box = box


class Need(StrEnum):
    """What a cropper may ask for beside the question; each value says it to people."""

    QUESTION = "the attention of the first answer, which is there already"
    GENERIC = "the attention of the generic prompt: the global image is read once more"
    GRADIENT = "the gradient of an answer by its attention: it is read, and derived, once more"
    PIXEL_GRADIENT = "gradients by pixels: two answers are derived through all of the model"
    HEADS = "the attention of single heads, which were chosen: the question is read once more"
    VALUES = "the values that are cached: the question is read once more"
    ANSWERS = "answers of the model to questions of its own"
    BOXES = "boxes that the model names"
    YES = "the probabilities of yes and of no as the first word of an answer"
    PARTS = "parts of the original: each is a round trip to the edge"
    PIXELS = "the pixels of the global image"
    TRUTH = "the true box, which only a data set knows"


# What of a need a model must be able to: methods in `VLM.abilities`.
ABILITIES = {
    Need.GRADIENT: "attend_gradient",
    Need.PIXEL_GRADIENT: "pixel_gradient",
    Need.HEADS: "attend_heads",
    Need.VALUES: "similarity",
    Need.BOXES: "box_units",
    Need.YES: "yes",
}


@dataclass(frozen=True)
class Found:
    """The boxes that a cropper found."""

    boxes: tuple[Box, ...]  # pixels of the original, best first, at least one
    map: np.ndarray | None = None  # (rows, cols) of the grid, finite: what they were found on
    fallback: str = ""  # why its rule gave no box, in a sentence, and these are others; "": it did


@dataclass(frozen=True)
class Cropper:
    """One rule for where to look; an entry of `CROPPERS`.

    Server, page, runs, costs and report know a cropper from its entry alone.
    """

    name: str  # its key in CROPPERS
    label: str  # for people, as at the start of a sentence
    rule: str  # one sentence
    source: str  # the paper, and the equation or section in it; "" for a control of this project
    find: Callable[[Clues], Found]
    needs: frozenset[Need] = frozenset()
    # What the model is shown in place of the local image that came; None: that image.
    shows: Callable[[Image.Image], Image.Image] | None = None
    control: bool = False  # not a way to answer better: what others are compared with
    parts: int = 0  # of the original that it sees before it names its box, at most

    def obstacle(self, vlm: VLM) -> str | None:
        """Return why it can't be used with a model, in a sentence; None if it can."""
        name = vlm.info.name
        for need, ability in ABILITIES.items():
            if need in self.needs and ability not in vlm.abilities:
                return (
                    f"The cropper {self.name!r} needs {need.value.split(':')[0]}, and {name!r} "
                    "hasn't got them: choose another."
                )
        if Need.HEADS in self.needs and not vlm.info.heads:
            return (
                f"The cropper {self.name!r} needs to know which heads of {name!r} point at things: "
                f"choose them once with `python -m core.vlm heads --model {name}`."
            )
        return None


@dataclass(frozen=True, eq=False)
class Clues:
    """What a cropper may look at: the first stage of one question, and what it says it needs.

    What it doesn't declare it doesn't get: that is an AssertionError, a mistake in the entry.
    Whatever the model does for it is noted as a step, with its cost.
    """

    vlm: VLM
    needs: frozenset[Need]
    question: str
    original_size: tuple[int, int]  # (width, height), pixels
    geometry: Geometry  # from the original to the grid of the global image
    # (cells,), attention of the first answer, none if who answers isn't who looks; `question_map`
    # for croppers.
    row: np.ndarray
    held_look: Callable[[], Look]
    held_image: Callable[[], Image.Image]
    # A step of the model on the global image, and how many times it costs what reading that does;
    # as a third argument the size of another image than the global one.
    asked: Callable[..., AbstractContextManager[None]]
    truth: tuple[Box, ...] = ()  # where what is asked about really is
    count: int = field(default=1, kw_only=True)  # boxes that are wanted, at most
    # What was read already. Not `functools.cached_property`: in Python 3.11 that computes under a
    # lock, one for all clues, where questions of a batch would wait for each other forever.
    kept: dict[str, np.ndarray] = field(default_factory=dict, kw_only=True, repr=False)
    # Of a box at ratio 1.0, in pixels of the original; None: the model's own.
    side: float | None = field(default=None, kw_only=True)
    # The image of a part of the original; raises `Wanted` for one that has to be sent first.
    held_part: Callable[[Box], Image.Image] | None = field(default=None, kw_only=True)
    # What was said of parts, by prompt and box: a search begins anew with each part that arrives.
    said: dict[tuple[str, Box], float] = field(default_factory=dict, kw_only=True, repr=False)
    looks: dict[Box, Look] = field(default_factory=dict, kw_only=True, repr=False)  # at parts

    @property
    def info(self) -> ModelInfo:
        return self.vlm.info

    @property
    def question_row(self) -> np.ndarray:
        """Attention (cells,) of the question, the numerator of eq. 22."""
        self._need(Need.QUESTION)
        if self.row.size:
            return self.row
        if "question" not in self.kept:
            with self.asked("question attention", 1.0):
                self.kept["question"] = self.vlm.attend(self.held_look(), self.question)
        return self.kept["question"]

    @property
    def question_map(self) -> np.ndarray:
        """Attention of the question (rows, cols), the numerator of eq. 22."""
        return finite(self.question_row, self.geometry.grid)

    @property
    def generic_row(self) -> np.ndarray:
        """Attention (cells,) of the generic prompt, the denominator of eq. 22."""
        self._need(Need.GENERIC)
        if "generic" not in self.kept:
            with self.asked("relative attention", 1.0):  # eq. 19, first term
                generic = self.vlm.attend(self.held_look(), self.info.generic_prompt)
            self.kept["generic"] = generic
        return self.kept["generic"]

    @property
    def relative_map(self) -> np.ndarray:
        """A_rel (eq. 22), (rows, cols)."""
        if "relative" not in self.kept:
            rows = self.question_row, self.generic_row
            self.kept["relative"] = relative_attention(*rows, self.geometry.grid)
        return self.kept["relative"]

    @property
    def row_if_read(self) -> np.ndarray:
        """Return `question_row` if it is there already; of none, no cells."""
        return self.kept.get("question", self.row)

    @property
    def relative_if_read(self) -> np.ndarray | None:
        """Return `relative_map` if it was asked for; the model does nothing for this."""
        return self.kept.get("relative")

    @property
    def gradient_map(self) -> np.ndarray:
        """Attention of the question (rows, cols), weighted by its gradient."""
        self._need(Need.GRADIENT)
        layers = self.info.layers
        behind = (layers - self.info.attention_layer) / layers  # a backward pass is two forward
        with self.asked("gradient", 1 + 2 * behind):
            row = self.vlm.attend_gradient(self.held_look(), self.question)
        return finite(row, self.geometry.grid)

    def pixel_gradient(self, prompt: str) -> PixelGradient:
        """Return which pixels of the global image an answer depends on."""
        self._need(Need.PIXEL_GRADIENT)
        image = self.image
        with self.asked("pixel gradient", 3.0):
            return self.vlm.pixel_gradient(image, prompt)

    @property
    def heads_map(self) -> np.ndarray:
        """Attention of the question by every head (layers, heads, rows, cols)."""
        self._need(Need.HEADS)
        with self.asked("heads", 1.0):
            heads = self.vlm.attend_heads(self.held_look(), self.question)
        return np.nan_to_num(heads.astype(np.float64)).reshape(
            *heads.shape[:2], *self.geometry.grid
        )

    def similarity_map(self, words: str) -> np.ndarray:
        """Return how alike words of the question and each cell are cached, (layers, rows, cols)."""
        self._need(Need.VALUES)
        with self.asked("value similarity", 1.0):
            alike = self.vlm.similarity(self.held_look(), self.question, words)
        return np.nan_to_num(alike.astype(np.float64)).reshape(-1, *self.geometry.grid)

    def answer(self, prompt: str) -> str:
        """Return what the model says to a prompt about the global image."""
        self._need(Need.ANSWERS)
        with self.asked("asking", 1.0):
            return self.vlm.answer(self.held_look(), prompt).text

    def yes(self, prompt: str, part: Box) -> float:
        """Return how likely "yes" is beside "no" as an answer about a part of the original, 0 to 1.

        Raises Wanted where the edge has to send the part first.
        """
        self._need(Need.YES)
        self._need(Need.PARTS)
        if (prompt, part) not in self.said:
            assert self.held_part is not None, "a server that can't ask for parts"
            image = self.held_part(part)
            with self.asked("yes or no", 1.0, image.size):
                if part not in self.looks:
                    self.looks[part] = self.vlm.look(image)
                self.said[prompt, part] = self.vlm.yes(self.looks[part], prompt)
        return self.said[prompt, part]

    @property
    def box_units(self) -> tuple[float, float]:
        """Return what the width and height of the global image count, in boxes the model names."""
        self._need(Need.BOXES)
        return self.vlm.box_units(self.held_look().image_size)

    @property
    def image(self) -> Image.Image:
        """The global image, as it was sent."""
        self._need(Need.PIXELS)
        return self.held_image()

    @property
    def true_boxes(self) -> tuple[Box, ...]:
        self._need(Need.TRUTH)
        return self.truth

    def windows(self, weights: np.ndarray, ratios: Sequence[float] = RATIOS) -> tuple[Box, ...]:
        """Return the boxes that stand out in a map (rows, cols) over the grid, best first."""
        return windows(
            weights,
            self.geometry.extent,
            self.original_size,
            self.info,
            self.side,
            ratios,
            self.count,
        )

    def on_grid(self, values: np.ndarray) -> np.ndarray:
        """Return what each cell of the grid has in its middle, (rows, cols); padding has 0.

        values: (height, width), of any size, laid over `image`.
        """
        height, width = values.shape
        seen = self.image.size
        x, y = centres(self.geometry.grid, self.vlm.geometry(seen).extent)
        x, y = x / seen[0], y / seen[1]
        inside = np.outer((y >= 0) & (y < 1), (x >= 0) & (x < 1))
        at_x = np.clip((x * width).astype(int), 0, width - 1)
        at_y = np.clip((y * height).astype(int), 0, height - 1)
        return np.where(inside, values[np.ix_(at_y, at_x)], 0.0)

    def on(self, weights: np.ndarray) -> Found:
        """Return what the search of eq. 11 finds on a map (rows, cols) over the grid."""
        return Found(self.windows(weights), weights)

    def _need(self, need: Need) -> None:
        assert need in self.needs, f"a cropper that uses {need.name} declares it in `needs`"


def windows(
    weights: np.ndarray,
    extent: tuple[float, float, float, float],
    original_size: tuple[int, int],
    info: ModelInfo,
    side: float | None = None,
    ratios: Sequence[float] = RATIOS,
    count: int = 1,
) -> tuple[Box, ...]:
    """Return the boxes of the original that a map asks for (eq. 11), in pixels, best first.

    weights: (rows, cols), laid over `extent`. side: of a box at ratio 1.0, in pixels of the
    original; None: the model's own.
    """
    side = info.base_side if side is None else side
    found = find_boxes(weights, original_size, side, ratios, extent, info.min_cells, count)
    return tuple(found)  # eq. 11


def around(
    centre: tuple[float, float], size: tuple[int, int], original_size: tuple[int, int]
) -> Box:
    """Return the box of a size, in whole pixels, around a point or as near as the image allows."""
    left, right = place(centre[0], size[0], original_size[0])
    top, bottom = place(centre[1], size[1], original_size[1])
    return Box(left, top, right, bottom)


def finite(weights: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return weights as a map (rows, cols) float64; one that isn't a number is not evidence: 0."""
    weights = np.asarray(weights, dtype=np.float64).reshape(grid)
    return np.where(np.isfinite(weights), weights, 0.0)
