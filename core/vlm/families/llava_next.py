"""The LLaVA-NeXT family (LLaVA-1.6): the same image as an overview and in tiles of full detail.

The image is fitted into the best of a few canvases, padded, cut into tiles of the vision tower's
size, and put together again as one grid of tokens without the padding. In front of it comes the
whole image squeezed into one square, and every row of the grid ends with a "new line" token. The
grid is what attention is read from: it is the finest view of the whole image. Without tiles, which
is the default here, the squeezed image is all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isqrt
from typing import Any

import torch
from PIL import Image
from transformers import LlavaNextForConditionalGeneration, LlavaNextProcessor
from transformers.image_processing_utils import select_best_resolution
from transformers.image_utils import SizeDict
from transformers.models.llava_next.image_processing_pil_llava_next import (
    LlavaNextImageProcessorPil,
)

from core.imaging import Fit, Geometry
from core.vlm.adapter import Adapter, Visual
from core.vlm.base import VLMError
from core.vlm.detailed import sharing_weights
from core.vlm.loading.checkpoint import Checkpoint, Options
from core.vlm.loading.settings import Settings

# In place of a checkpoint's canvases: an empty one, for which the model of transformers reads the
# squeezed image alone and puts one "new line" behind it, as LLaVA's own code does without tiles.
_NO_CANVAS = [[0, 0]]


class SqueezedImages(LlavaNextImageProcessorPil):
    """The images, without their tiles."""

    def get_image_patches(self, image, grid_pinpoints, size, patch_size, resample):
        height, width = size
        return [self.resize(image, SizeDict(height=height, width=width), resample=resample)]


class Processor(LlavaNextProcessor):
    """A processor that can count the tokens of an image without tiles, too."""

    def _get_number_of_features(self, orig_height, orig_width, height, width):
        if self.image_processor.image_grid_pinpoints != _NO_CANVAS:
            return super()._get_number_of_features(orig_height, orig_width, height, width)
        cells = (height // self.patch_size) * (width // self.patch_size)
        return cells + self.num_additional_image_tokens + 1


def load(checkpoint: Checkpoint, options: Options) -> LlavaNextVLM:
    """Load a LLaVA-NeXT checkpoint; raises VLMError if it can't be read or followed."""
    if checkpoint.config.get("vision_feature_select_strategy") == "full":
        raise VLMError(
            f"{checkpoint.name!r} keeps the class token of its vision tower "
            "(vision_feature_select_strategy 'full'), which lies nowhere on the image: take a "
            "checkpoint with 'default', as those of the owner llava-hf have it."
        )
    processor = checkpoint.load(Processor, backend="pil")
    model = checkpoint.load_model(LlavaNextForConditionalGeneration, options)
    return LlavaNextVLM(checkpoint, model, processor, options)


class LlavaNextVLM(Adapter):
    """A LLaVA-NeXT model behind the interface of core.vlm.base."""

    def _encode(self, images: Sequence[Image.Image]) -> list[Visual]:
        inputs = self._processor.image_processor(images=list(images), return_tensors="pt")
        inputs = inputs.to(self._model.device, self._model.dtype)
        features = self._model.get_image_features(**inputs).pooler_output
        return [
            Visual(image.size, (self._image_id,) * len(one), one.clone())
            for image, one in zip(images, features, strict=True)
        ]

    def _defaults(self, layers: int) -> Settings:
        return Settings(self._layer(layers), base_side=self._side())

    def _own_fit(self) -> Fit:
        # As many pixels as the largest canvas has: which one is taken depends on the image.
        pinpoints = self._processor.image_processor.image_grid_pinpoints
        return Fit("area", (isqrt(max(height * width for height, width in pinpoints)),) * 2)

    def _side(self) -> int:
        return self._model.config.vision_config.image_size

    def _adjust(self) -> None:
        # One tile, unless more are asked for: a global image in all its tiles would be as fine as
        # any crop of it.
        wanted, processor = self._preparation, self._processor
        if wanted.way != "own" and max(wanted.fit.input_size) <= self._side():
            said = processor.image_processor.to_dict() | {"image_grid_pinpoints": _NO_CANVAS}
            processor.image_processor = SqueezedImages.from_dict(said)
            self._model.config.image_grid_pinpoints = _NO_CANVAS

    def _unadjusted(self) -> Any:
        model = sharing_weights(self._model)
        model.config.image_grid_pinpoints = self._processor.image_processor.image_grid_pinpoints
        return model

    @property
    def _tiled(self) -> bool:
        return self._model.config.image_grid_pinpoints != _NO_CANVAS

    def _geometry(self, image_size: tuple[int, int]) -> Geometry:
        vision = self._model.config.vision_config
        (rows, cols), (skipped_rows, skipped_cols) = self._unpadded(image_size)
        if not rows or not cols:  # no tiles, or less than a row of tokens is left of a line
            side = vision.image_size // vision.patch_size
            return Geometry.stretch(image_size, (vision.image_size,) * 2, (side, side))
        width, height = image_size
        canvas_height, canvas_width = self._canvas(image_size)
        # As `get_patch_output_size`: the longer side fills the canvas, the other is rounded up.
        if canvas_width / width < canvas_height / height:
            resized = canvas_width, min(ceil(height * (canvas_width / width)), canvas_height)
        else:
            resized = min(ceil(width * (canvas_height / height)), canvas_width), canvas_height
        left, top = (canvas_width - resized[0]) // 2, (canvas_height - resized[1]) // 2
        patch = vision.patch_size
        return Geometry(
            image_size,
            (cols * patch, rows * patch),
            (rows, cols),
            (resized[0] / width, resized[1] / height),
            (float(left - skipped_cols * patch), float(top - skipped_rows * patch)),
        )

    def _cells(self, image_size: tuple[int, int]) -> torch.Tensor | None:
        (rows, cols), _ = self._unpadded(image_size)
        overview = self._overview
        if not rows or not cols:
            return torch.arange(overview)
        with_newlines = torch.arange(rows * (cols + 1)).view(rows, cols + 1)
        return overview + with_newlines[:, :cols].flatten()

    def _count(self, image_size: tuple[int, int]) -> int:
        (rows, cols), _ = self._unpadded(image_size)
        return self._overview + (rows * (cols + 1) if self._tiled else 1)

    @property
    def _overview(self) -> int:
        """Return how many tokens the squeezed image is."""
        vision = self._model.config.vision_config
        return (vision.image_size // vision.patch_size) ** 2

    def _canvas(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) in pixels."""
        return select_best_resolution(image_size[::-1], self._model.config.image_grid_pinpoints)

    def _unpadded(self, image_size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and columns of tokens that are left when those of the padding are taken away, and
        how many are taken away above and on the left, as `unpad_image` counts them."""
        if not self._tiled:
            return (0, 0), (0, 0)
        width, height = image_size
        patch = self._model.config.vision_config.patch_size
        rows, cols = (side // patch for side in self._canvas(image_size))
        if width / height > cols / rows:
            skipped = (rows - int(round(height * (cols / width), 7))) // 2
            return (rows - 2 * skipped, cols), (skipped, 0)
        skipped = (cols - int(round(width * (rows / height), 7))) // 2
        return (rows, cols - 2 * skipped), (0, skipped)
