"""Algorithm 1 against a server somewhere else: HTTP, over a link that may fail at any time.

Every message has a key of its own, so that sending it again never asks twice (the server gives
the same reply to the same key). A server that forgot the first stage says so, and the question
starts anew. The original stays here: what leaves is at most two images of the model's input size,
and a server that asks for more is refused.
"""

from __future__ import annotations

import contextlib
import random
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, BinaryIO, Self
from urllib.parse import unquote

import httpx
from PIL import Image

from core.box import Box
from core.edge.device import Edge
from core.edge.problems import (
    PASSING,
    EdgeError,
    Refused,
    Unreachable,
    not_the_protocol,
    of_transport,
    refused,
)
from core.imaging import Codec, Fit
from core.messages import (
    MAX_HEADER,
    Answer,
    CropRequest,
    Message,
    MessageError,
    SecondLook,
    check_question,
)
from core.support.headers import (
    COMPACT,
    FIRST_ANSWER,
    SKIPPED,
    UNCERTAINTY,
    WAITED,
    head_bytes,
)
from core.support.proxies import EnvironmentFault, way_to

__all__ = ["Client", "EdgeError", "Exchange", "Refused", "Result"]

MAX_INPUT_PIXELS = 2048 * 2048  # a model that wants more would get the original, nearly
MAX_RESTARTS = 5  # of a question whose session the server forgot
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
class Result:
    """A question, answered."""

    question: str
    answer: str
    first_answer: str | None  # None: the server asked for a local image instead
    uncertainty: float | None  # of the first answer; None if the server doesn't say
    box: Box | None  # of the original, that was sent in detail
    exchanges: tuple[Exchange, ...]  # those of restarted questions included
    restarts: int
    seconds: float  # all of it, pauses included
    # On a link that is shared: why no local image was asked for, "late" or "dear"; and whether it
    # or its answer didn't come in time, so that the first answer stands.
    skipped: str | None = None
    late: bool = False

    @property
    def retransmitted(self) -> bool:
        """Return whether a local image was sent."""
        return self.box is not None

    @property
    def bytes_up(self) -> int:
        return sum(exchange.sent for exchange in self.exchanges)

    @property
    def bytes_down(self) -> int:
        return sum(exchange.received for exchange in self.exchanges)


@dataclass(frozen=True)
class _Beside:
    """What a server says of a reply in headers; None: nothing."""

    uncertainty: float | None
    first_answer: str | None
    skipped: str | None

    @classmethod
    def of(cls, headers: httpx.Headers) -> Self:
        uncertainty = None
        with contextlib.suppress(KeyError, ValueError):
            uncertainty = float(headers[UNCERTAINTY])
        text, skipped = headers.get(FIRST_ANSWER), headers.get(SKIPPED)
        return cls(uncertainty, None if text is None else unquote(text), skipped)


class Client:
    """A server, seen from an edge. Use it as a context manager, or `close` it; one thread at once.

    url: of the server, with its path if it is mounted somewhere. token: if the server wants one.
    codec, local_codec: of the images sent, as `Edge` takes them. timeout: seconds for one attempt.
    patience: seconds of attempts and pauses before a message is given up. log: called with one
    line of text for each thing that happens. transport: of httpx, for instance with an address to
    send from. Without one, proxies and certificates are those of the environment; this machine is
    asked without a proxy. Raises EdgeError for what isn't the URL of a server, and for a variable
    of the environment that is needed and can't be used.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        codec: Codec | None = None,
        local_codec: Codec | None = None,
        timeout: float = 30.0,
        patience: float = 300.0,
        log: Callable[[str], None] = lambda line: None,
        transport: httpx.BaseTransport | None = None,
    ):
        self.codec, self.local_codec = codec, local_codec
        self.timeout, self.patience, self.log = timeout, patience, log
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
        self._info: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def info(self) -> dict[str, Any]:
        """Return what the server says of itself: model, input_size, fit, gate, image_formats.

        Asked for once, and again after the connection was lost. Raises EdgeError.
        """
        if self._info is None:
            response = self._attempts("info", "GET", "v1/info")[0]
            try:
                info = response.json()
                fit = _fit(info)
                width, height = fit.input_size
            except (ValueError, TypeError, KeyError, RecursionError):
                why = "it doesn't say, as known here, how images are sized: check the URL."
                raise not_the_protocol(response, why) from None
            if not (min(width, height) > 0 and width * height <= MAX_INPUT_PIXELS):
                raise EdgeError(
                    f"The server asks for images of {width} × {height} pixels, more than the"
                    f" {MAX_INPUT_PIXELS:,} pixels that may leave this device."
                )
            self._info = info
        return self._info

    def ask(
        self,
        image: Image.Image | str | PathLike[str] | bytes | BinaryIO,
        question: str,
        force: bool = False,
        since: float | None = None,
    ) -> Result:
        """Algorithm 1 for one image and one question; with `force`, both stages at any rate.

        since: when it was asked, by time.monotonic(), if it has waited at this edge; a server with
        a deadline is told. With one, the first answer is given if the second isn't in time.
        Raises ImageError or QuestionError for what can't be asked, EdgeError otherwise.
        """
        question = check_question(question)
        edge = Edge(image, self.codec, self.local_codec)
        start = time.monotonic()
        exchanges: list[Exchange] = []
        for restarts in range(MAX_RESTARTS + 1):
            try:
                result = self._ask(edge, question, force, exchanges, since or start)
            except Refused as error:
                if error.code != "session_expired":
                    raise
                self.log("the server no longer holds this question: asking it again")
                continue
            except MessageError as error:
                raise EdgeError(f"The server doesn't keep to the protocol: {error}") from None
            return replace(result, restarts=restarts, seconds=time.monotonic() - start)
        raise EdgeError("The server forgot the question again and again: give it more sessions.")

    def _ask(
        self, edge: Edge, question: str, force: bool, exchanges: list[Exchange], since: float
    ) -> Result:
        fit = _fit(self.info())
        message = edge.question(question, edge.resize(fit))
        waited = {WAITED: f"{time.monotonic() - since:.3f}"} if self._deadline() else {}
        reply, beside = self._send("v1/questions", message, exchanges, waited)
        first_answer = reply.text if isinstance(reply, Answer) else beside.first_answer
        if force and isinstance(reply, Answer):
            if reply.session is None:
                raise MessageError("its first answer has no session.")
            reply, _ = self._send("v1/second-looks", SecondLook(reply.session), exchanges)
        box, late = None, False
        if isinstance(reply, CropRequest):
            box = reply.box
            local = edge.local_image(reply.session, edge.crop(box, fit))
            within = None
            if first_answer is not None and not force and (deadline := self._deadline()):
                within = max(since + deadline - time.monotonic(), 0.01)
            try:
                reply, _ = self._send("v1/local-images", local, exchanges, within=within)
            except EdgeError:
                if within is None:
                    raise
                self.log("the second look isn't there in time: the first answer stands")
                assert first_answer is not None
                reply, late = Answer(first_answer), True
        if not isinstance(reply, Answer):
            raise MessageError(f"a {reply.kind} came where an answer was expected.")
        return Result(
            question, reply.text, first_answer, beside.uncertainty, box, tuple(exchanges), 0, 0.0,
            beside.skipped, late,
        )  # fmt: skip

    def _deadline(self) -> float | None:
        """Seconds to the last answer, if the server's link is shared."""
        deadline = self.info().get("deadline")
        return float(deadline) if isinstance(deadline, int | float) and deadline > 0 else None

    def _send(
        self,
        path: str,
        message: Message,
        exchanges: list[Exchange],
        more: Mapping[str, str] | None = None,
        within: float | None = None,
    ) -> tuple[Message, _Beside]:
        """The reply, and what stood beside it. more: headers. within: seconds it is worth."""
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
        return reply, _Beside.of(response.headers)

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
                self._info = None  # the server that comes back may be another one
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


def _fit(info: dict[str, Any]) -> Fit:
    """Return how the server's model takes images. One that doesn't say is older: it pads what it
    gets.
    """
    width, height = (int(side) for side in info["input_size"])
    return Fit(info.get("fit", "pad"), (width, height), int(info.get("cell", 1)))


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
