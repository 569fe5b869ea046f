"""What reaches a model of a photograph, in every shape, on models in the shape of published ones.

A few of each in every run of the tests; the rest with `pytest -m shapes`, half an hour on two
cores. In parts: `-k llava-1.5-7b-hf` takes one checkpoint, and with `--seen FILE` a run that was
stopped goes on with what hasn't passed.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image

from core.attention import relative_attention
from core.cropping import find_box
from core.imaging import crop_local, downscale
from core.vlm import load_vlm
from core.vlm.reference import Reference
from tools.doubles.published import NAMES, save_published

SHAPES = {
    "square": (1200, 1200),
    "16:9": (1600, 900),
    "9:16": (900, 1600),
    "4:3": (1600, 1200),
    "3:1": (1800, 600),
    "tiny": (60, 40),
}
FEW = {  # what is tried in every run: each family, each shape and each way at least once
    ("SmolVLM-256M-Instruct", "16:9", None),
    ("SmolVLM-256M-Instruct", "tiny", "own"),
    ("InternVL3-1B-hf", "9:16", None),
    ("Qwen2.5-VL-7B-Instruct", "16:9", None),
    ("Qwen3-VL-2B-Instruct", "3:1", None),
    ("instructblip-vicuna-7b", "3:1", None),
    ("llava-1.5-7b-hf", "square", None),
    ("llava-1.5-7b-hf", "tiny", None),
    ("llava-1.5-7b-hf", "16:9", "own"),
    ("llava-v1.6-mistral-7b-hf", "4:3", None),
}
FEW_PLAIN = {  # of these, both answers are held against the plain path
    ("SmolVLM-256M-Instruct", "16:9", None),
    ("Qwen3-VL-2B-Instruct", "tiny", None),
}
# In the checkpoint's own way, Qwen reads megapixels and the others up to 17 tiles: not twice.
OWN = {"SmolVLM-256M-Instruct", "InternVL3-1B-hf", "llava-1.5-7b-hf", "llava-v1.6-mistral-7b-hf"}


def cases(few, plain=False):
    ways = [(name, None) for name in NAMES] + ([] if plain else [(n, "own") for n in sorted(OWN)])
    return [
        pytest.param(
            name, shape, way, id=f"{name}-{shape}-{way or 'default'}",
            marks=() if (name, shape, way) in few else pytest.mark.shapes,
        )
        for (name, way), shape in product(ways, SHAPES)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = cache(lambda name: save_published(name, tmp_path_factory.mktemp(name)))
    return cache(lambda name, way: load_vlm(folder(name), "cpu", fit=way))


@cache
def photograph(size):
    """Noise as coarse and as fine as that of photographs: its amplitude falls with frequency."""
    rng = np.random.default_rng(3)
    down, across = np.meshgrid(np.fft.fftfreq(size[1]), np.fft.rfftfreq(size[0]), indexing="ij")
    spectrum = np.hypot(down, across)
    spectrum[0, 0] = np.inf
    waves = rng.normal(size=spectrum.shape) + 1j * rng.normal(size=spectrum.shape)
    plane = np.fft.irfft2(waves / spectrum, s=size[::-1])
    grey = np.clip(128 + 45 * plane / plane.std(), 0, 255).astype("u1")
    return Image.fromarray(grey).convert("RGB")


def energy(vlm, image):
    """Of the gradients in what the model's own processor makes of an image."""
    processor = vlm._processor.image_processor
    images = (
        [[vlm.prepared(image)]] if hasattr(processor, "max_image_size") else [vlm.prepared(image)]
    )
    options = vlm._processor.images_kwargs if vlm.info.family == "internvl" else {}
    pixels = processor(images=images, return_tensors="pt", **options)["pixel_values"].double()
    if pixels.ndim == 2:  # Qwen's patches, each (channels, frames, height, width)
        side = processor.patch_size
        pixels = pixels.view(len(pixels), 3, -1, side, side)
    return sum(float(pixels.diff(dim=dim).square().sum()) for dim in (-1, -2))


@pytest.mark.parametrize(("name", "shape", "way"), cases(FEW))
def test_the_detail_that_the_processor_could_have_had_arrives(loaded, name, shape, way):
    vlm, photo = loaded(name, way), photograph(SHAPES[shape])
    sent = downscale(photo, vlm.info.fit)
    kept = energy(vlm, sent) / energy(vlm, photo)
    print(f"DETAIL {name:30} {shape:7} {way or 'default':8} {sent.size} {100 * kept:.1f} %")
    assert 0.95 <= kept <= 1.3


@pytest.mark.parametrize(("name", "shape", "way"), cases(FEW))
def test_all_of_it_is_seen_but_for_what_the_checkpoints_own_way_cuts_off(loaded, name, shape, way):
    vlm, size = loaded(name, way), SHAPES[shape]
    covered = vlm.info.fit.covered(size)
    cut = name.startswith("llava-1.5") and way == "own"
    assert covered == pytest.approx(min(size) / max(size) if cut else 1)
    view = downscale(Image.new("RGB", size), vlm.info.fit)
    left, top, right, bottom = seen(vlm, view.size, size).extent
    visible = (min(right, size[0]) - max(left, 0)) * (min(bottom, size[1]) - max(top, 0))
    assert visible / (size[0] * size[1]) == pytest.approx(covered, abs=0.01)


def seen(vlm, view_size, size):
    return vlm.geometry(view_size).of_original(size, vlm.info.fit.region(size))


@pytest.mark.parametrize(("name", "shape", "way"), cases(FEW))
@torch.inference_mode()
def test_a_spot_on_the_original_is_found_on_the_cell_where_it_lies(
    loaded, name, shape, way, monkeypatch
):
    """At nine places. Without attention in the tower, every token sees its own pixels only."""
    vlm, size = loaded(name, way), SHAPES[shape]
    monkeypatch.setattr(
        torch.nn.functional,
        "scaled_dot_product_attention",
        lambda query, *args, **kwargs: torch.zeros_like(query),
    )
    grey = Image.new("RGB", size, (90, 90, 90))
    view = downscale(grey, vlm.info.fit)
    geometry, plain = seen(vlm, view.size, size), features(vlm, view)
    left, top, right, bottom = geometry.extent
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])
    a, b, c, d = geometry.cell(0, 0)
    width, height = c - a, d - b
    for across, down in product((0.17, 0.5, 0.83), repeat=2):
        x, y = left + across * (right - left), top + down * (bottom - top)
        painted = grey.copy()
        corner = round(x - width / 2), round(y - height / 2)
        painted.paste(
            "white",
            (*corner, corner[0] + max(1, round(width)), corner[1] + max(1, round(height))),
        )
        change = (features(vlm, downscale(painted, vlm.info.fit)) - plain).norm(dim=-1)
        cell = geometry.cell(*divmod(int(change.argmax()), geometry.grid[1]))
        assert abs((cell[0] + cell[2]) / 2 - x) <= width + 0.5, (across, down)
        assert abs((cell[1] + cell[3]) / 2 - y) <= height + 0.5, (across, down)


def features(vlm, image):
    """Of the cells of an image's grid, row by row."""
    (visual,) = vlm._encode_all([image])
    if vlm.info.family == "instructblip":  # not yet read by the queries; CLS comes first
        return visual.features[1:]
    cells = vlm._cells(visual.size)
    return visual.features if cells is None else visual.features[cells]


@pytest.mark.parametrize(("name", "shape", "way"), cases(FEW_PLAIN, plain=True))
def test_the_shared_path_is_the_plain_one(loaded, name, shape, way):
    """Logits to 1e-4, rows to 1e-5; the same box and the same answers."""
    vlm, size = loaded(name, way), SHAPES[shape]
    photo, question, found = photograph(size), "What is written on the red sign?", []
    view = downscale(photo, vlm.info.fit)
    geometry = seen(vlm, view.size, size)
    for model in (vlm, Reference(vlm)):
        look = model.look(view)
        first = model.answer(look, question, None, 2)
        generic = model.attend(look, model.info.generic_prompt)
        relative = relative_attention(first.attention, generic, geometry.grid)
        box = find_box(relative, size, model.info.base_side, extent=geometry.extent)
        local = crop_local(photo, box, model.info.fit)
        found.append((box, generic, first, model.answer(look, question, local, 2)))
    ours, theirs = found
    assert ours[0] == theirs[0]
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-5, rtol=0)
    for mine, plain in zip(ours[2:], theirs[2:], strict=True):
        assert mine.token_ids == plain.token_ids
        np.testing.assert_allclose(mine.logits, plain.logits, atol=1e-4, rtol=0)
        np.testing.assert_allclose(mine.attention, plain.attention, atol=1e-5, rtol=0)


# Visual tokens of 1600 x 1600, 1920 x 1080 and 1800 x 600 pixels where nothing is asked for:
# ViCrop's bound for Qwen, one tile of models of tiles (LLaVA-NeXT's with its "new line").
TOKENS = {
    "InternVL3-1B-hf": (256, 256, 256),
    "Qwen2.5-VL-7B-Instruct": (256, 252, 243),
    "Qwen3-VL-2B-Instruct": (196, 180, 192),
    "SmolVLM-256M-Instruct": (64, 64, 64),
    "instructblip-vicuna-7b": (32, 32, 32),
    "llava-1.5-7b-hf": (576, 576, 576),
    "llava-v1.6-mistral-7b-hf": (577, 577, 577),
}


@pytest.mark.parametrize("name", sorted(TOKENS))
def test_a_global_image_is_small_unless_more_is_asked_for(loaded, name):
    vlm = loaded(name, None)
    for size, count in zip(((1600, 1600), (1920, 1080), (1800, 600)), TOKENS[name], strict=True):
        sent = vlm.info.fit.size(size)
        assert vlm.visual_tokens(size) == vlm.visual_tokens(sent) == count
        assert vlm.info.fit.finer(size, (vlm.info.base_side, vlm.info.base_side)) > 1.5
