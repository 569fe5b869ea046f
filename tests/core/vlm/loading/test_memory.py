"""What a model takes, before it is loaded."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoConfig

from core.server.app import create_app
from core.server.limits import Limits
from core.vlm import FAMILIES, VLMError, load_vlm
from core.vlm.loading import checkpoint as loading
from core.vlm.loading import memory
from core.vlm.loading.checkpoint import Options
from tests.support.pixels import PixelVLM
from tests.support.tiny import save_clip_llava
from tools.doubles.published import save_words
from tools.doubles.untrained import save_untrained

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_clip_llava(tmp_path_factory.mktemp("tiny"))


def counted(folder):
    return {name: one.numel() for name, one in load_file(folder / "model.safetensors").items()}


def test_weights_are_counted_from_the_headers(folder):
    weights = sum(counted(folder).values())
    assert memory.weight_bytes(folder, torch.float32) == 4 * weights
    assert memory.weight_bytes(folder, torch.bfloat16) == 2 * weights


def test_embeddings_head_and_vectors_are_not_quantised(folder):
    tensors = load_file(folder / "model.safetensors")
    whole = sum(
        one.numel()
        for name, one in tensors.items()
        if one.ndim != 2 or "embed" in name or "lm_head" in name
    )
    rest = sum(one.numel() for one in tensors.values()) - whole
    assert 0.2 < whole / (whole + rest) < 0.9
    assert memory.weight_bytes(folder, torch.bfloat16, bits=8) == 2 * whole + rest
    four = memory.weight_bytes(folder, torch.bfloat16, bits=4)
    assert four == pytest.approx(2 * whole + rest * 4.5 / 8, abs=1)


@pytest.mark.parametrize(
    ("name", "width", "heads", "tokens", "look_mb"),
    [  # as the real ones are, whose widths the files here have reduced
        ("llava-1.5-7b-hf", 4096, 32, 576, 302),
        ("llava-1.5-13b-hf", 5120, 40, 576, 472),
    ],
)
def test_what_a_look_takes_is_that_of_the_real_models(
    tmp_path, name, width, heads, tokens, look_mb
):
    """In half precision: 305 and 477 MB with the prompt's beginning."""
    config = AutoConfig.from_pretrained(save_words(name, tmp_path))
    assert memory.image_tokens(config) == tokens
    text = config.get_text_config()
    text.hidden_size, text.num_attention_heads, text.num_key_value_heads = width, heads, heads
    text.head_dim, text.intermediate_size = width // heads, int(2.6875 * width)
    assert memory.cache_bytes(text, tokens, torch.float16) / 1e6 == pytest.approx(look_mb, abs=1)
    working = memory.working_bytes(config, torch.float16)
    assert 3 * look_mb < working / 1e6 < 6 * look_mb
    assert memory.working_bytes(config, torch.float16, "eager") > working


def test_a_model_that_does_not_fit_is_not_loaded(folder, monkeypatch):
    assert memory.free_bytes(CPU) > 2**20
    needed = memory.weight_bytes(folder, torch.bfloat16)
    needed += memory.working_bytes(AutoConfig.from_pretrained(folder), torch.bfloat16)
    monkeypatch.setattr(loading, "free_bytes", lambda device: needed)
    assert load_vlm(folder, "cpu", "bfloat16")
    monkeypatch.setattr(loading, "free_bytes", lambda device: needed - 1)
    with pytest.raises(VLMError, match="GB in bfloat16 and about .* to answer with, and of the"):
        load_vlm(folder, "cpu", "bfloat16")


def test_weights_go_to_the_device_as_they_are_read_where_accelerate_is(monkeypatch):
    options = Options(CUDA, torch.float16)
    monkeypatch.setattr(loading, "find_spec", lambda name: name)
    assert options.of_model()["device_map"] == {"": CUDA} and not options.through_host
    assert "device_map" not in Options(CPU, torch.float32).of_model()
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    assert "device_map" not in options.of_model() and options.through_host


def test_weights_that_do_not_fit_through_the_host_are_not_loaded(folder, monkeypatch):
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    monkeypatch.setattr(loading, "free_bytes", lambda device: 2**40 if device == CUDA else 1)
    checkpoint = loading.find_checkpoint(folder)
    with pytest.raises(VLMError, match="pip install accelerate, with which weights go there"):
        checkpoint._check_memory(folder, Options(CUDA, torch.float16))


def test_a_session_holds_what_the_estimate_says(folder):
    vlm = load_vlm(folder, "cpu")
    text = vlm._model.config.get_text_config()
    look = vlm.look(Image.new("RGB", vlm.info.input_size))
    held = memory.cache_bytes(text, len(look.prefix.ids), torch.float32)
    assert look.prefix.nbytes == held


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_model_knows_what_its_looks_take(tmp_path, family):
    vlm = load_vlm(save_untrained(family, tmp_path), "cpu")
    held = vlm.look(Image.new("RGB", vlm.info.input_size)).nbytes
    assert vlm.info.look_bytes == pytest.approx(held, rel=0.02)


def test_sessions_have_room_for_looks_of_the_model():
    """Two edges must not push each other out: LLaVA-1.5-7B's look takes 305 MB."""
    assert Limits().room(0) == 256 * 2**20
    assert Limits().room(305_000_000) == 8 * 305_000_000
    assert Limits(session_bytes=5).room(305_000_000) == 5
    vlm = PixelVLM()
    vlm.info = replace(vlm.info, look_bytes=10**9)
    service = create_app(vlm).state.service
    assert service.server.sessions.max_bytes == 8 * 10**9
