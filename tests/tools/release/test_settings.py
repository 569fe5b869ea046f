import json

import pytest

from core.support.bundled import SETTINGS
from core.uncertainty import METRICS
from tools.release.settings import asking_more, change


def test_a_change_leaves_everything_else_as_it_was(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(SETTINGS.read_text())
    said = json.loads(file.read_text())["pocket"]["any"]
    change(file, heads=said["heads"])
    assert file.read_text() == SETTINGS.read_text()
    change(file, thresholds={"min_entropy": 0.5})
    after = json.loads(file.read_text())["pocket"]["any"]
    assert after == said | {"thresholds": {"min_entropy": 0.5}}


@pytest.mark.parametrize(
    ("eta", "metric", "rounded"),
    [
        (0.117, "min_entropy", 0.11),
        (0.11, "min_entropy", 0.11),
        (0.893, "probability_margin", 0.9),
        (0.9, "probability_margin", 0.9),
        (-12.337, "energy", -12.34),
    ],
)
def test_an_eta_is_rounded_to_where_more_is_asked(eta, metric, rounded):
    assert asking_more(eta, metric) == rounded
    higher = METRICS[metric].higher_is_uncertain
    assert rounded <= eta if higher else rounded >= eta
