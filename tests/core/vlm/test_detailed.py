"""A model in its checkpoint's own way, on the weights of one that reads images in another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.vlm import FAMILIES, load_vlm
from tools.doubles.untrained import save_untrained

TILED = {"idefics3", "internvl", "llava_next", "qwen2_5_vl", "qwen3_vl", "smolvlm"}
QUESTION = "what is written on the red sign?"


@pytest.fixture(params=sorted(FAMILIES))
def folder(request, tmp_path):
    return save_untrained(request.param, tmp_path / request.param)


def test_it_reads_as_one_that_was_loaded_so(folder):
    small = {"resolution": 64, "fit": "area"} if folder.name.startswith("qwen") else {}
    vlm, own = load_vlm(folder, "cpu", **small), load_vlm(folder, "cpu", fit="own")
    before = asked(vlm)
    detailed = vlm.in_full_detail()
    assert (detailed is None) == (folder.name not in TILED)
    if detailed is None:
        assert own.in_full_detail() is None
        return
    if not small:  # this tiny Qwen's own area is no larger than the one by default
        assert own.in_full_detail() is own
    assert detailed.info == replace(own.info, look_bytes=0)
    for one, other in zip(asked(detailed), asked(own), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(asked(vlm), before, strict=True):  # and the model itself reads as before
        np.testing.assert_array_equal(one, other)
    assert detailed.visual_tokens(IMAGE.size) > vlm.visual_tokens(IMAGE.size)
    assert vlm.in_full_detail() is detailed
    weights = {weight.data_ptr() for weight in vlm._model.parameters()}
    assert weights == {weight.data_ptr() for weight in detailed._model.parameters()}


IMAGE = Image.fromarray(np.random.default_rng(7).integers(0, 256, (150, 210, 3), dtype=np.uint8))


def asked(vlm):
    look = vlm.look(IMAGE)
    answer = vlm.answer(look, QUESTION, max_new_tokens=3)
    geometry = vlm.geometry(IMAGE.size)
    return answer.logits, answer.attention, geometry.grid, geometry.extent
