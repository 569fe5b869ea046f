"""Where phones find the page: as an address, and as a QR code for their cameras."""

from __future__ import annotations

import ipaddress
import socket
import sys

import segno

__all__ = ["announce", "as_svg", "page_address", "reachable"]

EVERYWHERE = ("", "0.0.0.0", "::")
ELSEWHERE = ("192.0.2.1", 9)  # an address kept for documentation: RFC 5737


def page_address(host: str, port: int, tls: bool) -> str | None:
    """Return the address of the page on a server that listens there; None: no phone reaches it.

    host, port: as the server was told. A proxy before the server may have another.
    """
    name = reachable(host)
    if name is None:
        return None
    return f"http{'s' if tls else ''}://{f'[{name}]' if ':' in name else name}:{port}/phone"


def reachable(host: str) -> str | None:
    """Return by what name other machines reach one that listens on `host`; None: they can't."""
    if host in EVERYWHERE:
        return _own_address()
    return None if _is_loopback(host) else host


def announce(host: str, port: int, tls: bool, root_path: str = "") -> None:
    """Print where phones find the page, if they can, and on a terminal a QR code of it.

    root_path: that a proxy takes away; then phones go by the proxy's address, unknown here.
    """
    address = page_address(host, port, tls)
    if address is None or root_path:
        return
    print(f"* A phone is the edge at:  {address}", flush=True)
    if sys.stdout.isatty():
        segno.make(address, micro=False).terminal(compact=True)


def as_svg(address: str) -> str:
    """Return a QR code as an SVG element, dark on light as cameras need it."""
    code = segno.make(address, micro=False)
    return code.svg_inline(scale=5, dark="black", light="white")


def _own_address() -> str | None:
    """Return this machine's address in its network, for which nothing has to be sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(ELSEWHERE)
            name = way.getsockname()[0]
        except OSError:  # not in a network
            return None
    return None if _is_loopback(name) else name


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
