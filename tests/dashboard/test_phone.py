"""The page's invitation to phones."""

import gradio as gr
import pytest
from starlette.requests import Request

from core.server.phone import invitation as addresses
from dashboard.phone import invitation, phone_address


def visit(host, root_path="", scheme="http", **headers):
    """A visitor's request, by whatever name he calls the server."""
    said = {"host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": scheme,
        "root_path": root_path, "server": ("127.0.0.1", 7860),
        "headers": [(name.encode(), value.encode()) for name, value in said.items()],
    }  # fmt: skip
    return gr.Request(Request(scope))


@pytest.fixture(autouse=True)
def network(monkeypatch):
    monkeypatch.setattr(addresses, "_own_address", lambda: "192.168.0.2")


@pytest.mark.parametrize(
    ("request_", "listens_on", "address"),
    [
        (visit("192.168.0.7:7860"), "0.0.0.0", "http://192.168.0.7:7860/phone"),
        (visit("localhost:7860"), "0.0.0.0", "http://192.168.0.2:7860/phone"),
        (visit("127.0.0.1:7860"), "127.0.0.1", None),
        (visit("[::1]:7860", scheme="https"), "::", "https://192.168.0.2:7860/phone"),
        (
            visit("127.0.0.1:7860", "https://lab.example/second-look/",
                  x_forwarded_host="lab.example", x_forwarded_proto="https"),
            "127.0.0.1", "https://lab.example/second-look/phone",
        ),
        (visit("lab.example:notaport"), "0.0.0.0", None),
        (visit("lab.example", x_forwarded_proto="javascript"), "0.0.0.0", None),
    ],
)  # fmt: skip
def test_a_phone_goes_the_visitors_own_way(request_, listens_on, address):
    assert phone_address(request_, listens_on) == address


def test_the_invitation_shows_a_code_or_says_what_to_do():
    shown = invitation(visit("192.168.0.7:7860"), "0.0.0.0")
    assert "http://192.168.0.7:7860/phone" in shown and "<svg" in shown
    local = invitation(visit("localhost:7860"), "127.0.0.1")
    assert "--host 0.0.0.0" in local and "<svg" not in local


def test_a_strangers_header_is_text():
    assert "<script" not in invitation(visit('a"><script>x</script>'), "0.0.0.0")
