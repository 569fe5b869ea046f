"""The user's settings of models: which of them count, and what a broken file says."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from core.vlm import VLMError, load_vlm
from core.vlm.loading.checkpoint import Checkpoint
from core.vlm.loading.own import key, own_settings, read, usual_file, write
from core.vlm.loading.revision import directory_digest
from tests.support.tiny import save_clip_llava

SAID = {
    "attention_layer": 1,
    "base_side": 30,
    "min_cells": 0,
    "generic_prompt": "What is here?",
    "instruction": "In a word.",
    "thresholds": {"min_entropy": 0.25},
}
HUB = Checkpoint("owner/name", "owner/name", local=False, revision="abc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_clip_llava(tmp_path_factory.mktemp("model"), second_look={"attention_layer": 2})


@pytest.fixture
def file(tmp_path):
    return tmp_path / "models.json"


def put(file, models):
    file.write_text(json.dumps(models))
    return file


def test_without_a_file_nothing_is_said(folder):
    assert not usual_file().exists()
    assert own_settings(HUB, None).said == {}
    info = load_vlm(folder, "cpu").info
    assert (info.attention_layer, info.calibrated) == (2, frozenset())


def test_the_usual_file_lies_where_the_desktop_says(monkeypatch, tmp_path, folder):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert usual_file() == tmp_path / "second-look" / "models.json"
    write(usual_file(), str(folder), directory_digest(folder), {"attention_layer": 3})
    assert load_vlm(folder, "cpu").info.attention_layer == 3
    assert load_vlm(folder, "cpu", settings="").info.attention_layer == 2
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert usual_file() == tmp_path / "home" / ".config" / "second-look" / "models.json"


def test_what_is_written_is_what_the_model_is_loaded_with(folder, file):
    write(file, str(folder), directory_digest(folder), SAID)
    info = load_vlm(folder, "cpu", settings=file).info
    for name in ("attention_layer", "base_side", "min_cells", "generic_prompt", "instruction"):
        assert getattr(info, name) == SAID[name]
        assert info.load[name] == SAID[name]  # a run says so
    assert info.thresholds["min_entropy"] == 0.25
    assert info.calibrated == {"min_entropy"}
    assert info.layer_source == f"set in {file}"


def test_options_go_before_the_file(folder, file):
    write(file, str(folder), directory_digest(folder), SAID)
    vlm = load_vlm(folder, "cpu", settings=file, attention_layer=0, instruction="")
    assert (vlm.info.attention_layer, vlm.info.instruction) == (0, "")
    assert vlm.info.base_side == 30


def test_the_fit_is_of_the_file_unless_options_say_another(folder, file):
    put(file, {str(folder.resolve()): {"any": {"fit": "stretch", "base_side": 31}}})
    info = load_vlm(folder, "cpu", settings=file).info
    assert (info.load["fit"], info.base_side) == ("stretch", 31)
    assert load_vlm(folder, "cpu", settings=file, fit="pad").info.load["fit"] == "pad"
    put(file, {str(folder.resolve()): {"any": {"fit": "squeeze"}}})
    with pytest.raises(VLMError, match="the fit 'squeeze' of .* isn't one of pad, crop"):
        load_vlm(folder, "cpu", settings=file)


def test_settings_are_of_a_model_in_a_revision(file):
    put(file, {"owner/name": {"abc": {"base_side": 1}, "any": {"base_side": 2}}, "other": {}})
    for revision, side in (("abc", 1), ("def", 2), (None, 2)):
        checkpoint = Checkpoint("owner/name", "owner/name", False, revision)
        assert own_settings(checkpoint, file).said == {"base_side": side}
    for name in ("other", "owner/another"):
        assert own_settings(Checkpoint(name, name, False, "abc"), file).said == {}


def test_settings_of_another_revision_are_not_used_and_it_is_said(file, caplog):
    put(file, {"owner/name": {"def": {"base_side": 1}}})
    assert own_settings(HUB, file).said == {}
    assert "for revision def, and this is abc: they are not used" in caplog.text


def test_a_folder_goes_by_its_place_and_its_files(folder, file, tmp_path, monkeypatch):
    write(file, str(folder), directory_digest(folder), {"base_side": 31})
    monkeypatch.chdir(folder.parent)
    assert load_vlm(folder.name, "cpu", settings=file).info.base_side == 31
    assert read(file) == {str(folder.resolve()): {directory_digest(folder): {"base_side": 31}}}
    elsewhere = shutil.copytree(folder, tmp_path / "copy")
    assert key(str(elsewhere)) != key(str(folder))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pocket").mkdir()
    assert (key("pocket"), key("owner/name")) == ("pocket", "owner/name")


def test_a_file_of_an_editor_that_marks_utf8_is_read(file):
    file.write_bytes(b"\xef\xbb\xbf" + b'{"a/b": {"any": {"attention_layer": 2}}}')
    assert read(file) == {"a/b": {"any": {"attention_layer": 2}}}


def test_all_else_in_a_file_stays(file):
    before = {"base_side": 7, "thresholds": {"min_entropy": 1, "sum_nll": 2}}
    put(file, {"other": {"any": {"base_side": 5}}, "owner/name": {"abc": before}})
    write(file, "owner/name", "abc", {"attention_layer": 1, "thresholds": {"min_entropy": 0.5}})
    after = before | {"attention_layer": 1, "thresholds": {"min_entropy": 0.5, "sum_nll": 2}}
    assert read(file) == {"other": {"any": {"base_side": 5}}, "owner/name": {"abc": after}}


@pytest.mark.parametrize(
    "text, why",
    [
        ("{", "it is not JSON"),
        ("\xff", "it is not JSON"),
        ("[" * 100_000, "nested without end"),
        ("[]", "it must be an object with a model's name for each key"),
        ('{"owner/name": 3}', "'owner/name' must be an object with a revision, or any, for a key"),
        ('{"owner/name": {"abc": 3}}', "'owner/name', 'abc' must be an object with its settings"),
    ],
)
def test_a_broken_file_is_one_sentence(file, text, why):
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(VLMError) as caught:
        own_settings(HUB, file)
    assert why in str(caught.value) and str(file) in str(caught.value)
    assert str(caught.value).endswith("Correct it, or move it away.")
    with pytest.raises(VLMError):  # nor is it written over
        write(file, "owner/name", "abc", {"base_side": 1})
    assert file.read_bytes() == text.encode("latin-1")


def test_a_file_that_was_named_must_be_there(file):
    with pytest.raises(VLMError, match="can't be read: No such file or directory"):
        own_settings(HUB, file)


@pytest.mark.parametrize(
    "said, why",
    [
        ({"base_side": 0}, "base_side must be"),
        (
            {"layer": 1},
            "unknown key 'layer' there; known are attention_layer, .*, thresholds, .*fit",
        ),
    ],
)
def test_a_setting_that_can_not_be_names_the_file(folder, file, said, why):
    put(file, {str(folder.resolve()): {"any": said}})
    with pytest.raises(VLMError, match=why) as caught:
        load_vlm(folder, "cpu", settings=file)
    assert str(file) in str(caught.value)


def test_what_is_shipped_names_the_fit_unless_a_file_or_an_option_does(file):
    assert load_vlm("pocket", "cpu").info.load["fit"] == "no-upscale"
    assert load_vlm("pocket", "cpu", fit="own").info.load["fit"] == "own"
    put(file, {"pocket": {"any": {"fit": "stretch"}}})
    assert load_vlm("pocket", "cpu", settings=file).info.load["fit"] == "stretch"


def test_the_bundled_model_gets_a_small_picture_as_it_is():
    small = Image.fromarray(np.arange(30 * 44 * 3, dtype=np.uint8).reshape(30, 44, 3))
    vlm = load_vlm("pocket", "cpu")
    square = vlm.prepared(small)
    assert square.size == (192, 192)
    assert np.array_equal(np.asarray(square.crop((74, 81, 118, 111))), np.asarray(small))
    assert vlm.geometry(small.size).to_input(0, 0) == (74, 81)
