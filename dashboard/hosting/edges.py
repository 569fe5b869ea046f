"""The server for edges, beside the page."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
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


def phone() -> Route:
    """Return /phone of the page: it sends on to the service's, whose address edges share."""

    async def send_on(request: Request) -> Response:
        # Relative: the browser knows the host and the path before it, whatever a proxy took away.
        query = f"?{request.url.query}" if request.url.query else ""  # a class's room
        return Response(status_code=307, headers={"Location": f"{PATH[1:]}/phone{query}"})

    return Route("/phone", send_on)
