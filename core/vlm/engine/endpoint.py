"""Two requests to an engine, a GET and a POST of JSON, with everything that can come in their way.

httpx does it, which every installation has, and not the `openai` client: that one follows redirects
with the key in hand, takes a reply of any length, gives a text where a web page came, and doesn't
check what it reads. All of that would have to be done around it; what is left is one POST.
"""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from core.support.proxies import EnvironmentFault, way_to
from core.support.transport import certificate_fault, is_page, printable, shown
from core.vlm.base import ModelAway, VLMError
from core.vlm.engine.address import KEY, Address

MAX_REPLY = 4 * 2**20  # bytes
TIMEOUT = 120.0  # seconds of one attempt: a large model may have a line of others before us
ATTEMPTS = 4  # at what may pass: a full queue, a connection that was closed meanwhile
PAUSE = 0.5  # seconds before the second attempt, then twice as long each time
LONGEST_PAUSE = 10.0
_PASSING = frozenset({429, 502, 503, 504})


class Refused(VLMError):
    """The engine won't do this. `said`: its own words, for whoever knows what they may mean."""

    def __init__(self, status: int, said: str, sentence: str):
        super().__init__(sentence)
        self.status, self.said = status, said


class RefusesAll(Refused, ModelAway):
    """A refusal of anything that could be asked."""


class Endpoint:
    """An engine, as HTTP sees it. May be used by several threads at once.

    transport: of httpx, in place of the network. Raises VLMError for a variable of the environment
    that is needed and can't be used.
    """

    def __init__(
        self,
        address: Address,
        timeout: float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ):
        self._url, self._timeout = httpx.URL(address.url), timeout
        headers = {"User-Agent": "second-look", "Accept": "application/json"}
        if key := address.key():
            try:
                key.encode("ascii")
            except UnicodeEncodeError:
                raise VLMError(f"{KEY} holds a character that no key has: set it anew.") from None
            headers["Authorization"] = f"Bearer {key}"
        options: dict[str, Any] = {"transport": transport}
        if transport is None:
            try:
                way = way_to(self._url)
            except EnvironmentFault as error:
                raise VLMError(str(error)) from None
            options = {"proxy": way.proxy, "verify": way.certificates}
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=16)
        self._http = httpx.Client(
            headers=headers, timeout=timeout, trust_env=False, follow_redirects=False,
            limits=limits, **options,
        )  # fmt: skip

    @property
    def where(self) -> str:
        """The engine's address, for sentences."""
        return shown(self._url)

    def get(self, path: str) -> Any:
        """Return the JSON at a path. Raises VLMError, one sentence; ModelAway where it isn't about
        what was asked."""
        return self._asked("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON that a POST of JSON is answered with. Raises as `get`."""
        return self._asked("POST", path, json=body)

    def _asked(self, method: str, path: str, **content: Any) -> Any:
        pause = PAUSE
        for left in reversed(range(ATTEMPTS)):
            try:
                response = self._attempt(method, f"{self._url}/{path}", **content)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                if not left:  # a connection that was kept may have been closed at the other end
                    raise self._unreachable(error) from None
            except httpx.HTTPError as error:
                raise self._unreachable(error) from None
            else:
                if response.is_success:
                    return self._json(response)
                if response.status_code not in _PASSING or not left:
                    raise self._refusal(response)
                pause = max(pause, _retry_after(response))
            time.sleep(min(pause, LONGEST_PAUSE))
            pause *= 2
        raise AssertionError("the last attempt ends in a reply or an error")

    def _attempt(self, method: str, url: str, **content: Any) -> httpx.Response:
        """One attempt, within its time and a reply's longest length."""
        deadline = time.monotonic() + self._timeout
        with self._http.stream(method, url, **content) as response:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > MAX_REPLY:
                    raise ModelAway(
                        f"{self.where} sent more than {MAX_REPLY:,} bytes in place of an answer:"
                        " check the address."
                    )
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the reply never ends")
        headers = {"Content-Type": response.headers.get("Content-Type", "")}
        for name in ("Location", "Retry-After"):
            if name in response.headers:
                headers[name] = response.headers[name]
        return httpx.Response(
            response.status_code, headers=headers, content=bytes(body), request=response.request
        )

    def _json(self, response: httpx.Response) -> Any:
        if is_page(response.headers["Content-Type"], response.content):
            raise ModelAway(
                f"A web page came from {self.where} in place of an answer: an engine's address"
                " ends in /v1 as a rule; else a proxy may want somebody to log in first."
            )
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError):
            raise ModelAway(
                f"What {self.where} sends isn't JSON, so no engine is there: check the address."
            ) from None

    def _refusal(self, response: httpx.Response) -> Refused:
        status, said = response.status_code, self._without_key(_said(response))
        if 300 <= status < 400:
            target = printable(response.headers.get("Location", "elsewhere"), 200)
            text = f"sends on to {target}, and redirects aren't followed: give the address itself"
        elif status in (401, 403):
            text = f"wants a key ({status}): put it into the environment variable {KEY}"
            text += " (if it is there, it is a wrong one)"
        elif status == 404 and not said:
            text = "has no chat completions (404): an engine's address ends in /v1 as a rule"
        elif status == 413:
            text = "doesn't take requests as large as ours (413): let the proxy before it take more"
        elif status in _PASSING:
            text = f"has too much to do, or is being started ({status}): try again later"
        elif status >= 500:
            text = f"failed ({status}): look into its log"
        else:
            text = f"refuses the request ({status})"
        sentence = f"{self.where} {text}" + (f"; it says: {said}" if said else "")
        of_all = 300 <= status < 400 or status in (401, 403, 404) or status in _PASSING
        return (RefusesAll if of_all else Refused)(status, said, sentence.rstrip(".") + ".")

    def _without_key(self, said: str) -> str:
        """Some engines repeat a key that they don't know."""
        key = self._http.headers.get("Authorization", "").removeprefix("Bearer ")
        return said.replace(key, "…") if key else said

    def _unreachable(self, error: httpx.HTTPError) -> ModelAway:
        if isinstance(error, httpx.TransportError) and (
            fault := certificate_fault(error, self._url)
        ):
            return ModelAway(fault)
        if isinstance(error, httpx.TimeoutException):
            return ModelAway(
                f"{self.where} didn't answer within {self._timeout:g} s: see whether it still"
                " loads its model, or has too much to do."
            )
        why = printable(str(error)) or type(error).__name__
        return ModelAway(
            f"{self.where} can't be reached ({why.rstrip('.')}): check that the engine runs, and"
            " its address."
        )


def _said(response: httpx.Response) -> str:
    """What the engine says of an error: ``{"error": {"message": …}}`` in most, ``message`` or
    ``detail`` in some; "" if it doesn't."""
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError):
        return ""
    for _ in range(2):
        if isinstance(found, dict):
            found = next((found[k] for k in ("error", "message", "detail") if k in found), "")
    return printable(found, 400) if isinstance(found, str) else ""


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() and len(text) < 6 else 0.0
