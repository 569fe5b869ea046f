"""What every family must hold to, each on a tiny random checkpoint with its real processor."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from core.cropping import find_box
from core.imaging import downscale
from core.vlm import FAMILIES, VLMError, load_vlm
from tools.doubles.untrained import save_untrained

QUESTION = "what is written on the red sign?"
SIZES = {"square": (100, 100), "wide": (160, 90), "wider": (220, 50), "tall": (60, 190)}


def scene(size, spot, side):
    """Grey with one white square."""
    image = Image.new("RGB", size, (90, 90, 90))
    x, y = spot
    image.paste("white", (x - side // 2, y - side // 2, x + side // 2, y + side // 2))
    return image


def spots(vlm, size):
    """Points well inside of what the model sees of such an image."""
    left, top, right, bottom = vlm.geometry(size).extent
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])
    for across, down in ((0.2, 0.3), (0.75, 0.6), (0.4, 0.8)):
        yield int(left + across * (right - left)), int(top + down * (bottom - top))


def centre(geometry, index):
    left, top, right, bottom = geometry.cell(*divmod(index, geometry.grid[1]))
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@torch.inference_mode()
def test_the_token_that_sees_a_spot_is_the_cell_that_lies_on_it(family, size, monkeypatch):
    """Through the real processor and tower: resizing, tiles, padding and the order of tokens."""
    # Without attention every token sees its own pixels only.
    monkeypatch.setattr(
        torch.nn.functional,
        "scaled_dot_product_attention",
        lambda query, *args, **kwargs: torch.zeros_like(query),
    )
    geometry = family.geometry(size)
    plain = features(family, scene(size, (0, 0), 0))
    for spot in spots(family, size):
        changed = (features(family, scene(size, spot, 8)) - plain).norm(dim=-1)
        assert len(changed) == geometry.grid[0] * geometry.grid[1]
        x, y, width, height = centre(geometry, int(changed.argmax()))
        assert abs(x - spot[0]) <= width and abs(y - spot[1]) <= height


def features(vlm, image):
    """Of the cells of the image's grid, row by row."""
    visual = vlm.look(image).visual
    if vlm.info.family == "instructblip":  # not yet read by the queries; CLS comes first
        return visual.features[1:]
    cells = vlm._cells(image.size)
    return visual.features if cells is None else visual.features[cells]


@pytest.mark.parametrize("size", [(640, 480), (1500, 500), (420, 1600)])
def test_a_peak_of_attention_becomes_a_box_on_the_object(family, size):
    """From the original to the global image, to a cell, and back to a box in the original."""
    fit = family.info.fit
    view, region = downscale(Image.new("RGB", size), fit), fit.region(size)
    geometry = family.geometry(view.size).of_original(size, region)
    rows, cols = geometry.grid
    for spot in spots_of(geometry, size):
        x, y = geometry.to_input(*spot)
        row = int(y / geometry.input_size[1] * rows)
        col = int(x / geometry.input_size[0] * cols)
        left, top, right, bottom = geometry.cell(row, col)
        assert left <= spot[0] <= right and top <= spot[1] <= bottom
        attention = np.full((rows, cols), 1e-3)
        attention[row, col] = 1.0
        box = find_box(attention, size, family.info.base_side, extent=geometry.extent)
        width, height = right - left, bottom - top
        assert box.left - width <= spot[0] <= box.right + width
        assert box.top - height <= spot[1] <= box.bottom + height


def spots_of(geometry, size):
    left, top, right, bottom = geometry.extent
    for across, down in ((0.1, 0.5), (0.5, 0.1), (0.9, 0.9)):
        x, y = left + across * (right - left), top + down * (bottom - top)
        yield min(max(x, 1), size[0] - 1), min(max(y, 1), size[1] - 1)


def test_the_processor_writes_the_prompt_that_is_read(family, images):
    """Token for token, placeholders and the words between tiles included."""
    question = "Is a < b?  Größe: 3½ “✓”\nyes"
    for count in (1, 2):
        visuals = [family.look(image).visual for image in images[:count]]
        text = family.prompt_text(question, count)
        inputs = family.plain_inputs(family._processor, text, images[:count])
        assert inputs["input_ids"][0].tolist() == family._ids(question, visuals)


def test_one_pass_gives_the_rows_of_all_layers(family, images):
    look, rows = family.look(images[0]), []
    with family.tally() as tally:
        rows = family.attend_layers(look, QUESTION)
    expected = [family.attend(look, QUESTION, layer) for layer in range(family.info.layers)]
    np.testing.assert_allclose(rows, expected, atol=1e-6, rtol=0)
    with family.tally() as last:
        family.attend(look, QUESTION, family.info.layers - 1)
    assert last.flops < tally.flops < 1.2 * last.flops  # and no more than that


def test_facts_and_defaults_are_those_of_the_family(family):
    info, layers = family.info, 4
    published = {"instructblip": 15 / 32, "qwen2_5_vl": 22 / 36, "qwen3_vl": 22 / 36}
    assert info.attention_layer == int(published.get(info.family, 14 / 32) * layers)
    assert info.layer_source == "not published: a guess"
    assert info.min_cells == 2
    assert info.family in FAMILIES
    assert info.generic_prompt == "Write a general description of the image."
    assert info.parameters == sum(p.numel() for p in family._model.parameters())
    assert (info.hidden, info.layers) == (32, layers)
    assert info.visual_tokens == family.visual_tokens(info.input_size)
    assert info.base_side == (224 if "qwen" in info.family else 56)
    width, height = info.input_size
    look = family.look(Image.new("RGB", (width // 2, height)))
    assert family.answer(look, QUESTION, None, 1).attention.size == np.prod(
        family.geometry(look.image_size).grid
    )


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_image_may_be_stretched_to_one_square(tmp_path, name):
    """The paper's 224 x 224 for Qwen2.5-VL; here 56 x 56."""
    vlm = load_vlm(save_untrained(name, tmp_path), "cpu", resolution=56)
    assert vlm.info.input_size == (56, 56)
    wide, square = Image.new("RGB", (120, 40), "red"), Image.new("RGB", (56, 56), "red")
    assert vlm.geometry(wide.size).grid == vlm.geometry(square.size).grid
    extent = vlm.geometry(wide.size).extent
    assert extent == pytest.approx((0, 0, 120, 40))
    one, other = (vlm.answer(vlm.look(image), QUESTION, None, 2) for image in (wide, square))
    np.testing.assert_allclose(one.logits, other.logits, atol=1e-4)
    if name in ("idefics3", "smolvlm"):  # as large as a tile: nothing is split
        assert vlm.info.visual_tokens == 4


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_half_precision_answers_with_float32(tmp_path, name, images):
    vlm = load_vlm(save_untrained(name, tmp_path), "cpu", "bfloat16")
    generation = vlm.answer(vlm.look(images[0]), QUESTION, images[1], 3)
    assert generation.logits.dtype == generation.attention.dtype == "float32"
    assert np.isfinite(generation.logits).all() and np.isfinite(generation.attention).all()


HUB = {  # how a repository's files name the image processor, and what else is in them
    "instructblip": ("BlipImageProcessor", {}),
    "internvl": ("GotOcr2ImageProcessorFast", {}),
    "llava_next": ("LlavaNextImageProcessor", {}),
    "qwen2_5_vl": ("Qwen2VLImageProcessor", {"min_pixels": 3136, "max_pixels": 50176}),
    "qwen3_vl": ("Qwen2VLImageProcessorFast", {}),
    "smolvlm": ("SmolVLMImageProcessor", {"video_sampling": {"fps": 1, "max_frames": 64}}),
}
CLASSES = {
    "instructblip": "InstructBlipProcessor",
    "internvl": "InternVLProcessor",
    "llava_next": "LlavaNextProcessor",
    "qwen2_5_vl": "Qwen2_5_VLProcessor",
    "qwen3_vl": "Qwen3VLProcessor",
    "smolvlm": "SmolVLMProcessor",
}


@pytest.mark.parametrize("name", sorted(HUB))
def test_the_file_layout_of_the_hub_is_read(tmp_path, name, images):
    """One JSON file a part, the names of the torchvision processors, and a part for videos."""
    folder = save_untrained(name, tmp_path / "tiny")
    hub = shutil.copytree(folder, tmp_path / "hub")
    config = json.loads((hub / "processor_config.json").read_text())
    kind, more = HUB[name]
    preprocessor = config.pop("image_processor") | more
    preprocessor |= {"image_processor_type": kind, "processor_class": CLASSES[name]}
    if "min_pixels" in more:
        del preprocessor["size"]
    config["processor_class"] = CLASSES[name]
    (hub / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    (hub / "processor_config.json").write_text(json.dumps(config))
    (hub / "video_preprocessor_config.json").write_text(
        json.dumps({"video_processor_type": "Qwen2VLVideoProcessor"})
    )
    if (hub / "chat_template.jinja").exists():
        template = (hub / "chat_template.jinja").read_text()
        (hub / "chat_template.jinja").unlink()
        (hub / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    a, b = (load_vlm(path, "cpu") for path in (folder, hub))
    assert a.geometry((120, 50)) == b.geometry((120, 50))
    one, other = (vlm.answer(vlm.look(images[0]), QUESTION, images[1], 2) for vlm in (a, b))
    np.testing.assert_allclose(one.logits, other.logits, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (1, 60), (60, 1), (3, 400), (400, 3)])
def test_odd_images_are_taken_or_refused_in_one_sentence(family, size):
    image = Image.new("RGB", size, "red")
    look = family.look(image)
    cells = np.prod(family.geometry(size).grid)
    assert family.answer(look, QUESTION, image, 1).attention.shape == (cells,)


def test_a_line_is_refused_where_the_processor_would(tmp_path):
    vlm = load_vlm(save_untrained("qwen2_5_vl", tmp_path), "cpu")
    with pytest.raises(VLMError, match="1 x 300 pixels is too long and thin"):
        vlm.look(Image.new("RGB", (1, 300)))


def test_the_second_image_of_instructblip_counts(tmp_path, images):
    """With one block of queries, as transformers' processor writes it, it would be dropped."""
    vlm = load_vlm(save_untrained("instructblip", tmp_path), "cpu")
    look = vlm.look(images[0])
    alone = vlm.answer(look, QUESTION, None, 1).logits
    one, other = (
        vlm.answer(look, QUESTION, local, 1).logits for local in (images[1], images[1].rotate(180))
    )
    assert np.abs(one - other).max() > 1e-2
    assert np.abs(one - alone).max() > 1e-2


def test_what_instructblip_reads_depends_on_the_question(tmp_path, images):
    vlm = load_vlm(save_untrained("instructblip", tmp_path), "cpu")
    look = vlm.look(images[0])
    read = [vlm._for_question(text, [look.visual])[0].features for text in ("what?", "why not?")]
    assert (read[0] - read[1]).abs().max() > 1e-2
    with pytest.raises(VLMError, match="too long"):
        vlm.attend(look, "x " * 2000)
    # Nothing written in a question is a special token of either tokenizer.
    assert "[SEP]" not in vlm.prompt_text("a [SEP] <image>", 1)
    assert "<image>" not in vlm.prompt_text("a [SEP] <image>", 1)


def test_instructblip_on_t5_is_refused(tmp_path):
    folder = save_untrained("instructblip", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["use_decoder_only_language_model"] = False
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(VLMError, match="an encoder and a decoder"):
        load_vlm(folder, "cpu")
