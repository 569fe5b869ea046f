"""The LLaVA-NeXT family (LLaVA-1.6): the same image as an overview and in tiles of full detail.

The image is fitted into the best of a few canvases, padded, cut into tiles of the vision tower's
size, and put together again as one grid of tokens without the padding. In front of it comes the
whole image squeezed into one square, and every row of the grid ends with a "new line" token. The
grid is what attention is read from: it is the finest view of the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isqrt

import torch
from PIL import Image
from transformers import LlavaNextForConditionalGeneration, LlavaNextProcessor
from transformers.image_processing_utils import select_best_resolution

from core.imaging import Geometry
from core.vlm.adapter import Adapter, Visual
from core.vlm.loading.checkpoint import Checkpoint, Options
from core.vlm.loading.settings import Settings


def load(checkpoint: Checkpoint, options: Options) -> LlavaNextVLM:
    """Load a LLaVA-NeXT checkpoint; raises VLMError if it can't be read."""
    processor = checkpoint.load(LlavaNextProcessor, backend="pil")
    model = checkpoint.load_model(LlavaNextForConditionalGeneration, options)
    return LlavaNextVLM(checkpoint, model, processor, options.resolution)


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

    def _defaults(self, layers: int) -> tuple[tuple[int, int], Settings]:
        # A global image is sent as large as the largest canvas takes a square one.
        pinpoints = self._processor.image_processor.image_grid_pinpoints
        side = isqrt(max(height * width for height, width in pinpoints))
        tile = self._model.config.vision_config.image_size
        return (side, side), Settings(self._layer(layers), base_side=tile)

    def _geometry(self, image_size: tuple[int, int]) -> Geometry:
        vision = self._model.config.vision_config
        (rows, cols), (skipped_rows, skipped_cols) = self._unpadded(image_size)
        if not rows or not cols:  # so thin that less than a row of tokens is left of it
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
        return self._overview + rows * (cols + 1)

    @property
    def _overview(self) -> int:
        """How many tokens the squeezed image is."""
        vision = self._model.config.vision_config
        return (vision.image_size // vision.patch_size) ** 2

    def _canvas(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) in pixels."""
        return select_best_resolution(image_size[::-1], self._model.config.image_grid_pinpoints)

    def _unpadded(self, image_size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and columns of tokens that are left when those of the padding are taken away, and
        how many are taken away above and on the left, as `unpad_image` counts them."""
        width, height = image_size
        patch = self._model.config.vision_config.patch_size
        rows, cols = (side // patch for side in self._canvas(image_size))
        if width / height > cols / rows:
            skipped = (rows - int(round(height * (cols / width), 7))) // 2
            return (rows - 2 * skipped, cols), (skipped, 0)
        skipped = (cols - int(round(width * (rows / height), 7))) // 2
        return (rows, cols - 2 * skipped), (0, skipped)
