"""What `pip install .` brings: a wheel alone does all that a checkout does."""

import configparser
import contextlib
import importlib
import json
import os
import socket
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

from core.transcript import Transcript
from dashboard import theme
from tests.support.paths import ROOT

PATIENCE = 600  # s; a busy machine is slow, not broken
COMMANDS = ("second-look", "second-look-bench", "second-look-edge", "second-look-server")


def _pip(*words):
    pip = [sys.executable, "-m", "pip", "--quiet", *map(str, words)]
    subprocess.run(pip, check=True, cwd=ROOT)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder that is empty but for a virtual environment with the wheel in it.

    What the wheel depends on is that of the tests; this checkout is out of its sight.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    environment = folder / ".venv"
    venv.create(environment)
    _pip("--python", environment / "bin" / "python", "install", "--no-deps", wheel)
    (packages,) = environment.glob("lib/python*/site-packages")
    others = [path for path in sys.path if path.endswith("-packages")]
    (packages / "dependencies.pth").write_text("\n".join(others))
    return folder


def _start(installed, command, *words):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.Popen(
        [installed / ".venv" / "bin" / command, *words],
        cwd=installed,
        env=environment | {"GRADIO_TEMP_DIR": str(installed / "gradio")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_wheel_holds_every_file_and_command(wheel):
    places = {"core": "core", "dashboard": "dashboard", "assets": "core/assets"}
    right = {
        f"{there}/{path.relative_to(ROOT / here).as_posix()}"
        for here, there in places.items()
        for path in (ROOT / here).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"dashboard/static/style.css", "core/assets/pocket-vlm/model.safetensors"} < right
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        texts = {Path(name).name: archive.read(name) for name in set(archive.namelist()) - held}
    assert held == right
    assert "Classifier: Private :: Do Not Upload" in texts["METADATA"].decode()
    entries = configparser.ConfigParser()
    entries.read_string(texts["entry_points.txt"].decode())
    commands = dict(entries["console_scripts"])
    assert tuple(sorted(commands)) == COMMANDS
    for target in commands.values():
        module, function = target.split(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_the_edge_of_an_installation_helps_by_its_own_name(installed):
    edge = _start(installed, "second-look-edge", "--help")
    output, _ = edge.communicate()
    assert edge.returncode == 0 and output.startswith("usage: second-look-edge "), output


def test_the_page_of_an_installation_is_whole_and_answers(installed):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    page = _start(installed, "second-look", "--port", str(port), "--device", "cpu")
    try:
        _wait_until_ready(f"{url}/edge/ready", page)
        config = httpx.get(f"{url}/config").json()
        assert config["css"] == theme.style() and theme.script() in config["head"]
        (samples,) = installed.glob(".venv/lib/python*/site-packages/core/assets/samples")
        sample = json.loads((samples / "samples.json").read_text())[0]
        picture = samples / sample["file"]
        served = httpx.get(f"{url}/gradio_api/file={picture}")
        assert served.content == picture.read_bytes()  # in place, though below a hidden folder
        asked = {"image": handle_file(str(picture)), "question": sample["question"]}
        answered = Client(url, verbose=False).predict(**asked, quality=75, api_name="/ask")
        assert Transcript.from_dict(answered).answer == sample["answer"]
    finally:
        page.terminate()
        page.communicate(timeout=30)


def _wait_until_ready(url, process):
    for _ in range(4 * PATIENCE):
        assert process.poll() is None, process.stdout.read()
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=5).is_success:
                return
        time.sleep(0.25)
    raise AssertionError(f"no answer from {url}")
