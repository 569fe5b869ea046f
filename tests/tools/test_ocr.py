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
    assert capsys.readouterr().out.startswith("50.0 % of 2 words")


def test_without_an_ocr_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rapidocr_onnxruntime", None)
    with pytest.raises(SystemExit, match=r"\[ocr\]"):
        ocr.engine()
