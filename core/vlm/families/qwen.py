"""Qwen2.5-VL and Qwen3-VL: every image in a resolution of its own, positions along three axes.

The image is stretched to a multiple of a cell's side, near its own proportions, and becomes a grid
of tokens of that shape. The language model counts positions in time, height and width (M-RoPE);
Qwen3-VL also adds features of earlier layers of its vision tower behind its own first layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt, prod

import torch
from PIL import Image
from transformers import (
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
)
from transformers.image_utils import SizeDict
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from core.imaging import Fit, Geometry
from core.vlm.adapter import Adapter, Visual
from core.vlm.base import VLMError
from core.vlm.decode import LanguageModel
from core.vlm.loading.checkpoint import Checkpoint, Options
from core.vlm.loading.settings import Settings

_BASE_SIDE = 224  # pixels, of ViCrop (arXiv 2502.17422) for Qwen2.5-VL

# The models themselves take images of thousands of pixels a side, which would leave nothing to ask
# for. A global image has at most as many pixels as a square of this side, 256 tokens of Qwen2.5-VL,
# which is ViCrop's bound. The paper fixes 224 x 224 (section VII-A): that is `resolution`.
_INPUT_SIDE = 448


class ImageProcessor2_5(Qwen2_5_VLProcessor):
    """The model's own, without the part for videos, which needs torchvision."""

    def __init__(self, image_processor=None, tokenizer=None, chat_template=None, **kwargs):
        super().__init__(image_processor, tokenizer, None, chat_template, **kwargs)


class ImageProcessor3(Qwen3VLProcessor):
    """The model's own, without the part for videos, which needs torchvision."""

    def __init__(self, image_processor=None, tokenizer=None, chat_template=None, **kwargs):
        super().__init__(image_processor, tokenizer, None, chat_template, **kwargs)


_CLASSES = {
    "qwen2_5_vl": (ImageProcessor2_5, Qwen2_5_VLForConditionalGeneration),
    "qwen3_vl": (ImageProcessor3, Qwen3VLForConditionalGeneration),
}


def load(checkpoint: Checkpoint, options: Options) -> QwenVLM:
    """Load a Qwen2.5-VL or Qwen3-VL checkpoint; raises VLMError if it can't be read."""
    processor_class, model_class = _CLASSES[checkpoint.config["model_type"]]
    processor = checkpoint.load(processor_class, backend="pil")
    model = checkpoint.load_model(model_class, options)
    return QwenVLM(checkpoint, model, processor, options)


class QwenLanguageModel(LanguageModel):
    """Embeddings may be (batch, tokens, (1 + k) * width): what is beyond the first `width` is added
    behind the first k layers (Qwen3-VL's DeepStack), zeros where there is text."""

    def inputs(self, embeddings: torch.Tensor, positions: torch.Tensor) -> dict:
        if positions.ndim == 2:  # of text: the same along every axis
            positions = positions[..., None].expand(-1, -1, 3)
        first, *beyond = embeddings.split(self.embed.embedding_dim, dim=-1)
        inputs = {"inputs_embeds": first, "position_ids": positions.permute(2, 0, 1)}
        if beyond:
            inputs["visual_pos_masks"] = torch.ones_like(first[..., 0], dtype=torch.bool)
            inputs["deepstack_visual_embeds"] = [part.flatten(0, 1) for part in beyond]
        return inputs


class QwenVLM(Adapter):
    """A Qwen2.5-VL or Qwen3-VL model behind the interface of core.vlm.base."""

    several = True
    language_model = QwenLanguageModel

    def _encode(self, images: Sequence[Image.Image]) -> list[Visual]:
        for image in images:
            self._geometry(image.size)  # refuses what the processor would
        inputs = self._processor.image_processor(images=list(images), return_tensors="pt")
        inputs = inputs.to(self._model.device, self._model.dtype)
        output = self._model.model.get_image_features(**inputs)
        # Each of these is a tuple, one tensor an image.
        parts = [output.pooler_output, *getattr(output, "deepstack_features", ())]
        features = [torch.cat(of_image, dim=-1) for of_image in zip(*parts, strict=True)]
        return [
            Visual(image.size, (self._image_id,) * len(one), one)
            for image, one in zip(images, features, strict=True)
        ]

    def _defaults(self, layers: int) -> Settings:
        return Settings(self._layer(layers), base_side=_BASE_SIDE)

    def _own_fit(self) -> Fit:
        side = isqrt(self._processor.image_processor.size.longest_edge)
        return Fit("area", (side, side), self._cell)

    def _side(self) -> int:
        return min(_INPUT_SIDE, self._own_fit().input_size[0])

    def _default_way(self) -> str:
        return "area"

    def _adjust(self) -> None:
        # What is given to the model without an edge is bounded, too.
        if self._preparation.way == "area":
            processor = self._processor.image_processor
            area = prod(self._preparation.fit.input_size)
            least = min(processor.size.shortest_edge, area)
            processor.size = SizeDict(shortest_edge=least, longest_edge=area)

    @property
    def _cell(self) -> int:
        """Side of a visual token's cell in pixels."""
        processor = self._processor.image_processor
        return processor.patch_size * processor.merge_size

    def _geometry(self, image_size: tuple[int, int]) -> Geometry:
        processor, (width, height) = self._processor.image_processor, image_size
        bounds = processor.size.shortest_edge, processor.size.longest_edge
        try:
            height, width = smart_resize(height, width, self._cell, *bounds)
        except ValueError:
            raise VLMError(
                f"An image of {image_size[0]} x {image_size[1]} pixels is too long and thin for "
                "this model: crop it first."
            ) from None
        grid = height // self._cell, width // self._cell
        return Geometry.stretch(image_size, (width, height), grid)

    @property
    def abilities(self) -> frozenset[str]:
        return super().abilities | {"box_units"}

    def box_units(self, image_size: tuple[int, int]) -> tuple[float, float]:
        if self._model.config.model_type == "qwen3_vl":
            return 1000.0, 1000.0
        width, height = self.geometry(image_size).input_size  # Qwen2.5-VL: of what it is given
        return float(width), float(height)

    def _positions(self, ids: torch.Tensor, visuals: Sequence[Visual]) -> torch.Tensor:
        merge = self._processor.image_processor.merge_size
        grids = [self._geometry(visual.size).grid for visual in visuals]
        # Explicit, because what the model counts by itself is kept in the model between calls.
        positions, _ = self._model.model.get_rope_index(
            ids[None],
            mm_token_type_ids=(ids == self._image_id).int()[None],
            image_grid_thw=torch.tensor([(1, rows * merge, cols * merge) for rows, cols in grids]),
        )
        return positions[:, 0].T
