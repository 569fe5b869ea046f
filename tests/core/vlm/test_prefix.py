"""What may be shared, what must not be, and that sharing writes to nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import DynamicCache

from core.vlm import Request
from core.vlm.capture import AttentionRow, Stopped
from core.vlm.decode import read
from core.vlm.prefix import Prefix, SuffixCache, common_length

QUESTION = "what is written on the red sign?"


@pytest.mark.parametrize(
    "sequences, length",
    [
        (([1, 2, 3], [1, 2, 4]), 2),
        (([1, 2, 3], [1, 2]), 2),
        (([1, 2], [3]), 0),
        (([1, 2, 3], [1, 2, 3], [1, 9, 3]), 1),
        (([], [1]), 0),
        (([5, 6],), 2),
    ],
)
def test_common_length(sequences, length):
    assert common_length(*sequences) == length


@pytest.mark.parametrize(
    "ids, shared",
    [
        ([1, 7, 7, 2, 3, 4], 4),
        ([1, 7, 7, 9, 3], 3),  # the tokenizer joined the question to what is before it
        ([1, 7, 7, 2], 3),  # a token is left to ask for
        ([1, 7, 7], 0),  # then the image isn't all there
        ([1, 7, 5, 2, 3], 0),
        ([2, 1, 7, 7], 0),
    ],
)
def test_a_prefix_is_shared_if_it_holds_the_whole_image(ids, shared):
    assert Prefix((1, 7, 7, 2), needed=3, layers=()).shared_with(ids) == shared


@torch.inference_mode()
def test_the_prefix_is_what_all_prompts_about_an_image_begin_with(vlm, images):
    look = vlm.look(images[0])
    two = [look.visual] * 2
    prompts = [vlm._ids(text, two[:n]) for text in ("x", QUESTION, "?!") for n in (1, 2)]
    prompts.append(vlm._ids(vlm.info.generic_prompt, two[:1]))
    ids = list(look.prefix.ids)
    assert all(prompt[: len(ids)] == ids for prompt in prompts)
    assert len(ids) == common_length(*prompts)  # and no more could be shared
    assert ids.count(vlm._image_id) == vlm.info.visual_tokens


def test_neither_question_nor_local_image_changes_the_prefix(vlm, images):
    look = vlm.look(images[0])
    before = [part.clone() for layer in look.prefix.layers for part in layer]
    first = vlm.answer(look, QUESTION)
    vlm.answer(look, "another one", images[1])
    vlm.answer_batch([Request(look, "x"), Request(look, "and a longer one", images[1])])
    vlm.attend(look, vlm.info.generic_prompt)
    after = [part for layer in look.prefix.layers for part in layer]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    np.testing.assert_array_equal(vlm.answer(look, QUESTION).logits, first.logits)


@torch.inference_mode()
def test_a_prefix_that_holds_too_much_is_used_as_far_as_it_goes(vlm, images):
    look = vlm.look(images[0])
    prompt = vlm._prompt("what else is there?", [look.visual])
    cache = read(vlm._language, [prompt], [None]).cache
    longer = replace(look, prefix=cache.prefix(0, prompt.ids, look.prefix.needed))
    for local in (None, images[1]):
        expected = vlm.answer(look, QUESTION, local)
        generation = vlm.answer(longer, QUESTION, local)
        assert generation.token_ids == expected.token_ids
        np.testing.assert_allclose(generation.logits, expected.logits, atol=1e-4)
        np.testing.assert_allclose(generation.attention, expected.attention, atol=1e-5)


@torch.inference_mode()
def test_the_image_is_read_once_and_then_only_what_follows(vlm, images):
    lengths = []
    decoder = vlm._model.get_decoder()
    hook = decoder.register_forward_pre_hook(
        lambda _, args, kwargs: lengths.append(kwargs["inputs_embeds"].shape[1]), with_kwargs=True
    )
    try:
        look = vlm.look(images[0])
        held = len(look.prefix.ids)
        vlm.answer(look, QUESTION, None, 1)
        vlm.attend(look, vlm.info.generic_prompt)
        vlm.answer(look, QUESTION, images[1], 1)
    finally:
        hook.remove()
    visuals = [look.visual] * 2
    prompts = [(QUESTION, 1), (vlm.info.generic_prompt, 1), (QUESTION, 2)]
    rest = [len(vlm._ids(text, visuals[:n])) - held for text, n in prompts]
    assert lengths == [held, *rest]


@torch.inference_mode()
def test_the_cache_gives_every_layer_what_transformers_own_gives():
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(2, 1, 3, n, 4, generator=generator) for n in (5, 6, 1, 1)]
    theirs, first = DynamicCache(), SuffixCache([None], [0], n_layers=1, room=5)
    theirs.update(*parts[0], 0), first.update(*parts[0], 0)
    prefix = first.prefix(0, ids=range(5), needed=1)
    ours = SuffixCache([prefix], [5], n_layers=1, room=8)
    assert ours.get_seq_length() == 5
    for keys, values in parts[1:]:
        for mine, expected in zip(
            ours.update(keys, values, 0), theirs.update(keys, values, 0), strict=True
        ):
            assert torch.equal(mine, expected)
        assert ours.get_seq_length() == theirs.get_seq_length()
        assert ours.get_mask_sizes(1, 0) == theirs.get_mask_sizes(1, 0)


@torch.inference_mode()
def test_a_model_stops_once_it_has_what_was_asked_for(vlm, images):
    look = vlm.look(images[0])
    prompt = vlm._prompt(QUESTION, [look.visual])
    whole, part = AttentionRow(1), AttentionRow(1, stop=True)
    reading = read(vlm._language, [prompt], [None], whole)
    assert reading.hidden is not None
    stopped = read(vlm._language, [prompt], [None], part)
    assert stopped.hidden is None
    assert torch.equal(whole.weights, part.weights)
    keys = [len(layer.keys[0, 0]) if layer.is_initialized else 0 for layer in stopped.cache.layers]
    assert keys == [len(prompt.ids)] * 2 + [0] * (vlm.info.layers - 2)
    with pytest.raises(Stopped):
        vlm._model(input_ids=torch.arange(10, 20)[None], attention_row=AttentionRow(0, stop=True))
