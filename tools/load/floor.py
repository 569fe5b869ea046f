"""What the model alone does with the questions of a load: no server, no network, no queue."""

from __future__ import annotations

import time
from typing import Any

from core.bench.record.together import Asker, together
from core.protocol import Edge, Server, ask
from core.server.limits import Limits
from core.uncertainty import Gate
from core.vlm import VLM

ROUNDS = 3


def floor(vlm: VLM, gate: Gate, work: list, expected: list[str]) -> float:
    """Return the questions a second, as many at once as a server's model works on, in step: their
    calls are batches as full as can be.

    work: (image, question). expected: the answers. Raises ValueError for another answer.
    """
    items = [(Edge(work[i % len(work)][0]), i % len(work)) for i in range(Limits().workers)]

    def one(asker: Asker, item: Any) -> str:
        edge, which = item
        return ask(edge, Server(asker, gate), work[which][1]).answer

    for edge, _ in items:
        edge.resize(vlm.info.fit)
    start = time.monotonic()
    for _ in range(ROUNDS):
        if together(vlm, one, items) != [expected[which] for _, which in items]:
            raise ValueError("The model answers otherwise when it is asked in batches.")
    return ROUNDS * len(items) / (time.monotonic() - start)
