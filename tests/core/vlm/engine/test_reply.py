"""Replies as vLLM, SGLang, llama.cpp, Ollama and LMDeploy write them (their sources: replies/)."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.uncertainty import Evidence, all_scores
from core.vlm.base import VLMError
from core.vlm.engine.reply import read_reply

REPLIES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "replies").glob("*.json"))
}
LN2 = np.log(2)


@pytest.mark.parametrize(
    ("name", "text", "ended", "min_entropies", "thought", "cached"),
    [
        ("vllm", "A red car", True, [0.21, 0.05, 0.4, 0.01], 0, 608),
        ("sglang", "7", True, [0.33, 0.02], 7, 256),
        ("llama.cpp", "a dog", True, [0.5, 0.25, 0.001], 0, 64),
        ("ollama", "Stop sign", False, [0.7, 0.02], 0, None),
        ("lmdeploy", "two men", False, [0.6, 0.3], 0, None),
    ],
)
def test_a_reply_is_read(name, text, ended, min_entropies, thought, cached):
    found = read_reply(REPLIES[name], "there")
    assert (found.text, found.ended, found.thought) == (text, ended, thought)
    assert found.cached_tokens == cached and found.prompt_tokens > 0
    evidence = Evidence.of_likeliest([[p for _, p in row] for row in found.tokens])
    scores, bounds = all_scores(evidence)
    np.testing.assert_allclose(scores["min_entropy"], np.array(min_entropies) / LN2)
    assert set(bounds) == {"shannon_entropy", "renyi_entropy"} or name == "llama.cpp"


def test_every_fixture_is_read():
    assert set(REPLIES) == {"vllm", "sglang", "llama.cpp", "ollama", "lmdeploy"}


def test_a_token_that_cannot_come_is_none_of_the_alternatives():
    assert len(read_reply(REPLIES["vllm"], "there").tokens[-1]) == 2
    # Of llama.cpp's end token, the one mention with a text is the token itself.
    assert read_reply(REPLIES["llama.cpp"], "there").tokens[-1] == (("", -0.001),)


def test_an_answer_that_was_cut_has_no_end_token():
    body = copy.deepcopy(REPLIES["vllm"])
    body["choices"][0]["finish_reason"] = "length"
    assert read_reply(body, "there").ended is False


def test_what_an_end_token_is_called_can_stay_unknown():
    body = copy.deepcopy(REPLIES["ollama"])
    body["choices"][0]["message"]["content"] = "Something else"
    assert read_reply(body, "there").ended is None


KEYS = ["choices", "message", "content", "logprobs", "token", "logprob", "top_logprobs", "usage",
        "bytes", "finish_reason", "reasoning"]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(JSON, st.sampled_from(sorted(REPLIES)), st.data())
def test_anything_else_is_refused_in_a_sentence_or_read(value, name, data):
    """Whatever stands in any place of a reply."""
    body = copy.deepcopy(REPLIES[name])
    place, key = body, data.draw(st.sampled_from(sorted(body)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
    place[key] = value
    try:
        read_reply(body, "there")
    except VLMError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
