"""What every family has in common: one look, whose prefix all prompts about its image continue.

A family contributes what differs: how images become visual tokens (`_encode`), its geometry and its
facts; and where it is not what most do, how a question is written (`_text`), which places the
visual tokens take (`_expand`), and how both meet in the language model (`_embed`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from transformers import PreTrainedModel, PreTrainedTokenizerFast, ProcessorMixin

from core.vlm.base import MAX_NEW_TOKENS, VLM, Generation, Look, Request, VLMError
from core.vlm.capture import AttentionRow, capture_attention
from core.vlm.decode import LanguageModel, Prompt, decode_greedily, read
from core.vlm.loading import Checkpoint
from core.vlm.prefix import Prefix, common_length
from core.vlm.text import defuse, readable, special_tokens

# Two questions that begin differently: what they have in common, all prompts about the image have.
_PROBES = ("a", "0")

# On a CPU, more images at once fall out of its caches: of pocket's tower, one image takes 41 ms, as
# one of four 36 ms and as one of sixteen 44 ms (one core).
_IMAGES_AT_ONCE_ON_CPU = 4


@dataclass(frozen=True, eq=False)
class AdapterLook(Look):
    """The global image as visual tokens, and the beginning of every prompt about it."""

    features: torch.Tensor  # what the family's `_encode` made of the image
    prefix: Prefix | None

    @property
    def nbytes(self) -> int:
        return self.features.nbytes + (self.prefix.nbytes if self.prefix else 0)


class Adapter(VLM):
    """A model of transformers behind the interface of core.vlm.base. No state between calls.

    Subclasses set `info` after this class's own __init__.
    """

    obstacle: ClassVar[str | None] = None  # why no model of a family can share a prefix, if so

    def __init__(self, checkpoint: Checkpoint, model: PreTrainedModel, processor: ProcessorMixin):
        self._name, self._model, self._processor = checkpoint.name, model, processor
        self._language = LanguageModel(model)
        self._tokenizer: PreTrainedTokenizerFast = processor.tokenizer
        self._image_id: int = model.config.image_token_id
        self._special = special_tokens(self._tokenizer)
        self._special[self._image_id] = processor.image_token
        self._end_ids = _end_ids(model, self._tokenizer)
        # The tokenizer's own __call__ sets these on the shared backend at every call, under the
        # hands of other threads. Set once here, the backend only reads.
        self._backend = self._tokenizer.backend_tokenizer
        self._backend.no_truncation()
        self._backend.no_padding()
        self._backend.encode_special_tokens = False
        capture_attention(model)

    # What a family contributes.

    @abstractmethod
    def _encode(self, images: Sequence[Image.Image]) -> list[torch.Tensor]:
        """Each image as the language model's visual tokens: x = f_v(I) of eq. 1, (n, width)."""

    def _text(self, question: str, n_images: int) -> str:
        """The prompt, one placeholder an image."""
        content = [{"type": "image"}] * n_images + [{"type": "text", "text": question}]
        return self._processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True
        )

    def _expand(self, ids: Sequence[int], features: Sequence[torch.Tensor]) -> list[int]:
        """A placeholder for every visual token in the place of one for every image."""
        images = iter(features)
        expanded: list[int] = []
        for token_id in ids:
            n = len(next(images)) if token_id == self._image_id else 1
            expanded += [token_id] * n
        return expanded

    def _embed(self, ids: Sequence[int], features: Sequence[torch.Tensor]) -> Prompt:
        """A prompt, or the beginning of one, that holds these images; the global one first."""
        input_ids = torch.tensor(ids, device=self._model.device)
        placeholders = input_ids == self._image_id
        embeddings = self._language.embed(input_ids)
        embeddings[placeholders] = torch.cat(list(features)).to(embeddings.dtype)
        return Prompt(
            ids=tuple(ids),
            embeddings=embeddings,
            positions=torch.arange(len(ids), device=input_ids.device),
            visual=placeholders.nonzero()[: len(features[0]), 0],
        )

    # What all have in common.

    def prompt_text(self, question: str, n_images: int) -> str:
        """The prompt, one placeholder an image; in the question nothing spells a special token."""
        return self._text(defuse(question, self._special.values()), n_images)

    def look(self, image: Image.Image) -> Look:
        return self.look_batch([image])[0]

    def answer(
        self,
        look: Look,
        question: str,
        local: Image.Image | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
    ) -> Generation:
        return self.answer_batch([Request(look, question, local)], max_new_tokens)[0]

    def attend(self, look: Look, prompt: str, layer: int | None = None) -> np.ndarray:
        return self.attend_batch([look], [prompt], layer)[0]

    @torch.inference_mode()
    def look_batch(self, images: Sequence[Image.Image]) -> list[Look]:
        features = self._encode_all(images)
        prefixes: Sequence[Prefix | None] = [None] * len(images)
        if images and self.info.unshared is None:
            prompts = [self._embed(self._common_ids(one), [one]) for one in features]
            # Of the last layer, nothing but keys and values is needed.
            enough = AttentionRow(self._language.layers - 1, stop=True)
            cache = read(self._language, prompts, prefixes, enough).cache
            prefixes = [
                cache.prefix(row, prompt.ids, needed=int(prompt.visual[-1]) + 1)
                for row, prompt in enumerate(prompts)
            ]
        return [
            AdapterLook(image.size, one, prefix)
            for image, one, prefix in zip(images, features, prefixes, strict=True)
        ]

    @torch.inference_mode()
    def answer_batch(
        self, requests: Sequence[Request], max_new_tokens: int = MAX_NEW_TOKENS
    ) -> list[Generation]:
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, not {max_new_tokens}.")
        if not requests:
            return []
        locals_ = iter(self._encode_all([r.local for r in requests if r.local is not None]))
        prompts = []
        for look, question, local in requests:
            features = [look.features] if local is None else [look.features, next(locals_)]
            prompts.append(self._prompt(question, features, max_new_tokens))
        row = AttentionRow(self.info.attention_layer)
        prefixes = [request.look.prefix for request in requests]
        reading = read(self._language, prompts, prefixes, row, room=max_new_tokens - 1)
        attention = _over_visual(row, prompts, reading.slots)
        answers = decode_greedily(self._language, reading, self._end_ids, max_new_tokens)
        return [
            Generation(
                text=self._backend.decode(ids, skip_special_tokens=True).strip(),
                token_ids=tuple(ids),
                tokens=tuple(self.decode_token(token_id) for token_id in ids),
                logits=logits.cpu().numpy(),
                attention=weights,
            )
            for (ids, logits), weights in zip(answers, attention, strict=True)
        ]

    # A question and the generic prompt are not read as one batch. Alone, the generic suffix stops
    # at its layer and takes 2 to 3 % of a retransmitted question (pocket; 1 % with 576 visual
    # tokens), and nothing of a question that is not retransmitted.
    @torch.inference_mode()
    def attend_batch(
        self, looks: Sequence[Look], prompts: Sequence[str], layer: int | None = None
    ) -> list[np.ndarray]:
        if not looks:
            return []
        inputs = [
            self._prompt(text, [look.features]) for look, text in zip(looks, prompts, strict=True)
        ]
        layer = self.info.attention_layer if layer is None else layer
        if not 0 <= layer < self._language.layers:
            raise ValueError(f"layer must be 0 to {self._language.layers - 1}, not {layer}.")
        row = AttentionRow(layer, stop=True)
        reading = read(self._language, inputs, [look.prefix for look in looks], row)
        return _over_visual(row, inputs, reading.slots)

    def decode_token(self, token_id: int) -> str:
        return readable(token_id, self._tokenizer, self._special)

    def _encode_all(self, images: Sequence[Image.Image]) -> list[torch.Tensor]:
        on_cpu = self._model.device.type == "cpu"
        step = _IMAGES_AT_ONCE_ON_CPU if on_cpu else max(len(images), 1)
        batches = (images[i : i + step] for i in range(0, len(images), step))
        return [features for batch in batches for features in self._encode(batch)]

    def _prompt(self, question: str, features: Sequence[torch.Tensor], reserve: int = 0) -> Prompt:
        """Text and images, the global one first; ``reserve`` counts the tokens that may follow."""
        ids = self._ids(question, features)
        longest = self._model.config.get_text_config().max_position_embeddings
        if len(ids) + reserve > longest:
            raise VLMError(
                f"The question is too long for this model: shorten it by "
                f"{len(ids) + reserve - longest} tokens."
            )
        return self._embed(ids, features)

    def _ids(self, question: str, features: Sequence[torch.Tensor]) -> list[int]:
        """The prompt's tokens, every visual one in its place; the global image's first.

        Raises VLMError if the images have no place in it.
        """
        ids = self._tokenize(question, len(features))
        if (places := ids.count(self._image_id)) != len(features):
            raise VLMError(
                f"The chat template of {self._name!r} gives {places} places "
                f"to {len(features)} images."
            )
        return self._expand(ids, features)

    def _tokenize(self, question: str, n_images: int) -> list[int]:
        """The prompt's tokens, one placeholder an image."""
        text = self.prompt_text(question, n_images)
        begin = self._tokenizer.bos_token
        written = begin is not None and text.startswith(begin)
        return self._backend.encode(text, add_special_tokens=not written).ids

    def _common_ids(self, features: torch.Tensor) -> list[int]:
        """The longest common token prefix of every prompt about one image."""
        prompts = [self._ids(probe, [features]) for probe in _PROBES]
        prompts.append(self._ids(_PROBES[0], [features, features]))
        return prompts[0][: common_length(*prompts)]

    def _why_unshared(self, features: torch.Tensor) -> str | None:
        """Why prompts have no beginning in common that holds the image; None if they have.

        features: of any image.
        """
        if self.obstacle is not None:
            return self.obstacle
        try:
            common = self._common_ids(features)
        except VLMError as error:  # no place for a second image
            return str(error)
        visual = self._embed(self._ids(_PROBES[0], [features]), [features]).visual
        if len(common) <= int(visual[-1]):
            return "Its prompts begin to differ before the image has ended."
        return None


def _over_visual(
    row: AttentionRow, prompts: Sequence[Prompt], slots: Sequence[torch.Tensor]
) -> list[np.ndarray]:
    """Of the captured rows (batch, slots), the part over each global image's tokens, (n_v,)."""
    weights = zip(row.weights, prompts, slots, strict=True)
    return [one[where[prompt.visual]].cpu().numpy() for one, prompt, where in weights]


def _end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> frozenset[int]:
    """Every token that ends an answer."""
    for source in (model.generation_config, model.config.get_text_config(), tokenizer):
        if (ids := getattr(source, "eos_token_id", None)) is not None:
            return frozenset([ids] if isinstance(ids, int) else ids)
    return frozenset()
