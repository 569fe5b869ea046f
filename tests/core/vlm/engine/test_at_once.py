"""A server of ours before an engine: what waits for the engine waits together."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from core.edge.client import Client
from core.server.limits import Limits
from core.uncertainty import Gate
from core.vlm import load_vlm
from tests.support.engine import engine
from tests.support.serving import serving

EDGES = 16
PICTURE = Image.new("RGB", (64, 48), (200, 30, 30))
NEVER = Gate(threshold=float("inf"))


def asked(url, threads):
    """Return the seconds that 16 edges take, so many at a time, and their answers."""
    with ThreadPoolExecutor(threads) as pool:
        edges = [Client(url) for _ in range(EDGES)]
        for edge in edges:
            edge.info()
        start = time.perf_counter()
        said = list(pool.map(lambda edge: edge.ask(PICTURE, "What?").answer, edges))
        seconds = time.perf_counter() - start
        for edge in edges:
            edge.close()
    return seconds, said


def test_sixteen_edges_are_sixteen_requests_in_flight():
    """The engine answers none of them before all have come."""
    with engine() as (there, fake):
        vlm = load_vlm(f"openai:{there}#fake", look="ask")
        fake.meeting = threading.Barrier(EDGES)
        with serving(NEVER, Limits(rate=0, waiting_per_client=EDGES), vlm=vlm) as (url, _):
            _, said = asked(url, EDGES)
    assert len(said) == EDGES and len(set(said)) == 1


@pytest.mark.timing
def test_sixteen_at_once_are_ten_times_as_fast_as_one_by_one():
    with engine(delay=0.2) as (there, _):
        vlm = load_vlm(f"openai:{there}#fake", look="ask")
        with serving(NEVER, Limits(rate=0, waiting_per_client=EDGES), vlm=vlm) as (url, _):
            alone, together = asked(url, 1), asked(url, EDGES)
    print(f"one by one {alone[0]:.2f} s, at once {together[0]:.2f} s")
    assert alone[1] == together[1] and alone[0] >= 10 * together[0]
