import json
import shutil
from itertools import islice

import numpy as np
import pytest

from core.pocket import tune
from core.support.bundled import POCKET
from core.uncertainty import METRICS, Gate
from core.vlm import load_vlm


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(POCKET, tmp_path / "pocket")


def test_what_is_measured_is_written(folder, monkeypatch, capsys):
    arguments = ["tune", "--model", str(folder), "--questions", "3", "--write"]
    monkeypatch.setattr("sys.argv", arguments)
    tune.main()
    printed = capsys.readouterr().out
    assert "3 validation questions" in printed and "layer 5: box holds" in printed
    assert all(f"box of {side} px:" in printed for side in tune.SIDES)
    chosen = json.loads((folder / "config.json").read_text())["second_look"]
    assert chosen["base_side"] in tune.SIDES and set(chosen["thresholds"]) == set(METRICS)
    info = load_vlm(folder).info
    assert (info.attention_layer, info.base_side) == (
        chosen["attention_layer"], chosen["base_side"],
    )  # fmt: skip


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
def test_the_threshold_parts_right_from_wrong(metric):
    rng = np.random.default_rng(0)
    sure, unsure = (0.9, 0.1) if metric == "probability_margin" else (0.1, 0.9)
    trials = [
        tune.Trial(right, {metric: rng.normal(sure if right else unsure, 0.05, 4)}, [], [], [])
        for right in [True, False] * 40
    ]
    eta, index = tune.best_threshold(metric, trials)
    assert index == 1 and 0.2 < eta < 0.8
    gate = Gate(metric, threshold=eta)
    decided = [gate.retransmit(trial.scores[metric]) for trial in trials]
    assert decided == [False, True] * 40


def test_the_open_world_is_asked_under_each_condition_in_turn():
    asked = list(islice(tune.open_world(), 25))
    effects = {scene.effects for scene, _, _ in asked}
    assert {(("dark", 0.35),), (("blur", 3.0),), ()} <= effects
    assert all(question.answer in answers for _, question, answers in asked)
    assert all(len(question.boxes) == 1 for _, question, _ in asked)
