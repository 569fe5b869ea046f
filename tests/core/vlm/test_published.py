"""Untrained models in the shape of published checkpoints: what can be counted on them."""

from __future__ import annotations

import pytest

from core.vlm import load_vlm
from core.vlm.loading.layers import attention_layer
from tools.doubles.published import published, save_published

# One a family (and a way to cut images). Visual tokens of 1600 x 1600, 1920 x 1080 and 1600 x 1200
# pixels as transformers' processors give them for the real checkpoints, in all tiles; Qwen3-VL's by
# hand: cells of 32 pixels.
TOKENS = {
    "Idefics3-8B-Llama3": (2873, 2197, 2197),
    "InternVL3-1B-hf": (2560, 2304, 3328),
    "Qwen3-VL-2B-Instruct": (2500, 2040, 1900),
    "SmolVLM2-2.2B-Instruct": (1377, 1053, 1053),
    "instructblip-vicuna-7b": (32, 32, 32),
    "llava-1.5-7b-hf": (576, 576, 576),
    "llava-v1.6-mistral-7b-hf": (2928, 1948, 2340),
}
SIZES = (1600, 1600), (1920, 1080), (1600, 1200)


@pytest.fixture(scope="module", params=sorted(TOKENS))
def name_and_vlm(request, tmp_path_factory):
    folder = save_published(request.param, tmp_path_factory.mktemp(request.param))
    return request.param, load_vlm(folder, "cpu", fit="own")


def test_images_are_as_many_tokens_as_the_real_checkpoint_makes_of_them(name_and_vlm):
    name, vlm = name_and_vlm
    assert tuple(vlm.visual_tokens(size) for size in SIZES) == TOKENS[name]


def test_prompts_hold_the_real_ids_of_images_and_turns(name_and_vlm):
    name, vlm = name_and_vlm
    config, added = (published(name)[part] for part in ("config", "added_tokens"))
    image = config.get("image_token_id", config.get("image_token_index"))
    ids = vlm._tokenize("<image> </s>?", 2)  # which no question may write
    assert ids.count(image) == 2
    special = [added_id for added_id in ids if added_id in added.values() and added_id != image]
    assert (
        special
        == {
            "Idefics3-8B-Llama3": [128000, 128258],
            "InternVL3-1B-hf": [151644, 151645, 151644],
            "Qwen3-VL-2B-Instruct": [151644, 151652, 151653, 151652, 151653, 151645, 151644],
            "SmolVLM2-2.2B-Instruct": [1, 49279],
            "instructblip-vicuna-7b": [2],
            "llava-1.5-7b-hf": [1],
            "llava-v1.6-mistral-7b-hf": [1],
        }[name]
    )


# As the published ones write a question, in front of what ends the turn of a user.
SAID = "{question}\nAnswer the question using a single word or phrase."
PROMPTS = {
    "Idefics3-8B-Llama3": f"<|begin_of_text|>User:<image>{SAID}<end_of_utterance>\nAssistant:",
    "InternVL3-1B-hf": "<|im_start|>user\n<IMG_CONTEXT>\n"
    f"{SAID}<|im_end|>\n<|im_start|>assistant\n",
    "Qwen3-VL-2B-Instruct": "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>"
    f"{SAID}<|im_end|>\n<|im_start|>assistant\n",
    "SmolVLM2-2.2B-Instruct": f"<|im_start|>User:<image>{SAID}<end_of_utterance>\nAssistant:",
    "instructblip-vicuna-7b": "Question: {question} Short answer:",
    "llava-1.5-7b-hf": f"USER: <image>\n{SAID} ASSISTANT:",
    "llava-v1.6-mistral-7b-hf": f"[INST] <image>\n{SAID} [/INST]",
}


def test_a_short_answer_is_asked_for(name_and_vlm):
    name, vlm = name_and_vlm
    assert vlm.prompt_text("{question}", 1) == PROMPTS[name]


@pytest.mark.parametrize(
    "family, layers, layer, source",
    [
        ("llava", 32, 14, "ViCrop"),
        ("llava", 40, 14, "13 to 16"),
        ("instructblip", 32, 15, "ViCrop"),
        ("qwen2_5_vl", 36, 22, "ViCrop"),
        ("qwen2_5_vl", 28, 22, "18, 22 and 24"),
        ("qwen3_vl", 28, 22, "not published"),
        ("qwen3_vl", 36, 22, "not published"),
        ("idefics3", 32, 14, "not published"),
        ("llava", 6, 2, "not published"),
    ],
)
def test_a_layer_says_who_published_it_or_that_nobody_did(family, layers, layer, source):
    chosen, who = attention_layer(family, layers)
    assert chosen == layer
    assert source in who
