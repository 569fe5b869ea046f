"""What keeps an HTTP client from its answer, in words, and what strangers say as part of them."""

from __future__ import annotations

import ssl

import httpx

__all__ = ["certificate_fault", "is_page", "printable", "shown"]

_LONGEST = 1000  # characters of what a server says


def printable(text: str, longest: int = _LONGEST) -> str:
    """Return what a server says, as one line, and nothing that a terminal would obey."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:longest]


def shown(url: httpx.URL, path: str = "") -> str:
    """Return a URL for a sentence: without a password, and without the path that a message has."""
    text = str(url.copy_with(username=None, password=None))
    return printable(text.removesuffix(path))[:300]


def is_page(kind: str, content: bytes) -> bool:
    """Return whether a body is a web page. kind: its Content-Type."""
    return kind.startswith("text/html") or content.lstrip()[:1] == b"<"


def certificate_fault(error: httpx.TransportError, url: httpx.URL) -> str | None:
    """Return a sentence if an attempt failed at TLS, as the next one would; else None."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"The certificate of {url.host} isn't trusted ({cause.verify_message}): if it is"
                " your own, or your network's, name the file of its authority in SSL_CERT_FILE."
            )
        if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
            return f"{url} doesn't speak https: check the URL, is it http://?"
        cause = cause.__cause__ or cause.__context__
    return None
