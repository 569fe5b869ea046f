"""Invite telephones: where each of them becomes the edge device, as a QR code on the page."""

from __future__ import annotations

from urllib.parse import urlsplit

import gradio as gr
from markupsafe import Markup

from core.server.phone.invitation import as_svg, reachable
from dashboard.drawing.templating import render


def invitation(request: gr.Request, listens_on: str) -> Markup:
    """Return what a visitor reads of the page for phones: its address, and a QR code of it.

    listens_on: the host that the server was told. The address is the visitor's own way here, but
    for one that leads to his own machine only.
    """
    address = phone_address(request, listens_on)
    code = None if address is None else Markup(as_svg(address))
    return render("page/phone.html", address=address, code=code)


def room_invitation(request: gr.Request, listens_on: str, code: str) -> Markup:
    """Return what leads the phones of a class into its room. listens_on: as of `invitation`."""
    address = phone_address(request, listens_on)
    address = address and f"{address}?room={code}"
    qr = None if address is None else Markup(as_svg(address))
    return render("page/room.html", address=address, code=qr, room=code)


def phone_address(request: gr.Request, listens_on: str) -> str | None:
    """Return where a phone finds its page; None: it can't reach this machine."""
    asked = request.request
    headers = asked.headers
    # As docs/deployment.md has a proxy send them. They are shown to their sender only.
    scheme = headers.get("x-forwarded-proto", asked.url.scheme).split(",")[0].strip()
    where = headers.get("x-forwarded-host", headers.get("host", "")).split(",")[0].strip()
    before = urlsplit(asked.scope.get("root_path", "")).path.rstrip("/")
    try:
        parts = urlsplit(f"//{where}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if reachable(name) is None:  # the visitor sits at the server
        name = reachable(listens_on) or ""
    if not name or scheme not in ("http", "https"):
        return None
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}{'' if port is None else f':{port}'}{before}/phone"
