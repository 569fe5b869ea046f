"""What some croppers ask of a model's inside: single heads, gradients, cached values.

Nothing here is computed, and nothing kept for it, unless it is asked for. Gradients are of one
question at a time, and no weight has one.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cosine_similarity

from core.vlm.base import VLM, Look, PixelGradient, VLMError
from core.vlm.capture import AttentionGradient, AttentionHeads, AttentionRow
from core.vlm.decode import LanguageModel, Prompt, Reading, read
from core.vlm.flops.tally import add, counted
from core.vlm.prefix import Prefix
from core.vlm.yes import NO, YES


class Inside(VLM):
    """The part of an adapter that croppers with needs of their own ask."""

    _language: LanguageModel
    _model: Any
    _processor: Any
    _backend: Any
    _image_id: int

    @abstractmethod
    def _question(self, look: Look, prompt: str) -> tuple[Prompt, Prefix | None]:
        """Return a prompt about an image, and the beginning of it that was read."""

    @abstractmethod
    def prepared(self, image: Image.Image) -> Image.Image:
        """The image as it is given to the checkpoint's own preparation."""

    @abstractmethod
    def plain_inputs(self, processor: Any, text: str, images: Sequence[Image.Image]) -> Any:
        """Return what the model takes for a prompt as `prompt_text` writes it."""

    @property
    def abilities(self) -> frozenset[str]:
        can = {"attend_heads", "attend_gradient", "similarity"}
        can |= {"pixel_gradient"} if self._has_pixels() else set()
        told = self.word_tokens(*YES) and self.word_tokens(*NO)
        return frozenset(can | ({"yes"} if told else set()))

    @torch.inference_mode()
    def attend_heads(self, look: Look, prompt: str) -> np.ndarray:
        rows = AttentionHeads(self._language.layers - 1, stop=True)
        asked, reading = self._read(look, prompt, rows)
        heads = torch.cat(rows.of_layers).float()  # (layers, heads, slots)
        return _on_cells(heads[..., reading.slots[0][asked.visual]], asked).cpu().numpy()

    @torch.enable_grad()
    def attend_gradient(self, look: Look, prompt: str, layer: int | None = None) -> np.ndarray:
        """Return what `grad_att` of ViCrop (arXiv 2502.17422) does, with the last row as the leaf.

        The published code derives by all weights of the layer and uses the last row; that row acts
        on the last token alone, so its own gradient is the same, and nothing else needs a graph.
        """
        row = AttentionGradient(self.info.attention_layer if layer is None else layer)
        asked, reading = self._read(look, prompt, row)
        leaf = row.leaf
        assert reading.hidden is not None and leaf is not None
        confidence = self._language.logits(reading.hidden[:, -1]).log_softmax(dim=-1).max()
        (gradient,), flops = counted(lambda: torch.autograd.grad(confidence, leaf))
        add(lambda: flops)
        weights = (leaf.detach() * gradient.relu())[0].mean(dim=0)
        return _on_cells(weights[reading.slots[0][asked.visual]], asked).float().cpu().numpy()

    @torch.enable_grad()
    def pixel_gradient(self, image: Image.Image, prompt: str) -> PixelGradient:
        """Derive through all of the model, nothing shared, as `pure_grad` of ViCrop does."""
        if not self._has_pixels():
            raise self._unable("pixel_gradient")
        text = self.prompt_text(prompt, 1)
        inputs = self.plain_inputs(self._processor, text, [self.prepared(image)])
        inputs = inputs.to(self._model.device, self._model.dtype)
        pixels = inputs["pixel_values"].requires_grad_()

        def derived() -> torch.Tensor:
            logits = self._model(**inputs).logits[:, -1].float()
            (gradient,) = torch.autograd.grad(logits.log_softmax(dim=-1).max(), pixels)
            return gradient

        gradient, flops = counted(derived)
        add(lambda: flops)
        prepare = self._processor.image_processor
        seen = pixels.detach().float().cpu().numpy()[0].transpose(1, 2, 0)
        seen = seen * np.asarray(prepare.image_std) + np.asarray(prepare.image_mean)
        norms = gradient[0].float().norm(dim=0).cpu().numpy()
        return PixelGradient(np.clip(seen, 0.0, 1.0), norms)

    @torch.inference_mode()
    def similarity(self, look: Look, prompt: str, words: str) -> np.ndarray:
        """Compare cached values, as the object relevance of FOCUS (arXiv 2506.21710) does."""
        enough = AttentionRow(self._language.layers - 1, stop=True)
        asked, reading = self._read(look, prompt, enough)
        wanted = self._places(prompt, words, asked.ids)
        slots = reading.slots[0]
        alike = []
        for layer in reading.cache.layers:
            values = _values(layer)[0].float()  # (heads, slots, head_dim)
            text, visual = values[:, slots[wanted]], values[:, slots[asked.visual]]
            alike.append(
                cosine_similarity(text[:, :, None], visual[:, None], dim=-1).mean(dim=(0, 1))
            )
        return _on_cells(torch.stack(alike), asked).cpu().numpy()

    def word_tokens(self, *words: str) -> tuple[int, ...]:
        encoded = (self._backend.encode(word, add_special_tokens=False).ids for word in words)
        return tuple(ids[0] for ids in encoded if len(ids) == 1)

    def _read(self, look: Look, prompt: str, row: AttentionRow) -> tuple[Prompt, Reading]:
        asked, prefix = self._question(look, prompt)
        return asked, read(self._language, [asked], [prefix], row)

    def _has_pixels(self) -> bool:
        """Return whether the tower is given an image as (1, 3, height, width), which is the grid's
        picture: not patches in a row, nor tiles.
        """
        blank = self.prepared(Image.new("RGB", (64, 32)))
        made = self._processor.image_processor(images=[blank], return_tensors="pt")
        shape = made["pixel_values"].shape
        return len(shape) == 4 and tuple(shape[:2]) == (1, 3)

    def _places(self, prompt: str, words: str, ids: Sequence[int]) -> torch.Tensor:
        """Return where in a prompt's tokens (its visual ones among them) the words stand.

        Raises VLMError if none of them is in it.
        """
        text = self.prompt_text(prompt, 1)
        spans = [
            match.span()
            for word in dict.fromkeys(words.split())
            for match in re.finditer(rf"\b{re.escape(word)}\b", text)
        ]
        # Counted from the end: there the tokens are those of the text alone, images stand before.
        encoded = self._backend.encode(text)
        begin = 1 + max(
            (i for i, one in enumerate(encoded.ids) if one == self._image_id), default=-1
        )
        tail = list(enumerate(encoded.offsets))[begin:]
        places = [
            len(ids) - len(encoded.ids) + i
            for i, (start, stop) in tail
            if any(start < right and left < stop for left, right in spans)
        ]
        if not places:
            raise VLMError(f"None of the words {words!r:.80} is in the question.")
        return torch.tensor(places, device=self._model.device)


def _values(layer: Any) -> torch.Tensor:
    """Return the values (batch, heads, slots, head_dim) that a layer of a cache holds."""
    return layer.values


def _on_cells(weights: torch.Tensor, asked: Prompt) -> torch.Tensor:
    """Return weights (..., visual tokens) over the cells of the grid."""
    if asked.spread is None:
        return weights
    return weights @ asked.spread.to(weights.device, weights.dtype)
