"""One layer's attention row of the last query, while every layer runs as fast as it can.

Eq. 22 needs a single row of a single layer. ``output_attentions=True`` would give it, but only on
the eager path, which materialises the (heads, n, n) weights of every layer. Here an attention
function is registered that runs the model's own (sdpa, as a rule) unchanged and computes, in the
one layer asked for, the last query's weights beside it: O(n) instead of O(n^2 L).

Which layer is asked for, and where the row goes, travels with the call as the keyword argument
``attention_row``. Transformers hands unknown keyword arguments down to the attention function, so
calls of several threads on one model can't meet, and a call without it costs nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import eager_mask, flash_attention_mask, sdpa_mask

FLASH = "flash_attention_2"

# Implementation -> the name of its variant that can give a row. On CUDA, sdpa is FlashAttention.
# For a name with "flash" in it, transformers looks for kernels of that name.
ATTENTION = {"sdpa": "sdpa_attention_row", "eager": "eager_attention_row", FLASH: "fa2_row"}


class Stopped(Exception):
    """A model stopped where it was asked to."""


class AttentionRow:
    """A request for one query's attention in ``layer`` (0-based), for one call of a model.

    After ``model(..., attention_row=row)`` the attribute ``weights`` holds (batch, keys) float32:
    softmax(q K^T * scaling + mask), mean over the heads, the keys of a cached prefix included.

    after: tokens that stand behind the query asked for, and that it doesn't see; 0: it is the last.
    stop: the output is not wanted, and what comes after this layer's keys, values and weights is
    not computed: the model raises `Stopped`.
    """

    def __init__(self, layer: int, stop: bool = False, after: int = 0):
        self.layer, self.stop, self.after = layer, stop, after
        self.weights: torch.Tensor | None = None

    @property
    def count(self) -> int:
        """Return how many layers are asked."""
        return 1

    def wants(self, layer: int) -> bool:
        return layer == self.layer

    def take(self, weights: torch.Tensor) -> None:
        """Called with (batch, keys) of each layer that is wanted, the first one first."""
        self.weights = weights

    def take_heads(self, weights: torch.Tensor) -> None:
        """Called with (batch, heads, keys) of each layer that is wanted, the first one first."""
        self.take(weights.mean(dim=1))


class AttentionRows(AttentionRow):
    """The same of every layer up to ``layer``: `of_layers` has as many times (batch, keys)."""

    def __init__(self, layer: int, stop: bool = False, after: int = 0):
        super().__init__(layer, stop, after)
        self.of_layers: list[torch.Tensor] = []

    @property
    def count(self) -> int:
        return self.layer + 1

    def wants(self, layer: int) -> bool:
        return layer <= self.layer

    def take(self, weights: torch.Tensor) -> None:
        super().take(weights)
        self.of_layers.append(weights)


class AttentionHeads(AttentionRows):
    """The same of every head of every layer: `of_layers` has as many (batch, heads, keys)."""

    def take_heads(self, weights: torch.Tensor) -> None:
        self.of_layers.append(weights)


class AttentionGradient(AttentionRow):
    """A row whose weights (batch, heads, keys) are a leaf: what follows can be derived by them.

    What comes before needs no graph, and of what follows none but the last token's path has one.
    """

    def __init__(self, layer: int):
        super().__init__(layer)
        self.leaf: torch.Tensor | None = None

    def take_heads(self, weights: torch.Tensor) -> None:
        self.leaf = weights.detach().requires_grad_()


def capture_attention(model: PreTrainedModel) -> None:
    """Let ``model`` take ``attention_row`` in its language model; its vision tower stays as is."""
    implementation = model.config.get_text_config()._attn_implementation
    model.set_attn_implementation({"text_config": ATTENTION.get(implementation, implementation)})


def _eager_attention_forward(module, *args, **kwargs):
    """Every family of transformers has an eager function of its own, beside its modules."""
    return sys.modules[type(module).__module__].eager_attention_forward(module, *args, **kwargs)


class _AsFlash:
    """A module of attention whose config has the name by which the kernels are found."""

    def __init__(self, module: Any):
        self._module, self.config = module, copy(module.config)
        self.config._attn_implementation_internal = FLASH

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _flash_attention_forward(module, *args, **kwargs):
    """The registered one: whoever has kernels of their own puts them there."""
    return AttentionInterface()[FLASH](_AsFlash(module), *args, **kwargs)


def _attention_forward(attend: Callable, module, query, key, value, attention_mask, **kwargs):
    row = kwargs.pop("attention_row", None)
    if row is not None and row.wants(module.layer_idx):
        end, seen = query.shape[2] - row.after, key.shape[2] - row.after
        mask = attention_mask
        if mask is not None and mask.ndim == 2:  # of keys only: flash attention knows no other
            mask = mask[:, None, None].to(torch.bool)
        mask = None if mask is None else mask[:, :, :end, :seen]
        keys, queries = key[:, :, :seen], query[:, :, :end]
        row.take_heads(_last_row(module, queries, keys, mask, kwargs.get("scaling")))
        if row.stop and module.layer_idx == row.layer:
            raise Stopped
        if isinstance(row, AttentionGradient) and row.leaf is not None:
            output, weights = attend(module, query, key, value, attention_mask, **kwargs)
            values = repeat_kv(value, query.shape[1] // value.shape[1])
            last = row.leaf.to(values.dtype)[:, :, None] @ values  # (batch, heads, 1, head_dim)
            return torch.cat([output[:, :-1], last.transpose(1, 2)], dim=1), weights
    return attend(module, query, key, value, attention_mask, **kwargs)


def _last_row(module, query, key, attention_mask, scaling) -> torch.Tensor:
    """Weights (batch, heads, keys); query, key: (batch, heads, tokens, head_dim), after RoPE."""
    key = repeat_kv(key, query.shape[1] // key.shape[1])  # grouped-query attention
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    # float32 whatever the model runs in: eq. 22 divides rows of weights around 1/n.
    scores = query[:, :, -1:].float() @ key.float().transpose(2, 3) * scaling
    if attention_mask is not None:  # without a mask the last query sees every key
        last = attention_mask[:, :, -1:, : key.shape[2]]
        if last.dtype == torch.bool:
            scores = scores.masked_fill(~last, float("-inf"))
        else:
            scores = scores + last
    return scores.softmax(dim=-1)[:, :, 0]


for _name, _attend, _mask in (
    ("sdpa", sdpa_attention_forward, sdpa_mask),
    ("eager", _eager_attention_forward, eager_mask),
    (FLASH, _flash_attention_forward, flash_attention_mask),
):
    AttentionInterface.register(ATTENTION[_name], partial(_attention_forward, _attend))
    # Without the same mask under the same name, logits are silently wrong after a cached prefix.
    AttentionMaskInterface.register(ATTENTION[_name], _mask)
