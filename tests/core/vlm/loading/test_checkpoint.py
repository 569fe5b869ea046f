"""Everything that can be wrong with a model's name or files ends as one sentence."""

from __future__ import annotations

import json
import pickle
import shutil
import socket
import subprocess
import sys
import time

import httpx
import numpy as np
import pytest
import torch
from huggingface_hub import errors
from safetensors.torch import load_file, save_file

from core.vlm import VLMError, load_vlm
from core.vlm.capture import ATTENTION
from core.vlm.loading import checkpoint as loading
from core.vlm.loading import own
from core.vlm.loading.checkpoint import placement
from tests.support.tiny import save_clip_llava, save_focalnet_llava


@pytest.fixture
def folder(tmp_path):
    return save_clip_llava(tmp_path / "tiny")


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError(f"reached for the network: {args}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def sentence(name, **kwargs):
    with pytest.raises(VLMError) as caught:
        load_vlm(name, **kwargs)
    text = str(caught.value)
    assert "\n" not in text
    return text


def edit(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_directory_never_touches_the_network(folder, no_network):
    vlm = load_vlm(str(folder))
    assert vlm.info.name == str(folder)
    assert load_vlm(folder).info == vlm.info


def test_a_checkpoint_without_network_and_without_config(tmp_path, no_network):
    assert "there is no config.json" in sentence(str(tmp_path))


@pytest.mark.parametrize("name", ["", "pockett", "/no/such/folder", "../pockett", "a/b/c", "~x/y"])
def test_a_name_that_can_be_nothing_is_refused_without_asking_the_hub(name, no_network):
    assert "'pocket', a directory that exists" in sentence(name)


def test_pocket_may_be_missing(folder, monkeypatch, no_network, tmp_path):
    monkeypatch.setattr(loading, "POCKET", folder)
    nothing = tmp_path / "settings.json"  # what is shipped is of the shipped weights
    nothing.write_text("{}")
    monkeypatch.setattr(own, "SETTINGS", nothing)
    assert load_vlm().info.name == "pocket"
    monkeypatch.setattr(loading, "POCKET", folder / "missing")
    assert "The bundled model is not there" in sentence("pocket")


def test_another_family_is_refused_with_the_list_of_those_that_work(folder):
    edit(folder, model_type="bert")
    assert sentence(folder).endswith(
        "the family 'bert', which can't be used here; the families that can: idefics3, "
        "instructblip, internvl, llava, llava_next, qwen2_5_vl, qwen3_vl, smolvlm."
    )
    edit(folder, model_type="not-in-transformers")
    assert "'not-in-transformers'" in sentence(folder)
    edit(folder, model_type=None)
    assert "llava" in sentence(folder)


def test_a_broken_config_is_one_sentence(folder):
    (folder / "config.json").write_text("{")
    assert "can't be read" in sentence(folder)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 14169\n"


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
@pytest.mark.parametrize(
    "content, expected",
    [
        (b"", "is empty: download it again."),
        (POINTER, "is a Git LFS pointer, not the file itself: run 'git lfs pull' there."),
        (b"\n<!DOCTYPE html><html><body>Sign in", "is a page of HTML"),
    ],
)
def test_what_came_in_place_of_a_file_is_said(folder, file, content, expected):
    (folder / file).write_bytes(content)
    assert f"can't be read: {file} {expected}" in sentence(folder)


@pytest.mark.parametrize(
    "said, expected",
    [
        ({"model_type": "internvl_chat"}, "whose name ends in -hf or -HF."),
        ({"model_type": "llava_llama"}, "of the owner llava-hf"),
        ({"mm_vision_tower": "openai/clip-vit-large-patch14-336"}, "of the owner llava-hf"),
        ({"vision_config": {"model_type": "pixtral"}}, "is a Pixtral model"),
    ],
)
def test_layouts_that_are_not_of_transformers_name_what_to_take(folder, said, expected):
    edit(folder, **said)
    assert expected in sentence(folder)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_pickled_weights_are_never_loaded(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    assert "never from pickles" in sentence(folder)


def test_code_of_a_checkpoint_is_never_run(folder):
    (folder / "evil.py").write_text("raise SystemExit('remote code was run')")
    edit(folder, auto_map={"AutoConfig": "evil.C", "AutoModel": "evil.M"})
    load_vlm(folder)


def test_truncated_weights_are_one_sentence(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert "can't be read" in sentence(folder)


def test_missing_weights_are_not_made_up(folder):
    path = folder / "model.safetensors"
    weights = load_file(path)
    del weights[next(name for name in weights if "multi_modal_projector" in name)]
    save_file(weights, path, metadata={"format": "pt"})
    text = sentence(folder)
    assert "multi_modal_projector.linear_1" in text
    assert "(1 such weights)" in text


def test_weights_of_another_shape_are_one_sentence(folder):
    config = json.loads((folder / "config.json").read_text())
    edit(folder, text_config=config["text_config"] | {"intermediate_size": 65})
    assert "another shape (12 such weights)" in sentence(folder)


def test_a_missing_processor_is_one_sentence(folder):
    (folder / "processor_config.json").unlink()
    assert "there is no preprocessor_config.json or processor" in sentence(folder)


def test_a_processor_for_another_input_size_is_one_sentence(folder):
    path = folder / "processor_config.json"
    config = json.loads(path.read_text())
    square = {"height": 70, "width": 70}
    config["image_processor"] |= {"size": {"shortest_edge": 70}, "crop_size": square}
    path.write_text(json.dumps(config))
    assert "Input image size (70*70) doesn't match model (56*56)." in sentence(folder)


RESPONSE = httpx.Response(401, request=httpx.Request("GET", "https://example.org"))


@pytest.mark.parametrize(
    "cause, expected",
    [
        (lambda: errors.GatedRepoError("gated", response=RESPONSE), "accept its terms"),
        (lambda: errors.RepositoryNotFoundError("?", response=RESPONSE), "There is no model"),
        (lambda: errors.LocalEntryNotFoundError("offline"), "nor can the hub be reached"),
        (lambda: errors.OfflineModeIsEnabled("offline"), "nor can the hub be reached"),
        (lambda: errors.EntryNotFoundError("no config"), "can't be read: wrapped"),
    ],
)
def test_what_the_hub_answers_is_told_in_one_sentence(monkeypatch, no_network, cause, expected):
    def fail(*args, **kwargs):
        raise OSError("wrapped\nin more lines") from cause()

    monkeypatch.setattr(loading, "get_hf_file_metadata", fail)
    text = sentence("owner/name")
    assert expected in text
    assert "owner/name" in text


def test_a_hub_that_cant_be_reached_isnt_waited_for(monkeypatch):
    """The hub's client would wait 23 seconds in all between six attempts."""

    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"waits {seconds} s"))
    assert "nor can the hub be reached" in sentence("owner/name")


def test_a_variable_that_keeps_the_hub_away_is_named(monkeypatch, no_network, folder):
    monkeypatch.setenv("HTTPS_PROXY", "socks9://h:1")
    monkeypatch.setattr(loading, "get_hf_file_metadata", lambda *_: 1 / 0)
    assert "HTTPS_PROXY doesn't name a proxy" in sentence("owner/name")
    (folder / "config.json").write_text("{")
    assert "HTTPS_PROXY" not in sentence(folder)  # which has nothing to do with it


@pytest.fixture
def hub(monkeypatch, folder, no_network):
    """A hub with one model, owner/name, whose files are those of `folder`."""
    asked = []

    def config(location, name):
        assert (location, name) == ("owner/name", "config.json")
        snapshot = folder.parent / "snapshots" / "abc"
        snapshot.mkdir(parents=True, exist_ok=True)
        return shutil.copy(folder / name, snapshot)

    def download(location, **kwargs):
        asked.append((location, kwargs["revision"]))
        if bar := kwargs["tqdm_class"]:  # as the hub's client uses it
            with bar(total=0, unit="B", name="huggingface_hub.snapshot_download") as written:
                written.total = 200
                written.update(50), written.update(150)
            bar(total=3, desc="Fetching 3 files").update(1)
        return str(folder)

    monkeypatch.setattr(loading, "get_hf_file_metadata", lambda url: None)
    monkeypatch.setattr(loading, "hf_hub_download", config)
    monkeypatch.setattr(loading, "snapshot_download", download)
    return asked


def test_all_parts_of_a_hub_model_come_from_one_commit(hub):
    info = load_vlm("owner/name", "cpu").info
    assert hub == [("owner/name", "abc")]
    assert (info.name, info.revision) == ("owner/name", "abc")


def test_progress_of_download_and_loading_is_told(hub, folder):
    told = []
    load_vlm("owner/name", "cpu", progress=lambda *what: told.append(what))
    assert told[:2] == [("download", 0.25), ("download", 1.0)]
    shares = [share for what, share in told[2:] if what == "load"]
    assert len(shares) == len(told) - 2 > 10
    assert shares == sorted(shares) and shares[-1] == 1.0
    told.clear()
    load_vlm(folder, "cpu")  # nobody asked
    assert told == []


def test_a_file_that_the_hub_did_not_give_is_said(hub, folder):
    (folder / "model.safetensors").write_bytes(POINTER)
    with pytest.raises(VLMError, match="model.safetensors is a Git LFS pointer"):
        loading.Checkpoint("owner/name", "owner/name", local=False).fetched()


def test_a_download_that_breaks_off_is_one_sentence(hub, monkeypatch):
    def fail(*args, **kwargs):
        raise errors.LocalEntryNotFoundError("offline")

    monkeypatch.setattr(loading, "snapshot_download", fail)
    assert "nor can the hub be reached" in sentence("owner/name")


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"attention": "flash"}, "try 'sdpa' or 'eager'"),
        ({"bits": 3}, "in 8 or 4 bits, not in 3"),
        ({"resolution": 0}, "above 0 pixels"),
        ({"attention_layer": 4}, "attention_layer must be a whole number from 0 to 3, not 4"),
    ],
)
def test_options_that_cannot_be_are_one_sentence(folder, options, expected):
    assert expected in sentence(folder, device="cpu", **options)


def test_quantised_loading_says_what_it_needs(folder, monkeypatch):
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    assert sentence(folder, device="cpu", bits=4) == (
        "Loading in 4 bits needs bitsandbytes and accelerate: pip install bitsandbytes accelerate."
    )


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_tower_without_attention_is_loaded_with_any(tmp_path, attention):
    vlm = load_vlm(save_focalnet_llava(tmp_path), "cpu", attention=attention)
    assert vlm._model.config.text_config._attn_implementation == ATTENTION[attention]


def test_layer_and_attention_can_be_chosen(folder, images):
    vlm = load_vlm(folder, "cpu", attention_layer=3)
    assert vlm.info.attention_layer == 3
    edit(folder, second_look={"attention_layer": 0, "base_side": 24})
    assert load_vlm(folder, "cpu").info.attention_layer == 0
    eager = load_vlm(folder, "cpu", attention_layer=3, attention="eager")
    assert (eager.info.attention_layer, eager.info.base_side) == (3, 24)
    assert eager._model.config.vision_config._attn_implementation == "eager"
    for local in (None, images[1]):
        one, other = (m.answer(m.look(images[0]), "what?", local, 5) for m in (vlm, eager))
        assert one.token_ids == other.token_ids
        np.testing.assert_allclose(one.logits, other.logits, atol=1e-4, rtol=0)
        np.testing.assert_allclose(one.attention, other.attention, atol=1e-5, rtol=0)


def test_device_and_number_format(folder):
    cuda = torch.cuda.is_available()
    assert placement("cpu", None) == (torch.device("cpu"), torch.float32)
    assert placement(None, None)[0].type == ("cuda" if cuda else "cpu")
    assert placement("cpu", "bfloat16")[1] is torch.bfloat16
    assert placement("cpu", torch.float16)[1] is torch.float16
    for device, dtype in [("gpu", None), ("cpu", "float31"), ("cpu", "int8"), ("cpu", "nn")]:
        with pytest.raises(VLMError):
            placement(device, dtype)
    assert "can't be put on 'cuda:99'" in sentence(folder, device="cuda:99")


@pytest.mark.parametrize(("native", "right"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_card_that_only_emulates_bfloat16_is_given_float16(monkeypatch, native, right):
    def supported(including_emulation=True):
        return native or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert placement("cuda", None)[1] is right


def test_a_half_precision_model_answers_with_float32_logits(folder, images):
    vlm = load_vlm(folder, device="cpu", dtype="bfloat16")
    generation = vlm.answer(vlm.look(images[0]), "what?", images[1])
    assert generation.logits.dtype == generation.attention.dtype == "float32"


def test_importing_the_interface_loads_no_framework():
    """core.protocol and the edge need its types on machines that have no torch."""
    code = "import core.vlm, sys; print({'torch', 'transformers'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
