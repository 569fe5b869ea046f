"""Floating-point operations, counted while a model runs.

Counting every operator as it is executed would double the time of a small model. So what a language
model executes is summed from its shapes, by the same rule (matrix products and attention; a
multiplication and an addition are two), and what prepares its input is counted operator by operator
once for every shape. Tests hold the sum to the count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count, shape_wrapper

from core.vlm.base import Tally

Result = TypeVar("Result")

_BEFORE_ATTENTION = ("q_proj", "k_proj", "v_proj")

_current: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def tallied() -> Iterator[Tally]:
    """Count whatever models execute in this thread, within."""
    token = _current.set(tally := Tally(0))
    try:
        yield tally
    finally:
        _current.reset(token)


def add(flops: Callable[[], int]) -> None:
    """Add to the tally of this thread, if there is one; else nothing is computed."""
    if (tally := _current.get()) is not None:
        tally.flops = (tally.flops or 0) + flops()


def counted(work: Callable[[], Result]) -> tuple[Result, int]:
    """Return what `work` returns, and the FLOPs of what it runs in this thread. Attention is
    counted whole, mask or not.
    """
    with _Counter() as counter:
        result = work()
    return result, counter.flops


def tallying() -> bool:
    return _current.get() is not None


class DecoderFlops:
    """What a decoder executes, from its shapes: linear layers and attention, per layer."""

    def __init__(self, decoder: Any, head: Any):  # modules: what they hold, torch can't know
        linear = [_linear(layer) for layer in decoder.layers]
        self._layers = [sum(sizes.values()) for sizes in linear]
        # What comes before the attention of a layer: all that a pass executes of its last layer
        # that is stopped there.
        self._inputs = [
            sum(size for name, size in sizes.items() if name.endswith(_BEFORE_ATTENTION))
            for sizes in linear
        ]
        attention = decoder.layers[0].self_attn
        self._width = attention.q_proj.out_features  # heads * head_dim
        self._head = head.in_features * head.out_features

    def logits(self, rows: int) -> int:
        return 2 * rows * self._head

    def hidden(self, batch: int, tokens: int, keys: int, row: tuple[int, bool, int] | None) -> int:
        """Return the FLOPs of `tokens` new tokens a row, attending to `keys` tokens with their own.

        row: layer whose attention row is asked for, whether the model stops there, and
        how many layers are asked for theirs.
        """
        layer, stop, rows = row or (0, False, 0)
        count = layer if stop else len(self._layers)
        flops = 2 * batch * tokens * sum(self._layers[:count])
        flops += count * 4 * batch * tokens * keys * self._width  # q K^T and weights V
        if stop:
            flops += 2 * batch * tokens * self._inputs[layer]
        return flops + rows * 2 * batch * keys * self._width


def _linear(layer: nn.Module) -> dict[str, int]:
    """Multiplications per token, by name."""
    return {
        name: module.in_features * module.out_features
        for name, module in layer.named_modules()
        if isinstance(module, nn.Linear)
    }


def _attention(query_shape, key_shape, value_shape, *args, **kwargs) -> int:
    return sdpa_flop_count(query_shape, key_shape, value_shape)


# PyTorch's formulas lack the attention kernel of the CPU: nothing would be counted for it.
_FORMULAS = flop_registry | {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: shape_wrapper(_attention)
}


class _Counter(TorchDispatchMode):
    """A `torch.utils.flop_counter.FlopCounterMode` without its hooks: these are put on every
    module of the process, and called by other threads.
    """

    def __init__(self):
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        formula = _FORMULAS.get(func._overloadpacket)
        if formula is None:
            with self:  # in inference mode, operators such as `linear` arrive in one piece
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        if formula is not None:
            self.flops += formula(*args, **kwargs, out_val=result)
        return result
