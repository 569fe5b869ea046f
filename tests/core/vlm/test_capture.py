"""The captured row against the eager path, which materialises every weight."""

from __future__ import annotations

import threading
from copy import deepcopy

import pytest
import torch
from transformers import DynamicCache, LlavaForConditionalGeneration

from core.vlm import capture
from core.vlm.capture import ATTENTION, AttentionRow, capture_attention
from tests.support.tiny import LAYERS


@pytest.fixture(scope="module")
def models(clip_folder):
    """The same weights three times: captured, plain sdpa, eager."""
    captured = LlavaForConditionalGeneration.from_pretrained(clip_folder).eval()
    sdpa, eager = deepcopy(captured), deepcopy(captured)
    capture_attention(captured)
    eager.set_attn_implementation("eager")
    return deepcopy(captured), sdpa, eager  # a copy too: kernels depend on memory alignment


def inputs(case, model, generator):
    """Keyword arguments for a model: fresh, because a cache is written to."""
    ids = torch.randint(10, 250, (2, 12), generator=generator)
    if case == "plain":
        return {"input_ids": ids}
    if case == "left padding":
        mask = torch.ones_like(ids)
        mask[0, :5] = 0
        return {"input_ids": ids, "attention_mask": mask}
    cache = DynamicCache(config=model.config.text_config)
    model(input_ids=ids, past_key_values=cache, use_cache=True)
    length = 1 if case == "one token after a cached prefix" else 6
    suffix = torch.randint(10, 250, (2, length), generator=generator)
    return {"input_ids": suffix, "past_key_values": cache, "use_cache": True}


@pytest.mark.parametrize("layer", range(LAYERS))
@pytest.mark.parametrize(
    "case", ["plain", "left padding", "cached prefix", "one token after a cached prefix"]
)
@torch.inference_mode()
def test_row_is_that_of_eager_and_logits_are_those_of_sdpa(models, case, layer):
    row = AttentionRow(layer)
    captured, sdpa, eager = (
        model(
            **inputs(case, model, torch.Generator().manual_seed(1)),
            **({"attention_row": row} if model is models[0] else {}),
            **({"output_attentions": True} if model is models[2] else {}),
        )
        for model in models
    )
    torch.testing.assert_close(
        row.weights, eager.attentions[layer][:, :, -1].mean(1), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(row.weights.sum(-1), torch.ones(2), atol=1e-5, rtol=0)
    assert torch.equal(captured.logits, sdpa.logits)
    assert captured.attentions is None


@torch.inference_mode()
def test_only_the_layer_asked_for_computes_weights_and_none_without_a_request(models, monkeypatch):
    seen = []
    last_row = capture._last_row

    def spy(module, *args):
        seen.append(module.layer_idx)
        return last_row(module, *args)

    monkeypatch.setattr(capture, "_last_row", spy)
    ids = torch.arange(10, 20)[None]
    models[0](input_ids=ids, attention_row=AttentionRow(2))
    assert seen == [2]
    models[0](input_ids=ids)
    assert seen == [2]


def test_the_vision_tower_keeps_its_own_attention(models):
    implementations = [model.config.text_config._attn_implementation for model in models]
    assert implementations == [ATTENTION["sdpa"], "sdpa", "eager"]
    config = models[0].config
    assert config.vision_config._attn_implementation == "sdpa"


def test_threads_that_ask_for_different_layers_get_their_own(models):
    ids = torch.arange(10, 40)[None]

    @torch.inference_mode()
    def weights(layer):
        row = AttentionRow(layer)
        models[0](input_ids=ids, attention_row=row)
        return row.weights

    expected = [weights(layer) for layer in range(LAYERS)]
    wrong, start = [], threading.Barrier(LAYERS)

    def ask(layer):
        start.wait()
        for _ in range(20):
            if not torch.equal(weights(layer), expected[layer]):
                wrong.append(layer)

    threads = [threading.Thread(target=ask, args=(layer,)) for layer in range(LAYERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert not torch.equal(expected[0], expected[1])
