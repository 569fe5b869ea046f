"""`python app.py` as a command."""

import contextlib
import ctypes
import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import gradio_client
import httpx
from gradio_client import handle_file

from core.edge.client import Client
from dashboard.__main__ import share_arenas
from tests.support.paths import ROOT

APP = ROOT / "app.py"
PATIENCE = 600  # s; a busy machine is slow, not broken


def _start(tmp_path, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, APP, *map(str, arguments)],
        cwd=tmp_path,  # not the clone: the command works from anywhere
        env=os.environ | {"GRADIO_TEMP_DIR": str(tmp_path / "gradio")} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def stripped(port, path):
    """A reverse proxy before `port` that takes `path` away, and knows nothing outside of it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if not self.path.startswith(f"{path}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            inner = http.client.HTTPConnection("127.0.0.1", port)
            hop = {"X-Forwarded-Host": self.headers["Host"], "X-Forwarded-For": "192.0.2.1"}
            headers = {name: value for name, value in self.headers.items() if name != "Connection"}
            inner.request(self.command, self.path.removeprefix(path), body, headers | hop)
            reply = inner.getresponse()
            self.send_response_only(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in ("transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.end_headers()  # HTTP/1.0: what follows ends with the connection
            with contextlib.suppress(OSError, http.client.HTTPException):  # one of them has ended
                while part := reply.read1(65_536):
                    self.wfile.write(part)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(url, process, seconds=PATIENCE):
    for _ in range(seconds * 4):
        assert process.poll() is None, process.stdout.read()
        try:
            return httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.25)
    raise AssertionError(f"no answer from {url}")


# Gradio opens an HTTP client as it is imported, and asks itself whether it answers: both failed.
WORST = {
    "HTTP_PROXY": "http://127.0.0.1:9", "https_proxy": "garbage://", "ALL_PROXY": "socks://h:1",
    "NO_PROXY": "[::1],a:b", "SSL_CERT_FILE": "/no/such/file", "SSL_CERT_DIR": "/no/such/folder",
}  # fmt: skip


def test_it_answers_where_the_environment_says(tmp_path, checkpoint, scene_file):
    """As on a Space, which names server and port by environment and gives no arguments.

    Whatever it says of proxies and certificates: what can't be used is named, and left out. And
    below a path that a reverse proxy takes away, too.
    """
    port = _free_port()
    process = _start(
        tmp_path,
        "--model", checkpoint, "--root-path", "/second-look",
        GRADIO_SERVER_NAME="127.0.0.1", GRADIO_SERVER_PORT=str(port), **WORST,
    )  # fmt: skip
    try:
        response = _wait_for(f"http://127.0.0.1:{port}/", process)
        assert response.status_code == 200 and "Second Look" in response.text
        with Client(f"http://127.0.0.1:{port}/edge") as client:  # beside the page, for edges
            assert client.ask(scene_file, "What does it say?", force=True).retransmitted
        with stripped(port, "/second-look") as proxy:
            threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
            _check_below(f"http://127.0.0.1:{proxy.server_port}/second-look", scene_file)
            proxy.shutdown()
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=30)
    for name in ("https_proxy", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        assert sum(line.startswith(f"{name} ") for line in said.splitlines()) == 1


def _check_below(url, scene_file):
    """Page, programs, edges and the links of /docs, below a path that a proxy takes away."""
    config = httpx.get(f"{url}/config").json()
    assert config["root"] == url
    asked = {"image": handle_file(scene_file), "question": "What does it say?"}
    program = gradio_client.Client(f"{url}/", verbose=False)
    options = {"metric": "min_entropy", "eta": 1.0, "quality": 50, "api_name": "/ask"}
    assert program.predict(**asked, **options)["question"] == "What does it say?"
    with Client(f"{url}/edge") as client:
        assert client.ask(scene_file, "What does it say?").answer is not None
    docs = httpx.get(f"{url}/edge/docs").text
    links = re.findall(r"""(?:src|href|url)(?:=|: )["']([^"']+)""", docs)
    assert len(links) >= 4
    for link in links:
        assert httpx.get(httpx.URL(f"{url}/edge/docs").join(link)).is_success, link
    described = httpx.get(f"{url}/edge/openapi.json").json()
    assert described["servers"] == [{"url": "/second-look/edge"}]


def test_a_taken_port_is_one_sentence(tmp_path, checkpoint):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = _start(tmp_path, "--model", checkpoint, "--port", taken.getsockname()[1])
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "port" in output and "Traceback" not in output


def test_a_model_that_isnt_there_is_one_sentence(tmp_path):
    process = _start(tmp_path, "--model", "no/such/model/anywhere", "--port", _free_port())
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "is not a model" in output and "Traceback" not in output


def test_memory_comes_from_two_arenas_unless_the_environment_says_otherwise(monkeypatch):
    said = []
    library = SimpleNamespace(mallopt=lambda *option: said.append(option))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    share_arenas()
    assert said == [(-8, 2)]
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    share_arenas()
    monkeypatch.delenv("MALLOC_ARENA_MAX")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())  # musl has no mallopt
    share_arenas()
    assert said == [(-8, 2)]
