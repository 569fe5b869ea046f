"""The instrument that holds our search against ZoomEye's, with doubles of its modules.

ZoomEye's code isn't part of this project. The doubles have its names and calls, and search by ours,
or differently.
"""

import pytest

from tools.published.zoomeye import main

CODE = {
    "utils": """
import spacy
nlp = spacy.load("en_core_web_sm")
""",
    "tree": """
from PIL import Image

class ImageTree:
    def __init__(self, image_path, patch_size, split_num):
        self.size, self.side = Image.open(image_path).size, patch_size
        assert split_num == 4
""",
    "zoom_model": """
from llava.constants import IMAGE_TOKEN_INDEX
from llava.model.language_model.llava_llama import LlavaConfig
from ZoomEye.utils import *
from core.box import Box
from core.croppers.tree import PROMPTS, patch

class ZoomModelLocal:
    def init_prompts(self):
        self.prompts = {"local": {f"{kind}_prompt": text for kind, text in PROMPTS.items()}}

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

def zoom_eye_search_type1(zoom_model, image_tree, force_no_root, **_):
    assert force_no_root
    found = search(image_tree.size, image_tree.side, lambda kind, node:
        zoom_model.get_confidence_value(plain(node), None, kind, ""))
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


def run(code):
    return main((str(code), "--searches", "8"))


def test_a_search_that_does_the_same_is_found_to(code, capsys):
    assert run(code) == 0
    said = capsys.readouterr().out
    assert "prompts: the same" in said and "in 8 of 8" in said


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("zoom_eye", '"")', '"") - 0.2'),  # content later
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
    assert "prompts: others" in said or "in 8 of 8" not in said


def test_a_folder_without_it_is_one_sentence(tmp_path, capsys):
    assert run(tmp_path) == 1
    assert "git clone https://github.com/om-ai-lab/ZoomEye" in capsys.readouterr().err
