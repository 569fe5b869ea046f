"""Reading prompts and writing answers, several at once, whatever the family of the model.

Prompts of a batch are aligned at their ends. Where one is shorter, the slots in front of it are
padding that no query sees; positions are always given, never counted from the slots.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from core.vlm.capture import AttentionRow, Stopped
from core.vlm.flops import tally
from core.vlm.flops.tally import DecoderFlops
from core.vlm.prefix import Prefix, SuffixCache, common_length


@dataclass(frozen=True, eq=False)
class Prompt:
    """Text and images as the language model reads them, every visual token in its place."""

    ids: tuple[int, ...]  # (n,)
    embeddings: torch.Tensor  # (n, width)
    positions: torch.Tensor  # (n,), or (n, axes) where a model counts along several axes
    visual: torch.Tensor  # (n_v,) where the global image's tokens are, row by row of its grid
    spread: torch.Tensor | None = (
        None  # (n_v, cells): where no token is a cell, what each one reads
    )


class LanguageModel:
    """A causal language model: embeddings in, hidden states and logits out.

    A family whose language model takes other arguments than most overrides `inputs`.
    """

    def __init__(self, model: PreTrainedModel):
        self.layers: int = model.config.get_text_config().num_hidden_layers
        self.embed: nn.Module = model.get_input_embeddings()
        self._decoder, self._head = model.get_decoder(), model.get_output_embeddings()
        self._flops = DecoderFlops(self._decoder, self._head)
        # Transformers 5.24 renamed it, and will drop the old name.
        named = inspect.signature(self._decoder.forward).parameters
        self._cache_name = "cache" if "cache" in named else "past_key_values"

    def inputs(self, embeddings: torch.Tensor, positions: torch.Tensor) -> dict[str, Any]:
        """Return what the model takes for these embeddings (batch, tokens, width) at these
        positions (batch, tokens[, axes]).
        """
        return {"inputs_embeds": embeddings, "position_ids": positions}

    def hidden(
        self,
        embeddings: torch.Tensor,
        positions: torch.Tensor,
        mask: torch.Tensor | None,
        cache: SuffixCache,
        row: AttentionRow | None = None,
    ) -> torch.Tensor:
        """Last hidden states (batch, tokens, hidden).

        embeddings: (batch, tokens, width). positions: (batch, tokens[, axes]). mask: (batch,
        cached + tokens) bool, False where there is padding; None: nowhere.
        """
        batch, tokens = embeddings.shape[:2]
        keys = cache.get_seq_length() + tokens
        asked = None if row is None else (row.layer, row.stop, row.count)
        tally.add(lambda: self._flops.hidden(batch, tokens, keys, asked))
        output = self._decoder(
            **self.inputs(embeddings, positions),
            attention_mask=mask,
            use_cache=True,
            **{self._cache_name: cache},
            **({} if row is None else {"attention_row": row}),
        )
        return output.last_hidden_state

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """(..., V) float32."""
        tally.add(lambda: self._flops.logits(hidden.numel() // hidden.shape[-1]))
        return self._head(hidden).float()


@dataclass(eq=False)
class Reading:
    """A batch of prompts, read to their ends."""

    # (batch, 1 + drafted, hidden) from each prompt's last token on; None: stopped before
    hidden: torch.Tensor | None
    cache: SuffixCache
    mask: torch.Tensor | None  # (batch, slots) bool
    next_position: torch.Tensor  # (batch,), behind the draft if there is one
    slots: list[torch.Tensor]  # of each prompt: (n,) where in the cache its tokens lie


def read(
    language: LanguageModel,
    prompts: Sequence[Prompt],
    prefixes: Sequence[Prefix | None],
    row: AttentionRow | None = None,
    room: int = 0,
    drafted: int = 0,
) -> Reading:
    """Prefill: every prompt behind what its prefix shares with it.

    row: is given the last token's attention, and may stop the model there. room: tokens that may
    follow. drafted: how many of a single prompt's last tokens are a draft of its answer.
    """
    device = prompts[0].embeddings.device
    shared = [
        prefix.shared_with(prompt.ids[: len(prompt.ids) - drafted]) if prefix else 0
        for prompt, prefix in zip(prompts, prefixes, strict=True)
    ]
    rest = [len(prompt.ids) - length for prompt, length in zip(prompts, shared, strict=True)]
    start, width = max(shared), max(rest)
    cache = SuffixCache(prefixes, shared, language.layers, width + room)
    seen = torch.zeros(len(prompts), start + width, dtype=torch.bool, device=device)
    slots = []
    for i, (n_shared, n_rest) in enumerate(zip(shared, rest, strict=True)):
        seen[i, start - n_shared : start] = seen[i, start + width - n_rest :] = True
        slots.append(seen[i].nonzero()[:, 0])
    # Without padding there is nothing to mask, and faster kernels for that.
    mask = None if max(shared) == min(shared) and max(rest) == min(rest) else seen
    suffixes = [prompt.embeddings[n:] for prompt, n in zip(prompts, shared, strict=True)]
    positions = [prompt.positions[n:] for prompt, n in zip(prompts, shared, strict=True)]
    try:
        hidden = language.hidden(_align(suffixes), _align(positions), mask, cache, row)
        hidden = hidden[:, -1 - drafted :]
    except Stopped:
        hidden = None
    next_position = torch.stack([prompt.positions.max() + 1 for prompt in prompts])
    return Reading(hidden, cache, mask, next_position, slots)


def decode_greedily(
    language: LanguageModel, reading: Reading, end_ids: Collection[int], max_new_tokens: int
) -> list[tuple[list[int], torch.Tensor]]:
    """y_t = argmax of eq. 3 (eq. 12) until an end token: of each prompt, ids and logits (T, V).

    The room of the reading must be at least ``max_new_tokens - 1``. Not generate(): its logits are
    the same, but checkpoints may ship sampling, penalties or forced tokens for it, and on a small
    model it costs more time than the model.
    """
    assert reading.hidden is not None, "the reading stopped before the answer"
    batch, hidden, mask = len(reading.slots), reading.hidden[:, -1], reading.mask
    ids: list[list[int]] = [[] for _ in range(batch)]
    running = set(range(batch))
    logits: list[torch.Tensor] = []
    while True:
        logits.append(language.logits(hidden))
        chosen = logits[-1].argmax(dim=-1)
        for i, token_id in enumerate(chosen.tolist()):
            if i in running:
                ids[i].append(token_id)
                if token_id in end_ids:
                    running.remove(i)
        if not running or len(logits) == max_new_tokens:
            steps = torch.stack(logits, dim=1)
            return [(row, steps[i, : len(row)]) for i, row in enumerate(ids)]
        if mask is not None:
            mask = torch.cat([mask, mask.new_ones(batch, 1)], dim=1)
        positions = reading.next_position[:, None] + (len(logits) - 1)
        embeddings = language.embed(chosen)[:, None]
        hidden = language.hidden(embeddings, positions, mask, reading.cache)[:, -1]


def with_draft(language: LanguageModel, prompt: Prompt, draft: Sequence[int]) -> Prompt:
    """The prompt with a draft of its answer behind it, to be read at once."""
    embeddings = language.embed(torch.tensor(draft, device=prompt.embeddings.device))
    beyond = prompt.embeddings.shape[-1] - embeddings.shape[-1]
    places = prompt.positions.max() + 1 + torch.arange(len(draft), device=prompt.positions.device)
    places = places.reshape(-1, *[1] * (prompt.positions.ndim - 1))
    return replace(
        prompt,
        ids=(*prompt.ids, *draft),
        embeddings=torch.cat([prompt.embeddings, nn.functional.pad(embeddings, (0, beyond))]),
        positions=torch.cat([prompt.positions, places.expand(-1, *prompt.positions.shape[1:])]),
    )


def decode_drafted(
    language: LanguageModel,
    reading: Reading,
    draft: Sequence[int],
    end_ids: Collection[int],
    max_new_tokens: int,
) -> tuple[list[int], torch.Tensor]:
    """Return what `decode_greedily` gives for one prompt, in fewer steps where the draft is right.

    Speculative decoding (arXiv 2211.17192), greedy, with an earlier answer as the draft: one pass
    tells for each of its tokens what the model would have written there. Up to the first
    difference that is the answer, and the difference itself is mended. What follows in the draft is
    tried again at the same places, because letters misread one by one shift nothing behind them,
    until a try gains nothing.

    reading: of the prompt with the draft behind it. draft: at most ``max_new_tokens - 1`` tokens.
    """
    ids: list[int] = []
    logits: list[torch.Tensor] = []
    assert reading.hidden is not None, "the reading stopped before the answer"
    hidden, left, first_try = reading.hidden[0], list(draft), True
    prompt_end = reading.cache.get_seq_length() - len(left)
    first_position = reading.next_position - len(left)
    while True:
        rows = language.logits(hidden)  # what follows the last accepted token and each drafted one
        chosen = rows.argmax(dim=-1).tolist()
        right = common_length(chosen, left)
        written = chosen[: right + 1]
        end = next((i for i, token_id in enumerate(written) if token_id in end_ids), right)
        ids += written[: end + 1]
        logits.append(rows[: end + 1])
        if ids[-1] in end_ids or len(ids) == max_new_tokens:
            return ids, torch.cat(logits)
        reading.cache.crop(prompt_end + len(ids) - 1)
        left, first_try = left[right + 1 :] if right or first_try else [], False
        tokens = torch.tensor([[ids[-1], *left]], device=rows.device)
        steps = torch.arange(tokens.shape[1], device=rows.device)
        positions = first_position + len(ids) - 1 + steps[None]
        hidden = language.hidden(language.embed(tokens), positions, None, reading.cache)[0]


def _align(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """(batch, longest, ...): zeros in front of what is shorter."""
    width = max(len(row) for row in rows)
    aligned = rows[0].new_zeros(len(rows), width, *rows[0].shape[1:])
    for target, row in zip(aligned, rows, strict=True):
        target[width - len(row) :] = row
    return aligned
