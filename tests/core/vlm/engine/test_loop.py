"""Around in a circle: the adapter, our own server in OpenAI's words, and a model behind it."""

from dataclasses import replace

import numpy as np
import pytest

from core.bench import tradeoff
from core.bench.record.runner import Plan, Runner
from core.imaging import Codec
from core.protocol import Edge, Server, ask
from core.server.limits import Limits
from core.signs.render import render
from core.signs.scenes import make_scene
from core.uncertainty import Gate
from core.vlm import VLMError, load_vlm
from tests.support.serving import serving

NEVER = Gate(threshold=float("inf"))


@pytest.fixture(scope="module")
def served(folder):
    """The model itself, and the same one behind HTTP, with itself as the scout."""
    vlm, limits = load_vlm(folder, device="cpu"), Limits(rate=0, waiting_per_client=64)
    with serving(gate=NEVER, vlm=vlm, limits=limits) as (url, _):
        name = f"openai:{url}/v1#{vlm.info.name}"
        yield vlm, load_vlm(name, device="cpu", look=f"scout:{vlm.info.name}")


def test_answers_scores_and_boxes_are_those_of_the_model_itself(served):
    direct, engine = served
    assert engine.info.fit == direct.info.fit and engine.info.instruction == ""
    assert engine.geometry((192, 100)) == direct.geometry((192, 100))
    for index in range(3):
        scene = make_scene("validation", index)
        edge = Edge(render(scene), Codec())
        question = f"What does the {scene.signs[0].name} say?"
        here = ask(edge, Server(direct, NEVER), question, force=True)
        there = ask(edge, Server(engine, NEVER), question, force=True)
        assert there.box == here.box and there.look == engine.info.look
        for mine, its in ((here.first, there.first), (here.second, there.second)):
            assert its.answer == mine.answer and len(its.tokens) == len(mine.tokens)
            for metric in ("min_entropy", "probability_margin", "max_nll", "sum_nll"):
                np.testing.assert_allclose(its.scores[metric], mine.scores[metric], atol=1e-5)
            for metric, pairs in its.bounds.items():
                low, high = np.array(pairs).T
                assert (low <= np.array(mine.scores[metric]) + 1e-6).all()
                assert (np.array(mine.scores[metric]) <= high + 1e-6).all()


def test_a_run_gives_the_same_curve_and_says_who_looked(served, tmp_path):
    runs = []
    for index, vlm in enumerate(served):
        plan = Plan(str(tmp_path / f"{index}.parquet"), data="signs-text", limit=6, batch=3)
        runner = Runner(plan, vlm)
        runner.work()
        (path,) = runner.finish()
        from core.bench import load_run

        runs.append(load_run(path))
    here, there = runs
    assert not there.failed.any()
    assert there.metadata.load["look"] == served[1].info.look
    assert there.metadata.load["bounded"] == ["shannon_entropy", "renyi_entropy"]
    assert there.metadata.revision is None and there.metadata.parameters == 0
    assert set(there.metrics) == set(here.metrics) - {"energy", "focused_min_entropy"}
    assert there.box.tolist() == here.box.tolist()
    mine, its = tradeoff(here), tradeoff(there)
    for name in ("retransmitted", "accuracy", "bytes"):
        np.testing.assert_array_equal(getattr(its, name), getattr(mine, name))
    np.testing.assert_allclose(its.threshold, mine.threshold, atol=1e-5)


def test_a_scouts_look_is_made_once_and_only_where_it_is_needed(served):
    _, engine = served
    scene = make_scene("validation", 0)
    look = engine.look(render(scene).resize((192, 192)))
    before = look.nbytes
    engine.answer(look, "What?")
    assert look.scouted is None and look.nbytes == before
    engine.attend(look, "What?")
    held = look.scouted
    engine.attend(look, engine.info.generic_prompt)
    assert held is look.scouted and look.nbytes > before
    rows, cols = engine.geometry(look.image_size).grid
    assert engine.attend_layers(look, "What?").shape == (engine.info.layers, rows * cols)


def test_another_models_look_is_refused(served):
    direct, engine = served
    look = replace(direct.look(render(make_scene("validation", 0)).resize((192, 192))))
    with pytest.raises(ValueError, match="another model"):
        engine.answer(look, "What?")


def test_a_wrong_name_says_what_there_is(served):
    url = served[1].info.name.partition("#")[0]
    with pytest.raises(VLMError, match="has no model 'nothing'; it has") as refused:
        load_vlm(f"{url}#nothing", look="ask")
    assert served[0].info.name in str(refused.value)


def test_openais_own_client_is_an_edge(served):
    openai = pytest.importorskip("openai")
    from core.vlm.engine.request import data_url

    direct, engine = served
    url = engine.info.name.removeprefix("openai:").partition("#")[0]
    image = Edge(render(make_scene("validation", 1))).resize(direct.info.fit)
    content = [
        {"type": "image_url", "image_url": {"url": data_url(image)}},
        {"type": "text", "text": "What does the sign say?"},
    ]
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    asked = {
        "model": direct.info.name, "messages": [{"role": "user", "content": content}],
        "logprobs": True, "top_logprobs": 5,
    }  # fmt: skip
    said = client.chat.completions.create(**asked)
    expected = direct.answer(direct.look(image), "What does the sign say?")
    assert said.choices[0].message.content == expected.text
    assert len(said.choices[0].logprobs.content) == len(expected.tokens)
    pieces = [
        chunk.choices[0].delta.content or ""
        for chunk in client.chat.completions.create(**asked, stream=True)
    ]
    assert "".join(pieces) == expected.text
    with pytest.raises(openai.NotFoundError, match="There is no model 'other'"):
        client.chat.completions.create(**(asked | {"model": "other"}))
    client.close()
