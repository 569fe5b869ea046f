"""What a checkpoint may say about itself, the ``second_look`` entry of its config.json, and a user.

    "second_look": {"attention_layer": 14, "base_side": 336, "min_cells": 2,
                    "generic_prompt": "Write a general description of the image.",
                    "instruction": "Answer the question using a single word or phrase.",
                    "thresholds": {"min_entropy": 0.5}}

Every key may be left out; a family's defaults stand for what is not said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.cropping import MIN_CELLS
from core.uncertainty import METRICS
from core.vlm.base import VLMError

OF_CHECKPOINT = "second_look of config.json"  # where it is said, in sentences
OF_CALL = "the options of load_vlm"

GENERIC_PROMPT = "Write a general description of the image."  # s' of eq. 22, as ViCrop writes it

# Where eta starts. The paper prints no eta: it sweeps it. To be calibrated on one's own questions.
THRESHOLDS = {name: metric.threshold for name, metric in METRICS.items()}


@dataclass(frozen=True)
class Settings:
    """The part of ModelInfo that is chosen, not counted."""

    attention_layer: int
    base_side: int
    min_cells: int = field(default=MIN_CELLS, kw_only=True)  # of core.cropping.find_box
    generic_prompt: str = GENERIC_PROMPT
    instruction: str = field(default="", kw_only=True)  # see core.vlm.loading.instructions
    thresholds: dict[str, float] = field(default_factory=lambda: dict(THRESHOLDS))
    heads: tuple[tuple[int, int], ...] = field(default=(), kw_only=True)  # core.croppers.heads

    def override(self, said: Any, layers: int, where: str = OF_CHECKPOINT) -> Settings:
        """These settings with what a checkpoint says about itself, or a user, put over them.

        ``layers`` bounds ``attention_layer``; ``where`` it is said, for sentences. Raises VLMError
        for a key or a value that has no meaning.
        """
        if not isinstance(said, Mapping):
            raise VLMError(f"{where} must be an object, not {said!r}.")
        if unknown := sorted(set(said) - set(vars(self))):
            raise VLMError(
                f"{where} has an unknown key {unknown[0]!r}; known are {', '.join(vars(self))}."
            )
        settings = replace(self, **said)
        layer, side = settings.attention_layer, settings.base_side
        prompt, etas = settings.generic_prompt, settings.thresholds
        rules = {  # key -> does it hold, what is wanted
            "attention_layer": (
                _is_int(layer) and 0 <= layer < layers,
                f"a whole number from 0 to {layers - 1}",
            ),
            "base_side": (_is_int(side) and side > 0, "a whole number of pixels above 0"),
            "min_cells": (
                _is_int(settings.min_cells) and settings.min_cells >= 0,
                "a whole number of cells, 0 for the published box",
            ),
            "heads": (
                _are_heads(settings.heads, layers),
                f"a list of [layer, head], layers from 0 to {layers - 1}",
            ),
            "generic_prompt": (isinstance(prompt, str) and prompt.strip(), "a text, not empty"),
            "instruction": (isinstance(settings.instruction, str), "a text, empty for none"),
            "thresholds": (
                isinstance(etas, Mapping)
                and set(etas) <= set(METRICS)
                and all(_is_threshold(eta, name) for name, eta in etas.items()),
                f"an object with possible thresholds for any of {', '.join(METRICS)}",
            ),
        }
        for key, (holds, wanted) in rules.items():
            if not holds:
                raise VLMError(f"{where}: {key} must be {wanted}, not {said[key]!r}.")
        heads = tuple((layer, head) for layer, head in settings.heads)
        return replace(settings, thresholds={**self.thresholds, **etas}, heads=heads)


def _are_heads(value: Any, layers: int) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(one, list | tuple)
        and len(one) == 2
        and all(map(_is_int, one))
        and 0 <= one[0] < layers
        and one[1] >= 0
        for one in value
    )


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_threshold(value: Any, metric: str) -> bool:
    low, high = METRICS[metric].bounds
    number = _is_int(value) or isinstance(value, float)
    return number and math.isfinite(value) and low <= value <= high
