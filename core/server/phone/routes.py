"""The page for phones, at /phone, and its parts below it."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse

from core.server.language import TRANSLATE, dictionary, preferred

__all__ = ["phone_routes"]

STATIC = Path(__file__).with_name("static")
TYPES = {".js": "text/javascript", ".css": "text/css"}  # some systems guess others
# The page talks to the server it came from, and shows pictures that never left it.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src blob: mediastream:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def phone_routes() -> APIRouter:
    """Return the page and its parts. Its links are relative, so a path before it does no harm."""
    router = APIRouter(include_in_schema=False)
    parts = {path.name: path for path in (*STATIC.iterdir(), TRANSLATE) if path.suffix in TYPES}

    @router.get("/phone")
    async def phone() -> FileResponse:
        """The page itself."""
        return FileResponse(STATIC / "page.html", headers=HEADERS, media_type="text/html")

    @router.get("/phone/words")
    async def words(request: Request, response: Response) -> dict[str, Any]:
        """The page's words in the language of the browser, as translate.js takes them."""
        code = preferred(request.headers.get("accept-language"))
        response.headers.update(HEADERS | {"Vary": "Accept-Language"})
        return {"code": code, "strings": dictionary(code)}

    @router.get("/phone/{name}")
    async def part(name: str) -> FileResponse:
        """A script or a style sheet of the page."""
        if name not in parts:
            raise HTTPException(404, "Not a part of the page")
        path = parts[name]
        return FileResponse(path, headers=HEADERS, media_type=TYPES[path.suffix])

    return router
