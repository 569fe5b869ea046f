from __future__ import annotations

import pytest

from core.uncertainty import METRICS
from core.vlm import VLMError, load_vlm
from core.vlm.loading.settings import Settings
from tests.support.tiny import save_clip_llava

DEFAULTS = Settings(14, 336, "Describe.", {"min_entropy": 0.5, "probability_margin": 0.4})


def test_what_is_not_said_stays():
    assert DEFAULTS.override({}, 32) == DEFAULTS
    assert DEFAULTS.override({"attention_layer": 0}, 32) == Settings(
        0, 336, "Describe.", DEFAULTS.thresholds
    )
    assert DEFAULTS.override({"thresholds": {"min_entropy": 2}}, 32).thresholds == {
        "min_entropy": 2,
        "probability_margin": 0.4,
    }


@pytest.mark.parametrize(
    "said, sentence",
    [
        ([], "second_look of config.json must be an object"),
        ({"layer": 3}, "unknown key 'layer'"),
        ({"attention_layer": 32}, "attention_layer .* from 0 to 31, not 32"),
        ({"attention_layer": -1}, "attention_layer"),
        ({"attention_layer": 3.0}, "attention_layer"),
        ({"attention_layer": True}, "attention_layer"),
        ({"base_side": 0}, "base_side"),
        ({"base_side": "336"}, "base_side"),
        ({"min_cells": -1}, "min_cells must be a whole number of cells"),
        ({"min_cells": 1.5}, "min_cells"),
        ({"generic_prompt": "  "}, "generic_prompt"),
        ({"generic_prompt": None}, "generic_prompt"),
        ({"thresholds": 0.5}, "thresholds .*min_entropy"),
        ({"thresholds": {"entropy": 0.5}}, "thresholds"),
        ({"thresholds": {"min_entropy": "high"}}, "thresholds"),
        ({"thresholds": {"min_entropy": -0.1}}, "thresholds"),
        ({"thresholds": {"min_entropy": float("nan")}}, "thresholds"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(said, sentence):
    with pytest.raises(VLMError, match=sentence) as caught:
        DEFAULTS.override(said, 32)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_speaks_for_itself(tmp_path):
    said = {
        "attention_layer": 3,
        "base_side": 24,
        "min_cells": 0,
        "generic_prompt": "What is here?",
        "thresholds": {"shannon_entropy": 1.25},
    }
    info = load_vlm(save_clip_llava(tmp_path, second_look=said)).info
    assert info.attention_layer == 3
    assert info.base_side == 24
    assert info.min_cells == 0
    assert info.layer_source == "set in second_look of config.json"
    assert info.generic_prompt == "What is here?"
    assert info.thresholds["shannon_entropy"] == 1.25
    assert set(info.thresholds) <= set(METRICS)


def test_a_layer_that_does_not_exist_is_refused_at_loading(tmp_path):
    with pytest.raises(VLMError, match="from 0 to 3, not 4"):
        load_vlm(save_clip_llava(tmp_path, second_look={"attention_layer": 4}))
