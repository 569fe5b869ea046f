"""The LLaVA-1.5 family (arXiv 2310.03744): the bundled model, llava-1.5-7b-hf, llava-1.5-13b-hf.

A vision tower, a two-layer projector and a causal language model. Every image becomes the same
number of visual tokens, which take the places of its placeholders in the prompt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from transformers import DynamicCache, LlavaForConditionalGeneration, LlavaProcessor

from core.imaging import Geometry
from core.vlm.base import MAX_NEW_TOKENS, VLM, Generation, Look, ModelInfo, VLMError
from core.vlm.capture import AttentionRow, capture_attention
from core.vlm.loading import Checkpoint, explained
from core.vlm.settings import Settings
from core.vlm.text import defuse, readable, special_tokens

# Layer 14 of 32 is what ViCrop (arXiv 2502.17422) uses for the 7B model. No layer is published for
# other depths: they get the same relative depth, the 13B model (40 layers) layer 17.
_DEPTH = 14 / 32

_GENERIC_PROMPT = "Write a general description of the image."  # s' of eq. 22

# Where eta starts. The paper prints no eta: it sweeps it. To be calibrated on one's own questions.
_THRESHOLDS = {"min_entropy": 0.5, "shannon_entropy": 1.0, "probability_margin": 0.5}

# A centre crop first enlarges the shorter side to the input's, and a line one pixel wide grows
# to gigabytes on the way.
_MAX_RESIZED_PIXELS = 64_000_000

_UNKNOWN_GEOMETRY = (
    "prepares its images in a way that can't be followed here: it must pad to a square, "
    "crop the centre, or stretch."
)


def load(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> LlavaVLM:
    """Load a LLaVA checkpoint; raises VLMError if it can't be read or is laid out differently."""
    processor = checkpoint.load(LlavaProcessor, backend="pil")
    model = checkpoint.load_model(LlavaForConditionalGeneration, device, dtype)
    return LlavaVLM(checkpoint, model, processor)


@dataclass(frozen=True, eq=False)
class _LlavaLook(Look):
    features: torch.Tensor  # (n_v, hidden), projected: what the language model reads


@dataclass(frozen=True, eq=False)
class _Prompt:
    embeddings: torch.Tensor  # (1, n, hidden)
    visual: torch.Tensor  # (n_v,) positions of the global image's tokens


class LlavaVLM(VLM):
    """A LLaVA model behind the interface of core.vlm.base. It has no state between calls."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        model: LlavaForConditionalGeneration,
        processor: LlavaProcessor,
    ):
        self._model, self._processor, self._tokenizer = model, processor, processor.tokenizer
        self._special = special_tokens(self._tokenizer)
        self._special[model.config.image_token_id] = processor.image_token
        self._end_ids = _end_ids(model, self._tokenizer)
        # The tokenizer's own __call__ sets these on the shared backend at every call, under the
        # hands of other threads. Set once here, the backend only reads.
        self._backend = self._tokenizer.backend_tokenizer
        self._backend.no_truncation()
        self._backend.no_padding()
        self._backend.encode_special_tokens = False
        capture_attention(model)
        with explained(checkpoint):
            self.info = self._describe(checkpoint)

    def geometry(self, image_size: tuple[int, int]) -> Geometry:
        return _geometry(self._processor.image_processor, image_size, self.info.grid)

    @torch.inference_mode()
    def look(self, image: Image.Image) -> Look:
        return _LlavaLook(image.size, self._encode(image))

    @torch.inference_mode()
    def answer(
        self,
        look: Look,
        question: str,
        local: Image.Image | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
    ) -> Generation:
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, not {max_new_tokens}.")
        images = [look.features] if local is None else [look.features, self._encode(local)]
        prompt = self._prompt(question, images, max_new_tokens)
        row = AttentionRow(self.info.attention_layer)
        token_ids, logits = self._decode_greedily(prompt.embeddings, max_new_tokens, row)
        return Generation(
            text=self._backend.decode(token_ids, skip_special_tokens=True).strip(),
            token_ids=tuple(token_ids),
            tokens=tuple(self.decode_token(token_id) for token_id in token_ids),
            logits=logits.cpu().numpy(),
            attention=row.weights[0, prompt.visual].cpu().numpy(),
        )

    @torch.inference_mode()
    def attend(self, look: Look, prompt: str) -> np.ndarray:
        inputs = self._prompt(prompt, [look.features])
        row = AttentionRow(self.info.attention_layer)
        # The language model without its head: nobody asks for the next token.
        self._model.model(inputs_embeds=inputs.embeddings, use_cache=False, attention_row=row)
        return row.weights[0, inputs.visual].cpu().numpy()

    def decode_token(self, token_id: int) -> str:
        return readable(token_id, self._tokenizer, self._special)

    def _describe(self, checkpoint: Checkpoint) -> ModelInfo:
        """The model's facts, measured on one blank image rather than read from configs.

        Old checkpoints leave the patch size out of their processor, and vision towers without
        patches have no such thing.
        """
        blank = Image.new("RGB", (64, 32))
        with torch.inference_mode():
            height, width = self._pixels(blank).shape[-2:]
            visual_tokens = len(self._encode(blank))
        # Cells are square pixels of the input: rows / cols = height / width.
        rows = round(math.sqrt(visual_tokens * height / width))
        grid = (rows, visual_tokens // max(rows, 1))
        if grid[0] * grid[1] != visual_tokens:
            raise VLMError(
                f"{checkpoint.name!r} turns {width} x {height} pixels into {visual_tokens} visual "
                "tokens, which is no grid: attention can't be drawn over its images."
            )
        geometry = _geometry(self._processor.image_processor, blank.size, grid)
        if geometry.input_size != (width, height):
            raise VLMError(f"{checkpoint.name!r} {_UNKNOWN_GEOMETRY}")
        text_config = self._model.config.text_config
        layers = text_config.num_hidden_layers
        settings = Settings(
            attention_layer=int(_DEPTH * layers),
            base_side=width,  # as ViCrop: the box at ratio 1.0 is as wide as the input
            generic_prompt=_GENERIC_PROMPT,
            thresholds=_THRESHOLDS,
        ).override(checkpoint.config.get("second_look", {}), layers)
        return ModelInfo(
            name=checkpoint.name,
            family=self._model.config.model_type,
            revision=checkpoint.revision,
            parameters=self._model.num_parameters(),
            hidden=text_config.hidden_size,
            layers=layers,
            visual_tokens=visual_tokens,
            input_size=(width, height),
            grid=grid,
            **vars(settings),
        )

    def _pixels(self, image: Image.Image) -> torch.Tensor:
        """(1, 3, height, width) on the model's device and in its dtype."""
        inputs = self._processor.image_processor(images=image, return_tensors="pt")
        return inputs["pixel_values"].to(self._model.device, self._model.dtype)

    def _encode(self, image: Image.Image) -> torch.Tensor:
        """x = f_v(I) of eq. 1: (n_v, hidden)."""
        _check_aspect(self._processor.image_processor, image.size)
        return self._model.get_image_features(self._pixels(image)).pooler_output[0]

    def _prompt(self, question: str, images: list[torch.Tensor], reserve: int = 0) -> _Prompt:
        """Text and images, the global one first, as the language model reads them.

        ``reserve`` counts the tokens that are to follow.
        """
        ids: list[int] = []
        visual = iter(images)
        image_id = self._model.config.image_token_id
        text_ids = self._tokenize(question, len(images))
        if text_ids.count(image_id) != len(images):
            raise VLMError(
                f"The chat template of {self.info.name!r} gives {text_ids.count(image_id)} places "
                f"to {len(images)} images."
            )
        for token_id in text_ids:
            ids += [token_id] * len(next(visual)) if token_id == image_id else [token_id]
        longest = self._model.config.text_config.max_position_embeddings
        if len(ids) + reserve > longest:
            raise VLMError(
                f"The question is too long for this model: shorten it by "
                f"{len(ids) + reserve - longest} tokens."
            )
        input_ids = torch.tensor(ids, device=self._model.device)
        placeholders = input_ids == image_id
        embeddings = self._model.get_input_embeddings()(input_ids)
        embeddings[placeholders] = torch.cat(images).to(embeddings.dtype)
        return _Prompt(embeddings[None], placeholders.nonzero()[: len(images[0]), 0])

    def _tokenize(self, question: str, n_images: int) -> list[int]:
        """The prompt's ids, one placeholder an image."""
        question = defuse(question, self._special.values())
        if self._processor.chat_template is not None:
            content = [{"type": "image"}] * n_images + [{"type": "text", "text": question}]
            text = self._processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True
            )
        else:  # old revisions on the hub: the prompt that LLaVA-1.5 was trained with
            text = f"USER: {self._processor.image_token * n_images}\n{question} ASSISTANT:"
        begin = self._tokenizer.bos_token
        written = begin is not None and text.startswith(begin)
        return self._backend.encode(text, add_special_tokens=not written).ids

    def _decode_greedily(
        self, embeddings: torch.Tensor, max_new_tokens: int, row: AttentionRow
    ) -> tuple[list[int], torch.Tensor]:
        """y_t = argmax of eq. 3 until the end token: ids and logits (T, V) float32.

        Not generate(): its logits are the same, but checkpoints may ship sampling, penalties or
        forced tokens for it, and on a small model it costs more time than the model.
        """
        cache = DynamicCache(config=self._model.config.text_config)
        token_ids: list[int] = []
        logits: list[torch.Tensor] = []
        request = {"attention_row": row}  # of the prompt's last token, hence in the first pass only
        while True:
            output = self._model(
                inputs_embeds=embeddings,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
                **request,
            )
            logits.append(output.logits[0, -1].float())
            token_ids.append(int(logits[-1].argmax()))
            if token_ids[-1] in self._end_ids or len(token_ids) == max_new_tokens:
                return token_ids, torch.stack(logits)
            next_id = torch.tensor([token_ids[-1:]], device=embeddings.device)
            embeddings, request = self._model.get_input_embeddings()(next_id), {}


def _end_ids(model: LlavaForConditionalGeneration, tokenizer) -> frozenset[int]:
    """Every token that ends an answer."""
    for source in (model.generation_config, model.config.text_config, tokenizer):
        if (ids := getattr(source, "eos_token_id", None)) is not None:
            return frozenset([ids] if isinstance(ids, int) else ids)
    return frozenset()


def _geometry(image_processor, image_size: tuple[int, int], grid: tuple[int, int]) -> Geometry:
    """Where the processor actually loaded puts an image; raises VLMError if it can't be told."""
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
