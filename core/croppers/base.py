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
from core.cropping import RATIOS, find_boxes
from core.imaging import Geometry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.vlm.base import VLM, Look, ModelInfo

__all__ = ["Clues", "Cropper", "Found", "Need", "windows"]


class Need(StrEnum):
    """What a cropper may ask for beside the question; each value says it to people."""

    QUESTION = "the attention of the first answer, which is there already"
    GENERIC = "the attention of the generic prompt: the global image is read once more"
    PIXELS = "the pixels of the global image"
    TRUTH = "the true box, which only a data set knows"


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
    asked: Callable[[str], AbstractContextManager[None]]  # a step of the model on the global image
    truth: tuple[Box, ...] = ()  # where what is asked about really is
    count: int = field(default=1, kw_only=True)  # boxes that are wanted, at most
    # What was read already. Not `functools.cached_property`: in Python 3.11 that computes under a
    # lock, one for all clues, where questions of a batch would wait for each other forever.
    kept: dict[str, np.ndarray] = field(default_factory=dict, kw_only=True, repr=False)
    # Of a box at ratio 1.0, in pixels of the original; None: the model's own.
    side: float | None = field(default=None, kw_only=True)

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
            with self.asked("question attention"):
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
            with self.asked("relative attention"):  # eq. 19, first term
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


def finite(weights: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return weights as a map (rows, cols) float64; one that isn't a number is not evidence: 0."""
    weights = np.asarray(weights, dtype=np.float64).reshape(grid)
    return np.where(np.isfinite(weights), weights, 0.0)
