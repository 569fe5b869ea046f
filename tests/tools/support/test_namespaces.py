"""Edges in network namespaces; where these can't be had, there is nothing to test."""

import shutil
import socket
import threading
import time

import pytest

from tools.support.namespaces import SERVER, entered, laid

SIZE, RATE = 6_000, 60_000  # bytes, and bytes per second


@pytest.fixture
def network():
    if not (shutil.which("ip") and shutil.which("tc")):
        pytest.skip("iproute2 is not installed")
    try:
        with laid(3, RATE) as net:
            yield net
    except OSError as error:
        pytest.skip(f"no namespaces here: {error}")


def test_edges_share_one_bucket_and_each_has_an_address_of_its_own(network):
    met, listening = [], threading.Event()

    def serve():
        entered(network.server)
        with socket.create_server((SERVER, 80)) as listener:
            listening.set()
            for _ in network.edges:
                connection, (address, _) = listener.accept()
                received = 0
                while received < SIZE:
                    received += len(connection.recv(65_536))
                met.append(address)
                connection.close()

    def edge(namespace):
        entered(namespace)
        with socket.create_connection((SERVER, 80), timeout=30) as connection:
            connection.sendall(bytes(SIZE))
            connection.recv(1)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    assert listening.wait(10)
    begin = time.monotonic()
    threads = [threading.Thread(target=edge, args=(one,)) for one in network.edges]
    for thread in threads:
        thread.start()
    for thread in (*threads, server):
        thread.join(30)
    assert len(set(met)) == 3
    carried = network.carried()
    assert 3 * SIZE < carried < 3 * SIZE * 1.3  # and the heads of packets
    assert time.monotonic() - begin > 3 * SIZE / RATE * 0.9
