"""Whatever the environment says of proxies and certificates: what is used, named, or left out."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import certifi
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.edge.client import Client, EdgeError
from core.support.proxies import (
    CERTIFICATES,
    EnvironmentFault,
    faults,
    mend,
    way_to,
    without_proxies,
)

HERE = (
    "http://127.0.0.1:7870", "https://127.8.9.1", "http://localhost", "http://x.localhost:1",
    "http://LOCALHOST.", "http://[::1]:7870", "http://[::ffff:127.0.0.1]", "http://0.0.0.0:7870",
)  # fmt: skip
PROXY = "http://10.0.0.1:3128"
# Values that HTTP clients fail at, by what holds them; httpx names none of them.
BROKEN = {
    "HTTP_PROXY": ("ftp://10.0.0.1", "http://:::", "://", "http://", "http://h:x", "h:99999", " "),
    "HTTPS_PROXY": ("socks4://h:1", "https://", "http://[::1"),
    "ALL_PROXY": ("socks://127.0.0.1:1080", "socks5://127.0.0.1:1080"),
    "SSL_CERT_FILE": ("/no/such/file", "/", __file__),
    "SSL_CERT_DIR": ("/no/such/folder", __file__),
    "NO_PROXY": ("[::1]", "localhost,[::1]:80", "a,fd00::/8", "a:b", "münchen.example", "::1]"),
}  # fmt: skip
CASES = [
    (spelt, value)
    for name, values in BROKEN.items()
    for spelt in ((name, name.lower()) if name.endswith("PROXY") else (name,))
    for value in values
]


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """Nothing of this machine; and no SOCKS, whatever is installed here."""
    for name in (*CERTIFICATES, *(n for n in os.environ if n.lower().endswith("_proxy"))):
        monkeypatch.delenv(name, raising=False)
    find = "core.support.proxies.find_spec"
    monkeypatch.setattr(find, lambda name: None)
    yield
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]


@pytest.mark.parametrize("url", HERE)
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "all_proxy"])
def test_this_machine_is_never_asked_through_a_proxy(monkeypatch, url, name):
    monkeypatch.setenv(name, "socks9://broken")
    assert way_to(httpx.URL(url)).proxy is None


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({"HTTP_PROXY": PROXY}, "http://server.test", "HTTP_PROXY"),
        ({"http_proxy": "10.0.0.1:3128"}, "http://server.test", "http_proxy"),
        ({"HTTP_PROXY": PROXY}, "https://server.test", None),
        ({"HTTP_PROXY": "socks9://x", "HTTPS_PROXY": PROXY}, "https://a.test", "HTTPS_PROXY"),
        ({"ALL_PROXY": PROXY}, "https://server.test", "ALL_PROXY"),
        ({"ALL_PROXY": "x://y", "https_proxy": PROXY}, "https://server.test", "https_proxy"),
        ({"HTTP_PROXY": "x://y", "http_proxy": PROXY}, "http://server.test", "http_proxy"),
        ({"HTTP_PROXY": PROXY, "http_proxy": ""}, "http://server.test", None),
        ({}, "http://server.test", None),
    ],
)
def test_another_machine_is_asked_through_the_proxy_that_is_named(
    monkeypatch, environment, url, expected
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    way = way_to(httpx.URL(url))
    assert way.variable == expected
    assert (way.proxy and str(way.proxy.url)) == (PROXY if expected else None)


@pytest.mark.parametrize(
    ("listed", "direct", "through"),
    [
        ("*", ["http://a.test"], []),
        ("a.test, b.test", ["http://a.test", "http://x.b.test"], ["http://ba.test", "http://test"]),
        ("a.test b.test", ["http://b.test"], []),
        (".a.test", ["http://x.a.test", "http://a.test"], ["http://xa.test"]),
        ("*.A.test", ["http://x.a.TEST"], ["http://xa.test"]),
        ("a.test:81", ["http://a.test:81"], ["http://a.test", "http://a.test:80"]),
        ("a.test:80", ["http://a.test"], ["https://a.test"]),
        ("[fd00::1]", ["http://[fd00::1]:9"], ["http://[fd00::2]"]),
        ("fd00::1", ["http://[fd00:0::1]"], ["http://[fd00::2]"]),
        ("[fd00::1]:80", ["http://[fd00::1]"], ["http://[fd00::1]:81"]),
        (
            "192.168.0.0/16,fd00::/8",
            ["http://192.168.7.1", "http://[fd00::1]"],
            ["http://10.0.0.1"],
        ),
        ("http://a.test", ["http://a.test"], ["https://a.test"]),
        ("[::1],,a:b, ,[,a/b/c,:,.,1.2.3.4/99", [], ["http://a.test", "http://1.2.3.4"]),
    ],
)
def test_no_proxy(monkeypatch, listed, direct, through):
    monkeypatch.setenv("NO_PROXY", listed)
    monkeypatch.setenv("ALL_PROXY", PROXY)
    assert [way_to(httpx.URL(url)).variable for url in direct] == [None] * len(direct)
    assert [way_to(httpx.URL(url)).variable for url in through] == ["ALL_PROXY"] * len(through)


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_variable_that_cannot_be_used_is_named_or_not_needed(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    scheme = "http" if name.lower().startswith("http_") else "https"
    if name.lower() == "no_proxy":  # read as far as it can be
        monkeypatch.setenv("ALL_PROXY", PROXY)
        Client(f"{scheme}://server.test").close()
    else:
        with pytest.raises(EdgeError, match=f"^{name} .*unset it") as caught:
            Client(f"{scheme}://server.test")
        assert "\n" not in str(caught.value)
    Client("http://127.0.0.1:7870").close()
    with pytest.raises(EdgeError, match="can't be a server"):  # still the URL's fault
        Client("http://a:b")


def test_a_password_is_not_said(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://me:secret@:3128")
    with pytest.raises(EnvironmentFault) as caught:
        way_to(httpx.URL("http://server.test"))
    assert "secret" not in str(caught.value) and "secret" not in str(faults())


def test_certificates_of_the_environment_are_trusted(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert way_to(httpx.URL("https://127.0.0.1")).certificates.verify_mode == ssl.CERT_REQUIRED
    assert not way_to(httpx.URL("http://a.test")).certificates.get_ca_certs()


@pytest.mark.parametrize(("name", "value"), CASES)
def test_what_clients_fail_at_is_told_and_taken_out(monkeypatch, name, value):
    """As the page needs it: httpx fails before, and not after."""
    monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "socksio", None)
    assert list(faults()) == [name]
    said = mend()
    assert all(sentence.startswith(name) for sentence in said) and len(said) <= 1
    assert said or value == "[::1]" or "]:80" in value
    assert faults() == {} and mend() == []
    httpx.Client().close()


def test_no_proxy_keeps_what_can_be_read(monkeypatch):
    monkeypatch.setenv("no_proxy", "a.test,[::1], 10.0.0.0/8,b:c")
    (said,) = mend()
    assert said.startswith("no_proxy has an entry") and "'b:c'" in said
    assert os.environ["no_proxy"] == "a.test,::1,10.0.0.0/8"


def test_an_environment_in_order_is_left_alone(monkeypatch):
    for name, value in {"HTTP_PROXY": PROXY, "NO_PROXY": "localhost, .a.test"}.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    assert mend() == [] and dict(os.environ) == before


odd = st.text(st.sampled_from("a1.:/[]*,% \\@#?_-ü") | st.characters(codec="utf-8"), max_size=12)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.sampled_from(["http_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]), odd))
def test_no_environment_stops_a_mended_client(environment):
    values = {name: value for name, value in environment.items() if "\0" not in value}
    os.environ |= values
    try:
        mend()
        httpx.Client(verify=False).close()
        way_to(httpx.URL("http://127.0.0.1"))
        with without_proxies():
            httpx.Client(verify=False).close()
    finally:
        for name in values:
            os.environ.pop(name, None)


def test_without_proxies_puts_back_what_was(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "a.test")
    monkeypatch.setenv("HTTP_PROXY", "socks9://x")
    before = dict(os.environ)
    with without_proxies():
        httpx.Client().close()
    assert dict(os.environ) == before


class Proxy(BaseHTTPRequestHandler):
    """A forward proxy that knows one server, or wants a password."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        if self.headers["Proxy-Authorization"] is None:
            self.send_response(407)
            self.end_headers()
            return
        body = json.dumps({"input_size": [56, 56]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self):
        self.send_error(407 if self.headers["Proxy-Authorization"] is None else 403)

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy():
    handler = type("Handler", (Proxy,), {"asked": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", handler.asked
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate")
def test_a_certificate_is_trusted_as_the_environment_says(monkeypatch, tmp_path, proxy):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    handler = type("Handler", (Proxy,), {"asked": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"https://localhost:{server.server_port}"
        for environment in ({}, {"SSL_CERT_DIR": str(tmp_path)}):  # no hashed names in it
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            said = pytest.raises(EdgeError, match="certificate of localhost .*SSL_CERT_FILE")
            with Client(url) as client, said:
                client.info()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Client(url, patience=0) as client, pytest.raises(EdgeError, match="407"):
            client.info()  # it answers
        server.shutdown()
    address, _ = proxy
    with Client(f"https://{address}") as client, pytest.raises(EdgeError, match="is it http://"):
        client.info()


def test_a_server_elsewhere_is_asked_through_a_real_proxy(monkeypatch, proxy):
    address, asked = proxy
    monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@{address}")
    with Client("http://server.test/edge", patience=0) as client:
        assert client.info()["input_size"] == [56, 56]
    assert asked == ["http://server.test/edge/v1/info"]


def test_what_a_proxy_refuses_is_said_at_once(monkeypatch, proxy):
    address, _ = proxy
    for name in ("http_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, address)
    for url, name in (("http://server.test", "http_proxy"), ("https://server.test", "HTTPS_PROXY")):
        with Client(url) as client, pytest.raises(EdgeError, match=rf"{name} .*\(407\)"):
            client.info()
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@{address}")
    said = pytest.raises(EdgeError, match=r"HTTPS_PROXY .*403.*NO_PROXY")
    with Client("https://server.test") as client, said as caught:
        client.info()
    assert "secret" not in str(caught.value)


def test_a_proxy_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    said = pytest.raises(EdgeError, match="proxy that ALL_PROXY names")
    with Client("http://server.test", patience=0) as client, said:
        client.info()
