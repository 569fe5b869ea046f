"""A link on the loopback: a TCP proxy with a rate, a delay, and a count of what crosses it."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator

__all__ = ["Proxy", "proxied"]

CHUNK = 512  # bytes
Sent = tuple[float, socket.socket, bytes]  # when it is there, to whom, and what; b"": the end


class _Line:
    """Carries bytes at `rate` bit/s, first come, first served, each `delay` seconds later.

    shared: by several connections; else it ends with its only one.
    """

    def __init__(self, rate: float, delay: float, shared: bool = False):
        self.rate, self.delay, self.shared, self.carried = rate, delay, shared, 0
        self._free = 0.0  # when the last byte has been sent
        self._lock = threading.Lock()
        self._crossing: queue.SimpleQueue[Sent | None] = queue.SimpleQueue()
        threading.Thread(target=self._arrive, daemon=True).start()

    def put(self, target: socket.socket, data: bytes) -> None:
        """Send `data` to `target`; b"" ends the connection, after what was sent before."""
        with self._lock:
            self._free = max(self._free, time.monotonic()) + 8 * len(data) / self.rate
            self.carried += len(data)
            self._crossing.put((self._free + self.delay, target, data))

    def close(self) -> None:
        self._crossing.put(None)

    def _arrive(self) -> None:
        while sent := self._crossing.get():
            due, target, data = sent
            time.sleep(max(0.0, due - time.monotonic()))
            with contextlib.suppress(OSError):
                if data:
                    target.sendall(data)
                else:  # both ways, or a server would count on a client that has gone
                    target.shutdown(socket.SHUT_RDWR)
            if not (data or self.shared):
                return


class Proxy:
    """Carries bytes to `target` at `rate` bit/s each way, each `delay` seconds later.

    up, down: bytes from the clients and to them. lives: how many bytes in all each connection
    carries before it is cut, one number after the other. shared: one uplink for all connections,
    and what comes back is at once there; else each connection has a rate of its own each way.
    """

    def __init__(
        self,
        target: tuple[str, int],
        rate: float = float("inf"),
        delay: float = 0.0,
        lives: Iterator[float] | None = None,
        shared: bool = False,
    ):
        self.target, self.rate, self.delay, self.lives = target, rate, delay, lives
        self._uplink = _Line(rate, delay, shared=True) if shared else None
        self._lines: dict[str, list[_Line]] = {"up": [], "down": []}
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        if self._uplink:
            self._lines["up"].append(self._uplink)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def up(self) -> int:
        return sum(line.carried for line in self._lines["up"])

    @property
    def down(self) -> int:
        return sum(line.carried for line in self._lines["down"])

    def cut(self) -> None:
        """End all connections; new ones are taken."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        """Take no more connections, and end those that there are."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or `accept` would wait for ever
        self._listener.close()
        self.cut()
        if self._uplink:
            self._uplink.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self.target)
            except OSError:
                return
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open += near, far
            left = [next(self.lives)] if self.lives else [float("inf")]
            ends = ((near, far, self._uplink or self._line("up")), (far, near, self._line("down")))
            for source, target, line in ends:
                threading.Thread(
                    target=_read, args=(source, target, line, left), daemon=True
                ).start()

    def _line(self, direction: str) -> _Line:
        line = _Line(float("inf"), 0.0) if self._uplink else _Line(self.rate, self.delay)
        self._lines[direction].append(line)
        return line


def _read(source: socket.socket, target: socket.socket, line: _Line, left: list[float]) -> None:
    """Pass on what `source` sends, as long as the connection lives: `left` bytes, both ways."""
    while True:
        try:
            data = source.recv(CHUNK)
        except OSError:
            data = b""
        line.put(target, data)
        if not data:
            return
        left[0] -= len(data)
        if left[0] < 0:
            for one in (source, target):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxied(
    url: str,
    rate: float = float("inf"),
    delay: float = 0.0,
    lives: Iterator[float] | None = None,
    shared: bool = False,
) -> Iterator[Proxy]:
    """Yield a proxy to the server at this URL; the options are those of `Proxy`."""
    host, port = url.removeprefix("http://").split(":")
    proxy = Proxy((host, int(port)), rate, delay, lives, shared)
    try:
        yield proxy
    finally:
        proxy.close()
