"""What keeps an edge from its answer, in one sentence that says what to do.

A server says itself what is wrong with a message (core/server/problems.py). Everything else comes
from what stands between: a reverse proxy before the server, a forward proxy that the environment
names, a firewall, the login page of a network. Those send statuses and web pages of their own.
"""

from __future__ import annotations

import httpx

from core.support.headers import TOKEN
from core.support.transport import certificate_fault, is_page, printable, shown

# Statuses after which the same message may succeed. 520 to 524, 527 and 530 are of proxies that
# don't get an answer from the server, or don't find it, like 502 and 504; 598 and 599 are of others
# that waited in vain. (525 and 526 aren't here: a certificate that doesn't fit stays as it is.)
PASSING = frozenset({408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524, 527, 530, 598, 599})
_LATE = (504, 522, 524, 598, 599)  # the server is there, and takes too long


class EdgeError(Exception):
    """A question can't be asked; the text is one sentence that says what to do."""


class Unreachable(EdgeError):
    """The server didn't answer for as long as the client was to try."""


class Refused(EdgeError):
    """The server, or something before it, answered, and won't do it.

    `code` is the server's own word for why; "unknown" if it wasn't the server that said so.
    """

    def __init__(self, status: int, code: str, detail: str):
        super().__init__(detail)
        self.status, self.code = status, code

    @property
    def is_of_question(self) -> bool:
        """Return whether it is about this image and question: the next one may well be answered."""
        return self.status == 422 and self.code in ("bad_question", "refused_by_model")


def refused(response: httpx.Response, path: str, proxy: str | None) -> Refused:
    """Return what a response that isn't a success means.

    path: that was asked for, below the server's URL. proxy: the variable that names one.
    """
    try:
        problem = response.json()
        code, detail = problem["code"], problem["detail"]
        if not (isinstance(code, str) and isinstance(detail, str)):
            raise TypeError
    except (ValueError, TypeError, KeyError, RecursionError):
        code, detail = "unknown", _of_another(response, path, proxy)
    return Refused(response.status_code, code[:100], printable(detail))


def not_the_protocol(response: httpx.Response, why: str) -> EdgeError:
    """Return what a success means that isn't what a Second Look server sends."""
    if is_page(response.headers.get("Content-Type", ""), response.content):
        return EdgeError(
            f"A web page came from {shown(response.url)} in place of an answer: check the URL, and"
            " whether the network, or a proxy, wants somebody to log in first."
        )
    return EdgeError(f"The server doesn't keep to the protocol: {printable(why)}")


def of_transport(
    error: httpx.TransportError, url: httpx.URL, proxy: str | None
) -> EdgeError | None:
    """Return what a failed attempt means, if the next one would fail in the same way; else None."""
    if isinstance(error, httpx.ProxyError):
        status = str(error).split(" ")[0]
        passing = int(status) in PASSING if status.isdecimal() else "connect to" in str(error)
        if passing:
            return None
        if status == "407":
            return EdgeError(_wants_password(proxy))
        return EdgeError(
            f"The proxy that {proxy} names refuses to connect to {url.host}"
            f" ({printable(str(error))}): add {url.host} to NO_PROXY, or ask whoever runs it."
        )
    if "location header" in str(error):  # httpx reads where a redirect points, followed or not
        return EdgeError(f"{url} sends on to what isn't an address: check the URL.")
    fault = certificate_fault(error, url)
    return EdgeError(fault) if fault else None


def _of_another(response: httpx.Response, path: str, proxy: str | None) -> str:
    """A sentence about a status that comes without the server's own words."""
    status, where = response.status_code, shown(response.url, path)
    size = len(response.request.content)
    if 300 <= status < 400 and (target := _target(response, path)):
        return (
            f"{where} sends on to {target} ({status}), and redirects aren't followed: give that as"
            " the server's URL if it is one, or log in there if it is the page of a proxy."
        )
    match status:
        case 401:
            said = f"wants to know who asks: put the server's token into {TOKEN}, or, if a proxy"
            said += " asks for a password, write it into the URL, as https://name:password@host"
        case 403:
            said = "forbids this: a proxy or a firewall before the server does so, ask who runs it"
        case 404 | 405 | 410 | 421 | 501:
            said = "has no Second Look server: check the URL and its path (/edge beside the page)"
        case 407:
            return _wants_password(proxy)
        case 413:
            said = f"doesn't take a message of {size:,} bytes: let the proxy before the server"
            said += " take 4 MiB (nginx: client_max_body_size), or send less, with --quality"
        case 500:
            said = "failed: look into the log of the server, and of a proxy before it"
        case 525 | 526:
            said = "can't agree with the server behind it on TLS: look at the server's certificate"
        case _ if status in _LATE:
            said = "got no answer from the server in time: let the proxy before it wait longer"
            said += " (nginx: proxy_read_timeout), or the server do less at once"
        case 429 | 503:
            said = "has too much to do, or is being restarted: try again later"
        case _ if status in PASSING:
            said = "doesn't reach the server behind it: check that the server runs"
        case _:
            said = "isn't a Second Look server, or a proxy before it interferes: check the URL"
    return f"{where} {said} ({status})."


def _wants_password(proxy: str | None) -> str:
    proxy = proxy or "HTTPS_PROXY"
    return (
        f"The proxy that {proxy} names wants a name and a password (407): write them into"
        f" {proxy}, as http://name:password@host:port."
    )


def _target(response: httpx.Response, path: str) -> str | None:
    """Return where a redirect points, as the URL of a server."""
    try:
        return shown(response.url.join(response.headers["Location"]), path)
    except (KeyError, httpx.InvalidURL, ValueError):
        return None
