import json
import shutil
from itertools import islice

import pytest

from core.pocket import tune
from core.support.bundled import POCKET
from core.uncertainty import METRICS
from core.vlm import load_vlm


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(POCKET, tmp_path / "pocket")


def test_what_is_measured_is_written(folder, monkeypatch, capsys):
    arguments = ["tune", "--model", str(folder), "--questions", "6", "--write"]
    monkeypatch.setattr("sys.argv", arguments)
    before = load_vlm(folder).info
    tune.main()
    printed = capsys.readouterr().out
    assert "6 questions of signs-text, validation" in printed and "layer  5: box holds" in printed
    assert all(f"box of {side} px:" in printed for side in tune.SIDES)
    chosen = json.loads((folder / "config.json").read_text())["second_look"]
    assert chosen["base_side"] in tune.SIDES and set(chosen["thresholds"]) == set(METRICS)
    info = load_vlm(folder).info
    assert (info.attention_layer, info.base_side) == (
        chosen["attention_layer"], chosen["base_side"],
    )  # fmt: skip
    assert info.generic_prompt == before.generic_prompt


def test_the_open_world_is_asked_under_each_condition_in_turn():
    asked = list(islice(tune.open_world(), 25))
    assert len({sample.image_id.split("-")[1] for sample in asked}) > 15
    assert all(len(sample.boxes) == 1 for sample in asked)
