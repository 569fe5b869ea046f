"""The HTTP service: the protocol's server (core.server.machine.Server) behind three routes.

    POST /v1/questions      first stage: an answer, or the request for a crop
    POST /v1/local-images   second stage: the answer from both images
    POST /v1/second-looks   a request for a crop although the gate said no

Beside them: /v1/info (what an edge must know before it asks), /health, /ready, /metrics, /docs and
/openapi.json. All of it may be mounted in another app: nothing needs a lifespan.
"""

import asyncio
import hmac
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from core.http import COMPACT, TOKEN
from core.imaging import available_formats
from core.messages import (
    MAX_QUESTION,
    LocalImage,
    Message,
    ProtocolError,
    Question,
    SecondLook,
)
from core.server import wire
from core.server.admission import Busy, Queue, Rate
from core.server.limits import Limits
from core.server.machine import Reply, Server
from core.server.problems import Problem, ProblemDetails, as_problem, documented, response
from core.server.replies import Abandoned, KeyReused, Replies
from core.server.telemetry import Metrics, Telemetry
from core.sessions import Sessions
from core.transcript import INFINITE
from core.uncertainty import Gate
from core.vlm.base import VLM, VLMError

EXPECTED = (
    Problem, ProtocolError, VLMError, KeyReused, Busy, Abandoned, HTTPException,
    RequestValidationError,
)  # fmt: skip

SWEEP = 10.0  # seconds between two looks for expired sessions


class GateBody(BaseModel):
    """When the server asks for a second look: eq. 9."""

    metric: str
    threshold: wire.Number
    first_tokens: int | None


class Info(BaseModel):
    """What an edge must know before it asks."""

    model: str
    revision: str | None
    input_size: list[int] = Field(description="Width and height no image sent may exceed, pixels.")
    image_formats: list[str]
    gate: GateBody
    max_question: int = Field(description="Characters of a question.")
    max_bytes: int = Field(description="Of a request's body.")


class Health(BaseModel):
    status: Literal["ok", "loading"]


class Service:
    """What all requests share.

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


def create_app(
    model: VLM | Future[VLM],
    gate: Gate | None = None,
    limits: Limits | None = None,
    tokens: Sequence[str] = (),
) -> FastAPI:
    """The service as an ASGI app.

    model: a loaded model, or the future of one; until then it answers 503. gate: None for the
    model's own threshold. tokens: bearer tokens of which a client must show one; none: anyone may
    ask. A client is a token where there are any, and an address where there are none.
    """
    limits = limits or Limits()
    service = Service(model, gate, limits)
    bearer = HTTPBearer(auto_error=False, description="Only where the server was given tokens.")

    async def client(
        request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
    ) -> str:
        """Who asks: known by its token, if there are any, and within its rate."""
        name = request.client.host if request.client else "unknown"
        if tokens:
            proof = (shown.credentials if shown else "").encode("latin-1")  # as it came
            matches = [hmac.compare_digest(proof, token.encode()) for token in tokens]
            if not any(matches):
                text = "Send the server's token as Authorization: Bearer …"
                raise Problem(401, "unauthorized", text, WWW_Authenticate="Bearer")
            name = f"token {matches.index(True)}"
        service.rate.take(name)
        return name

    Client = Annotated[str, Depends(client)]
    Key = Annotated[
        str | None,
        Header(
            max_length=128,
            description="Of this message; the same key and message get the same reply again.",
        ),
    ]
    app = FastAPIOffline(
        redoc_url=None,
        title="Second Look server",
        version="1",
        description=__doc__.split("\n\n")[0],
    )
    app.state.service = service

    async def answer(request: Request, client: str, key: str | None, kind: type[Message]):
        form = wire.media_type(request)
        body = await wire.read_body(request, limits)
        message = wire.unpack(kind, form, body)

        async def work() -> Reply:
            return await service.handle(request, client, message)

        if key:
            reply = await service.replies.once(f"{client}\n{key}", message.to_bytes(), work)
        else:
            reply = await work()
        content, headers = wire.pack(reply, service.server.gate, form)
        return Response(content, headers=headers, media_type=form)

    def route(path: str, kind: type[Message], replies, name: str, text: str, *statuses: int):
        async def handler(request: Request, client: Client, idempotency_key: Key = None):
            return await answer(request, client, idempotency_key, kind)

        compact = {"schema": {"type": "string", "format": "binary"}}
        beside = {"headers": wire.UNCERTAINTY_HEADER} if kind is Question else {}
        app.post(
            path,
            name=name,
            summary=text,
            response_class=Response,
            openapi_extra=wire.described(kind),
            responses={200: {"model": replies, "content": {COMPACT: compact}} | beside}
            | documented(400, 401, 408, 413, 415, 422, 429, 503, *statuses),
        )(handler)

    route(
        "/v1/questions", Question, wire.AnswerBody | wire.CropRequestBody,
        "first stage", "Ask: a global image and a question.",
    )  # fmt: skip
    route(
        "/v1/local-images", LocalImage, wire.AnswerBody,
        "second stage", "Send the crop that was asked for.", 410,
    )  # fmt: skip
    route(
        "/v1/second-looks", SecondLook, wire.CropRequestBody,
        "forced second look", "Ask where the server would look.", 410,
    )  # fmt: skip

    @app.get("/v1/info", responses=documented(401, 429, 503))
    async def info(client: Client) -> Info:
        """What an edge must know before it asks."""
        server = service.server
        return Info(
            model=server.vlm.info.name,
            revision=server.vlm.info.revision,
            input_size=list(server.input_size),
            image_formats=list(available_formats()),
            gate=_gate(server.gate),
            max_question=MAX_QUESTION,
            max_bytes=limits.body_bytes,
        )

    @app.get("/health")
    async def health() -> Health:
        """Whether the process answers."""
        return Health(status="ok")

    @app.get("/ready", responses=documented(503))
    async def ready() -> Health:
        """Whether the model is loaded."""
        _ = service.server
        return Health(status="ok")

    @app.get("/metrics", response_class=Response, responses=documented(401, 429))
    async def metrics(client: Client) -> Response:
        """Counters for Prometheus."""
        service.sessions.drop_expired()
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def explained(request: Request, error: Exception) -> Response:
        return response(as_problem(error))

    async def unexpected(request: Request, error: Exception) -> Response:
        return response(Problem(500, "internal", "The server failed at this: try again later."))

    for kind in EXPECTED:
        app.add_exception_handler(kind, explained)
    app.add_exception_handler(Exception, unexpected)
    app.add_middleware(Telemetry, metrics=service.metrics)
    app.openapi = lambda: _described(app, bool(tokens))
    return app


def tokens_of_environment() -> list[str]:
    """Bearer tokens in SECOND_LOOK_TOKEN: one or several, separated by white space."""
    return os.environ.get(TOKEN, "").split()


def _gate(gate: Gate) -> GateBody:
    threshold = INFINITE.get(gate.threshold, gate.threshold)
    return GateBody(metric=gate.metric, threshold=threshold, first_tokens=gate.first_tokens)


def _described(app: FastAPI, guarded: bool) -> dict[str, Any]:
    """The OpenAPI description: with the schema that all errors share, and tokens if there are."""
    if app.openapi_schema is None:
        described = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        described["components"]["schemas"]["ProblemDetails"] = ProblemDetails.model_json_schema()
        if not guarded:
            del described["components"]["securitySchemes"]
            for path in described["paths"].values():
                for operation in path.values():
                    operation.pop("security", None)
                    operation["responses"].pop("401", None)
        app.openapi_schema = described
    return app.openapi_schema
