"""What all prompts about one image have in common, read by the language model once.

A prompt is text, the global image, and then what differs: the question, the generic prompt of
eq. 22, or the local image and the question. In a causal model, keys and values of a token depend
on the tokens before it alone, so those of the common beginning can be kept and continued. Nothing
is approximated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer


def common_length(*sequences: Sequence[int]) -> int:
    """Return how many tokens all sequences have in common from their beginnings."""
    length = 0
    for tokens in zip(*sequences):  # noqa: B905 (the shortest one ends it)
        if len(set(tokens)) > 1:
            break
        length += 1
    return length


@dataclass(frozen=True, eq=False)
class Prefix:
    """The beginning of a prompt as the language model left it. Never written to once it is made."""

    ids: tuple[int, ...]  # (n,)
    needed: int  # tokens up to the last one of the global image: less is not worth sharing
    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]  # keys, values: (heads, n, head_dim)

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for layer in self.layers for part in layer)

    def shared_with(self, ids: Sequence[int]) -> int:
        """Return how many tokens of the prompt ``ids`` need not be read again.

        Tokenizers may join the first letters of a question to what is written before it, so this
        can be less than all of the prefix; it is 0 if the global image isn't part of it. One token
        is always left, whose logits and whose attention are asked for.
        """
        length = min(common_length(self.ids, ids), len(ids) - 1)
        return length if length >= self.needed else 0


class SuffixCache(Cache):
    """Keys and values of a batch of prompts, each of which continues a prefix of its own (or none).

    The prefixes are only read, so any number of threads can continue one at the same time. Slots:
    the prefixes, aligned at their ends, then what is appended. The slots in front of a prefix that
    is shorter than the longest hold zeros and must be masked.

    lengths: (batch,) tokens taken of each prefix. room: tokens that will be appended. For these,
    space is taken once; transformers' own cache copies all keys and values at every token, which
    in a batch takes longer than the rest of a small model.
    """

    def __init__(
        self,
        prefixes: Sequence[Prefix | None],
        lengths: Sequence[int],
        n_layers: int,
        room: int,
    ):
        held = [
            [prefix.layers[i] if prefix and length else None for i in range(n_layers)]
            for prefix, length in zip(prefixes, lengths, strict=True)
        ]
        super().__init__([_Layer(rows, lengths, room) for rows in zip(*held, strict=True)])

    def prefix(self, row: int, ids: Sequence[int], needed: int) -> Prefix:
        """The last ``len(ids)`` tokens of one row of the batch, to be kept."""
        # Copies: a view would keep the whole batch in memory.
        layers = []
        for layer in self.layers:
            assert isinstance(layer, _Layer) and layer.keys is not None and layer.values is not None
            keys, values = (
                part[row, :, -len(ids) :].clone() for part in (layer.keys, layer.values)
            )
            layers.append((keys, values))
        return Prefix(tuple(ids), needed, tuple(layers))


class _Layer(DynamicLayer):
    """One layer: ``keys`` and ``values`` (batch, heads, tokens so far, head_dim) are views of
    buffers that were allocated for all tokens to come."""

    def __init__(self, rows, lengths: Sequence[int], room: int):
        super().__init__()
        self._rows, self._lengths = rows, lengths
        self._count, self._capacity = max(lengths), max(lengths) + room

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.dtype, self.device = key_states.dtype, key_states.device
        self._buffers = [
            self._buffer(states, i) for i, states in enumerate([key_states, value_states])
        ]
        self.is_initialized = True

    def _buffer(self, states: torch.Tensor, part: int) -> torch.Tensor:
        batch, heads, _, head_dim = states.shape
        buffer = states.new_zeros(batch, heads, self._capacity, head_dim)
        for row, held, length in zip(buffer, self._rows, self._lengths, strict=True):
            if held is not None:
                row[:, self._count - length : self._count] = held[part][:, :length]
        return buffer

    def update(self, key_states, value_states, *args, **kwargs):
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, self._count = self._count, self._count + key_states.shape[-2]
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, start : self._count] = states
        self.keys, self.values = (buffer[:, :, : self._count] for buffer in self._buffers)
        return self.keys, self.values

    def crop(self, max_length: int) -> None:
        """Forget the tokens behind the first `max_length`."""
        self._count = max_length

    def get_seq_length(self) -> int:
        return self._count
