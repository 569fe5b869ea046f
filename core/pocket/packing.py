"""Packs all questions about one scene into one sequence, so that every image is encoded once.

The sequence is a tree: the global image is the root; questions about it are leaves; each local
image is an inner node with its own leaves. A token sees its own node up to itself and all its
ancestors, and positions continue from the parent's end, so every root-to-leaf path is exactly the
prompt that the model is given in use.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from transformers import BatchEncoding

from core.pocket.examples.example import Branch, Example
from core.pocket.labels import IGNORE
from core.pocket.model import GRID
from core.pocket.tokenizer import spell
from core.signs.world.phrasing import calm

BUCKET = 64  # lengths are rounded up to this: every new shape costs the CPU a compiled kernel


@dataclass
class Batch:
    pixels: torch.Tensor  # (images, 3, H, W) uint8
    ids: torch.Tensor  # (B, N)
    positions: torch.Tensor  # (B, N)
    mask: torch.Tensor  # (B, 1, N, N) bool, True where a query may look
    labels: torch.Tensor  # (B, N), the token that follows; IGNORE outside answers
    weights: torch.Tensor  # (B, N)
    focus_query: torch.Tensor  # (F, 2) batch row and position of a prompt's last token
    focus_target: torch.Tensor  # (F, n_v) where its attention should be
    focus_generic: torch.Tensor  # (F,) bool
    name_query: torch.Tensor  # (P, 2) batch row and position of a name's last token
    name_place: torch.Tensor  # (P, 2) row and column of what it stands for
    pair_query: torch.Tensor  # (Q, 2) batch row and position of a token behind two names
    pair_offset: torch.Tensor  # (Q, 2) rows and columns from the second one's place to the first's
    surfaces: torch.Tensor | None  # (images, GRID, GRID, 2)
    characters: torch.Tensor | None  # (images, 2 * GRID, 2 * GRID)
    spelling: torch.Tensor | None  # (images, GRID, GRID, MAX_LENGTH)

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch on a device."""
        return self._each(lambda part: part.to(device, non_blocking=True))

    def pin_memory(self) -> "Batch":
        """Return the batch in memory that a GPU fetches from while it computes."""
        return self._each(torch.Tensor.pin_memory)

    def _each(self, moved: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        there: dict[str, Any] = {n: None if p is None else moved(p) for n, p in parts.items()}
        return Batch(**there)


class Packer:
    def __init__(self, tokenizer, answer_weights: dict[str, float]):
        self.tokenizer = tokenizer
        self.image_id = tokenizer.convert_tokens_to_ids("<image>")
        self.newline = self._ids("\n")
        self.detail = self._ids("Detail: ")
        self.answer_weights = answer_weights

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False).input_ids

    def pack(self, example: Example) -> dict[str, Any]:
        visual = example.grid[0] * example.grid[1]
        ids = [self.tokenizer.bos_token_id, *[self.image_id] * visual, *self.newline]
        # Of a strip, everything is where it would be if all of its image were there.
        nodes, cells = [0] * len(ids), GRID * GRID
        first = 1 + example.top * GRID
        positions = [0, *range(first, first + visual)]
        positions += range(1 + cells, 1 + cells + len(self.newline))
        labels, weights = [IGNORE] * len(ids), [0.0] * len(ids)
        parents, ends = [-1], [positions[-1] + 1]
        locals_at: dict[int, int] = {}
        focus, names, pairs = [], [], []

        def extend(tokens, node, start, answers=0, weight=0.0):
            ids.extend(tokens)
            nodes.extend([node] * len(tokens))
            positions.extend(range(start, start + len(tokens)))
            following = [IGNORE] * (len(tokens) - answers - 1) + tokens[len(tokens) - answers :]
            labels.extend([*following, IGNORE] if answers else [IGNORE] * len(tokens))
            share = weight / np.sqrt(answers) if answers else 0.0
            weights.extend([share] * len(tokens))
            ends.append(start + len(tokens))

        for branch in sorted(example.branches, key=lambda b: -1 if b.local is None else b.local):
            parent = 0
            if branch.local is not None:
                if branch.local not in locals_at:
                    parents.append(0)
                    locals_at[branch.local] = len(parents) - 1
                    tokens = [*self.detail, *[self.image_id] * visual, *self.newline]
                    extend(tokens, len(parents) - 1, ends[0])
                parent = locals_at[branch.local]
            parents.append(parent)
            encoded, answer = self._branch(branch)
            prompt = encoded.input_ids
            weight = branch.weight * self.answer_weights[branch.question.family]
            begin = len(ids)
            extend(prompt + answer, len(parents) - 1, ends[parent], len(answer), weight)
            if branch.focus is not None and branch.local is None:
                generic = branch.question.family == "generic"
                focus.append((begin + len(prompt) - 1, branch.focus, generic))
            if branch.places:
                last = _name_ends(encoded, branch)
                names += [(begin + at, p) for at, p in zip(last, branch.places, strict=True)]
            if len(branch.places) == 2:
                offset = np.subtract(*branch.places)
                pairs += [(begin + at, offset) for at in (last[1], len(prompt) - 1)]
        return {
            "ids": np.array(ids),
            "positions": np.array(positions),
            "labels": np.array(labels),
            "weights": np.array(weights, np.float32),
            "mask": tree_mask(np.array(nodes), parents),
            "focus": focus,
            "names": names,
            "pairs": pairs,
        }

    def _branch(self, branch: Branch) -> tuple[BatchEncoding, list[int]]:
        question = branch.question
        prompt = self.tokenizer(f"{calm(question.text)}\nAnswer:", add_special_tokens=False)
        written = question.family == "text"
        answer = spell(self.tokenizer, question.answer) if written else self._ids(question.answer)
        return prompt, [*answer, self.tokenizer.eos_token_id]

    def collate(self, examples: list[Example]) -> Batch:
        packed = [self.pack(example) for example in examples]
        length = round_up(max(len(p["ids"]) for p in packed))
        mask = np.zeros((len(packed), 1, length, length), bool)
        mask[:, 0, np.arange(length), np.arange(length)] = True  # padding sees itself: no empty row
        for row, p in enumerate(packed):
            n = len(p["ids"])
            mask[row, 0, :n, :n] = p["mask"]
        focus = [(r, *entry) for r, p in enumerate(packed) for entry in p["focus"]]
        names = [(r, *entry) for r, p in enumerate(packed) for entry in p["names"]]
        pairs = [(r, *entry) for r, p in enumerate(packed) for entry in p["pairs"]]
        visual = examples[0].grid[0] * examples[0].grid[1]
        pixels = np.stack([image for example in examples for image in example.images])
        return Batch(
            pixels=torch.from_numpy(pixels).permute(0, 3, 1, 2),
            ids=_padded(packed, "ids", length, self.tokenizer.pad_token_id),
            positions=_padded(packed, "positions", length, 0),
            mask=torch.from_numpy(mask),
            labels=_padded(packed, "labels", length, IGNORE),
            weights=_padded(packed, "weights", length, 0.0),
            focus_query=torch.tensor([(r, p) for r, p, _, _ in focus]).reshape(-1, 2),
            focus_target=torch.from_numpy(
                np.array([f for _, _, f, _ in focus], np.float32).reshape(-1, visual)
            ),
            focus_generic=torch.tensor([g for *_, g in focus], dtype=torch.bool),
            name_query=torch.tensor([(r, p) for r, p, _ in names]).reshape(-1, 2),
            name_place=torch.tensor([place for *_, place in names]).reshape(-1, 2),
            pair_query=torch.tensor([(r, p) for r, p, _ in pairs]).reshape(-1, 2),
            pair_offset=torch.from_numpy(np.array([o for *_, o in pairs]).reshape(-1, 2)),
            surfaces=_stacked([one for example in examples for one in example.surfaces]),
            characters=_stacked([one for example in examples for one in example.characters]),
            spelling=_stacked([one for example in examples for one in example.spelling]),
        )


def _name_ends(prompt: BatchEncoding, branch: Branch) -> list[int]:
    """The last token of each of the question's names."""
    ends, at = [], 0
    for name in branch.question.names:
        at = branch.question.text.index(name, at) + len(name)
        ends.append(prompt.char_to_token(at - 1))
    return ends


def round_up(length: int) -> int:
    return -(-length // BUCKET) * BUCKET


def tree_mask(nodes: np.ndarray, parents: list[int]) -> np.ndarray:
    """(N, N) bool: may token i see token j? Its own node up to itself, and all its ancestors."""
    related = np.eye(len(parents), dtype=bool)
    for node, parent in enumerate(parents):
        if parent >= 0:
            related[node] |= related[parent]
    order = np.arange(len(nodes))
    return related[nodes[:, None], nodes[None, :]] & (order[:, None] >= order[None, :])


def _stacked(labels: list[np.ndarray]) -> torch.Tensor | None:
    return torch.from_numpy(np.stack(labels)) if labels else None


def _padded(packed, key, length, fill) -> torch.Tensor:
    return torch.stack(
        [
            torch.nn.functional.pad(torch.from_numpy(p[key]), (0, length - len(p[key])), value=fill)
            for p in packed
        ]
    )
