"""The instrument that holds our search against ZoomEye's, with doubles of its modules.

ZoomEye's code isn't part of this project. The doubles have its names and calls, and search by ours,
or differently.
"""

from dataclasses import replace

import pytest

from tools.doubles.untrained import TINY
from tools.published import zoomeye_model
from tools.published.zoomeye import main

CODE = {
    "utils": """
import spacy
from PIL import Image
nlp = spacy.load("en_core_web_sm")

def expand2square(image, color):
    whole = Image.new("RGB", (max(image.size),) * 2, color)
    whole.paste(image)
    return whole, 0, 0
""",
    "tree": """
from PIL import Image

class ImageTree:
    def __init__(self, image_path, patch_size, split_num):
        self.size, self.side = Image.open(image_path).size, patch_size
        assert split_num == 4
""",
    "zoom_model": """
import torch
from llava.constants import DEFAULT_IMAGE_TOKEN, IMAGE_TOKEN_INDEX
from llava.mm_utils import tokenizer_image_token
from llava.model.language_model.llava_llama import LlavaConfig
from ZoomEye.utils import *
from core.box import Box
from core.croppers.tree import PROMPTS, patch

class ZoomModelLocal:
    def init_prompts(self):
        self.prompts = {"local": {f"{kind}_prompt": text for kind, text in PROMPTS.items()}}
        self.prompts["local"]["pre_information"] = DEFAULT_IMAGE_TOKEN + chr(10)

    def init_index_yes_no(self):
        self.yes_no = [self.tokenizer(word).input_ids[-1] for word in ("Yes", "No")]

    def get_confidence_value(self, node, image_pil, confidence_type, input_ele):
        side = self.input_size[0]
        part = image_pil.crop(self.get_patch(node.state.bbox, *image_pil.size, side))
        said = self.prompts["local"]
        prompt = said["pre_information"] + said[f"{confidence_type}_prompt"].format(input_ele)
        ids = tokenizer_image_token(
            self.get_prompt_from_qs(prompt), self.tokenizer, IMAGE_TOKEN_INDEX, return_tensors="pt"
        )
        pixels, sizes = self.process_image_list_to_tensor([part])
        logits = self.model(ids.unsqueeze(0), images=pixels, image_sizes=sizes).logits
        return 2 * (torch.softmax(logits[0, -1, self.yes_no], dim=-1)[0].item() - 0.5)

    def get_patch(self, bbox, image_width, image_height, patch_size, patch_scale=None):
        left, top, width, height = bbox
        box = Box(left, top, left + width, top + height)
        return list(patch(box, (image_width, image_height), patch_size).as_tuple())
""",
    "zoom_eye": """
from types import SimpleNamespace
from ZoomEye.zoom_model_qwenvl import BOX_COLOR
from core.croppers.tree import search

def plain(node):
    state = SimpleNamespace(bbox=[node.box.left, node.box.top, *node.box.size])
    return SimpleNamespace(state=state)

def zoom_eye_search_type1(
    zoom_model, image_tree, image_pil, question, visual_cue, force_no_root, **_
):
    assert force_no_root
    found = search(image_tree.size, image_tree.side, lambda kind, node:
        zoom_model.get_confidence_value(
            plain(node), image_pil, kind, question if kind == "answering" else visual_cue))
    return [plain(found.best)] if found.content else [], 0, 0, 0
""",
}


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "ZoomEye"
    folder.mkdir()
    for name, text in CODE.items():
        (folder / f"{name}.py").write_text(text)
    return tmp_path


def run(code, pictures=0):
    return main((str(code), "--searches", "4", "--pictures", str(pictures)))


@pytest.fixture
def small(monkeypatch):
    """A model with an input of 56 pixels, and two square pictures that it sees in four parts."""
    monkeypatch.setattr(zoomeye_model, "SIZE", replace(TINY, width=64, context=4096))
    monkeypatch.setattr(zoomeye_model, "LONGER", (110, 100))
    monkeypatch.setattr(zoomeye_model, "RATIOS", ((1, 1),))


def test_a_search_that_does_the_same_is_found_to(code, capsys):
    assert run(code) == 0
    said = capsys.readouterr().out
    assert "prompts: the same" in said and "in 4 of 4" in said


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("zoom_eye", "visual_cue))", "visual_cue) - 0.2)"),  # content later
        ("zoom_model", "patch(box,", "patch(Box(0, 0, 9, 9),"),
        ("zoom_model", ": text for", ": text + ' ' for"),
        ("zoom_eye", "lambda kind, node:", "lambda kind, node: -1 if node.depth > 1 else"),
    ],
)
def test_one_that_differs_is_found_out(code, capsys, file, old, new):
    path = code / "ZoomEye" / f"{file}.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert run(code) == 1
    said = capsys.readouterr().out
    assert "prompts: others" in said or "in 4 of 4" not in said


def test_a_search_by_a_model_is_compared_part_for_part(code, small, capsys):
    assert run(code, pictures=2) == 0
    said = capsys.readouterr().out
    assert "2 pictures, 4.0 parts seen" in said
    sent, prepared = said.splitlines()[-2:]
    assert "as an edge sends them: the same way and box in 2 of 2" in sent
    assert float(sent.split("confidences ")[1].split(" apart")[0]) < 1e-5
    assert "as LLaVA prepares them: the same way and box in" in prepared


def test_a_model_that_is_asked_otherwise_is_found_out(code, small, capsys):
    path = code / "ZoomEye" / "zoom_model.py"
    text = path.read_text()
    assert ".format(input_ele)" in text
    path.write_text(text.replace(".format(input_ele)", ".format(input_ele[::-1])"))
    assert run(code, pictures=2) == 1
    assert "as an edge sends them: the same way and box in 2 of 2" not in capsys.readouterr().out


def test_a_folder_without_it_is_one_sentence(tmp_path, capsys):
    assert run(tmp_path) == 1
    assert "git clone https://github.com/om-ai-lab/ZoomEye" in capsys.readouterr().err
