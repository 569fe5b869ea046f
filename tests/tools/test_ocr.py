import json

import numpy as np
import pytest
from PIL import Image

from core.bench.datasets import load_dataset
from tools import ocr


@pytest.fixture
def folder(tmp_path):
    for name, red in (("a.png", 255), ("b.png", 0)):
        Image.new("RGB", (40, 20), (red, 0, 9)).save(tmp_path / name)
    (tmp_path / "labels.txt").write_text("a.png STOP\nb.png Go\n")
    return tmp_path


def test_an_ocr_is_scored_by_the_rule_of_the_words(folder):
    dataset = load_dataset("words", folder=folder)
    seen = []

    def read(pixels):
        seen.append(pixels)
        return "stop" if pixels[0, 0, 2] == 255 else "no"

    right, seconds = ocr.read_all(dataset, dataset.scoring, read)
    assert right == 0.5 and seconds >= 0
    assert np.array_equal(seen[0][0, 0], [9, 0, 255])  # blue first


def test_the_command_prints_the_share(folder, monkeypatch, capsys):
    monkeypatch.setattr(ocr, "engine", lambda: lambda pixels: "STOP")
    monkeypatch.setattr("sys.argv", ["ocr", "--folder", str(folder)])
    ocr.main()
    assert capsys.readouterr().out.startswith("50.0 % of 2 texts")


def test_of_a_scene_it_reads_the_box_that_is_asked_about(tmp_path, monkeypatch, capsys):
    scene = Image.new("RGB", (40, 20))
    scene.paste((255, 0, 0), (10, 5, 30, 15))
    scene.save(tmp_path / "scene.png")
    asked = {"image": "scene.png", "question": "?", "answers": ["STOP"], "boxes": [[10, 5, 30, 15]]}
    (tmp_path / "mine.jsonl").write_text(json.dumps(asked))

    def read(pixels):
        assert pixels.shape == (10, 20, 3)
        return "STOP" if (pixels == [0, 0, 255]).all() else "all of it"

    monkeypatch.setattr(ocr, "engine", lambda: read)
    monkeypatch.setattr("sys.argv", ["ocr", "--data", "folder", "--folder", str(tmp_path)])
    ocr.main()
    assert capsys.readouterr().out.startswith("100.0 % of 1 texts")


def test_without_an_ocr_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rapidocr_onnxruntime", None)
    with pytest.raises(SystemExit, match=r"\[ocr\]"):
        ocr.engine()
