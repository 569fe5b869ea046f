"""The comparison of real edges with the simulation: its throttle, and its judgement."""

import socket
import threading
import time

import numpy as np

from core.edge.client import Client, Result
from core.sharing.simulation import Outcome
from tests.support.pixels import picture
from tests.support.serving import serving
from tools.shared_link import Seen, report
from tools.support.throttle import shared_uplink


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
    with shared_uplink(f"http://127.0.0.1:{port}", rate=40_000) as uplink:
        near = int(uplink.url.rsplit(":", 1)[1])
        begin = time.monotonic()
        for size in (4_000, 8_000, 12_000):
            with socket.create_connection(("127.0.0.1", near)) as edge:
                edge.sendall(bytes(size))
        while len(received) < 3:
            time.sleep(0.01)
    assert sorted(size for size, _ in received) == [4_000, 8_000, 12_000]
    assert uplink.carried == 24_000
    assert max(at for _, at in received) - begin > 24_000 / 40_000 * 0.95
    listener.close()


def test_an_edge_gets_its_answer_through_it():
    with serving() as (url, _), shared_uplink(url, rate=1e6) as uplink, Client(uplink.url) as edge:
        result = edge.ask(picture(), "Where?")
        assert result.answer
        sent = sum(e.sent + e.head_sent for e in result.exchanges)
        assert uplink.carried > sent  # and the head of the request for /v1/info


def test_a_connection_that_the_server_has_closed_is_closed_on_both_sides():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with shared_uplink(url, rate=1e6) as uplink:
            port = int(uplink.url.rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as edge:
                far, _ = listener.accept()
                far.settimeout(10)
                far.shutdown(socket.SHUT_WR)
                assert edge.recv(1) == b""  # the edge is told
                assert far.recv(1) == b""  # and the server rid of it
                far.close()


def seen(asked, seconds):
    found = Seen()
    for index in range(100):
        box = object() if index < 100 * asked else None
        found.results[index] = Result("", "", None, None, box, (), 0, 0.0)
        found.seconds[index] = seconds
    return found


def test_it_judges_by_a_tenth(capsys):
    times, never = np.full(100, 1.0), np.full(100, np.inf)
    verdict = np.where(np.arange(100) < 40, 0, 1)
    outcome = Outcome(
        times, np.zeros(100, int), verdict, times, np.where(verdict == 0, 2.0, never),
        times, times, times,
    )  # fmt: skip
    assert report(seen(0.42, 2.1), outcome, 5.0) == 0
    assert report(seen(0.46, 2.1), outcome, 5.0) == 1
    assert report(seen(0.42, 2.3), outcome, 5.0) == 1
    failed = seen(0.42, 2.1)
    failed.failed.append("No answer.")
    assert report(failed, outcome, 5.0) == 1
    assert "asked share" in capsys.readouterr().out
