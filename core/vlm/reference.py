"""The plain published procedure, with nothing shared: the yardstick of tests and of the benchmark.

As the code of ViCrop (arXiv 2502.17422) does it: `generate()` for each answer, and for each row of
eq. 22 a full pass of its own with ``output_attentions=True`` on the eager path, which materialises
the weights of every layer. Every pass prepares and encodes its images anew. Only weights, prompt
text and facts are those of the adapter that is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from transformers import BatchFeature, GenerationConfig

from core.imaging import Geometry
from core.vlm.adapter import Adapter
from core.vlm.base import MAX_NEW_TOKENS, VLM, Generation, Look, Request


@dataclass(frozen=True, eq=False)
class ReferenceLook(Look):
    image: Image.Image


class Reference(VLM):
    """An adapter's model behind the same interface, run the plain way. For one thread at a time."""

    def __init__(self, vlm: Adapter):
        self.info, self._vlm = vlm.info, vlm
        model = vlm._model
        # Modules and config of its own, hence an attention path of its own; the weights are shared.
        weights = (*model.parameters(), *model.buffers())
        self._model = deepcopy(model, {id(weight): weight for weight in weights})
        self._model.set_attn_implementation("eager")
        # Whatever sampling and penalties a checkpoint ships would be merged into ours.
        self._model.generation_config = GenerationConfig()
        self._processor = deepcopy(vlm._processor)

    def geometry(self, image_size: tuple[int, int]) -> Geometry:
        return self._vlm.geometry(image_size)

    def visual_tokens(self, image_size: tuple[int, int]) -> int:
        return self._vlm.visual_tokens(image_size)

    def look(self, image: Image.Image) -> Look:
        return ReferenceLook(image.size, image)

    def answer(
        self,
        look: Look,
        question: str,
        local: Image.Image | Sequence[Image.Image] | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        draft: Sequence[int] = (),
    ) -> Generation:
        images = [_own(look).image, *Request(look, question, local).locals]
        return self.generate(images, question, max_new_tokens, self.row(images, question))

    def attend(self, look: Look, prompt: str, layer: int | None = None) -> np.ndarray:
        return self.row([_own(look).image], prompt, layer)

    def prompt_text(self, question: str, n_images: int) -> str:
        return self._vlm.prompt_text(question, n_images)

    def decode_token(self, token_id: int) -> str:
        return self._vlm.decode_token(token_id)

    @torch.inference_mode()
    def generate(
        self,
        images: Sequence[Image.Image],
        question: str,
        max_new_tokens: int = MAX_NEW_TOKENS,
        attention: np.ndarray | None = None,
    ) -> Generation:
        """The answer alone; `Generation.attention` is what is passed, NaN without."""
        end_ids = sorted(self._vlm._end_ids)
        output = self._model.generate(
            **self._inputs(images, question),
            generation_config=GenerationConfig(
                do_sample=False,
                max_new_tokens=max_new_tokens,
                eos_token_id=end_ids or None,
                pad_token_id=end_ids[0] if end_ids else 0,
                output_logits=True,
                return_dict_in_generate=True,
            ),
        )
        ids = output.sequences[0, -len(output.logits) :].tolist()
        if attention is None:
            rows, cols = self.geometry(images[0].size).grid
            attention = np.full(rows * cols, np.nan, dtype=np.float32)
        return Generation(
            text=self._processor.decode(ids, skip_special_tokens=True).strip(),
            token_ids=tuple(ids),
            tokens=tuple(self.decode_token(token_id) for token_id in ids),
            logits=torch.cat(output.logits).float().cpu().numpy(),
            attention=attention,
        )

    @torch.inference_mode()
    def row(
        self, images: Sequence[Image.Image], prompt: str, layer: int | None = None
    ) -> np.ndarray:
        """The last prompt token's attention (cells,) float32 over the first image's grid."""
        seen = self._vlm.prepared(images[0]).size
        layer = self.info.attention_layer if layer is None else layer
        row = self._vlm.plain_row(self._model, self._inputs(images, prompt), seen, layer)
        return row.float().cpu().numpy()

    def _inputs(self, images: Sequence[Image.Image], question: str) -> BatchFeature:
        images = [self._vlm.prepared(image) for image in images]
        text = self._vlm.prompt_text(question, len(images))
        inputs = self._vlm.plain_inputs(self._processor, text, images)
        return inputs.to(self._model.device, self._model.dtype)


def _own(look: Look) -> ReferenceLook:
    assert isinstance(look, ReferenceLook), "only the reference that made a look can use it"
    return look
