"""InstructBLIP (arXiv 2305.06500) with a decoder-only language model, as instructblip-vicuna-7b.

Between the vision tower and the language model stands a Q-Former: a fixed number of queries (32)
that read the image while they read the question. So the image's tokens differ with the question,
and none of them is a place in the image. Where the language model looks is composed, as ViCrop
(arXiv 2502.17422) does it: its attention over the queries, times what each query reads of each
patch.

Two images are two blocks of queries. A single block, as transformers' processor writes it, would
drop the second image without a word.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import torch
from PIL import Image
from transformers import (
    BatchFeature,
    InstructBlipForConditionalGeneration,
    InstructBlipProcessor,
)

from core.imaging import Fit, Geometry
from core.vlm.adapter import Adapter, Visual
from core.vlm.base import VLMError
from core.vlm.loading.checkpoint import Checkpoint, Options
from core.vlm.loading.settings import Settings
from core.vlm.text import special_tokens

# What ViCrop uses: the third of the six layers of the Q-Former that see the image. Other depths get
# the same relative depth.
_QFORMER_DEPTH = 2 / 6


def load(checkpoint: Checkpoint, options: Options) -> InstructBlipVLM:
    """Load an InstructBLIP checkpoint; raises VLMError if it can't be read or is built on T5."""
    if not checkpoint.config.get("use_decoder_only_language_model", True):
        raise VLMError(
            f"{checkpoint.name!r} has an encoder and a decoder, which can't be used here: "
            "take InstructBLIP with Vicuna."
        )
    processor = checkpoint.load(InstructBlipProcessor, backend="pil")
    model = checkpoint.load_model(InstructBlipForConditionalGeneration, options)
    return InstructBlipVLM(checkpoint, model, processor, options)


class InstructBlipVLM(Adapter):
    """An InstructBLIP model behind the interface of core.vlm.base.

    A `Visual` of a look holds the patches that the vision tower made of the image; one that is
    part of a prompt holds the queries that read them.
    """

    obstacle = (
        "The image's tokens depend on the question: only what the vision tower makes of the image "
        "is shared."
    )

    def __init__(self, checkpoint, model, processor, options: Options):
        # The tokenizer itself is not thread-safe; see Adapter.
        self._qformer_backend = processor.qformer_tokenizer.backend_tokenizer
        self._qformer_backend.no_truncation()
        self._qformer_backend.no_padding()
        self._qformer_special = special_tokens(processor.qformer_tokenizer)
        # 32 queries need no kernel, and other paths keep their weights to themselves.
        model.set_attn_implementation({"qformer_config": "eager"})
        qformer = model.config.qformer_config
        seeing = len(range(0, qformer.num_hidden_layers, qformer.cross_attention_frequency))
        self._qformer_layer = int(_QFORMER_DEPTH * seeing)
        super().__init__(checkpoint, model, processor, options)

    def _encode(self, images: Sequence[Image.Image]) -> list[Visual]:
        inputs = self._processor.image_processor(images=list(images), return_tensors="pt")
        pixels = inputs["pixel_values"].to(self._model.device, self._model.dtype)
        patches = self._model.vision_model(pixel_values=pixels).last_hidden_state
        ids = (self._image_id,) * self._model.config.num_query_tokens
        return [
            Visual(image.size, ids, one.clone()) for image, one in zip(images, patches, strict=True)
        ]

    def _for_question(self, question: str, visuals: Sequence[Visual]) -> Sequence[Visual]:
        ids = self._qformer_backend.encode(self.instructed(question)).ids
        longest = self._model.config.qformer_config.max_position_embeddings
        if len(ids) > longest:
            raise VLMError(
                f"The question is too long for this model: shorten it by {len(ids) - longest} "
                "tokens."
            )
        model, n = self._model, self._model.config.num_query_tokens
        patches = torch.stack([visual.features for visual in visuals])
        input_ids = torch.tensor([ids] * len(visuals), device=patches.device)
        read = model.qformer(
            input_ids=input_ids,
            attention_mask=input_ids.new_ones(len(visuals), n + len(ids)),
            query_embeds=model.query_tokens.expand(len(visuals), -1, -1),
            encoder_hidden_states=patches,
            output_attentions=True,
            return_dict=True,
        )
        features = model.language_projection(read.last_hidden_state[:, :n])
        spread = _over_patches(read.cross_attentions[self._qformer_layer])
        return [
            replace(visual, features=one, spread=where)
            for visual, one, where in zip(visuals, features, spread, strict=True)
        ]

    def _defaults(self, layers: int) -> Settings:
        return Settings(self._layer(layers), base_side=self._geometry((1, 1)).input_size[0])

    def _own_fit(self) -> Fit:
        return Fit("stretch", self._geometry((1, 1)).input_size)

    def _side(self) -> int:
        return self._geometry((1, 1)).input_size[0]

    def _geometry(self, image_size: tuple[int, int]) -> Geometry:
        size, vision = self._processor.image_processor.size, self._model.config.vision_config
        side = vision.image_size // vision.patch_size
        return Geometry.stretch(image_size, (size.width, size.height), (side, side))

    def _count(self, image_size: tuple[int, int]) -> int:
        return self._model.config.num_query_tokens

    def _text(self, question: str, n_images: int) -> str:
        return question  # with its instruction; no template

    def _tokenize(self, question: str, n_images: int) -> list[int]:
        # The images stand in front of everything, even of the token that begins a text.
        return [self._image_id] * n_images + super()._tokenize(question, n_images)

    def _names(self) -> Collection[str]:
        return {*super()._names(), *self._qformer_special.values()}

    def plain_inputs(
        self, processor: Any, text: str, images: Sequence[Image.Image]
    ) -> BatchFeature:
        inputs = processor(images=list(images), text=text, return_tensors="pt")
        n, count = self._model.config.num_query_tokens, len(images)
        for name, value in (("input_ids", self._image_id), ("attention_mask", 1)):
            more = inputs[name].new_full((1, n * (count - 1)), value)
            inputs[name] = torch.cat([more, inputs[name]], dim=1)
        for name in ("qformer_input_ids", "qformer_attention_mask"):
            inputs[name] = inputs[name].expand(count, -1)
        return inputs

    def plain_row(
        self,
        model: Any,
        inputs: BatchFeature,
        image_size: tuple[int, int],
        layer: int,
    ) -> torch.Tensor:
        # One pass, in two calls: the model itself doesn't hand out the weights of its Q-Former.
        encoded = model.get_image_features(
            inputs["pixel_values"],
            inputs["qformer_input_ids"],
            inputs["qformer_attention_mask"],
            output_attentions=True,
            return_dict=True,
        )
        layers = model(
            pixel_values=None,
            qformer_input_ids=None,
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            mm_encoder_outputs={"image": encoded},
            output_attentions=True,
        ).language_model_outputs.attentions
        read = encoded.qformer_outputs
        queries = layers[layer][0, :, -1, : self._count(image_size)].float().mean(dim=0)
        return queries @ _over_patches(read.cross_attentions[self._qformer_layer])[0]


def _over_patches(cross_attention: torch.Tensor) -> torch.Tensor:
    """(batch, heads, queries, 1 + patches) -> (batch, queries, patches) float32: the mean over the
    heads, without the CLS token."""
    return cross_attention.float().mean(dim=1)[..., 1:]
