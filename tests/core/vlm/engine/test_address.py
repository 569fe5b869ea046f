"""How an engine is named."""

import pytest

from core.vlm.base import VLMError
from core.vlm.engine.address import Address


def test_an_address_names_engine_and_model():
    found = Address.read("openai:http://127.0.0.1:8000/v1/#org/Model-7B")
    assert (found.url, found.model) == ("http://127.0.0.1:8000/v1", "org/Model-7B")
    assert (found.likeliest, found.thinking, found.fields) == (None, 0, {})


def test_what_a_query_says_goes_into_every_request():
    name = (
        "openai:https://gpu/v1?add_special_tokens=true&top_logprobs=5&thinking_tokens=300"
        '&chat_template_kwargs={"enable_thinking":false}&seed=1#m'
    )
    found = Address.read(name)
    assert found.name == name and found.url == "https://gpu/v1"
    assert (found.likeliest, found.thinking) == (5, 300)
    assert found.fields == {
        "add_special_tokens": True, "chat_template_kwargs": {"enable_thinking": False}, "seed": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("openai:", "isn't the address of an engine"),
        ("openai:ftp://host/v1#m", "isn't the address of an engine"),
        ("openai:http://#m", "isn't the address of an engine"),
        ("openai:http://host:99999/v1#m", "isn't the address of an engine"),
        ("openai:http://[::1/v1#m", "isn't the address of an engine"),
        ("openai:http://host/v1", "which of the engine's models"),
        ("openai:http://host/v1#", "which of the engine's models"),
        ("openai:http://host/v1?messages=1#m", "'messages' can't be set"),
        ("openai:http://host/v1?api_key=secret#m", "'api_key' can't be set"),
        ("openai:http://host/v1?top_logprobs=many#m", "top_logprobs must be"),
        ("openai:http://host/v1?top_logprobs=true#m", "top_logprobs must be"),
        ("openai:http://host/v1?thinking_tokens=-1#m", "thinking_tokens must be"),
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence(name, told):
    with pytest.raises(VLMError, match=told):
        Address.read(name)


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(VLMError, match="SECOND_LOOK_ENGINE_KEY") as refused:
        Address.read("openai:http://user:hunter2@host/v1#m")
    assert "hunter2" not in str(refused.value)
