"""Replies as engines write them (who wrote these: replies/README.md)."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.uncertainty import Evidence, all_scores
from core.vlm.base import VLMError
from core.vlm.engine.reply import Untold, Usage, read_reply, read_usage

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
        ("llama.cpp", "are0'", True, [2.674097, 2.725940, 2.234711, 2.638615], 0, 0),
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
    np.testing.assert_allclose(scores["min_entropy"], np.array(min_entropies) / LN2, rtol=1e-6)
    assert set(bounds) == {"shannon_entropy", "renyi_entropy"} or name == "llama.cpp"


def test_every_fixture_is_read():
    names = {"vllm", "sglang", "llama.cpp", "ollama", "lmdeploy", "transformers"}
    assert set(REPLIES) == names


def test_a_token_that_cannot_come_is_none_of_the_alternatives():
    assert len(read_reply(REPLIES["vllm"], "there").tokens[-1]) == 2
    body = copy.deepcopy(REPLIES["llama.cpp"])
    tops(body, -1)[2]["logprob"] = -3.4028234663852886e38  # its least float
    assert [p for _, p in read_reply(body, "there").tokens[-1]] == approx(
        [-3.8703, -2.6386, -3.2481]
    )


def test_an_end_token_without_a_text_is_told_from_others():
    """llama.cpp sends no text of it, nor of a token that is part of a character."""
    last = read_reply(REPLIES["llama.cpp"], "there").tokens[-1]
    # A real one: "" is another token, likelier than the end token, which was made to come.
    assert [p for _, p in last] == approx([-3.8703, -2.6386, -3.2481, -3.2823])
    body = copy.deepcopy(REPLIES["llama.cpp"])
    tops(body, -1)[2] |= {"token": "</s>", "logprob": -3.8703083992004395}
    assert [p for _, p in read_reply(body, "there").tokens[-1]] == approx(
        [-3.8703, -2.6386, -3.2481]
    )


def test_an_engine_that_tells_no_log_probabilities_is_refused():
    with pytest.raises(Untold, match="^there tells no log-probabilities of its answers") as refused:
        read_reply(REPLIES["transformers"], "there")
    assert str(refused.value).endswith("(see docs/engines.md).")
    assert read_usage(REPLIES["transformers"], "there") == Usage(154, None)


def test_probabilities_after_sampling_are_refused():
    body = copy.deepcopy(REPLIES["llama.cpp"])
    for one in body["choices"][0]["logprobs"]["content"]:  # as with post_sampling_probs
        del one["logprob"], one["top_logprobs"]
        one |= {"prob": 1.0, "top_probs": []}
    with pytest.raises(VLMError, match="leave post_sampling_probs out of the address"):
        read_reply(body, "there")


def tops(body, index):
    return body["choices"][0]["logprobs"]["content"][index]["top_logprobs"]


def approx(values):
    return pytest.approx(values, abs=1e-4)


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
