"""The LLaVA-1.5 family (arXiv 2310.03744): the bundled model, llava-1.5-7b-hf, llava-1.5-13b-hf.

A vision tower, a two-layer projector and a causal language model. Every image becomes the same
number of visual tokens, which take the places of its placeholders in the prompt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import torch
from PIL import Image
from transformers import LlavaForConditionalGeneration, LlavaProcessor

from core.imaging import Fit, Geometry
from core.vlm.adapter import Adapter, Visual
from core.vlm.base import VLMError
from core.vlm.loading.checkpoint import Checkpoint, Options
from core.vlm.loading.settings import Settings

# A centre crop first enlarges the shorter side to the input's, and a line one pixel wide grows
# to gigabytes on the way.
_MAX_RESIZED_PIXELS = 64_000_000

_UNKNOWN_GEOMETRY = (
    "prepares its images in a way that can't be followed here: it must pad to a square, "
    "crop the centre, or stretch."
)


def load(checkpoint: Checkpoint, options: Options) -> LlavaVLM:
    """Load a LLaVA checkpoint; raises VLMError if it can't be read or is laid out differently."""
    processor = checkpoint.load(LlavaProcessor, backend="pil")
    model = checkpoint.load_model(LlavaForConditionalGeneration, options)
    return LlavaVLM(checkpoint, model, processor, options)


class LlavaVLM(Adapter):
    """A LLaVA model behind the interface of core.vlm.base."""

    def _geometry(self, image_size: tuple[int, int]) -> Geometry:
        return _geometry(self._processor.image_processor, image_size, self._grid)

    def _defaults(self, layers: int) -> Settings:
        # As ViCrop: the box at ratio 1.0 is as wide as the input.
        return Settings(self._layer(layers), base_side=self._side())

    def _own_fit(self) -> Fit:
        processor = self._processor.image_processor
        size = _geometry(processor, (1, 1), (1, 1)).input_size
        if getattr(processor, "do_pad", False) or not processor.size.shortest_edge:
            return Fit("pad" if getattr(processor, "do_pad", False) else "stretch", size)
        cuts_square = processor.do_center_crop and size == (processor.size.shortest_edge,) * 2
        return Fit("cover" if cuts_square else "pad", size)

    def _side(self) -> int:
        return _geometry(self._processor.image_processor, (1, 1), (1, 1)).input_size[0]

    def _default_way(self) -> str:
        # The processor on the hub cuts out the centre; LLaVA-1.5 was trained on padded squares
        # (its config's image_aspect_ratio), and what is cut away can't be asked for.
        return "pad" if self._own_fit().how == "cover" else "own"

    @cached_property
    def _grid(self) -> tuple[int, int]:
        """Rows and columns, measured on one blank image rather than read from configs.

        Old checkpoints leave the patch size out of their processor, and vision towers without
        patches have no such thing.
        """
        blank = Image.new("RGB", (64, 32))
        with torch.inference_mode():
            height, width = self._pixels([blank]).shape[-2:]
            (visual,) = self._encode([blank])
        count = len(visual.features)
        # Cells are square pixels of the input: rows / cols = height / width.
        rows = round(math.sqrt(count * height / width))
        grid = (rows, count // max(rows, 1))
        if grid[0] * grid[1] != count:
            raise VLMError(
                f"{self._name!r} turns {width} x {height} pixels into {count} visual "
                "tokens, which isn't a grid: attention can't be drawn over its images."
            )
        geometry = _geometry(self._processor.image_processor, blank.size, grid)
        if geometry.input_size != (width, height):
            raise VLMError(f"{self._name!r} {_UNKNOWN_GEOMETRY}")
        return grid

    def _pixels(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """(N, 3, height, width) on the model's device and in its dtype."""
        inputs = self._processor.image_processor(images=list(images), return_tensors="pt")
        return inputs["pixel_values"].to(self._model.device, self._model.dtype)

    def _encode(self, images: Sequence[Image.Image]) -> list[Visual]:
        for image in images:
            _check_aspect(self._processor.image_processor, image.size)
        # Each on its own: a look must not hold the features of others.
        return [
            Visual(image.size, (self._image_id,) * len(features), features.clone())
            for image, features in zip(
                images,
                self._model.get_image_features(self._pixels(images)).pooler_output,
                strict=True,
            )
        ]

    def _text(self, question: str, n_images: int) -> str:
        if self._processor.chat_template is not None:
            return super()._text(question, n_images)
        # Old revisions on the hub: the prompt that LLaVA-1.5 was trained with, which is Vicuna's.
        text = self._model.config.text_config
        base = getattr(text, "_name_or_path", "").lower()
        if text.model_type != "llama" or (base and "vicuna" not in base):
            raise VLMError(
                f"{self._name!r} has no chat template, and its language model is not Vicuna, whose "
                "prompts are known: take a revision of it with a template."
            )
        return f"USER: {self._processor.image_token * n_images}\n{question} ASSISTANT:"


def _geometry(image_processor, image_size: tuple[int, int], grid: tuple[int, int]) -> Geometry:
    """Return where the processor actually loaded puts an image; raises VLMError if it can't be
    told.
    """
    size, crop = image_processor.size, image_processor.crop_size
    if not image_processor.do_resize:
        raise VLMError(f"This model {_UNKNOWN_GEOMETRY}")
    input_size = (size.width or size.shortest_edge, size.height or size.shortest_edge)
    if getattr(image_processor, "do_pad", False):  # of LlavaImageProcessor: to a square, first
        return Geometry.pad(image_size, input_size[0], grid)
    if size.shortest_edge and image_processor.do_center_crop:
        return Geometry.center_crop(image_size, size.shortest_edge, (crop.width, crop.height), grid)
    return Geometry.stretch(image_size, input_size, grid)


def _check_aspect(image_processor, image_size: tuple[int, int]) -> None:
    """Refuse an image that would be enlarged beyond all memory before it is cropped."""
    edge = image_processor.size.shortest_edge
    if not edge or getattr(image_processor, "do_pad", False):
        return
    if edge * edge * max(image_size) / min(image_size) > _MAX_RESIZED_PIXELS:
        raise VLMError(
            f"An image of {image_size[0]} x {image_size[1]} pixels is too long and thin for this "
            "model: crop it first."
        )
