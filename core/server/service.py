"""What all requests to one service share: model, queue, sessions, held replies, counters."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

from fastapi import Request, Response

from core.messages import Message
from core.server import wire
from core.server.admission import Queue, Rate
from core.server.limits import Limits
from core.server.machine import Reply, Server
from core.server.problems import Problem
from core.server.replies import Abandoned, Replies
from core.server.telemetry import Metrics
from core.sessions import Sessions
from core.uncertainty import Gate
from core.vlm.base import VLM

SWEEP = 10.0  # seconds between two looks for expired sessions


class Service:
    """A server of the protocol, as many clients at once see it.

    model: loaded, or still being loaded. gate: None for the model's own threshold.
    """

    def __init__(self, model: VLM | Future[VLM], gate: Gate | None, limits: Limits):
        if not isinstance(model, Future):
            loaded: Future[VLM] = Future()
            loaded.set_result(model)
            model = loaded
        self.model, self.gate, self.limits = model, gate, limits
        self.sessions = Sessions(limits.sessions, limits.session_bytes, limits.session_seconds)
        self.rate = Rate(limits.rate, limits.burst)
        self.queue = Queue(
            limits.workers, limits.waiting, limits.waiting_per_client, limits.max_wait
        )
        self.replies: Replies[Reply] = Replies(limits.replies, limits.reply_seconds)
        self.threads = ThreadPoolExecutor(limits.workers, thread_name_prefix="model")
        self.metrics = metrics = Metrics()
        metrics.gauge("sessions", "First stages held.", lambda: len(self.sessions))
        metrics.gauge("session_bytes", "Memory they take.", lambda: self.sessions.nbytes)
        metrics.gauge("waiting", "Requests in the queue.", lambda: len(self.queue))
        metrics.gauge("working", "Requests at the model.", lambda: self.queue.working)
        metrics.gauge("replies_held", "Replies held for repetition.", lambda: len(self.replies))
        self._sweeper: asyncio.TimerHandle | None = None

    @cached_property
    def server(self) -> Server:
        """Raises Problem as long as there is no model."""
        if not self.model.done() or self.model.exception():
            raise Problem(503, "loading", "The model is being loaded: try again.", Retry_After="2")
        vlm, gate = self.model.result(), self.gate
        if gate is None:
            metric = Gate().metric
            gate = Gate(metric, vlm.info.thresholds.get(metric, Gate().threshold))
        return Server(vlm, gate, self.sessions)

    def serve(self, vlm: VLM) -> None:
        """Another model from now on; what the one before has begun is forgotten."""
        self.model = Future()
        self.model.set_result(vlm)
        limits = self.limits
        self.sessions = Sessions(limits.sessions, limits.session_bytes, limits.session_seconds)
        self.__dict__.pop("server", None)

    async def handle(self, request: Request, client: str, message: Message) -> Reply:
        """Return the reply to one message, in this client's turn.

        Raises what `Server.handle` raises, Busy, Problem, or Abandoned if the client has gone.
        """
        server = self.server
        waited = await self.queue.enter(client)
        start = time.monotonic()
        try:
            if await request.is_disconnected():
                raise Abandoned
            loop = asyncio.get_running_loop()
            work = loop.run_in_executor(self.threads, server.handle, message)
        except BaseException:
            self.queue.leave(0.0)
            raise
        # The turn ends with the work, even if nobody waits for it any more.
        work.add_done_callback(lambda _: self.queue.leave(time.monotonic() - start))
        reply = await asyncio.shield(work)
        seconds = time.monotonic() - start
        self.metrics.waited.observe(waited)
        self.metrics.worked.labels(message.kind).observe(seconds)
        self.metrics.replies.labels(reply.message.kind).inc()
        request.scope["note"] = {
            "kind": message.kind, "reply": reply.message.kind, "waited": round(waited, 4),
            "worked": round(seconds, 4), "queue": len(self.queue),
        }  # fmt: skip
        self._sweep_later()
        return reply

    async def exchange(
        self, request: Request, client: str, key: str | None, kind: type[Message]
    ) -> Response:
        """Read a message of this kind from a request, and respond to it in the request's form.

        key: of the message; the same key and message get the reply that was given. Raises what
        `handle` raises, and KeyReused.
        """
        form = wire.media_type(request)
        message = wire.unpack(kind, form, await wire.read_body(request, self.limits))

        async def work() -> Reply:
            return await self.handle(request, client, message)

        if key:
            reply = await self.replies.once(f"{client}\n{key}", message.to_bytes(), work)
        else:
            reply = await work()
        content, headers = wire.pack(reply, self.server.gate, form)
        return Response(content, headers=headers, media_type=form)

    def _sweep_later(self) -> None:
        """Free what is out of date also when nobody comes any more."""
        if self._sweeper is None:
            pause = min(SWEEP, self.limits.session_seconds)
            self._sweeper = asyncio.get_running_loop().call_later(pause, self._sweep)

    def _sweep(self) -> None:
        self.sessions.drop_expired()
        self._sweeper = None
        if len(self.sessions):
            self._sweep_later()
