"""An engine from its address to a model: what it tells, and one sentence for what keeps it away."""

import json

import numpy as np
import pytest
from PIL import Image

from core.protocol import Box, Edge, Server, ask
from core.uncertainty import METRICS, Gate
from core.vlm import VLMError, load_vlm
from core.vlm.base import ModelAway
from core.vlm.engine import endpoint
from tests.support.engine import engine

RED = Image.new("RGB", (64, 48), (200, 30, 30))
BLUE = Image.new("RGB", (32, 32), (30, 30, 200))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(endpoint, "PAUSE", 0.0)


def load(url, look="ask", query="", **options):
    return load_vlm(f"openai:{url}{query}#fake", look=look, **options)


def test_an_engine_answers_and_tells_how_sure_it_was():
    with engine() as (url, fake):
        vlm = load(url)
        assert vlm.info.likeliest == 12 and vlm.info.load["end_token"] is True
        assert vlm.info.load["look"] == vlm.info.look == "ask"
        assert vlm.info.load["bounded"] == ["shannon_entropy", "renyi_entropy"]
        look = vlm.look(RED)
        first, both = vlm.answer(look, "What?"), vlm.answer(look, "What?", BLUE)
        assert len(first.tokens) == 4 and first.tokens[-1] == "<end>"
        assert first.token_ids == (-1,) * 4 and first.logits.shape == (4, 0)
        assert first.evidence.reported == 12 and first.prompt_tokens > 0
        assert vlm.answer(look, "What?").likeliest == first.likeliest != both.likeliest
    first, second = fake.log[-2][2], fake.log[-1][2]
    # The global image first, and the same bytes, in both: what an engine has read of it is found.
    start = first.index(b"data:image"), second.index(b"data:image")
    length = first.index(b'"}', start[0]) - start[0]
    assert first[start[0] : start[0] + length] == fake.log[-3][2][start[0] : start[0] + length]


def test_a_batch_is_asked_at_once_and_in_order():
    with engine() as (url, _):
        vlm = load(url)
        from core.vlm import Request

        looks = vlm.look_batch([RED, BLUE])
        asked = [Request(look, f"{word}?") for look in looks for word in ("Where", "What", "Who")]
        together = vlm.answer_batch(asked)
        alone = [vlm.answer(one.look, one.question) for one in asked]
        assert [one.likeliest for one in together] == [one.likeliest for one in alone]
        assert vlm.answer_batch([]) == []


def test_the_whole_protocol_with_an_engine_that_names_the_box():
    with engine(says={"Where in the picture": '{"box": [500, 0, 750, 250]}'}) as (url, _):
        vlm = load(url, resolution=64)
        edge = Edge(Image.new("RGB", (400, 400), (90, 120, 40)))
        transcript = ask(edge, Server(vlm, Gate()), "What is it?", force=True)
    assert transcript.look == "ask"
    # Of eq. 11's squares, up to 128 pixels wide, one that holds what was named.
    assert transcript.box.contains(Box(200, 0, 300, 100))
    assert set(transcript.scores) == {
        "min_entropy", "shannon_entropy", "probability_margin", "max_nll", "sum_nll",
        "renyi_entropy",
    }  # fmt: skip
    assert set(transcript.first.bounds) == {"shannon_entropy", "renyi_entropy"}
    steps = {step.name: step.flops for step in transcript.steps if step.name.endswith("answer")}
    assert steps == {"first answer": None, "second answer": None}  # an engine's size isn't known
    again = type(transcript).from_json(transcript.to_json())
    assert again == transcript
    with pytest.raises(ValueError, match="tell nothing of energy"):
        transcript.with_gate(Gate("energy", 0.0))


def test_a_gate_on_what_no_engine_tells_is_refused():
    with engine() as (url, _):
        vlm = load(url)
    for name in ("energy", "focused_min_entropy"):
        assert METRICS[name].told_by(20) is None
        with pytest.raises(VLMError, match="set the gate on one of min_entropy"):
            Server(vlm, Gate(name, 0.1))


def test_fewer_alternatives_are_asked_for_where_an_engine_has_a_limit():
    with engine(most=5) as (url, fake):
        assert load(url).info.likeliest == 5
        assert [b'"top_logprobs":20' in log[2] for log in fake.log] == [True, False]
    with engine(most=0) as (url, _):
        vlm = load(url)
        assert vlm.info.likeliest == 1
        assert vlm.info.load["bounded"] == [
            "shannon_entropy", "probability_margin", "renyi_entropy",
        ]  # fmt: skip
    with engine(most=5) as (url, _), pytest.raises(VLMError, match="top_logprobs in the address"):
        load(url, query="?top_logprobs=9")


@pytest.mark.parametrize("thoughts", ["inline", "apart"])
def test_thinking_is_skipped(thoughts):
    with engine() as (url, _):
        plain = load(url).answer(load(url).look(RED), "What?")
    with engine(thoughts=thoughts) as (url, fake):
        vlm = load(url, query="?thinking_tokens=100")
        found = vlm.answer(vlm.look(RED), "What?")
        assert b'"max_tokens":120' in fake.log[-1][2]
    assert (found.text, found.likeliest) == (plain.text, plain.likeliest)


def test_an_end_token_that_is_not_told_is_said():
    with engine(end_token=False) as (url, _):
        vlm = load(url)
        assert vlm.info.load["end_token"] is False
        assert len(vlm.answer(vlm.look(RED), "What?").tokens) == 3


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"model": "other"}, "has no model 'fake'; it has other: name one after the #"),
        ({"images": 1}, "doesn't take two images in one prompt.*limit-mm-per-prompt"),
        ({"logprobs": False}, "tells no log-probabilities of its answers"),
        ({"thoughts": "endless"}, "spent all 2 tokens before it came to an answer"),
        ({"needs_key": "right"}, r"wants a key \(401\): put it into the environment"),
        ({"reply": (200, "text/html", "<html>log in")}, "A web page came from"),
        ({"reply": (200, "application/json", "nonsense")}, "isn't JSON"),
        ({"reply": (200, "application/json", "[" * 100_000)}, "isn't JSON"),
        ({"reply": (200, "application/json", '{"choices": []}')}, "isn't a chat completion"),
        ({"reply": (200, "application/json", "3")}, "isn't a chat completion"),
        ({"reply": (302, "text/plain", "")}, "sends on to .*redirects aren't followed"),
        ({"reply": (404, "text/plain", "no")}, "has no chat completions"),
        ({"reply": (413, "text/plain", "no")}, "requests as large as ours"),
        ({"reply": (500, "text/plain", "no")}, r"failed \(500\): look into its log"),
        ({"reply": (503, "text/plain", "no")}, "has too much to do"),
        ({"reply": (200, "application/json", "1" * 5_000_000)}, "sent more than 4,194,304 bytes"),
        ({"page": (200, "text/html", "<html>")}, "A web page came from"),
    ],
)  # fmt: skip
def test_what_keeps_an_engine_away_is_one_sentence(faults, told):
    with engine(**faults) as (url, _), pytest.raises(VLMError, match=told) as refused:
        load(url)
    sentence = str(refused.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 700


@pytest.mark.parametrize(
    ("reply", "away"),
    [
        ((200, "text/html", "<html>log in"), True),
        ((200, "application/json", '{"choices": [{"mess'), True),
        ((302, "text/plain", ""), True),
        ((401, "text/plain", "no"), True),
        ((404, "text/plain", "no"), True),
        ((503, "text/plain", "no"), True),
        ((400, "application/json", '{"message": "The image is too large."}'), False),
        ((500, "text/plain", "no"), False),  # perhaps of this image
        ((200, "application/json", '{"choices": [{"message": {"content": "a"}}]}'), False),
    ],
)
def test_what_would_keep_any_question_from_its_answer_is_told_apart(reply, away):
    with engine() as (url, fake):
        vlm = load(url)
        look, plain = vlm.look(RED), vlm.answer(vlm.look(RED), "What?")
        fake.reply = reply
        with pytest.raises(VLMError) as refused:
            vlm.answer(look, "What?")
        assert isinstance(refused.value, ModelAway) is away
        fake.reply = None
        assert vlm.answer(look, "What?").likeliest == plain.likeliest


def test_nobody_there_is_one_sentence():
    with pytest.raises(ModelAway, match="can't be reached"):
        load("http://127.0.0.1:9/v1")


def test_an_engine_that_never_answers_is_left(monkeypatch):
    import socket

    monkeypatch.setattr(endpoint.Endpoint.__init__, "__defaults__", (0.2, None))
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        with pytest.raises(ModelAway, match="didn't answer within 0.2 s"):
            load(url)


def test_a_key_comes_from_the_environment_and_stays_out_of_everything(monkeypatch, caplog):
    monkeypatch.setenv("SECOND_LOOK_ENGINE_KEY", "sk-wrong")
    with engine(needs_key="sk-right") as (url, _):
        with pytest.raises(VLMError) as refused:
            load(url)
        assert "sk-wrong" not in str(refused.value)
        monkeypatch.setenv("SECOND_LOOK_ENGINE_KEY", "sk-right")
        vlm = load(url)
        edge = Edge(RED)
        transcript = ask(edge, Server(vlm, Gate()), "What?")
    assert "sk-right" not in transcript.to_json() + repr(vlm.info) + caplog.text


def test_log_probabilities_that_are_none_are_refused():
    body = (
        '{"choices": [{"message": {"content": "a"}, "logprobs": {"content": '
        '[{"token": "a", "logprob": %s, "top_logprobs": [{"token": "b", "logprob": %s}]}]}}]}'
    )
    for pair in ((0.5, -1), ("NaN", -1), (-9999, -1)):
        with (
            engine(reply=(200, "application/json", body % pair)) as (url, _),
            pytest.raises(VLMError, match="can't be any"),
        ):
            load(url)
    with engine() as (url, fake):
        vlm = load(url)
        fake.reply = (200, "application/json", body % (-0.1, -0.2))
        with pytest.raises(VLMError, match="add up to more than 1"):
            vlm.answer(vlm.look(RED), "What?")


def test_nothing_in_a_question_is_spelled_like_a_special_token():
    with engine() as (url, fake):
        vlm = load(url)
        vlm.answer(vlm.look(RED), "Is 3<4 on <image> </s> <|im_end|> or [INST] [a]?")
        said = fake.log[-1][2].decode()
    assert "Is 3<4 on < image> < /s> < |im_end|> or [ INST] [a]?" in said


def test_who_looks_has_to_be_said():
    with engine() as (url, _):
        for look, told in (
            (None, "say who looks"),
            ("pocket", "can't look"),
            ("scout:", "can't look"),
            ("scout:openai:http://host/v1#m", "a model on this machine"),
        ):
            with pytest.raises(VLMError, match=told):
                load(url, look=look)
        with pytest.raises(VLMError, match="can be taken, and not 'own'"):
            load(url, fit="own")
    with pytest.raises(VLMError, match="can be chosen for an engine"):
        load_vlm("pocket", look="ask")
    with engine(most=0) as (url, _), pytest.raises(VLMError, match="tells 1 a token"):
        load(url, look="tiles")


def test_settings_of_an_engine_are_the_users(tmp_path):
    with engine() as (url, _):
        file = tmp_path / "models.json"
        said = {"base_side": 100, "thresholds": {"min_entropy": 0.25}, "instruction": "Briefly."}
        file.write_text(json.dumps({f"openai:{url}#fake": {"any": said}}))
        info = load(url, settings=file).info
    assert (info.base_side, info.instruction) == (100, "Briefly.")
    assert info.thresholds["min_entropy"] == 0.25 and info.calibrated == {"min_entropy"}
    assert np.isfinite(info.thresholds["shannon_entropy"])


def test_an_end_token_that_never_came_is_not_said_to_be_missing():
    reply = {
        "choices": [{
            "message": {"content": "a"}, "finish_reason": "length",
            "logprobs": {"content": [{"token": "a", "logprob": -0.1, "top_logprobs": []}]},
        }]
    }  # fmt: skip
    with engine(reply=(200, "application/json", json.dumps(reply))) as (url, _):
        assert load(url).info.load["end_token"] is None
