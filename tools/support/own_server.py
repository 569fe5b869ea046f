"""A server in a process of its own, for the commands that try one out."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class OwnServer:
    url: str
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def leaving_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as an error would: what was started in it is ended, too.

    For the main thread.
    """

    def leave(*_) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def own_server(
    *options: str,
    host: str = "127.0.0.1",
    port: int = 0,
    prefix: Sequence[str] = (),
    module: str = "core.server",
    log: Path = Path(os.devnull),
) -> Iterator[OwnServer]:
    """`python -m core.server` with these options, once it is ready.

    port: 0 for a free one. prefix: words before the command, to start it somewhere else. module:
    another server with the same routes. log: file for what it logs; without one, it is thrown away.
    Raises RuntimeError if it ends before it is ready.
    """
    if not port:
        with socket.create_server((host, 0)) as unused:
            port = unused.getsockname()[1]
    words = [sys.executable, "-m", module, "--host", host, "--port", str(port), *options]
    url = f"http://{host}:{port}"
    with leaving_on_sigterm(), log.open("wb") as said:
        process = subprocess.Popen([*prefix, *words], stderr=said)
        try:
            while True:
                if process.poll() is not None:
                    raise RuntimeError("The server ended before it was ready.")
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"{url}/ready", trust_env=False).is_success:
                        break
                time.sleep(0.1)
            yield OwnServer(url, process)
        finally:
            process.kill()
            process.wait()
