"""First stages held by the server until the local image comes: in bounds, and for a time."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from core.box import Box
from core.imaging import Geometry
from core.messages import LocalImage, Question, SessionExpired

if TYPE_CHECKING:
    from core.vlm.base import Look

__all__ = ["FirstStage", "Search", "Sessions"]


@dataclass(frozen=True)
class Search:
    """What a cropper that searches has been sent, and what the model said of it, by now."""

    sent: dict[Box, LocalImage] = field(default_factory=dict)
    said: dict[tuple[str, Box], float] = field(default_factory=dict)  # by prompt and part
    wanted: Box | None = None  # the part that was asked for

    def with_part(self, message: LocalImage) -> Search:
        """Return the same with the part that was asked for."""
        assert self.wanted is not None
        return Search(self.sent | {self.wanted: message}, dict(self.said))

    @property
    def nbytes(self) -> int:
        return sum(len(message.image) for message in self.sent.values())


@dataclass(frozen=True)
class FirstStage:
    """What the server keeps of a first stage, in case there is a second."""

    message: Question
    geometry: Geometry  # from the original to the attention grid
    view_size: tuple[int, int]  # (width, height) of the global image
    look: Look | None  # the model's own: the global image, encoded; None: to be made anew
    attention: np.ndarray  # (cells,), for the question
    answer: tuple[int, ...]  # (T,), token ids
    looks: int = 1  # local images it will still be asked again with
    # Of a server that looks several times: where a cropper looked on the global image, its map
    # (rows, cols) and the boxes it would ask for next; and those that were asked for, in order.
    map: np.ndarray | None = None
    found: tuple[Box, ...] = ()
    asked: tuple[Box, ...] = ()
    search: Search | None = None  # that is under way
    kept: tuple[LocalImage, ...] = ()  # that came before, if further answers are from them, too

    @property
    def nbytes(self) -> int:
        images = len(self.message.image) + sum(len(message.image) for message in self.kept)
        searched = self.search.nbytes if self.search else 0
        return images + searched + (self.look.nbytes if self.look else 0)


class Sessions:
    """First stages by session: at most `limit`, in at most `max_bytes`, the oldest dropped first,
    and none for longer than `max_seconds`.

    A look at an image takes 2 MB with the bundled model and 300 MB with one of seven billion
    parameters, a global image some kilobytes. So the oldest looks go first, and are made anew from
    their images when an edge comes back for them; then the oldest first stages. An edge whose first
    stage is gone asks again. The newest is held whatever it takes.
    """

    def __init__(
        self, limit: int = 64, max_bytes: int = 2 * 2**30, max_seconds: float = float("inf")
    ):
        if limit < 1:
            raise ValueError("limit must be at least 1.")
        self.limit, self.max_bytes, self.max_seconds = limit, max_bytes, max_seconds
        self._held: OrderedDict[str, tuple[float, FirstStage]] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    def add(self, stage: FirstStage) -> str:
        """Hold a first stage and return its session, which nobody can guess."""
        session = secrets.token_urlsafe(16)
        with self._lock:
            self._hold(session, stage)
        return session

    def get(self, session: str) -> FirstStage:
        """Return the first stage, which stays held. Raises SessionExpired, as `take` does."""
        with self._lock:
            self._drop_expired()
            return self._found(self._held.get(session))

    def take(self, session: str) -> FirstStage:
        """Return the first stage for a local image. With its last one the session is spent."""
        with self._lock:
            self._drop_expired()
            stage = self._found(self._held.get(session))
            if stage.looks > 1:
                until, _ = self._held[session]
                self._held[session] = until, replace(stage, looks=stage.looks - 1)
            else:
                del self._held[session]
                self._nbytes -= stage.nbytes
            return stage

    def keep(self, session: str, stage: FirstStage) -> None:
        """Hold a first stage, as it is by now, under the name it has; its time begins anew."""
        with self._lock:
            if (held := self._held.pop(session, None)) is not None:
                self._nbytes -= held[1].nbytes
            self._hold(session, stage)

    def drop_expired(self) -> None:
        """Free what is out of date; `add`, `get` and `take` do so, too."""
        with self._lock:
            self._drop_expired()

    @property
    def nbytes(self) -> int:
        """Return what the looks and the global images held here take in memory."""
        return self._nbytes

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, session: str) -> bool:
        """Return whether a session is held, and not out of date."""
        with self._lock:
            self._drop_expired()
            return session in self._held

    def _hold(self, session: str, stage: FirstStage) -> None:
        self._held[session] = time.monotonic() + self.max_seconds, stage
        self._nbytes += stage.nbytes
        self._drop_expired()
        if self._nbytes > self.max_bytes:
            self._drop_looks()
        while len(self._held) > self.limit or (
            self._nbytes > self.max_bytes and len(self._held) > 1
        ):
            self._drop_oldest()

    def _drop_expired(self) -> None:
        while self._held and next(iter(self._held.values()))[0] <= time.monotonic():
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, (_, stage) = self._held.popitem(last=False)
        self._nbytes -= stage.nbytes

    def _drop_looks(self) -> None:
        """The oldest, until there is room; never the newest."""
        for session in list(self._held)[:-1]:
            if self._nbytes <= self.max_bytes:
                return
            until, stage = self._held[session]
            bare = replace(stage, look=None)
            self._held[session] = until, bare
            self._nbytes += bare.nbytes - stage.nbytes

    def _found(self, held: tuple[float, FirstStage] | None) -> FirstStage:
        if held is None:
            raise SessionExpired(
                "The server no longer holds this question, or has answered it: ask it again."
            )
        return held[1]
