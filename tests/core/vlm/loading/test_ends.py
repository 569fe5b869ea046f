"""What ends an answer, for published checkpoints as they were published."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from transformers import AutoTokenizer

from core.vlm import load_vlm
from core.vlm.loading.checkpoint import find_checkpoint
from core.vlm.loading.ends import end_ids
from core.vlm.text import special_tokens
from tools.doubles.published import NAMES, published, save_words

# What each one ends with, by hand from its files and its chat template.
ENDS = {
    "Idefics3-8B-Llama3": {128001, 128008, 128009, 128258},
    "InternVL3-1B-hf": {151645},
    "InternVL3_5-1B-HF": {151645},
    "Qwen2.5-VL-3B-Instruct": {151645, 151643},
    "Qwen2.5-VL-7B-Instruct": {151645, 151643},
    "Qwen3-VL-2B-Instruct": {151645, 151643},
    "Qwen3-VL-4B-Instruct": {151645, 151643},
    "SmolVLM-256M-Instruct": {49279},
    "SmolVLM-Instruct": {49154},
    "SmolVLM2-2.2B-Instruct": {49279},
    "SmolVLM2-500M-Video-Instruct": {49279},
    "instructblip-vicuna-7b": {2, 1},  # the 1 is its text config's, and begins a text
    "llava-1.5-13b-hf": {2},
    "llava-1.5-7b-hf": {2},
    "llava-v1.6-mistral-7b-hf": {2},
}


def of(folder):
    """The end tokens of a checkpoint without weights."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    processor = SimpleNamespace(
        tokenizer=tokenizer,
        chat_template=tokenizer.chat_template,
        apply_chat_template=lambda turns: tokenizer.apply_chat_template(turns, tokenize=False),
    )
    return end_ids(find_checkpoint(folder), processor, special_tokens(tokenizer))


@pytest.mark.parametrize("name", NAMES)
def test_every_token_that_a_published_checkpoint_ends_with(name, tmp_path):
    assert of(save_words(name, tmp_path)) == ENDS[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_end_of_a_turn_is_found_where_no_config_says_it(name, tmp_path):
    """In the template, or as the tokenizer's own; the configs' classes must not fill it in."""
    save_words(name, tmp_path)
    (tmp_path / "generation_config.json").unlink()
    config = json.loads((tmp_path / "config.json").read_text())
    config.pop("eos_token_id", None)
    config.get("text_config", {}).pop("eos_token_id", None)
    (tmp_path / "config.json").write_text(json.dumps(config))
    said = published(name)
    expected = {said["added_tokens"][said["tokenizer_config"]["eos_token"]]}
    if name == "Idefics3-8B-Llama3":
        expected.add(128258)  # <end_of_utterance>, which only its template tells
    assert of(tmp_path) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('only a user may speak') }}",
        "{{ messages[1]['content'].split()[0] }}",
        "{% for message in messages if message['role'] == 'user' %}?{% endfor %}</s>",
    ],
)
def test_a_template_that_knows_no_answers_says_nothing(template, tmp_path):
    save_words("SmolVLM-Instruct", tmp_path)
    (tmp_path / "chat_template.jinja").write_text(template)
    assert of(tmp_path) == {49154}


def test_the_bundled_model_ends_with_what_it_was_trained_to():
    vlm = load_vlm("pocket", "cpu")
    assert vlm._end_ids == {vlm._tokenizer.eos_token_id}
