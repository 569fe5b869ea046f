"""A link on the loopback: a TCP proxy with a rate, a delay, and a count of what crosses it."""

import contextlib
import queue
import socket
import threading
import time
from contextlib import contextmanager

CHUNK = 512  # bytes


class Proxy:
    """Carries bytes to `target` at `rate` bit/s each way, each `delay` seconds later.

    up, down: bytes from the client and to it. lives: how many bytes in all each connection carries
    before it is cut, one number after the other.
    """

    def __init__(self, target, rate=float("inf"), delay=0.0, lives=None):
        self.target, self.rate, self.delay, self.lives = target, rate, delay, lives
        self.up = self.down = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        for connection in self.sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.sockets.clear()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
            except OSError:
                return
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets += near, far
            left = [next(self.lives)] if self.lives else [float("inf")]
            for ends in ((near, far, "up"), (far, near, "down")):
                line = queue.SimpleQueue()
                threading.Thread(target=self._read, args=(*ends, line, left), daemon=True).start()
                threading.Thread(target=self._write, args=(ends[1], line), daemon=True).start()

    def _read(self, source, target, direction, line, left):
        free = 0.0  # when the last byte before these has been sent
        while True:
            try:
                data = source.recv(CHUNK)
            except OSError:
                data = b""
            free = max(free, time.monotonic()) + 8 * len(data) / self.rate
            line.put((free + self.delay, data))
            if not data:
                return
            setattr(self, direction, getattr(self, direction) + len(data))
            left[0] -= len(data)
            if left[0] < 0:
                for one in (source, target):
                    with contextlib.suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)

    def _write(self, target, line):
        while True:
            due, data = line.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(data)
            except OSError:
                return


@contextmanager
def proxied(url, **options):
    host, port = url.removeprefix("http://").split(":")
    proxy = Proxy((host, int(port)), **options)
    try:
        yield proxy
    finally:
        proxy.listener.close()
        proxy.cut()
