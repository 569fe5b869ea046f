"""`--attention flash_attention_2`, with a double in place of the kernels, which need a card.

The double stands in transformers' own registry, is handed what the kernels would be, and computes
what they promise: no mask but of padding, causal from the last key on, or pieces by their lengths.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import repeat_kv

from core.vlm import FAMILIES, VLMError, load_vlm
from core.vlm.base import Request
from core.vlm.capture import FLASH
from core.vlm.loading import checkpoint
from tools.doubles.untrained import save_untrained

QUESTIONS = "what is written on the red sign?", "how many?"


@pytest.fixture
def kernels(monkeypatch):
    """Which modules were computed by the double."""
    seen = []

    def flash(module, query, key, value, attention_mask, scaling=None, is_causal=None, **how):
        seen.append(module)
        assert module.config._attn_implementation == FLASH  # the kernels are looked for by it
        queries, keys = query.shape[2], key.shape[2]
        allowed = torch.ones(query.shape[0], 1, queries, keys, dtype=torch.bool)
        if module.is_causal if is_causal is None else is_causal:
            allowed = allowed.tril(diagonal=keys - queries)
        if how.get("cu_seq_lens_q") is not None:
            piece = torch.bucketize(torch.arange(keys), how["cu_seq_lens_q"][1:], right=True)
            allowed = allowed & (piece[:, None] == piece)
        if attention_mask is not None:
            assert attention_mask.shape == (query.shape[0], keys)
            allowed = allowed & attention_mask[:, None, None].bool()
        key, value = (repeat_kv(one, query.shape[1] // one.shape[1]) for one in (key, value))
        scores = query @ key.transpose(2, 3) * (scaling or query.shape[-1] ** -0.5)
        weights = scores.masked_fill(~allowed, float("-inf")).softmax(dim=-1).nan_to_num()
        return (weights @ value).transpose(1, 2).contiguous(), None

    monkeypatch.setitem(AttentionInterface._global_mapping, FLASH, flash)
    monkeypatch.setattr(PreTrainedModel, "_flash_attn_can_dispatch", lambda *args, **how: True)
    monkeypatch.setattr("transformers.modeling_utils.lazy_import_flash_attention", lambda *a: None)
    monkeypatch.setattr(checkpoint, "without_flash", lambda device, dtype: None)
    return seen


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_answers_and_rows_are_those_of_sdpa(family, tmp_path, kernels, images):
    folder = save_untrained(family, tmp_path)
    found = []
    for attention in ("sdpa", FLASH):
        vlm = load_vlm(folder, "cpu", attention=attention)
        looks = vlm.look_batch(images)
        alone = vlm.answer(looks[0], QUESTIONS[0], images[1], 4)
        drafted = vlm.answer(looks[0], QUESTIONS[0], images[1], 4, alone.token_ids)
        batch = vlm.answer_batch(  # of several lengths: with padding
            [Request(look, question) for look, question in zip(looks, QUESTIONS, strict=True)], 4
        )
        generic = vlm.attend(looks[1], vlm.info.generic_prompt)
        layers = vlm.attend_layers(looks[0], QUESTIONS[1])
        assert vlm.info.load["attention"] == attention
        found.append(([alone, drafted, *batch], [generic, *layers]))
    (answers, rows), (flash_answers, flash_rows) = found
    for one, other in zip(answers, flash_answers, strict=True):
        assert one.token_ids == other.token_ids
        np.testing.assert_allclose(one.logits, other.logits, atol=1e-4, rtol=0)
        np.testing.assert_allclose(one.attention, other.attention, atol=1e-5, rtol=0)
    np.testing.assert_allclose(rows, flash_rows, atol=1e-5, rtol=0)
    modules = {id(module) for module in vlm._model.get_decoder().modules()}
    computed = {id(one._module) for one in kernels if hasattr(one, "_module")}
    assert computed <= modules and len(computed) == vlm.info.layers


@pytest.mark.parametrize(
    ("device", "dtype", "why"),
    [
        ("cpu", torch.bfloat16, "runs on a CUDA card only, and the model is on 'cpu': leave it"),
        ("cuda", torch.float32, "computes in bf16 or fp16, not in float32: see --dtype"),
        ("cuda", torch.bfloat16, "needs a package: pip install flash-attn"),
    ],
)
def test_where_there_is_none_it_is_said(device, dtype, why, monkeypatch):
    monkeypatch.setattr(checkpoint, "find_spec", lambda name: None)
    assert why in checkpoint.without_flash(torch.device(device), dtype)
    monkeypatch.setattr(checkpoint, "find_spec", lambda name: True)
    assert checkpoint.without_flash(torch.device("cuda:1"), torch.float16) is None


def test_on_this_machine_it_is_one_sentence(tmp_path):
    with pytest.raises(VLMError, match="runs on a CUDA card only, and the model is on 'cpu'"):
        load_vlm(save_untrained("llava", tmp_path), "cpu", attention=FLASH)
