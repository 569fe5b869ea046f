"""A look at both images: nothing but time may tell it from reading them anew."""

from dataclasses import replace

import numpy as np

from core.vlm.base import Request

QUESTION = "what is written on the red sign?"


def test_answers_are_those_of_both_images_read_at_once(family, images):
    look = family.look(images[0])
    both = family.zoom(look, images[1])
    plain, zoomed = family.answer(look, QUESTION, images[1]), family.answer(both, QUESTION)
    assert zoomed.token_ids == plain.token_ids
    np.testing.assert_allclose(zoomed.logits, plain.logits, atol=1e-4, rtol=0)
    np.testing.assert_allclose(zoomed.attention, plain.attention, atol=1e-6, rtol=0)
    assert zoomed.prompt_tokens == plain.prompt_tokens
    batched = family.answer_batch([Request(both, QUESTION), Request(both, "and what else?")])
    np.testing.assert_allclose(batched[0].logits, plain.logits, atol=1e-4, rtol=0)


def test_attention_is_over_the_local_image(family, images):
    look = family.look(images[0])
    both = family.zoom(look, images[1])
    row = family.attend(both, QUESTION)
    rows, cols = family.geometry(images[1].size).grid
    assert row.shape == (rows * cols,) and both.image_size == images[1].size
    anew = family.attend(replace(both, prefix=None), QUESTION)
    np.testing.assert_allclose(row, anew, atol=1e-6, rtol=0)
    answered = family.answer(both, QUESTION)
    np.testing.assert_allclose(answered.inside, row, atol=1e-6, rtol=0)
    drafted = family.answer(both, QUESTION, draft=answered.token_ids)
    np.testing.assert_allclose(drafted.inside, row, atol=1e-6, rtol=0)
    assert 0 < row.sum() + answered.attention.sum() < 1 + 1e-5  # the rest is on text
    assert family.answer(look, QUESTION, images[1]).inside is None
    layers = family.attend_layers(both, QUESTION)
    np.testing.assert_allclose(layers[family.info.attention_layer], row, atol=1e-6, rtol=0)


def test_the_local_image_is_read_once(family, images):
    """What a question costs behind both images is what it costs behind one, and no image more."""
    if family.info.unshared is not None:
        return
    look = family.look(images[0])
    both = family.zoom(look, images[1])
    assert both.nbytes > look.nbytes and both.prefix.ids[: len(look.prefix.ids)] == look.prefix.ids
    counts = []
    for seen in (look, both):
        with family.tally() as tally:
            family.attend(seen, QUESTION)
        counts.append(tally.flops)
    with family.tally() as tally:
        family.zoom(look, images[1])
    assert counts[1] - counts[0] < 0.2 * tally.flops
