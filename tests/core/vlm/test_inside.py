"""What croppers ask of a model's inside, against the plain way of computing it."""

import numpy as np
import pytest
import torch
from PIL import Image

from core.croppers.gradients import high_pass, over_cells
from core.vlm import VLMError, load_vlm
from core.vlm.decode import LanguageModel
from core.vlm.reference import Reference
from tests.support.tiny import save_clip_llava, save_focalnet_llava

QUESTION = "What does the blue circle say?"


@pytest.fixture(scope="module", params=[save_clip_llava, save_focalnet_llava])
def vlm(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    return load_vlm(request.param(folder / "model"), device="cpu", settings="")


@pytest.fixture(scope="module")
def image(vlm):
    pixels = np.random.default_rng(0).integers(0, 256, (*vlm.info.input_size[::-1], 3), np.uint8)
    return Image.fromarray(pixels)


def plain(vlm, image, prompt):
    """The model on the eager path, what it takes, and where its visual tokens are."""
    reference = Reference(vlm)
    inputs = reference._inputs([image], prompt)
    return reference._model, inputs, inputs["input_ids"][0] == vlm._image_id


def confidence(logits):
    """The loss of ViCrop's code: minus the cross entropy of the likeliest token."""
    return -torch.nn.functional.cross_entropy(logits, logits.argmax(dim=1))


def test_heads_are_those_of_a_full_eager_pass(vlm, image):
    model, inputs, visual = plain(vlm, image, QUESTION)
    with torch.no_grad():
        layers = model(**inputs, output_attentions=True).attentions
    expected = torch.stack([one[0, :, -1][:, visual] for one in layers])
    look = vlm.look(image)
    heads = vlm.attend_heads(look, QUESTION)
    np.testing.assert_allclose(heads, expected.numpy(), rtol=1e-3, atol=1e-6)
    own = heads[vlm.info.attention_layer].mean(axis=0)
    np.testing.assert_allclose(own, vlm.attend(look, QUESTION), rtol=1e-5)


@pytest.mark.parametrize("layer", [None, 0])
def test_gradient_is_what_the_published_code_derives(vlm, image, layer):
    model, inputs, visual = plain(vlm, image, QUESTION)
    with torch.enable_grad():
        embeddings = model.get_input_embeddings()
        hook = embeddings.register_forward_hook(lambda *args: args[-1].detach().requires_grad_())
        output = model(**inputs, output_attentions=True)
        hook.remove()
        attention = output.attentions[vlm.info.attention_layer if layer is None else layer]
        (gradient,) = torch.autograd.grad(confidence(output.logits[:, -1]), attention)
    expected = (attention * gradient.relu())[0, :, -1].mean(dim=0)[visual].detach().numpy()
    found = vlm.attend_gradient(vlm.look(image), QUESTION, layer)
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_pixels_are_derived_through_all_of_the_model(vlm, image):
    model, inputs, _ = plain(vlm, image, QUESTION)
    with torch.enable_grad():
        pixels = inputs["pixel_values"].requires_grad_()
        loss = confidence(model(**inputs).logits[:, -1])
        (gradient,) = torch.autograd.grad(loss, pixels)
    expected = np.linalg.norm(gradient[0].numpy().transpose(1, 2, 0), axis=2)
    found = vlm.pixel_gradient(image, QUESTION)
    np.testing.assert_allclose(found.norms, expected, rtol=1e-3, atol=1e-4 * expected.max())
    # The picture is as large as the input: nothing was resized.
    np.testing.assert_allclose(found.pixels, np.asarray(image) / 255, atol=1e-6)


def test_similarity_is_the_cosine_of_cached_values(vlm, image):
    model, inputs, visual = plain(vlm, image, QUESTION)
    with torch.no_grad():
        cache = model(**inputs, use_cache=True).past_key_values
    asked = vlm._places(QUESTION, "blue circle", inputs["input_ids"][0].tolist())
    text = vlm._tokenizer.decode(inputs["input_ids"][0][asked])
    assert text.replace(" ", "") == "bluecircle"
    expected = []
    for layer in cache.layers:
        values = layer.values[0]
        parts = values[:, asked][:, :, None], values[:, visual][:, None]
        expected.append(torch.cosine_similarity(*parts, dim=-1).mean(dim=(0, 1)))
    found = vlm.similarity(vlm.look(image), QUESTION, "blue circle")
    np.testing.assert_allclose(found, torch.stack(expected).numpy(), rtol=1e-3, atol=1e-5)


def test_words_that_nobody_asked_about_are_one_sentence(vlm, image):
    with pytest.raises(VLMError, match="None of the words 'zebra' is in the question"):
        vlm.similarity(vlm.look(image), QUESTION, "zebra")


def test_no_gradient_is_kept_unless_it_is_asked_for(vlm, image, monkeypatch):
    """Of all that is computed for a question, nothing has a graph, but behind the leaf."""
    graphs, real = [], LanguageModel.logits

    def noted(self, hidden):
        graphs.append(hidden.requires_grad)
        return real(self, hidden)

    monkeypatch.setattr(LanguageModel, "logits", noted)
    with torch.enable_grad():  # as in a program that trains something else
        look = vlm.look(image)
        answer = vlm.answer(look, QUESTION, image)
        for value in (vlm.attend(look, QUESTION), vlm.attend_heads(look, QUESTION)):
            assert isinstance(value, np.ndarray)
        vlm.similarity(look, QUESTION, "blue")
        assert not any(graphs) and not look.visual.features.requires_grad
        vlm.attend_gradient(look, QUESTION)
    assert graphs[-1] and answer.text == vlm.answer(look, QUESTION, image).text
    weights = list(vlm._model.parameters())
    assert not any(weight.requires_grad or weight.grad is not None for weight in weights)


def test_a_gradient_and_a_heads_row_are_counted(vlm, image):
    look = vlm.look(image)
    with vlm.tally() as once:
        vlm.attend(look, QUESTION)
    with vlm.tally() as derived:
        vlm.attend_gradient(look, QUESTION)
    assert derived.flops > once.flops > 0


def test_the_high_pass_is_the_published_one():
    """torchvision's blur of three pixels and scipy's median of seven, as ViCrop calls them."""
    scipy = pytest.importorskip("scipy.ndimage")
    pixels = np.random.default_rng(1).random((40, 56, 3))
    kernel = np.exp(-0.5 * (np.arange(-1, 2) / 0.8) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), "reflect")
    both = np.outer(kernel, kernel)
    blurred = sum(both[i, j] * padded[i : i + 40, j : j + 56] for i in range(3) for j in range(3))
    strength = np.sqrt(((pixels - blurred) ** 2).sum(axis=2))
    np.testing.assert_allclose(high_pass(pixels), scipy.median_filter(strength, size=7))


def test_a_map_over_cells_is_the_mean_of_each():
    values = np.arange(24.0).reshape(4, 6)
    expected = [[values[:2, :2].mean(), values[:2, 2:4].mean(), values[:2, 4:].mean()],
                [values[2:, :2].mean(), values[2:, 2:4].mean(), values[2:, 4:].mean()]]  # fmt: skip
    np.testing.assert_allclose(over_cells(values, (2, 3)), expected)
    assert over_cells(values, (3, 4)).shape == (3, 4)  # cells that pixels don't divide into


def test_every_family_can_what_it_says(family):
    image = Image.fromarray(np.random.default_rng(3).integers(0, 256, (60, 90, 3), np.uint8))
    look = family.look(image)
    rows, cols = family.geometry(image.size).grid
    layers, cells = family.info.layers, rows * cols
    heads = family.attend_heads(look, QUESTION)
    assert heads.shape[0] == layers and heads.shape[2] == cells and np.isfinite(heads).all()
    own = family.attend(look, QUESTION)
    mean = heads[family.info.attention_layer].mean(axis=0)
    np.testing.assert_allclose(mean, own, rtol=1e-4, atol=1e-7)
    gradient = family.attend_gradient(look, QUESTION)
    assert gradient.shape == (cells,) and (gradient >= 0).all()
    assert family.similarity(look, QUESTION, "blue circle").shape == (layers, cells)
    if "pixel_gradient" in family.abilities:
        found = family.pixel_gradient(image, QUESTION)
        assert found.norms.shape == found.pixels.shape[:2]
    else:
        with pytest.raises(VLMError, match="has no pixel_gradient: choose another cropper"):
            family.pixel_gradient(image, QUESTION)
    if "box_units" in family.abilities:
        assert min(family.box_units(image.size)) > 0
