"""The instrument that holds our rows and boxes against ViCrop's, with doubles of its functions.

ViCrop's code isn't part of this project. The doubles have its names and calls, and compute the same
in a few lines, or something else.
"""

from __future__ import annotations

import pytest

from tools.doubles.untrained import save_untrained
from tools.published.vicrop import main

CODE = {
    "utils": """
from skimage.measure import block_reduce  # as there, and not needed
import torchvision.transforms.functional as TF
from qwen_vl_utils import process_vision_info
from core.cropping import find_box

def bbox_from_att_image_adaptive(attention, size, side=336):
    return find_box(attention, size, side, min_cells=0).as_tuple()
""",
    "llava_methods": """
import torch
from utils import *

def row(image, prompt, model, processor):
    inputs = processor(prompt, image, return_tensors="pt", padding=True)
    inputs = inputs.to(model.device, torch.bfloat16)
    assert inputs["pixel_values"].dtype == torch.float32  # that is the model's
    where = (inputs["input_ids"][0] == model.config.image_token_id).nonzero()[:, 0]
    weights = model(**inputs, output_attentions=True)["attentions"][2][0, :, -1]
    return weights[:, where].mean(dim=0)

def rel_attention_llava(image, prompt, general_prompt, model, processor):
    rows = (row(image, one, model, processor) for one in (prompt, general_prompt))
    asked, general = rows
    return (asked / general).numpy().reshape(4, 4)
""",
    "blip_methods": """
import torch
from utils import *
NUM_IMG_TOKENS = 256

def rel_attention_blip(image, prompt, general_prompt, model, processor):
    maps = []
    for text in (prompt, general_prompt):
        inputs = processor(images=image, text=text, return_tensors="pt", padding=True)
        outputs = model(**inputs.to(model.device, torch.bfloat16), output_attentions=True)
        crossed = outputs.qformer_outputs.cross_attentions
        read = crossed[len(crossed) // 3][0, :, :, 1:].mean(dim=0)
        weights = outputs.language_model_outputs.attentions[2][0, :, -1, :NUM_IMG_TOKENS]
        maps.append(weights.mean(dim=0)[: len(read)] @ read)
    return (maps[0] / maps[1]).numpy().reshape(4, 4)
""",
    "qwen2_5_methods": """
from utils import *

def rel_attention_qwen2_5(image, prompt, general_prompt, model, processor):
    return process_vision_info([])
""",
}


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    for name, text in CODE.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def run(code, family, tmp_path, *words):
    layer = {"attention_layer": 2}
    model = save_untrained(family, tmp_path / family, second_look=layer)
    return main(("--code", str(code), "--model", str(model), "--pictures", "1", *words))


@pytest.mark.parametrize("family", ["llava", "instructblip"])
def test_functions_that_do_the_same_are_found_to(family, code, tmp_path, capsys):
    assert run(code, family, tmp_path) == 0
    (line,) = [
        line for line in capsys.readouterr().out.splitlines()
        if line.startswith("  our prompt, the image as sent:")
    ]  # fmt: skip
    assert float(line.split("differ by ")[1].split()[0]) < 1e-3
    assert "the same box in 2 of 2 on the same grid" in line


def test_a_function_that_does_something_else_is_found_out(code, tmp_path, capsys):
    file = code / "llava_methods.py"
    file.write_text(file.read_text().replace("reshape(4, 4)", "reshape(4, 4).T"))
    assert run(code, "llava", tmp_path) == 0
    assert "the same box in 2 of 2" not in capsys.readouterr().out.split("the image as sent:")[-1]


def test_what_is_missing_is_one_sentence(code, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tools.published.vicrop.find_spec", lambda name: None)
    assert run(code, "qwen2_5_vl", tmp_path) == 1
    assert "one package more: pip install qwen-vl-utils" in capsys.readouterr().out
    assert run(code, "internvl", tmp_path) == 1
    assert "ViCrop has no function for internvl" in capsys.readouterr().err
    (code / "utils.py").unlink()
    assert run(code, "llava", tmp_path) == 1
    assert "git clone https://github.com/saccharomycetes/mllms_know" in capsys.readouterr().err
