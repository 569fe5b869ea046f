"""The instrument that holds an engine to the checkpoint it serves: here our own server is it."""

from dataclasses import replace

import numpy as np
import pytest

from core.bench import load_run
from core.server.limits import Limits
from core.uncertainty import Gate
from core.vlm import load_vlm
from core.vlm.engine.endpoint import Endpoint
from tests.support.pixels import PixelVLM
from tests.support.serving import serving
from tools.engine import SIDE, cached, circle, compare, same, write


def test_an_engine_is_held_to_its_checkpoint(tmp_path):
    folder = write(tmp_path / "llava")
    options = {"fit": "stretch", "resolution": SIDE, "instruction": ""}
    here = load_vlm(folder, "cpu", **options)
    with serving(Gate(threshold=float("inf")), Limits(rate=0), vlm=here) as (url, _):
        there = load_vlm(f"openai:{url}/v1#{here.info.name}", look="ask", **options)
        for apart, same in compare(here, there, 2):
            assert same and apart < 1e-4


def test_what_the_engine_had_cached_is_told_apart_by_image(monkeypatch, capsys):
    seen = []

    def post(_, path, asked):
        (message,) = asked["messages"]
        images = [part["image_url"]["url"] for part in message["content"] if "image_url" in part]
        known = 64 if images[0] in seen else 0
        seen.append(images[0])
        details = {"cached_tokens": known}
        return {"usage": {"prompt_tokens": 90 * len(images), "prompt_tokens_details": details}}

    monkeypatch.setattr(Endpoint, "post", post)
    assert cached("openai:http://127.0.0.1:1/v1#m", 2) == [(64, 0), (64, 0)]
    assert "second: 180 tokens, 64 cached" in capsys.readouterr().out
    monkeypatch.setattr(Endpoint, "post", lambda *_: {"usage": {"prompt_tokens": 90}})
    with pytest.raises(SystemExit, match="doesn't say"):
        cached("openai:http://127.0.0.1:1/v1#m", 1)


def test_two_runs_are_one_only_where_nothing_is_apart(tmp_path, capsys):
    vlm = PixelVLM()
    assert circle(tmp_path, vlm, vlm, questions=3, batch=2)
    assert "3 questions; first answers: 0 other" in capsys.readouterr().out
    run = load_run(tmp_path / "direct.parquet")
    assert same(run, run)
    for name in ("first_answer", "second_answer"):
        others = getattr(run, name).copy()
        others[1] += "?"
        assert not same(run, replace(run, **{name: others}))
    assert not same(run, replace(run, box=np.add(run.box, [0, 0, 1, 0])))
    apart = dict(run.second_scores)
    apart["min_entropy"] = apart["min_entropy"] + np.eye(len(apart["min_entropy"]))[0] * 2e-5
    assert not same(run, replace(run, second_scores=apart))
