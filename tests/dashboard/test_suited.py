"""Models that suit a machine: what fits, what it takes, and whether the hub can be reached."""

import json
from types import SimpleNamespace

import httpx
import pytest

from dashboard import suited
from dashboard.switch import FORBIDDEN, ModelSwitch
from tests.support.paths import ROOT

SMALL, LARGE = suited.MODELS


def test_what_fits_into_memory_is_offered():
    assert suited.suited(None) == [SMALL, LARGE]
    assert suited.suited(SMALL.memory) == [SMALL] and suited.suited(SMALL.memory - 1) == []


def test_estimates_follow_from_shapes():
    assert SMALL.download == 2 * 256_000_000 and SMALL.memory > 4 * 256_000_000
    # Of a vision tower by hand: three images, 1,024 patches, two operations a weight.
    tower = 3 * 2 * 93_000_000 * 1024
    words = 3 * 2 * 163_000_000 * (64 + 60)
    assert SMALL.seconds(1e9) == pytest.approx((tower + words) / 1e9)
    assert LARGE.seconds(1e9) > SMALL.seconds(1e9)
    assert suited.machine_flops(32, 0.001) > 1e5


@pytest.mark.parametrize(
    "model, name", [(SMALL, "SmolVLM-256M-Instruct"), (LARGE, "SmolVLM2-500M-Video-Instruct")]
)
def test_patches_and_tokens_are_those_of_the_models_configuration(model, name):
    file = json.loads((ROOT / "tests" / "checkpoints" / f"{name}.json").read_text("utf-8"))
    config, vision = file["config"], file["config"]["vision_config"]
    assert model.patches == (vision["image_size"] // vision["patch_size"]) ** 2
    assert model.tokens == model.patches // config["scale_factor"] ** 2


def test_a_hub_that_doesnt_answer_is_asked_once(monkeypatch):
    asked = []

    def refuse(*args, timeout, **more):
        asked.append(timeout)
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(httpx, "head", refuse)
    assert suited.reachable() is False and asked == [suited.PATIENCE]
    monkeypatch.setattr(httpx, "head", lambda *args, **more: None)
    assert suited.reachable() is True


def _form(monkeypatch, online, free):
    monkeypatch.setattr(suited, "reachable", lambda: online)
    monkeypatch.setattr(suited, "free_memory", lambda: free)
    monkeypatch.setattr(suited, "machine_flops", lambda: 1e10)
    form = ModelSwitch.__new__(ModelSwitch)
    form.who = "local"
    return form


def test_the_page_says_what_suits_and_that_there_is_no_internet(monkeypatch):
    here = SimpleNamespace(client=SimpleNamespace(host="127.0.0.1"), headers={})
    html = _form(monkeypatch, True, None).what_suits(here)
    assert SMALL.name in html and "512 MB to download" in html and "estimates" in html
    assert "no internet" not in html
    offline = _form(monkeypatch, False, 1000).what_suits(here)
    assert "no internet" in offline and "None of the models" in offline
    there = SimpleNamespace(client=SimpleNamespace(host="192.0.2.7"), headers={})
    assert FORBIDDEN in _form(monkeypatch, True, None).what_suits(there)
