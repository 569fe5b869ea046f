"""A cropper is added as docs/croppers.md says: an entry and a test, and nothing else."""

import re

import pytest

from core.bench import load_run
from core.bench.analysis.looking import looking
from core.bench.record.runner import Plan, Runner
from core.bench.report import looking_row, sections
from core.croppers import CROPPERS, served
from core.croppers.__main__ import listed
from core.cropping import Box
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from tests.support.paths import ROOT
from tests.support.pixels import PixelVLM, picture

ALWAYS = Gate(threshold=float("-inf"))


@pytest.fixture
def added(monkeypatch):
    """The entry of the documentation in the registry; its test."""
    text = (ROOT / "docs/croppers.md").read_text("utf-8").split("## Add one")[1]
    entry, test = re.findall(r"```python\n(.*?)```", text, re.S)
    scope = {}
    exec(entry, scope)
    for one in scope["ENTRIES"]:
        monkeypatch.setitem(CROPPERS, one.name, one)
    known = {"ask": ask, "Edge": Edge, "Server": Server, "ALWAYS": ALWAYS, "Box": Box}
    exec(test, known | {"picture": picture, "PixelVLM": PixelVLM}, scope)
    return scope["test_the_brightest_place_is_looked_at"]


def test_the_test_of_the_documentation_passes(added):
    added()


def test_runs_costs_and_report_know_it_from_its_entry(added, tmp_path):
    assert "brightest" in served() and "brightest: Brightest place. Where the picture" in listed()
    plan = Plan(str(tmp_path / "{cropper}.parquet"), "pixels", "signs-text", limit=2,
                croppers=("relative", "brightest"))  # fmt: skip
    runner = Runner(plan, PixelVLM())
    runner.work()
    runner.finish()
    runs = {name: load_run(tmp_path / f"{name}.parquet") for name in plan.croppers}
    assert runs["brightest"].metadata.cropper == "brightest"
    found = looking(runs["brightest"])
    assert found.bytes > 0 and found.fallbacks == 0
    assert looking_row(found)[0] == "Brightest place"
    assert any("Brightest place" in str(vars(section)) for section in sections(runs))
