"""The server for edges, beside the page."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/edge"


def mounted(service: ASGIApp, root_path: str = "") -> Mount:
    """Return the service under /edge, for a page behind a proxy that takes `root_path` away.

    root_path: as of `gradio.Blocks.launch`, a path or a URL. By ASGI's rule, a path contains the
    root path: so the service finds its routes, and the links in its /docs are right. Gradio's app
    names the root path, and leaves the path as the proxy sent it.
    """
    before = urlsplit(root_path).path.rstrip("/")

    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if not path.startswith(f"{before}{PATH}"):
            path = before + path
        await service({**scope, "path": path, "root_path": before + PATH}, receive, send)

    return Mount(PATH, whole)
