"""HTTP/1.1 for strangers: uvicorn, with limits on connections and on slow heads of requests.

Uvicorn waits for the first request of a connection as long as it takes, so a few thousand silent
connections would lock everyone out. Bodies have their limits in wire.py, where the app reads them.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Container
from types import FrameType
from typing import Any, ClassVar

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

from core.server.leaving import Leaving
from core.server.limits import Limits

FULL = (
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class GuardedConnection(H11Protocol):
    """One connection, within the limits of its class.

    proxies: whose connections are those of many clients, and so as many as there may be in all.
    """

    limits: ClassVar[Limits]
    proxies: ClassVar[Container[str]] = ()
    _late: asyncio.TimerHandle | None = None

    def connection_made(  # type: ignore[override]  # as uvicorn narrows it, too
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections or self._too_many_of_one():
            transport.write(FULL)
            transport.close()
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._answering:
            self._head_is_there()
        else:
            self._await_head()

    def connection_lost(self, error: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(error)

    def send_400_response(self, msg: str) -> None:
        """Answer what isn't HTTP. Where it was to be a body, nobody waits for an answer."""
        super().send_400_response(msg)
        if self._answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _too_many_of_one(self) -> bool:
        if self._host in self.proxies:
            return False
        others = (getattr(other, "client", None) for other in self.connections)
        mine = sum(client is not None and client[0] == self._host for client in others)
        return mine > self.limits.connections_per_client

    @property
    def _host(self) -> str | None:
        return self.client[0] if self.client else None

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        if self._late is None:  # from its first byte on, however slowly the rest drips in
            self._late = self.loop.call_later(self.limits.stall_seconds, self._give_up)

    def _head_is_there(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if not self._answering and not self.transport.is_closing():
            self.transport.close()


class PatientServer(uvicorn.Server):
    """Ends on SIGTERM when nothing is owed any more, on another or Ctrl-C at once.

    What is at work then is answered in any case, and a response under way is sent to its end.
    """

    leaving: Leaving | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and self.leaving:
            self.leaving.begin()
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or bool(self.leaving and self.leaving.over)


def make_server(
    app: Any, limits: Limits, leaving: Leaving | None = None, **given: Any
) -> uvicorn.Server:
    """Return a uvicorn server of `app` within these limits; options as of `uvicorn.Config`.

    leaving: of the app, that is waited for on SIGTERM.
    """
    proxies = given.get("forwarded_allow_ips")
    trusted = ProxyHeadersMiddleware(app, proxies).trusted_hosts if proxies else ()
    guarded = type(
        "GuardedConnection", (GuardedConnection,), {"limits": limits, "proxies": trusted}
    )
    options: dict[str, Any] = {"ws": "none", "server_header": False, "date_header": False} | given
    options |= {"proxy_headers": bool(options.get("forwarded_allow_ips"))}
    server = PatientServer(
        uvicorn.Config(app, http=guarded, lifespan="off", access_log=False, **options)
    )
    server.leaving = leaving
    return server
