"""Models for photographs that this machine can carry, with what they take: estimates.

Weights are those that the models' cards tell, rounded; patches and tokens follow from their
configurations. By what rule the figures come of them, the page says. Nothing is downloaded to say
it, and the hub is asked only whether it can be reached.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx
import torch
from huggingface_hub import constants

from core.vlm.loading.memory import free_bytes

PATIENCE = 3.0  # seconds for the hub to answer
IN_FILES, IN_MEMORY = 2, 4  # bytes of a weight: bfloat16 on the hub, float32 on a CPU
SPARE = 1.3  # of the weights' memory: what answering takes beside them
TEXT = 60  # tokens of a prompt beside its image, and of the answer
IMAGES, PASSES = 3, 3  # of a question asked twice: each image is seen, and the words are read


@dataclass(frozen=True)
class Suited:
    """A model of the hub, by what its card says."""

    name: str
    language: int  # weights of the language model
    vision: int  # of the vision tower
    patches: int  # of an image in one piece, which the tower reads
    tokens: int  # visual ones that come of it

    @property
    def download(self) -> int:
        """Return the bytes of its weights on the hub."""
        return IN_FILES * (self.language + self.vision)

    @property
    def memory(self) -> int:
        """Return the bytes that it takes on a CPU, about."""
        return int(SPARE * IN_MEMORY * (self.language + self.vision))

    def seconds(self, flops: float) -> float:
        """Return about how long both answers take; flops: of this machine, in a second."""
        seen = IMAGES * self.vision * self.patches
        read = PASSES * self.language * (self.tokens + TEXT)
        return 2 * (seen + read) / flops  # each weight is one multiplication and one addition


MODELS = (
    Suited("HuggingFaceTB/SmolVLM-256M-Instruct", 163_000_000, 93_000_000, 1024, 64),
    Suited("HuggingFaceTB/SmolVLM-500M-Instruct", 414_000_000, 93_000_000, 1024, 64),
)


def suited(free: int | None) -> list[Suited]:
    """Return the models that fit into so much memory; all of them where there is no telling."""
    return [model for model in MODELS if free is None or model.memory <= free]


def machine_flops(side: int = 512, seconds: float = 0.1) -> float:
    """Return how many multiplications and additions this CPU does in a second, measured."""
    matrix = torch.rand(side, side)
    done, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds or not done:
        matrix @ matrix
        done += 1
    return done * 2 * side**3 / passed


def reachable(timeout: float = PATIENCE) -> bool:
    """Return whether the hub answers; asked once, and for no longer than `timeout` seconds."""
    try:
        httpx.head(constants.ENDPOINT, timeout=timeout)
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return False
    return True


def free_memory() -> int | None:
    """Return the bytes that can still be had; None where there is no telling."""
    return free_bytes(torch.device("cpu"))
