"""What one client, and all of them together, may take of the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Limits"]

_LEAST_ROOM = 256 * 2**20  # bytes
_LOOKS = 8  # 2.4 GB with a model of seven billion parameters in half precision


def _bound(default: float, what: str) -> Any:
    return field(default=default, metadata={"what": what})


@dataclass(frozen=True)
class Limits:
    """The bounds of a service. Raises ValueError for one below its least value."""

    workers: int = _bound(16, "questions the model works on at once, as a batch where it can")
    waiting: int = _bound(128, "requests that may wait for a turn")
    waiting_per_client: int = _bound(8, "requests of one client that may wait for a turn")
    max_wait: float = _bound(15.0, "seconds that a request may wait, and may be expected to take")
    rate: float = _bound(20.0, "requests a second from one client, on average; 0: any number")
    burst: int = _bound(40, "requests from one client at once, after a pause")
    body_bytes: int = _bound(4 * 2**20, "bytes that a request may have")
    body_seconds: float = _bound(60.0, "seconds in which a whole request must arrive")
    stall_seconds: float = _bound(8.0, "seconds in which the next part of a request must arrive")
    sessions: int = _bound(512, "first stages held for a second")
    session_bytes: int = _bound(
        0, "bytes that first stages held for a second may take; 0: room for some looks of the model"
    )
    session_seconds: float = _bound(300.0, "seconds that a first stage is held for a second")
    replies: int = _bound(4096, "replies held for an edge that didn't get them")
    reply_seconds: float = _bound(300.0, "seconds that a reply is held")
    drain_seconds: float = _bound(
        30.0, "seconds after SIGTERM in which local images that were asked for may yet come"
    )
    connections: int = _bound(1024, "open connections")
    connections_per_client: int = _bound(128, "open connections from one address")

    def room(self, look_bytes: int) -> int:
        """Return the bytes for sessions with a model whose looks take so many.

        A fixed number would let two edges push each other's looks out of the server of a large
        model, and each look would be made twice.
        """
        return self.session_bytes or max(_LEAST_ROOM, _LOOKS * look_bytes)

    def at_once(self, look_bytes: int) -> int:
        """Return how many questions are a batch of a model whose looks take so many bytes: as many
        as there is room to hold, for a batch copies what it has read of each.
        """
        return min(self.workers, max(1, self.room(look_bytes) // max(1, look_bytes)))

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            may_be_none = name in ("rate", "waiting", "session_bytes", "drain_seconds")
            least = 0 if may_be_none else 1 if type(value) is int else 0.01
            if not value >= least:
                raise ValueError(f"{name} must be at least {least}, not {value}.")
