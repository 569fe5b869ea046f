"""What all requests to one service share: model, queue, sessions, held replies, counters."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

from fastapi import Request, Response

from core.certificate import Certificate, CertificateError, Setting
from core.croppers import DEFAULT
from core.messages import CropRequest, LocalImage, Message, Question
from core.policies.shared import LinkTerms, SharedLink
from core.server import wire
from core.server.admission import Queue, Rate
from core.server.leaving import Leaving
from core.server.limits import Limits
from core.server.machine import Reply, Server
from core.server.problems import Problem
from core.server.replies import Abandoned, Replies
from core.server.watch.drift import Drift
from core.server.watch.telemetry import Metrics, log
from core.sessions import Sessions
from core.uncertainty import Gate
from core.vlm.base import VLM
from core.vlm.batched import batched

ARRIVALS = 2_000  # last questions whose times are remembered
SWEEP = 10.0  # seconds between two looks for expired sessions


class Service:
    """A server of the protocol, as many clients at once see it.

    model: loaded, or still being loaded. gate: None for the model's own threshold. certificate: the
    gate is its own, and what it doesn't hold for is refused. link: that the edges share, None: they
    don't. cropper: what chooses the box. keeps: whether an answer is from all local images so far.
    """

    def __init__(
        self,
        model: VLM | Future[VLM],
        gate: Gate | None,
        limits: Limits,
        certificate: Certificate | None = None,
        link: LinkTerms | None = None,
        cropper: str = DEFAULT,
        keeps: bool = False,
    ):
        if not isinstance(model, Future):
            loaded: Future[VLM] = Future()
            loaded.set_result(model)
            model = loaded
        self.certificate, self.drift = certificate, None
        if certificate:
            gate = certificate.gate
            # As many as there are images: questions about one stand or fall together.
            share = certificate.asked / certificate.questions
            self.drift = Drift(round(share * certificate.images), certificate.images)
        self.model, self.gate, self.limits, self.link = model, gate, limits, link
        self.cropper, self.keeps = cropper, keeps
        self.sessions = self._new_sessions()
        self.rate = Rate(limits.rate, limits.burst)
        self.queue = Queue(
            limits.workers, limits.waiting, limits.waiting_per_client, limits.max_wait
        )
        self.leaving = Leaving(limits.drain_seconds, self.queue, lambda name: name in self.sessions)
        self.replies: Replies[Reply] = Replies(limits.replies, limits.reply_seconds)
        self.threads = ThreadPoolExecutor(limits.workers, thread_name_prefix="model")
        self.arrivals: deque[float] = deque(maxlen=ARRIVALS)  # of questions, time.monotonic()
        self.metrics = metrics = Metrics()
        metrics.gauge("sessions", "First stages held.", lambda: len(self.sessions))
        metrics.gauge("local_images_owed", "Asked for, and yet to come.", self.leaving.owed)
        metrics.gauge("ready", "1 if questions are taken: see /ready.", self._ready)
        metrics.gauge("session_bytes", "Memory they take.", lambda: self.sessions.nbytes)
        metrics.gauge("waiting", "Requests in the queue.", lambda: len(self.queue))
        metrics.gauge("working", "Requests at the model.", lambda: self.queue.working)
        metrics.gauge("replies_held", "Replies held for repetition.", lambda: len(self.replies))
        if self.drift:
            _watch(metrics, self.drift)
        if self.link:
            self._watch_link()
        self._sweeper: asyncio.TimerHandle | None = None

    @cached_property
    def server(self) -> Server:
        """Raises Problem as long as there is no model, or one that the certificate isn't of."""
        if not self.model.done() or self.model.exception():
            raise Problem(503, "loading", "The model is being loaded: try again.", Retry_After="2")
        vlm, gate = self.model.result(), self.gate
        self.sessions.max_bytes = self.limits.room(vlm.info.look_bytes)
        if self.certificate:
            try:
                self.certificate.check(Setting.of_model(vlm, self.cropper))
            except CertificateError as error:
                raise Problem(503, "uncertified", str(error)) from None
            if self.certificate.unchecked:
                log.warning(self.certificate.unchecked)
        if gate is None:
            metric = Gate().metric
            gate = Gate(metric, vlm.info.thresholds.get(metric, Gate().threshold))
        link = SharedLink(self.link, gate, lambda: self.queue.wait) if self.link else None
        vlm = batched(vlm, self.limits.at_once(vlm.info.look_bytes))
        return Server(vlm, gate, self.sessions, link=link, cropper=self.cropper, keeps=self.keeps)

    def _ready(self) -> float:
        loaded = self.model.done() and self.model.exception() is None
        return float(loaded and not self.leaving.begun)

    def _new_sessions(self) -> Sessions:
        limits = self.limits
        return Sessions(limits.sessions, limits.room(0), limits.session_seconds)

    def serve(self, vlm: VLM) -> None:
        """Another model from now on; what the one before has begun is forgotten."""
        self.model = Future()
        self.model.set_result(vlm)
        self.sessions = self._new_sessions()
        self.__dict__.pop("server", None)

    async def handle(
        self, request: Request, client: str, message: Message, age: float = 0.0
    ) -> Reply:
        """Return the reply to one message, in this client's turn. age: seconds since it was asked.

        Raises what `Server.handle` raises, Busy, Problem, or Abandoned if the client has gone.
        """
        server = self.server
        if isinstance(message, Question | LocalImage):
            self.check_codec(message.image_format)

        def work(waited: float) -> Reply:
            return server.handle(message, age + waited)

        reply, seconds = await self.turn(request, client, message.kind, work)
        if server.link and isinstance(message, LocalImage):
            server.link.worked(seconds)
        return reply

    async def turn(
        self, request: Request, client: str, kind: str, work: Callable[[float], Reply]
    ) -> tuple[Reply, float]:
        """Return what came of a piece of work in this client's turn, and the seconds it took.

        kind: of the message that it answers. work: gets the seconds that the turn was waited for.
        Raises as `handle` does.
        """
        self.leaving.check(kind)
        waited = await self.queue.enter(client)
        start = time.monotonic()
        try:
            if await request.is_disconnected():
                raise Abandoned
            loop = asyncio.get_running_loop()
            done = loop.run_in_executor(self.threads, work, waited)
        except BaseException:
            self.queue.leave(None)
            raise
        # The turn ends with the work, even if nobody waits for it any more.
        done.add_done_callback(lambda _: self.queue.leave(time.monotonic() - start))
        reply = await asyncio.shield(done)
        seconds = time.monotonic() - start
        self.leaving.note(reply.message)
        self.metrics.waited.observe(waited)
        self.metrics.worked.labels(kind).observe(seconds)
        self.metrics.replies.labels(reply.message.kind).inc()
        if reply.skipped:
            self.metrics.skipped.labels(reply.skipped).inc()
        if kind == Question.kind:
            self._count(isinstance(reply.message, CropRequest))
        request.scope["note"] = {
            "kind": kind, "reply": reply.message.kind, "waited": round(waited, 4),
            "worked": round(seconds, 4), "queue": len(self.queue),
        }  # fmt: skip
        self._sweep_later()
        return reply, seconds

    async def exchange(
        self, request: Request, client: str, key: str | None, kind: type[Message]
    ) -> Response:
        """Read a message of this kind from a request, and respond to it in the request's form.

        key: of the message; the same key and message get the reply that was given. Raises what
        `handle` raises, and KeyReused.
        """
        begun = time.monotonic()
        form = wire.media_type(request)
        body = await wire.read_body(request, self.limits)
        message = wire.unpack(kind, form, body)
        seconds, waited = time.monotonic() - begun, wire.waited(request)
        age = waited + seconds
        if isinstance(message, Question):
            self.arrivals.append(begun - waited)
        if link := self.server.link:
            if isinstance(message, LocalImage):
                link.arrived(message.session, len(body))
            elif isinstance(message, Question):
                link.waited(age, len(body))
                age = link.age(waited, len(body), seconds)

        async def work() -> Reply:
            return await self.handle(request, client, message, age)

        if key:
            reply = await self.replies.once(f"{client}\n{key}", message.to_bytes(), work)
        else:
            reply = await work()
        content, headers = wire.pack(reply, self.server.gate, form, wire.prefers_first(request))
        return Response(content, headers=headers, media_type=form)

    def check_codec(self, image_format: str) -> None:
        """Raise Problem for an image that the certificate, if there is one, doesn't hold for."""
        codec = self.certificate.setting.codec if self.certificate else None
        if codec is not None and image_format != codec:
            raise Problem(
                422, "uncertified",
                f"The certificate of this server holds for images in {codec}, not {image_format}:"
                f" send {codec}.",
            )  # fmt: skip

    def _count(self, asked: bool) -> None:
        """Return whether a question is asked again, and whether the certificate expects as many."""
        self.metrics.questions.labels("yes" if asked else "no").inc()
        if self.drift and (text := self.drift.note(asked)):
            level = logging.WARNING if self.drift.shifted else logging.INFO
            log.log(level, text, extra={"note": {"event": "drift", "detail": text}})

    def _watch_link(self) -> None:
        """Gauges of the shared link; they read 0 as long as there is no model."""
        for why in ("late", "dear"):  # a count that begins with 0 has a rate from the first on
            self.metrics.skipped.labels(why)

        def gauge(name: str, text: str, value: Callable[[SharedLink], float]) -> None:
            def read() -> float:
                link = self.__dict__["server"].link if "server" in self.__dict__ else None
                return value(link) if link else 0.0

            self.metrics.gauge(name, text, read)

        gauge("link_price", "Score that a second of the shared uplink costs.", SharedLink.price)
        gauge("link_backlog_seconds", "Work that waits for it.", lambda link: link.uplink.wait())
        gauge(
            "link_local_images",
            "Local images asked for that aren't there.",
            lambda link: link.uplink.waiting(),
        )

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


def _watch(metrics: Metrics, drift: Drift) -> None:
    metrics.gauge("asked_share", "Asked again of the last questions.", lambda: drift.share)
    metrics.gauge("asked_share_expected", "By the certificate.", lambda: drift.expected)
    metrics.gauge(
        "promise_shifted",
        "1 if more or fewer are asked again than the certificate expects: its promise is off.",
        lambda: float(drift.shifted),
    )
