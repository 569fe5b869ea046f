"""`python -m core.vlm heads`, on a tiny untrained model."""

import json

import pytest

from core.vlm import load_vlm
from core.vlm.__main__ import main
from tests.support.tiny import save_clip_llava


def test_heads_are_chosen_and_kept_beside_other_settings(tmp_path, capsys):
    folder, file = save_clip_llava(tmp_path / "tiny"), tmp_path / "settings.json"
    words = ["heads", "--model", str(folder), "--questions", "3", "--settings", str(file)]
    assert main(words) == 0
    assert "layer" in capsys.readouterr().out
    (revisions,) = json.loads(file.read_text()).values()
    (said,) = revisions.values()
    vlm = load_vlm(folder, settings=file)
    assert [list(head) for head in vlm.info.heads] == said["heads"] and vlm.info.heads
    assert load_vlm(folder, settings="").info.heads == ()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [("off", "name one."), ("/dev/null/models.json", "can't be written: Not a directory. Name an")],
)
def test_where_no_heads_can_be_kept_none_are_chosen(settings, sentence, capsys):
    assert main(["heads", "--model", "/nowhere", "--settings", settings]) == 1
    assert sentence in capsys.readouterr().err


def test_the_bundled_model_brings_its_heads_whatever_the_user_sets(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"pocket": {"any": {"base_side": 300}}}))
    info = load_vlm("pocket", settings=file).info
    assert info.heads and info.base_side == 300
    assert load_vlm("pocket", settings="").info.heads == info.heads
