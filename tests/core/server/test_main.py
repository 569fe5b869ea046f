"""`python -m core.server`, with a model that needs no loading."""

import socket
import sys
import threading
import time

import httpx
import pytest

import core.vlm
from core.server import __main__ as command
from core.vlm.base import VLMError
from tests.support.pixels import PixelVLM


@pytest.fixture
def started(monkeypatch):
    """The command, with these words and this load_vlm; gives the uvicorn server it makes."""
    servers = []
    make = command.make_server

    def noted(*args, **options):
        servers.append(make(*args, **options))
        return servers[-1]

    def start(load, *words):
        monkeypatch.setattr(command, "make_server", noted)
        monkeypatch.setattr(core.vlm, "load_vlm", load)
        monkeypatch.setattr(sys, "argv", ["server", *words])
        return servers

    return start


def test_it_serves_what_it_was_told_to(started, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    options = {}

    def load(name, **given):
        options.update(given, name=name)
        return PixelVLM()

    monkeypatch.setenv("SECOND_LOOK_TOKEN", "one two")
    servers = started(
        load, "--port", str(port), "--model", "somewhere", "--dtype", "bf16", "--eta", "inf",
        "--metric", "shannon_entropy", "--first-tokens", "3", "--body-bytes", "12345",
        "--root-path", "/second-look/",
    )  # fmt: skip
    thread = threading.Thread(target=command.main)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/ready").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        url = f"http://127.0.0.1:{port}/v1/info"
        assert httpx.get(url).status_code == 401
        info = httpx.get(url, headers={"Authorization": "Bearer two"}).json()
        described = httpx.get(f"http://127.0.0.1:{port}/openapi.json").json()
    finally:
        servers[0].should_exit = True
        thread.join(timeout=10)
    assert info["gate"] == {
        "metric": "shannon_entropy", "threshold": "Infinity", "first_tokens": 3, "rounds": [],
    }  # fmt: skip
    assert described["servers"] == [{"url": "/second-look"}]  # which a proxy has taken away
    assert info["max_bytes"] == 12345 and info["model"] == "pixels"
    assert (options["name"], options["dtype"]) == ("somewhere", "bfloat16")


@pytest.mark.parametrize("loaded", [True, False])
def test_ctrl_c_ends_it_without_a_traceback(started, monkeypatch, loaded):
    """Also while torch is loaded, which aborts the process when Python is torn down under it."""
    over = threading.Event()
    ended = []

    def load(name, **_):
        over.wait(20)
        return PixelVLM()

    class Interrupted:
        def run(self):
            if loaded:
                over.set()
                next(t for t in threading.enumerate() if t.name == "load").join(timeout=20)
            raise KeyboardInterrupt

    started(load, "--port", "0")
    monkeypatch.setattr(command, "make_server", lambda *_, **__: Interrupted())
    monkeypatch.setattr(command.os, "_exit", ended.append)
    try:
        with pytest.raises(SystemExit) as stop:
            command.main()
    finally:
        over.set()
    assert stop.value.code == 130
    assert ended == ([] if loaded else [130])


def test_a_model_that_cannot_be_loaded(started):
    def load(name, **_):
        raise VLMError(f"There is no {name}: name another.")

    started(load, "--port", "0", "--model", "nowhere")
    with pytest.raises(SystemExit, match="There is no nowhere"):
        command.main()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workers", "0"), "workers must be at least 1"),
        (("--eta", "nan"), "threshold"),
        (("--max-wait", "nan"), "max_wait"),
        (("--eta", "1", "--first-tokens", "0"), "first_tokens"),
        (("--cropper", "tree", "--eta", "1", "--rounds", "0.5"), "set the looks to 1"),
    ],
)
def test_limits_out_of_range_are_one_sentence(started, capsys, words, said):
    started(lambda name, **_: PixelVLM(), *words)
    with pytest.raises(SystemExit):
        command.main()
    assert said in capsys.readouterr().err
