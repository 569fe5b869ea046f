"""The way from an engine's address to a model that can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from core.imaging import Fit
from core.uncertainty import METRICS
from core.vlm.base import VLM, VLMError
from core.vlm.engine.address import Address
from core.vlm.engine.endpoint import Endpoint
from core.vlm.engine.looking import SIDE, Looker, looker
from core.vlm.engine.model import Engine
from core.vlm.engine.trial import tried
from core.vlm.loading.fit import HOW
from core.vlm.loading.instructions import SHORT
from core.vlm.loading.own import Own

__all__ = ["CARD", "load"]

CARD = "second_look"  # of a model in /models: what our own server says of it
_USUAL = Fit("area", (SIDE, SIDE), 28)  # where neither the engine nor a scout says anything
_MOST_PIXELS = 2048 * 2048


def load(
    name: str,
    look: str | None,
    load_scout: Callable[[str], VLM],
    own: Own,
    *,
    fit: str | None = None,
    resolution: int | None = None,
    instruction: str | None = None,
) -> Engine:
    """Return the engine at an address, after one question to it.

    look: who looks, see core.vlm.engine.looking. load_scout: loads a model of this machine by its
    name. own: the user's settings. The others are those of `load_vlm`. Raises VLMError, one
    sentence.
    """
    address = Address.read(name)
    endpoint = Endpoint(address)
    trial = tried(endpoint, address)
    card = trial.card.get(CARD)
    card = card if isinstance(card, Mapping) else {}
    looks = looker(look, load_scout, resolution, trial.likeliest)
    looks.settings = looks.settings.override(own.said, looks.layers, own.where)
    says = _fit_of_card(card)
    rule = _fit(fit or own.fit, resolution, says or looks.fit or _USUAL)
    settings = looks.settings
    if instruction is None:
        # Our own server adds the instruction of its model itself.
        said_own = settings.instruction if "instruction" in own.said else None
        instruction = said_own if said_own is not None else "" if says else SHORT
    revision = card.get("revision")
    vlm = Engine(
        endpoint, address, trial, looks, rule, instruction,
        revision=revision[:200] if isinstance(revision, str) else None,
        calibrated=frozenset(own.said.get("thresholds", {})),
    )  # fmt: skip
    vlm.info = replace(vlm.info, load=_said(vlm, looks, resolution, trial.ended))
    return vlm


def _fit(how: str | None, resolution: int | None, default: Fit) -> Fit:
    """How images are brought to an engine, by the options of `load_vlm`."""
    if resolution is not None and resolution < 1:
        raise VLMError(f"The resolution must be above 0 pixels, not {resolution}.")
    if how is None and resolution is None:
        return default
    side = resolution or max(default.input_size)
    if how == "area":
        return Fit("area", (side, side), min(28, side))
    how = how or "stretch"
    ways = [way for way in HOW if way != "no-upscale"]  # it enlarges what it will
    if how not in ways:
        raise VLMError(
            f"How the engine itself prepares images isn't known here: of the ways to bring one to"
            f" it, {', '.join((*ways, 'area'))} can be taken, and not {how!r:.40}."
        )
    return Fit(HOW[how], (side, side))  # type: ignore[arg-type]


def _fit_of_card(card: Mapping[str, Any]) -> Fit | None:
    """What a server of ours says of its images; None: it isn't one."""
    try:
        width, height = (int(side) for side in card["input_size"])
        if width * height > _MOST_PIXELS:
            return None
        return Fit(card["fit"], (width, height), int(card["cell"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _said(vlm: Engine, looks: Looker, resolution: int | None, ended: bool | None) -> dict[str, Any]:
    """Return `ModelInfo.load`: what a run takes to be repeated, as values that JSON has."""
    info = vlm.info
    return {
        "look": looks.name,
        "likeliest": info.likeliest,
        "bounded": [n for n in info.metrics if METRICS[n].told_by(info.likeliest) == "bounded"],
        "end_token": ended,
        "attention_layer": info.attention_layer,
        "resolution": resolution,
        "fit": info.fit.how,
        "input_size": list(info.fit.input_size),
        "instruction": info.instruction,
        "base_side": info.base_side,
        "min_cells": info.min_cells,
        "generic_prompt": info.generic_prompt,
    }
