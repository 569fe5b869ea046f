"""The InternVL family in the layout of transformers (repositories that end in "-hf").

The image is stretched to the arrangement of square tiles whose proportions are nearest to its own;
where that is more than one tile, the whole image as one tile comes behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

import torch
from PIL import Image
from transformers import InternVLForConditionalGeneration, InternVLProcessor
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import get_optimal_tiled_canvas

from core.imaging import Fit, Geometry
from core.vlm.adapter import Adapter, Visual
from core.vlm.families.tiles import tiled_cells
from core.vlm.loading.checkpoint import Checkpoint, Options
from core.vlm.loading.settings import Settings


class ImageProcessor(InternVLProcessor):
    """The model's own, without the part for videos, which needs torchvision."""

    def __init__(
        self,
        image_processor=None,
        tokenizer=None,
        image_seq_length: int = 256,
        chat_template=None,
        **kwargs,
    ):
        super().__init__(
            image_processor, tokenizer, None, image_seq_length, chat_template, **kwargs
        )


def load(checkpoint: Checkpoint, options: Options) -> InternVLVLM:
    """Load an InternVL checkpoint; raises VLMError if it can't be read."""
    processor = checkpoint.load(ImageProcessor, backend="pil")
    model = checkpoint.load_model(InternVLForConditionalGeneration, options)
    return InternVLVLM(checkpoint, model, processor, options)


class InternVLVLM(Adapter):
    """An InternVL model behind the interface of core.vlm.base."""

    several = True

    def _encode(self, images: Sequence[Image.Image]) -> list[Visual]:
        inputs = self._processor.image_processor(
            images=list(images), return_tensors="pt", **self._processor.images_kwargs
        )
        pixels = inputs["pixel_values"].to(self._model.device, self._model.dtype)
        tiles = self._model.get_image_features(pixels).pooler_output  # (tiles, n, width)
        start, *_, end = self._backend.encode(
            self._processor.start_image_token + self._processor.end_image_token,
            add_special_tokens=False,
        ).ids
        visuals = []
        for image, part in zip(images, tiles.split(inputs["num_patches"].tolist()), strict=True):
            features = part.flatten(0, 1).clone()
            ids = (start, *(self._image_id,) * len(features), end)
            visuals.append(Visual(image.size, ids, features))
        return visuals

    def _defaults(self, layers: int) -> Settings:
        return Settings(self._layer(layers), base_side=self._side())

    def _own_fit(self) -> Fit:
        tile, most = self._processor.image_processor.size, self._most
        if most == 1:
            return Fit("stretch", (tile.width, tile.height))
        # As many pixels as there are in all tiles: in which arrangement depends on the image.
        return Fit("area", (isqrt(most * tile.width * tile.height),) * 2)

    def _side(self) -> int:
        return self._processor.image_processor.size.width

    def _adjust(self) -> None:
        # One tile, unless more are asked for: a global image in all its tiles would be as fine as
        # any crop of it.
        wanted = self._preparation
        if wanted.way != "own" and max(wanted.fit.input_size) <= self._side():
            self._processor.image_processor.max_patches = 1
            self._processor.image_processor.min_patches = 1

    def _geometry(self, image_size: tuple[int, int]) -> Geometry:
        rows, cols = self._tiles(image_size)
        tile, side = self._processor.image_processor.size, self._side_of_tile
        canvas = cols * tile.width, rows * tile.height
        return Geometry.stretch(image_size, canvas, (rows * side, cols * side))

    def _cells(self, image_size: tuple[int, int]) -> torch.Tensor | None:
        return tiled_cells(*self._tiles(image_size), self._side_of_tile)

    def _count(self, image_size: tuple[int, int]) -> int:
        rows, cols = self._tiles(image_size)
        tiles = rows * cols
        return (tiles + (tiles > 1)) * self._processor.image_seq_length

    @property
    def _most(self) -> int:
        """Tiles, of any image."""
        tiled = self._processor.images_kwargs["crop_to_patches"]
        return max(self._processor.image_processor.max_patches, 1) if tiled else 1

    @property
    def _side_of_tile(self) -> int:
        """Return the side of a tile in tokens."""
        return isqrt(self._processor.image_seq_length)

    def _tiles(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of tiles."""
        processor = self._processor.image_processor
        if self._most == 1:
            return 1, 1
        tile = (processor.size.height, processor.size.width)
        columns, rows = get_optimal_tiled_canvas(
            image_size[::-1], tile, processor.min_patches, processor.max_patches
        )
        return rows, columns
