"""Where phones are told to go."""

import re
import sys

import pytest

from core.server.phone import invitation


@pytest.fixture
def network(monkeypatch):
    """This machine's address in its network, for the length of a test."""
    monkeypatch.setattr(invitation, "_own_address", lambda: "192.168.0.2")


@pytest.mark.parametrize(
    ("host", "tls", "address"),
    [
        ("0.0.0.0", False, "http://192.168.0.2:7870/phone"),
        ("::", True, "https://192.168.0.2:7870/phone"),
        ("lab.example", True, "https://lab.example:7870/phone"),
        ("fd00::7", False, "http://[fd00::7]:7870/phone"),
        ("127.0.0.1", False, None), ("localhost", False, None), ("::1", True, None),
    ],
)  # fmt: skip
def test_the_address_is_one_that_a_phone_can_reach(network, host, tls, address):
    assert invitation.page_address(host, 7870, tls) == address


def test_without_a_network_nobody_is_invited(monkeypatch, capsys):
    monkeypatch.setattr(invitation, "ELSEWHERE", ("127.0.0.1", 9))  # the way leads to itself
    assert invitation.reachable("0.0.0.0") is None
    invitation.announce("0.0.0.0", 7870, False)
    assert capsys.readouterr().out == ""


def test_a_log_gets_the_address_and_a_terminal_the_code_too(network, monkeypatch, capsys):
    invitation.announce("0.0.0.0", 7870, False, "/second-look")  # a proxy's address isn't known
    assert capsys.readouterr().out == ""
    line = "* A phone is the edge at:  http://192.168.0.2:7870/phone\n"
    invitation.announce("0.0.0.0", 7870, False)
    assert capsys.readouterr().out == line
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    invitation.announce("0.0.0.0", 7870, False)
    said = capsys.readouterr().out
    assert said.startswith(line) and len(said.splitlines()) > 10


def test_the_picture_has_a_quiet_zone_and_cannot_be_dark_on_dark():
    svg = invitation.as_svg("https://lab.example/second-look/phone")
    assert re.match(r'<svg[^>]* width="\d+" height="\d+"', svg)
    assert "#fff" in svg and "#000" in svg
