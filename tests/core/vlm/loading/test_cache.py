"""Models of the hub from its cache, laid out as huggingface_hub does: no network is there."""

from __future__ import annotations

import json
import shutil

import pytest

from core.vlm import VLMError, load_vlm
from core.vlm.loading.own import write
from core.vlm.loading.revision import revision
from tests.support.tiny import save_clip_llava

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two commits of one model; each says another layer, and has another template."""
    return {
        commit: save_clip_llava(
            tmp_path_factory.mktemp(commit[:3]),
            second_look={"attention_layer": layer},
            chat_template=f"{layer}<image>{{{{ messages[0].content[1].text }}}}",
        )
        for commit, layer in ((OLD, 1), (NEW, 2))
    }


@pytest.fixture
def cache(folders, tmp_path, monkeypatch):
    """Both commits; `main` is the newer one. What a file holds is a blob, and the file a link."""
    root = tmp_path / "hub" / "models--owner--name"
    (root / "blobs").mkdir(parents=True)
    for commit, folder in folders.items():
        snapshot = root / "snapshots" / commit
        snapshot.mkdir(parents=True)
        for path in folder.iterdir():
            blob = root / "blobs" / f"{commit[0]}-{path.name}"
            shutil.copy(path, blob)
            (snapshot / path.name).symlink_to(f"../../blobs/{blob.name}")
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(NEW)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return root


@pytest.mark.parametrize("commit, layer", [(NEW, 2), (OLD, 1)])
def test_the_commit_is_that_of_the_branch_and_all_files_are_its(cache, commit, layer):
    (cache / "refs" / "main").write_text(commit)
    vlm = load_vlm("owner/name", "cpu")
    assert vlm.info.revision == revision(vlm) == commit
    assert vlm.info.attention_layer == layer
    assert vlm.prompt_text("what?", 1) == f"{layer}<image>what?"
    assert vlm.info.name == "owner/name"


def test_settings_are_kept_by_commit(cache, tmp_path):
    file = tmp_path / "models.json"
    vlm = load_vlm("owner/name", "cpu")
    write(file, vlm.info.name, revision(vlm), {"base_side": 33})
    assert json.loads(file.read_text()) == {"owner/name": {NEW: {"base_side": 33}}}
    assert load_vlm("owner/name", "cpu", settings=file).info.base_side == 33
    (cache / "refs" / "main").write_text(OLD)
    assert load_vlm("owner/name", "cpu", settings=file).info.base_side != 33


def test_a_model_that_is_not_in_the_cache_is_one_sentence(cache):
    with pytest.raises(VLMError, match="neither in the local cache nor can the hub be reached"):
        load_vlm("owner/another", "cpu")
