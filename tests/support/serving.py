"""A server that really listens, in a thread of the test."""

import threading
import time
from contextlib import contextmanager

from core.server.app import create_app
from core.server.limits import Limits
from core.server.listening import make_server
from tests.support.pixels import PixelVLM

COMPACT = {"Content-Type": "application/vnd.second-look"}


@contextmanager
def serving(
    gate=None, limits=None, tokens=(), vlm=None, link=None, proxy=None, cropper="relative",
    certificate=None,
):  # fmt: skip
    """Yields the URL, and the app. proxy: an address whose X-Forwarded-For is believed."""
    limits = limits or Limits(rate=0)
    app = create_app(vlm or PixelVLM(), gate, limits, tokens, certificate, link, cropper)
    leaving, options = app.state.service.leaving, {"host": "127.0.0.1", "port": 0}
    server = make_server(
        app, limits, leaving, forwarded_allow_ips=proxy, log_config=None, **options
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", app
    finally:
        server.should_exit = True
        thread.join(timeout=10)


class GatedVLM(PixelVLM):
    """Works only while it is let: `open` is set in the beginning."""

    def __init__(self):
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.begun = threading.Semaphore(0)  # released as work begins

    def look(self, image):
        self.begun.release()
        assert self.open.wait(30)
        return super().look(image)
