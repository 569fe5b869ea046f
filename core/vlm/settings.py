"""What a checkpoint may say about itself: the ``second_look`` entry of its config.json.

    "second_look": {"attention_layer": 14, "base_side": 336,
                    "generic_prompt": "Write a general description of the image.",
                    "thresholds": {"min_entropy": 0.5}}

Every key may be left out; a family's defaults stand for what is not said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.uncertainty import METRICS
from core.vlm.base import VLMError


@dataclass(frozen=True)
class Settings:
    """The part of ModelInfo that is chosen, not counted."""

    attention_layer: int
    base_side: int
    generic_prompt: str
    thresholds: dict[str, float]

    def override(self, said: Any, layers: int) -> Settings:
        """These settings with what a checkpoint says about itself put over them.

        ``layers`` bounds ``attention_layer``; raises VLMError for a key or a value that has no
        meaning.
        """
        if not isinstance(said, Mapping):
            raise VLMError(f"second_look in config.json must be an object, not {said!r}.")
        if unknown := sorted(set(said) - set(vars(self))):
            raise VLMError(
                f"second_look in config.json has an unknown key {unknown[0]!r}; "
                f"known are {', '.join(vars(self))}."
            )
        settings = replace(self, **said)
        _check("attention_layer", settings.attention_layer, f"a whole number from 0 to {layers - 1}",
               _is_int(settings.attention_layer) and 0 <= settings.attention_layer < layers)  # fmt: skip
        _check("base_side", settings.base_side, "a whole number of pixels above 0",
               _is_int(settings.base_side) and settings.base_side > 0)  # fmt: skip
        _check("generic_prompt", settings.generic_prompt, "a text that is not empty",
               isinstance(settings.generic_prompt, str) and settings.generic_prompt.strip())  # fmt: skip
        _check("thresholds", settings.thresholds, f"an object from {', '.join(METRICS)} to numbers",
               isinstance(settings.thresholds, Mapping)
               and all(metric in METRICS and _is_threshold(eta)
                       for metric, eta in settings.thresholds.items()))  # fmt: skip
        return replace(settings, thresholds={**self.thresholds, **settings.thresholds})


def _check(key: str, value: Any, wanted: str, valid: Any) -> None:
    if not valid:
        raise VLMError(f"second_look.{key} in config.json must be {wanted}, not {value!r}.")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_threshold(value: Any) -> bool:
    return (_is_int(value) or isinstance(value, float)) and math.isfinite(value) and value >= 0
