"""Idefics3 and SmolVLM: tiles with their row and column written in front, then the whole image.

The longer side is brought to a fixed length (2048 pixels for SmolVLM), the image stretched to whole
tiles, and the image as one more tile comes behind them. Where the checkpoint does not split, that
last tile is all.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isqrt

import torch
from PIL import Image
from transformers import (
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    SmolVLMForConditionalGeneration,
)

from core.imaging import Fit, Geometry
from core.vlm.adapter import Adapter, Visual
from core.vlm.base import VLMError
from core.vlm.families.tiles import tiled_cells
from core.vlm.loading.checkpoint import Checkpoint, Options
from core.vlm.loading.settings import Settings

_LONGEST = 4096  # pixels: the image processor goes no further, whatever the checkpoint says


_CLASSES = {
    "idefics3": Idefics3ForConditionalGeneration,
    "smolvlm": SmolVLMForConditionalGeneration,
}


def load(checkpoint: Checkpoint, options: Options) -> IdeficsVLM:
    """Load an Idefics3 or SmolVLM checkpoint; raises VLMError if it can't be read."""
    # SmolVLM's own processor writes images as this one does, and can't be had without torchvision
    # and num2words, which it needs for videos.
    processor = checkpoint.load(Idefics3Processor, backend="pil")
    model = checkpoint.load_model(_CLASSES[checkpoint.config["model_type"]], options)
    return IdeficsVLM(checkpoint, model, processor, options)


class IdeficsVLM(Adapter):
    """An Idefics3 or SmolVLM model behind the interface of core.vlm.base."""

    several = True

    def _encode(self, images: Sequence[Image.Image]) -> list[Visual]:
        inputs = self._processor.image_processor(
            images=[[image] for image in images], return_tensors="pt", return_row_col_info=True
        )
        written = [
            self._backend.encode(
                self._processor.replace_image_token(inputs, i), add_special_tokens=False
            ).ids
            for i in range(len(images))
        ]
        features = self._model.model.get_image_features(
            inputs["pixel_values"].to(self._model.device, self._model.dtype),
            inputs["pixel_attention_mask"].to(self._model.device),
        ).pooler_output
        return [
            Visual(image.size, tuple(ids), one.clone())
            for image, ids, one in zip(images, written, features, strict=True)
        ]

    def _defaults(self, layers: int) -> Settings:
        return Settings(self._layer(layers), base_side=self._side())

    def _own_fit(self) -> Fit:
        processor = self._processor.image_processor
        if not processor.do_image_splitting:
            return Fit("stretch", (self._side(),) * 2)
        side = min(_said(processor, "size"), _LONGEST) if processor.do_resize else _LONGEST
        return Fit("pad", (side, side))  # in its own proportions: nothing is padded here

    def _side(self) -> int:
        return _longest_edge(self._processor.image_processor)

    def _adjust(self) -> None:
        # One tile, unless more are asked for: a global image in all its tiles would be as fine as
        # any crop of it.
        wanted, processor = self._preparation, self._processor.image_processor
        if wanted.way != "own" and max(wanted.fit.input_size) <= self._side():
            processor.do_image_splitting = False
            processor.do_resize = False  # which would enlarge it to many tiles on the way to one

    def _geometry(self, image_size: tuple[int, int]) -> Geometry:
        rows, cols = (max(count, 1) for count in self._tiles(image_size))
        tile, side = _longest_edge(self._processor.image_processor), self._side_of_tile
        return Geometry.stretch(image_size, (cols * tile, rows * tile), (rows * side, cols * side))

    def _cells(self, image_size: tuple[int, int]) -> torch.Tensor | None:
        rows, cols = (max(count, 1) for count in self._tiles(image_size))
        return tiled_cells(rows, cols, self._side_of_tile)

    def _count(self, image_size: tuple[int, int]) -> int:
        rows, cols = self._tiles(image_size)
        return (rows * cols + 1) * self._processor.image_seq_len

    @property
    def _side_of_tile(self) -> int:
        """Return the side of a tile in tokens."""
        return isqrt(self._processor.image_seq_len)

    def _tiles(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of tiles, as the image processor cuts them; 0, 0: not at all."""
        processor = self._processor.image_processor
        if not processor.do_image_splitting:
            return 0, 0
        tile, (width, height) = _longest_edge(processor), image_size
        if processor.do_resize:
            width, height = _resized(width, height, _said(processor, "size"))
        aspect = width / height
        if width >= height:
            width = ceil(width / tile) * tile
            height = ceil(int(width / aspect) / tile) * tile
        else:
            height = ceil(height / tile) * tile
            width = ceil(int(height * aspect) / tile) * tile
        if max(width, height) <= tile:
            return 0, 0
        return height // tile, width // tile


def _resized(width: int, height: int, longest: int) -> tuple[int, int]:
    """Return as `get_resize_output_image_size` does: the longer side given, the other even."""
    aspect = width / height
    if width >= height:
        width, height = longest, int(longest / aspect)
        height += height % 2
    else:
        width, height = int(longest * aspect), longest
        width += width % 2
    width, height = max(width, 1), max(height, 1)
    if max(width, height) > _LONGEST:
        aspect = width / height
        if width >= height:
            width, height = _LONGEST, int(_LONGEST / aspect)
        else:
            width, height = int(_LONGEST * aspect), _LONGEST
    return max(width, 1), max(height, 1)


def _longest_edge(image_processor) -> int:
    """Side of a tile in pixels."""
    return _said(image_processor, "max_image_size")


def _said(image_processor, what: str) -> int:
    """The longest edge that a processor's size gives. Raises VLMError if that is no length."""
    size = getattr(image_processor, what)
    edge = size.get("longest_edge") if isinstance(size, dict) else size.longest_edge
    if not isinstance(edge, int) or edge < 1:
        raise VLMError(
            f"The longest_edge of {what} in preprocessor_config.json must be a number of pixels, "
            f"not {edge!r}."
        )
    return edge
