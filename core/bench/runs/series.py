"""Runs that differ in their quality only, such as those of the paper's Fig. 12: a series."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from core.bench.runs.metadata import Metadata
from core.imaging import Codec

__all__ = ["QUALITY", "codec_name", "kind", "looked_at_alike", "rank", "with_fit"]

QUALITY = Codec().quality  # the run nearest to it stands for its series
LOSSLESS = 101  # stands behind every quality
# What makes a run no other one: when, where and with what it was recorded.
APART = ("quality", "date", "machine", "versions", "command", "code")


def kind(metadata: Metadata, samples: int) -> str:
    """Return what two runs of so many samples have in common if they differ in quality only."""
    facts = asdict(metadata)
    for name in APART:
        del facts[name]
    load = {name: value for name, value in metadata.load.items() if name != "device"}
    facts["load"] = with_fit(load)
    return json.dumps([facts, samples], sort_keys=True, default=str)


def looked_at_alike(one: Metadata, other: Metadata) -> bool:
    """Return whether two runs differ in cropper, and in the number of looks and of questions, only.

    What a run from before doesn't know of its load options is no difference.
    """
    both = [replace(run, cropper="", rounds=1) for run in (one, other)]
    if not (one.load and other.load):
        both = [replace(run, load={}) for run in both]
    return kind(both[0], 0) == kind(both[1], 0) and one.quality == other.quality


def with_fit(load: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `ModelInfo.load`; before there was a fit, it was the checkpoint's."""
    return {"fit": "own"} | dict(load) if load else {}


def rank(metadata: Metadata) -> int:
    """Return the place of a run in its series: its quality; without one, above all."""
    return LOSSLESS if metadata.quality is None else metadata.quality


def codec_name(metadata: Metadata) -> str:
    """Return what the images were encoded with, such as "JPEG 75"."""
    codec = metadata.codec.upper()
    return codec if metadata.quality is None else f"{codec} {metadata.quality}"
