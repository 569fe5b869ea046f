"""The plain pass of a model: whole prompt, no cache, the eager path, and nothing of ours in it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import AttentionInterface

from core.vlm.adapter import Adapter
from core.vlm.detailed import sharing_weights
from core.vlm.reference import Reference

_BLIND = "second_look_blind"  # an attention through which no token sees another


@dataclass(frozen=True, eq=False)
class Pass:
    """What one plain pass gives."""

    logits: np.ndarray  # (1 + answer, V) float32: after the prompt, and after each token behind it
    rows: np.ndarray  # (layers, cells) float32: the last prompt token's attention in every layer


class Plain:
    """A model run the plain way: as the published code runs it, but one pass gives all rows.

    Weights, prompt text and the place of the tokens on the grid are the adapter's.
    """

    def __init__(self, vlm: Adapter):
        self._vlm, self._reference = vlm, Reference(vlm)

    @torch.inference_mode()
    def run(self, images: Sequence[Image.Image], prompt: str, answer: Sequence[int] = ()) -> Pass:
        """Read the prompt with these images, and the tokens of an answer behind it.

        Up to a token that stands for an image, where a model has written one: behind it the pass
        would look for another image.
        """
        inputs = self._reference._inputs(images, prompt)
        model = _Watched(self._reference._model, inputs["input_ids"].shape[1])
        inputs = _continued(inputs, self._readable(answer))
        seen = self._vlm.prepared(images[0]).size
        layers = range(self._vlm.info.layers)
        rows = [self._vlm.plain_row(model, inputs, seen, layer).float() for layer in layers]
        assert model.logits is not None
        return Pass(model.logits.float().cpu().numpy(), torch.stack(rows).cpu().numpy())

    @torch.inference_mode()
    def again(
        self, images: Sequence[Image.Image], prompt: str, answer: Sequence[int] = ()
    ) -> np.ndarray:
        """Return the logits of the same pass in another order of operations (sdpa).

        How far they are from the first says how much is rounding, on this device in its dtype.
        """
        model = self._reference._model
        inputs = self._reference._inputs(images, prompt)
        length = inputs["input_ids"].shape[1]
        model.set_attn_implementation({"text_config": "sdpa"})
        try:
            logits = model(**_continued(inputs, self._readable(answer))).logits[0, length - 1 :]
        finally:
            model.set_attn_implementation("eager")
        return logits.float().cpu().numpy()

    def _readable(self, answer: Sequence[int]) -> Sequence[int]:
        image = self._vlm._image_id
        return answer[: answer.index(image)] if image in answer else answer

    def ids(self, images: Sequence[Image.Image], prompt: str) -> list[int]:
        """Return the prompt's tokens as the processor of transformers writes them."""
        return self._reference._inputs(images, prompt)["input_ids"][0].tolist()


def without_attention(vlm: Adapter) -> Adapter:
    """Return the model with a vision tower in which every token sees its own pixels only.

    Trained or not, what is painted on one place then changes the tokens of that place. A tower
    without attention stays as it is. The weights are shared, the model itself isn't touched.
    """
    blind = copy(vlm)
    blind._model = sharing_weights(vlm._model)
    blind._model.set_attn_implementation({"vision_config": _BLIND})
    return blind


class _Watched:
    """A model that runs once, and keeps the weights of one query in every layer.

    The rest of the weights, (heads, n, n) a layer, is let go as it comes.
    """

    def __init__(self, model: Any, length: int):
        self._model, self._last = model, length - 1
        self._features: Any = None
        self._output: Any = None
        self.logits: torch.Tensor | None = None

    def get_image_features(self, *args: Any, **kwargs: Any) -> Any:
        if self._features is None:
            self._features = self._model.get_image_features(*args, **kwargs)
        return self._features

    def __call__(self, output_attentions: bool = True, **inputs: Any) -> Any:
        if self._output is None:
            rows: list[torch.Tensor] = []

            def keep(module: Any, args: Any, output: Any) -> None:
                rows.append(output[1][:, :, self._last : self._last + 1, : self._last + 1])

            layers = self._model.get_decoder().layers
            hooks = [layer.self_attn.register_forward_hook(keep) for layer in layers]
            try:
                self.logits = self._model(**inputs).logits[0, self._last :]
            finally:
                for hook in hooks:
                    hook.remove()
            self._output = SimpleNamespace(
                attentions=rows, language_model_outputs=SimpleNamespace(attentions=rows)
            )
        return self._output


def _continued(inputs: Any, answer: Sequence[int]) -> Any:
    """The inputs with an answer behind the prompt."""
    ids = inputs["input_ids"]
    more = torch.tensor([list(answer)], dtype=ids.dtype, device=ids.device)
    for name, value in inputs.items():
        of_prompt = value.shape == ids.shape and not value.is_floating_point()
        if not of_prompt or name.startswith("qformer"):
            continue
        added = {"input_ids": more, "attention_mask": torch.ones_like(more)}
        inputs[name] = torch.cat([value, added.get(name, torch.zeros_like(more))], dim=1)
    return inputs


def _blind(module: Any, query: torch.Tensor, *args: Any, **kwargs: Any) -> tuple[Any, None]:
    return torch.zeros_like(query).transpose(1, 2).contiguous(), None


AttentionInterface.register(_BLIND, _blind)
