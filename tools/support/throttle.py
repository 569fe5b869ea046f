"""A shared uplink on the loopback: one queue for what all connections send, carried at one rate."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator

CHUNK = 512  # bytes


class SharedUplink:
    """Carries what clients send to `target`, first come, first served, at `rate` bytes per second;
    what comes back is let through at once."""

    def __init__(self, target: tuple[str, int], rate: float):
        self.target, self.rate = target, rate
        self.carried = 0  # bytes
        self._line: queue.SimpleQueue[tuple[socket.socket, bytes]] = queue.SimpleQueue()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        for work in (self._accept, self._carry):
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        """End all connections."""
        self._listener.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self.target)
            except OSError:
                return
            self._open += near, far
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for work, source, target in ((self._queue, near, far), (self._back, far, near)):
                threading.Thread(target=work, args=(source, target), daemon=True).start()

    def _queue(self, source: socket.socket, target: socket.socket) -> None:
        for data in _received(source):
            self._line.put((target, data))
        self._line.put((target, b""))

    def _back(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for data in _received(source):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)  # the server has closed it: the edge is to know

    def _carry(self) -> None:
        free = time.monotonic()  # when the last byte has been sent
        while True:
            target, data = self._line.get()
            free = max(free, time.monotonic()) + len(data) / self.rate
            time.sleep(max(0.0, free - time.monotonic()))
            self.carried += len(data)
            with contextlib.suppress(OSError):
                if data:
                    target.sendall(data)
                else:
                    target.shutdown(socket.SHUT_RDWR)  # or the server would count it on


def _received(source: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            data = source.recv(CHUNK)
        except OSError:
            return
        if not data:
            return
        yield data


@contextlib.contextmanager
def shared_uplink(url: str, rate: float) -> Iterator[SharedUplink]:
    """Yield a shared uplink to the server at this URL."""
    host, port = url.removeprefix("http://").split(":")
    uplink = SharedUplink((host, int(port)), rate)
    try:
        yield uplink
    finally:
        uplink.close()
