"""What is said before a model of the hub is downloaded, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from core.vlm import VLMError
from core.vlm.loading import download
from core.vlm.loading.checkpoint import Checkpoint, Options

GB = 10**9
HUB = Checkpoint("owner/name", "owner/name", False, "abc", {"dtype": "bfloat16"})
CPU = torch.device("cpu")


@pytest.fixture
def hub(monkeypatch):
    """A hub whose model is 14 GB in two files, of which one is here; and much room."""
    files = [
        SimpleNamespace(filename="model-1.safetensors", file_size=10 * GB, will_download=True),
        SimpleNamespace(filename="model-2.safetensors", file_size=4 * GB, will_download=False),
        SimpleNamespace(filename="tokenizer.json", file_size=GB // 2, will_download=True),
    ]

    def listed(location, revision, dry_run, **patterns):
        assert (location, revision, dry_run) == ("owner/name", "abc", True)
        return files

    monkeypatch.setattr(download, "snapshot_download", listed)
    monkeypatch.setattr(download, "_free_disk", lambda folder: 11 * GB)
    monkeypatch.setattr(download, "free_bytes", lambda device: 28 * GB)
    return files


def said(checkpoint=HUB, **options):
    heard = []
    download.announce(checkpoint, Options(CPU, torch.float32, **options), heard.append)
    return heard


def test_what_is_downloaded_and_what_it_takes_is_said(hub):
    (sentence,) = said()
    assert sentence == (
        "owner/name: 10.5 GB are downloaded now; loaded, its weights take about 28.0 GB of the "
        "memory of 'cpu'."
    )


def test_nothing_is_said_where_nothing_is_downloaded(hub, monkeypatch):
    assert said(Checkpoint("/here", "/here", True)) == []
    for file in hub:
        file.will_download = False
    assert said() == []
    monkeypatch.setattr(download, "snapshot_download", lambda *_, **__: 1 / 0)
    assert said() == []


def test_no_room_on_the_disk_is_said_before(hub, monkeypatch):
    monkeypatch.setattr(download, "_free_disk", lambda folder: 10 * GB)
    with pytest.raises(VLMError, match="10.5 GB to download, and 10.0 GB are free on the disk"):
        said()


def test_too_little_memory_is_said_before(hub, monkeypatch):
    monkeypatch.setattr(download, "free_bytes", lambda device: 27 * GB)
    with pytest.raises(VLMError, match="about 28.0 GB, and of .* it is not downloaded"):
        said()
    monkeypatch.setattr(download, "free_bytes", lambda device: None)
    assert len(said()) == 1


def test_room_is_that_of_the_nearest_folder_there_is(tmp_path):
    assert download._free_disk(tmp_path / "not" / "yet") == pytest.approx(
        download._free_disk(tmp_path), rel=0.01
    )
