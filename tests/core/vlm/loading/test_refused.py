"""Files that are something else, layouts that can't be followed, numbers that are none."""

from __future__ import annotations

import json
import re

import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoImageProcessor, LlavaForConditionalGeneration

from core.edge.device import Edge
from core.server.app import create_app
from core.vlm import VLMError, load_vlm
from core.vlm.families import idefics
from tests.support.serving import COMPACT
from tests.support.tiny import save_clip_llava
from tools.doubles.published import save_words
from tools.doubles.untrained import LLAVA_TEMPLATE, save_untrained

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 14169\n"


@pytest.fixture
def folder(tmp_path):
    return save_clip_llava(tmp_path / "tiny")


def sentence(name, **kwargs):
    with pytest.raises(VLMError) as caught:
        load_vlm(name, "cpu", **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "file, content, expected",
    [
        ("chat_template.jinja", POINTER, "is a Git LFS pointer"),
        ("merges.txt", b"<html><body>", "is a page of HTML"),
        ("qformer_tokenizer/tokenizer.json", POINTER, "is a Git LFS pointer"),
        ("tokenizer.json", b"\x00\x01", "isn't an object of JSON"),
        ("config.json", b"[]", "isn't an object of JSON"),
        ("model.safetensors", b"PK\x03\x04" + bytes(99), "isn't a file of safetensors"),
        ("model.safetensors", b"\xff" * 99, "isn't a file of safetensors"),
    ],
)
def test_a_file_that_is_something_else_is_said(folder, file, content, expected):
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_bytes(content)
    assert f"can't be read: {file} {expected}" in sentence(folder)


@pytest.mark.parametrize(
    "file", ["tokenizer.json", "tokenizer_config.json", "processor_config.json", "config.json",
             "generation_config.json"],
)  # fmt: skip
def test_a_file_that_was_cut_off_is_named(folder, file):
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    assert f"can't be read: {file} isn't whole JSON, so it was cut off: down" in sentence(folder)


@pytest.mark.parametrize(
    ("said", "options", "expected"),
    [
        ({"quant_method": "awq", "bits": 4}, {"bits": 4}, "are packed by awq already: leave out"),
        ("awq", {}, "has a quantization_config without a quant_method"),
        ({"bits": 4}, {}, "has a quantization_config without a quant_method"),
    ],
)
def test_weights_that_are_packed_already(folder, monkeypatch, said, options, expected):
    monkeypatch.setattr("core.vlm.loading.checkpoint.find_spec", lambda name: name)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": said}))
    assert expected in sentence(folder, settings="", **options)


def test_a_package_that_unpacks_weights_and_is_missing_is_asked_for(folder, monkeypatch):
    config = json.loads((folder / "config.json").read_text())
    packed = {"quant_method": "awq", "bits": 4, "version": "gemm", "zero_point": True}
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": packed}))

    def missing(*_, **__):
        raise ImportError("Loading an AWQ quantized model requires gptqmodel. See there.")

    monkeypatch.setattr(LlavaForConditionalGeneration, "from_pretrained", missing)
    said = sentence(folder)
    assert "its weights are packed by awq" in said and "requires gptqmodel. Install it, or" in said


def test_a_value_that_config_json_cannot_have_is_named(folder):
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = None
    (folder / "config.json").write_text(json.dumps(config))
    assert re.search("'max_position_embeddings': .*None", sentence(folder))


@pytest.mark.parametrize("edge", [None, "x", 0, -1])
@pytest.mark.parametrize("size", ["size", "max_image_size"])
def test_an_edge_that_is_no_length_is_named(tmp_path, size, edge):
    name = "SmolVLM-256M-Instruct"
    folder = save_words(name, tmp_path / name)
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {size: {"longest_edge": edge}}))
    processor = AutoImageProcessor.from_pretrained(folder)
    with pytest.raises(VLMError, match=f"longest_edge of {size} .* must be a number of pixels"):
        idefics._said(processor, size)


def test_weights_that_were_cut_off_are_named(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "can't be read: model.safetensors was cut off: download it again." in sentence(folder)


@pytest.mark.parametrize("content", ["[1]", '{"weight_map": null}'])
def test_an_index_that_names_no_files_is_named(folder, content):
    (folder / "model.safetensors.index.json").write_text(content)
    said = sentence(folder)
    assert "index.json doesn't say which weights are in which file: download it again." in said


def test_a_chat_template_that_does_not_work_is_named(folder):
    (folder / "chat_template.jinja").write_text("{% for message in")
    assert "can't be read: its chat template doesn't work: unexpected 'end of" in sentence(folder)


def test_an_empty_list_may_be_meant(folder):
    (folder / "merges.txt").write_bytes(b"")
    assert load_vlm(folder, "cpu")


def test_a_checkpoint_without_a_tokenizer_is_not_complete(folder):
    (folder / "tokenizer.json").unlink()
    assert "there is no tokenizer.json in it, so the download is not complete" in sentence(folder)


def test_missing_files_of_weights_are_counted_and_named(folder):
    names = [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
    (folder / "model.safetensors").rename(folder / names[0])
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": dict(zip("abc", names, strict=True))}))
    said = sentence(folder)
    assert said.startswith("Of the 3 files of weights of ")
    assert f"2 are missing, {names[1]} first: the download is not complete" in said
    index.write_text("{}")
    assert "no model.safetensors.index.json that names them: the down" in sentence(folder)
    index.unlink()
    assert "no model.safetensors.index.json that names them: the down" in sentence(folder)
    (folder / names[0]).unlink()
    assert "has no model.safetensors" in sentence(folder)


def test_a_config_of_a_far_larger_model_takes_no_memory(folder, monkeypatch):
    config = json.loads((folder / "config.json").read_text())
    del config["text_config"]  # transformers fills in a Llama of 7 billion numbers
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr("transformers.LlavaForConditionalGeneration.from_pretrained", None)
    assert "numbers, and the files of weights hold " in sentence(folder)


def test_a_tokenizer_of_more_tokens_than_the_model_knows_is_refused(folder):
    weights = load_file(folder / "model.safetensors")
    for name in ("language_model.model.embed_tokens.weight", "language_model.lm_head.weight"):
        weights[name] = weights[name][:64].clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["vocab_size"] = 64
    (folder / "config.json").write_text(json.dumps(config))
    said = sentence(folder)
    assert "and its language model knows 64: they belong to two checkpoints, so download" in said


def test_a_template_that_leaves_the_question_out_is_refused(folder):
    (folder / "chat_template.jinja").write_text(LLAVA_TEMPLATE.replace("part['text']", "'Say.'"))
    assert "leaves the question out." in sentence(folder)


@pytest.mark.parametrize("part", ["text_config", "vision_config"])
@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_half_of_the_layers_is_no_model(tmp_path, family, part):
    folder = save_untrained(family, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    for name in ("num_hidden_layers", "depth"):
        if name in config[part]:
            config[part][name] -= 1
    config[part].pop("layer_types", None)
    (folder / "config.json").write_text(json.dumps(config))
    assert "is of a layer more than that has (" in sentence(folder)


@pytest.mark.parametrize("fit", [None, "own"])
def test_llava_next_with_the_class_token_is_refused(tmp_path, fit):
    folder = save_untrained("llava_next", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps(config | {"vision_feature_select_strategy": "full"})
    )
    assert "keeps the class token of its vision tower" in sentence(folder, fit=fit)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float16", "too large for float16, and so no answer: load it with --dtype bf16 or fp32."),
        ("float32", "what is not a number in float32: its weights are damaged"),
    ],
)
def test_numbers_that_are_none_are_one_sentence_over_http(folder, dtype, expected):
    vlm = load_vlm(folder, "cpu", dtype)
    with torch.inference_mode():
        vlm._model.get_decoder().norm.weight.mul_(float("inf"))
    edge = Edge(Image.new("RGB", (90, 60), "red"))
    question = edge.question("what?", edge.resize(vlm.info.fit))
    with TestClient(create_app(vlm)) as client:
        response = client.post("/v1/questions", content=question.to_bytes(), headers=COMPACT)
    assert response.status_code == 422
    assert expected in response.json()["detail"]
