"""The link that instruments and tests lay between an edge and a server."""

import socket
import threading
import time

import pytest

from core.edge.client import Client
from tests.support.pixels import picture
from tests.support.serving import serving
from tools.support.proxy import proxied


def test_one_rate_is_shared_by_all_connections_and_first_come_is_first_served():
    """What three send together takes as long as all of it takes one after the other."""
    listener, received = socket.create_server(("127.0.0.1", 0)), []

    def take(connection):
        size = 0
        while data := connection.recv(65_536):
            size += len(data)
        received.append((size, time.monotonic()))

    def accept():
        for _ in range(3):
            threading.Thread(target=take, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    port = listener.getsockname()[1]
    with proxied(f"http://127.0.0.1:{port}", rate=320_000, shared=True) as uplink:
        near = int(uplink.url.rsplit(":", 1)[1])
        begin = time.monotonic()
        for size in (4_000, 8_000, 12_000):
            with socket.create_connection(("127.0.0.1", near)) as edge:
                edge.sendall(bytes(size))
        while len(received) < 3:
            time.sleep(0.01)
    assert sorted(size for size, _ in received) == [4_000, 8_000, 12_000]
    assert (uplink.up, uplink.down) == (24_000, 0)
    assert max(at for _, at in received) - begin > 24_000 / 40_000 * 0.95
    listener.close()


@pytest.mark.parametrize("shared", [True, False])
def test_an_edge_gets_its_answer_through_it(shared):
    with (
        serving() as (url, _),
        proxied(url, rate=8e6, shared=shared) as link,
        Client(link.url) as edge,
    ):
        result = edge.ask(picture(), "Where?")
        assert result.answer
        sent = sum(e.sent + e.head_sent for e in result.exchanges)
        assert link.up > sent  # and the head of the request for /v1/info


@pytest.mark.parametrize("shared", [True, False])
def test_a_connection_that_the_server_has_closed_is_closed_on_both_sides(shared):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with proxied(url, rate=8e6, shared=shared) as link:
            port = int(link.url.rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as edge:
                far, _ = listener.accept()
                far.settimeout(10)
                far.shutdown(socket.SHUT_WR)
                assert edge.recv(1) == b""  # the edge is told
                assert far.recv(1) == b""  # and the server rid of it
                far.close()


def test_its_threads_end_with_it():
    """A fuzzer lays hundreds of links."""
    before = threading.active_count()
    with serving() as (url, _):
        for shared in (True, False):
            with proxied(url, shared=shared) as link, Client(link.url) as edge:
                edge.info()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
