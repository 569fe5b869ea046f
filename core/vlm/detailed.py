"""A model that reads images as its checkpoint does by itself, where another way is used here.

Its weights are those of the model that it is made of, so nothing is loaded twice.
"""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import replace
from math import prod
from typing import Any

import torch
from PIL import Image

_ANY = Image.new("RGB", (64, 32))


def sharing_weights(model: Any) -> Any:
    """Return a copy of a model of transformers, with a config of its own and the same weights."""
    weights = (*model.parameters(), *model.buffers())
    return deepcopy(model, {id(weight): weight for weight in weights})


@torch.inference_mode()
def in_own_way(vlm: Any) -> Any:
    """Return what `VLM.in_full_detail` promises; vlm: an Adapter, which stands above this."""
    before = vlm.as_published
    if vlm._preparation.way == "own":
        return vlm if prod(before.fit.input_size) > vlm._side() ** 2 else None
    if prod(before.fit.input_size) <= prod(vlm.info.fit.input_size):
        return None
    other = copy(vlm)
    other._processor = copy(vlm._processor)
    other._processor.image_processor = before.image_processor
    other._preparation = replace(vlm._preparation, way="own", fit=before.fit)
    other._model = other._unadjusted()
    other._flops_by_shape = {}
    other.info = replace(
        vlm.info,
        fit=before.fit,
        visual_tokens=other.visual_tokens(before.fit.input_size),
        unshared=other._why_unshared(other._encode_all([_ANY])[0]),
        look_bytes=0,
        load={**vlm.info.load, "fit": "own", "resolution": None},
    )
    return other
