"""Floating-point operations of a loaded model: counted while it runs, beside the paper's estimate.

`paper_flops` is eq. 18 and 19, which see the visual tokens only. `exact_flops` counts every matrix
product and convolution that is executed: the vision tower, text tokens, the output head and
decoding too, and of what is shared only what is computed. A multiplication and an addition are two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from core.cost import first_stage_flops, prefill_flops
from core.vlm.base import MAX_NEW_TOKENS, VLM, ModelInfo
from core.vlm.flops.tally import counted


@dataclass(frozen=True)
class Flops:
    """Floating-point operations of one step: to its first token, the encoding of its images
    included; of the tokens after.
    """

    prefill: int
    decode: int = 0

    @property
    def total(self) -> int:
        return self.prefill + self.decode


def count_flops(work: Callable[[], object]) -> int:
    """FLOPs of whatever `work` runs in this thread. Attention is counted whole, mask or not."""
    return counted(work)[1]


def paper_flops(info: ModelInfo, n: int | None = None, m: int | None = None) -> dict[str, Flops]:
    """The steps of a retransmitted question by the paper's estimate (eq. 18, 19).

    n, m: visual tokens of the global and of the local image (None: `info.visual_tokens`).
    """
    n, m = n or info.visual_tokens, m or info.visual_tokens
    d, layers = info.hidden, info.layers
    return {
        "first answer": Flops(first_stage_flops(n, d, layers)),  # eq. 18
        "relative attention": Flops(prefill_flops(n, d, layers)),  # eq. 19, first term
        "second answer": Flops(prefill_flops(n + m, d, layers)),  # eq. 19, second term
    }


def exact_flops(
    vlm: VLM,
    image: Image.Image,
    question: str,
    local: Image.Image,
    max_new_tokens: int = MAX_NEW_TOKENS,
) -> dict[str, Flops]:
    """The same steps as `vlm` executes them for this prompt, counted.

    Runs both stages twice, on the device that the model is on.
    """
    look = vlm.look(image)
    return {
        "first answer": answer_flops(
            lambda tokens: vlm.answer(vlm.look(image), question, None, tokens), max_new_tokens
        ),
        "relative attention": Flops(count_flops(lambda: vlm.attend(look, vlm.info.generic_prompt))),
        "second answer": answer_flops(
            lambda tokens: vlm.answer(look, question, local, tokens), max_new_tokens
        ),
    }


def answer_flops(answer: Callable[[int], object], max_new_tokens: int = MAX_NEW_TOKENS) -> Flops:
    """Prefill and decoding of ``answer(max_new_tokens)``: all that a single token leaves is
    decoding."""
    prefill = count_flops(lambda: answer(1))
    return Flops(prefill, count_flops(lambda: answer(max_new_tokens)) - prefill)
