"""Messages to one server over HTTP, each sent again until there is a reply.

Every message has a key of its own, so that sending it again never asks twice: the server gives the
same reply to the same key.
"""

from __future__ import annotations

import contextlib
import random
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

import httpx

from core.box import Box
from core.edge.problems import (
    PASSING,
    EdgeError,
    Unreachable,
    not_the_protocol,
    of_transport,
    refused,
)
from core.messages import MAX_HEADER, Message, MessageError
from core.support.headers import BOX, COMPACT, FIRST_ANSWER, SKIPPED, UNCERTAINTY, head_bytes
from core.support.proxies import EnvironmentFault, way_to

__all__ = ["Beside", "Exchange", "Sender"]

LONGEST_PAUSE = 30.0  # seconds between two attempts


@dataclass(frozen=True)
class Exchange:
    """One message and its reply, as they crossed the link.

    `sent` and `received` are bytes of messages, what the benchmarks count as communication; the
    heads of HTTP (request or status line, and headers) are counted apart.
    """

    kind: str  # of the message sent
    reply: str
    sent: int
    received: int
    head_sent: int
    head_received: int
    seconds: float  # of the attempt that succeeded, from its first byte to the last of the reply
    attempts: int  # 1 if the first succeeded


@dataclass(frozen=True)
class Beside:
    """What a server says of a reply in headers; None: nothing."""

    uncertainty: float | None
    first_answer: str | None
    skipped: str | None
    box: Box | None

    @classmethod
    def of(cls, headers: httpx.Headers) -> Self:
        uncertainty = box = None
        with contextlib.suppress(KeyError, ValueError):
            uncertainty = float(headers[UNCERTAINTY])
        with contextlib.suppress(KeyError, ValueError):
            left, top, right, bottom = map(int, headers[BOX].split(","))
            box = Box(left, top, right, bottom)
        text, skipped = headers.get(FIRST_ANSWER), headers.get(SKIPPED)
        return cls(uncertainty, None if text is None else unquote(text), skipped, box)


class Sender:
    """Sends messages to one server; one thread at once. The parameters are those of `Client`.

    losses: how often the connection was lost; the server that came back may be another one.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        timeout: float,
        patience: float,
        log: Callable[[str], None],
        transport: httpx.BaseTransport | None,
    ):
        self.timeout, self.patience, self.log, self.losses = timeout, patience, log, 0
        headers = {"User-Agent": "second-look-edge", "Accept-Encoding": "identity"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            base = httpx.URL(url.rstrip("/") + "/")
        except (httpx.InvalidURL, UnicodeError) as error:
            raise EdgeError(f"{url} can't be a server: {error}.") from None
        if base.scheme not in ("http", "https") or not base.host or (base.port or 0) > 65_535:
            raise EdgeError(f"{url} can't be a server: give a URL like http://192.168.0.2:7870.")
        self._proxy: str | None = None  # the variable that names it
        options: dict[str, Any] = {"transport": transport}
        if transport is None:
            try:
                way = way_to(base)
            except EnvironmentFault as error:
                raise EdgeError(str(error)) from None
            options = {"proxy": way.proxy, "verify": way.certificates}
            self._proxy = way.variable
        self._http = httpx.Client(
            base_url=base, headers=headers, timeout=timeout, trust_env=False, **options
        )

    def close(self) -> None:
        self._http.close()

    def get(self, what: str, path: str) -> httpx.Response:
        """Return the response to a GET. what: it is, for the log. Raises EdgeError."""
        return self._attempts(what, "GET", path)[0]

    def send(
        self,
        path: str,
        message: Message,
        exchanges: list[Exchange],
        more: Mapping[str, str] | None = None,
        within: float | None = None,
    ) -> tuple[Message, Beside]:
        """Return the reply, and what stood beside it; the exchange is added to `exchanges`.

        more: headers. within: seconds that it is worth waiting. Raises EdgeError.
        """
        body = message.to_bytes()
        headers = {"Content-Type": COMPACT, "Idempotency-Key": secrets.token_urlsafe(16)}
        headers |= more or {}
        self.log(f"→ {message.kind:13}{len(body):>9,} B")
        response, seconds, attempts = self._attempts(
            message.kind, "POST", path, within, content=body, headers=headers
        )
        try:
            reply = Message.from_bytes(response.content)
        except MessageError as error:
            raise not_the_protocol(response, str(error)) from None
        exchange = Exchange(
            message.kind, reply.kind, len(body), len(response.content),
            head_bytes(_request_line(response.request), response.request.headers.raw),
            head_bytes(_status_line(response), response.headers.raw),
            seconds, attempts,
        )  # fmt: skip
        exchanges.append(exchange)
        self.log(
            f"← {reply.kind:13}{exchange.received:>9,} B   {seconds:8.3f} s   HTTP heads "
            f"{exchange.head_sent} B up, {exchange.head_received} B down"
        )
        return reply, Beside.of(response.headers)

    def _attempts(
        self, what: str, method: str, path: str, within: float | None = None, **content: Any
    ) -> tuple[httpx.Response, float, int]:
        """The response, the seconds of the attempt that brought it, and how many there were.

        within: seconds, in place of the patience and the timeout where it is less.
        """
        patience = self.patience if within is None else min(self.patience, within)
        timeout = self.timeout if within is None else min(self.timeout, within)
        deadline = time.monotonic() + patience
        for count, pause in enumerate(_pauses(), start=1):
            start = time.monotonic()
            try:
                response = self._request(method, path, timeout, **content)
            except httpx.TransportError as error:
                if (lasting := of_transport(error, self._http.base_url, self._proxy)) is not None:
                    raise lasting from None
                self.losses += 1
                trouble, least = str(error) or type(error).__name__, 0.0
            except httpx.HTTPError as error:
                raise EdgeError(f"The server can't be talked to: {error}.") from None
            else:
                if response.is_success:
                    return response, time.monotonic() - start, count
                problem = refused(response, path, self._proxy)
                if response.status_code not in PASSING:
                    raise problem
                trouble, least = str(problem), _retry_after(response)
            pause = min(least + pause, LONGEST_PAUSE)
            if time.monotonic() + pause > deadline:
                through = f", through the proxy that {self._proxy} names," if self._proxy else ""
                raise Unreachable(
                    f"No answer from {self._http.base_url}{through} in {patience:.3g} s"
                    f" ({trouble.rstrip('.')}): check the server and the network, and try again."
                )
            self.log(f"  {what}: {trouble}; again in {pause:.1f} s")
            time.sleep(pause)
        raise AssertionError("pauses never end")

    def _request(self, method: str, path: str, timeout: float, **content: Any) -> httpx.Response:
        """One attempt. Raises httpx.TransportError, also for a reply that is too long or slow."""
        deadline = time.monotonic() + timeout
        with self._http.stream(method, path, timeout=timeout, **content) as response:
            body = bytearray()
            for part in response.iter_raw():
                body += part
                if len(body) > MAX_HEADER + 4 or time.monotonic() > deadline:
                    raise httpx.ReadError("the reply is too long, or too slow")
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            content=bytes(body),
            request=response.request,
            extensions=response.extensions,
        )


def _pauses() -> Iterator[float]:
    """Seconds before the next attempt: twice as long each time, and never in step with others."""
    longest = 0.25
    while True:
        yield random.uniform(longest / 2, longest)
        longest = min(2 * longest, 10.0)


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() and len(text) < 6 else 0.0


def _request_line(request: httpx.Request) -> str:
    return f"{request.method} {request.url.raw_path.decode('ascii')} HTTP/1.1"


def _status_line(response: httpx.Response) -> str:
    return f"HTTP/1.1 {response.status_code} {response.reason_phrase}"
