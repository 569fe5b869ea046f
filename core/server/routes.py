"""The service's routes: those of the protocol's messages, and what says how the server is."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from core.imaging import available_formats
from core.messages import MAX_QUESTION, LocalImage, Message, Question, SecondLook
from core.server import wire
from core.server.problems import documented
from core.server.service import Service
from core.support.headers import COMPACT
from core.transcript import INFINITE
from core.uncertainty import Gate

Identified = Callable[..., Awaitable[str]]  # a dependency that names the client of a request
Key = Annotated[
    str | None,
    Header(
        max_length=128,
        description="Of this message; the same key and message get the same reply again.",
    ),
]


class GateBody(BaseModel):
    """The gate, which says when the server asks for a second look: eq. 9."""

    metric: str
    threshold: wire.Number
    first_tokens: int | None
    rounds: list[wire.Number] = Field(
        [], description="η of each further look, by which the answer before it is judged."
    )


class Info(BaseModel):
    """What an edge must know before it asks."""

    model: str
    revision: str | None
    input_size: list[int] = Field(description="Width and height images are brought to, pixels.")
    fit: str = Field(description="How they are: stretch, cover, pad or area (core/imaging/fit.py).")
    cell: int = Field(description="With area: sides of a reduced image are multiples of it.")
    image_formats: list[str]
    gate: GateBody
    promise: str | None = Field(description="Of the gate's certificate, where it has one.")
    deadline: float | None = Field(description="Seconds to the last answer, on a shared link.")
    looks: int = Field(
        description="Local images that one question may take at most: one, one for each further"
        " round, and the parts that a cropper looks at while it searches."
    )
    max_question: int = Field(description="Characters of a question.")
    max_bytes: int = Field(description="Of a request's body.")


class Health(BaseModel):
    status: Literal["ok", "loading"]


def message_routes(service: Service, identified: Identified) -> APIRouter:
    """Return the routes of Algorithm 1: both stages, and the wish for a second one."""
    router = APIRouter()
    Client = Annotated[str, Depends(identified)]

    def route(path: str, kind: type[Message], replies: Any, name: str, text: str, *statuses: int):
        async def handler(request: Request, client: Client, idempotency_key: Key = None):
            return await service.exchange(request, client, idempotency_key, kind)

        compact = {"schema": {"type": "string", "format": "binary"}}
        beside = {"headers": wire.FIRST_HEADERS} if kind in (Question, LocalImage) else {}
        router.post(
            path,
            name=name,
            summary=text,
            response_class=Response,
            openapi_extra=wire.described(kind),
            responses={
                200: {"model": replies, "content": {COMPACT: compact}, **beside},
                **documented(400, 401, 408, 413, 415, 422, 429, 503, *statuses),
            },
        )(handler)

    route(
        "/v1/questions", Question, wire.AnswerBody | wire.CropRequestBody,
        "first stage", "Ask: a global image and a question.",
    )  # fmt: skip
    route(
        "/v1/local-images", LocalImage, wire.AnswerBody | wire.CropRequestBody,
        "second stage", "Send the local image that was asked for.", 410,
    )  # fmt: skip
    route(
        "/v1/second-looks", SecondLook, wire.CropRequestBody,
        "forced second look", "Ask where the server would look.", 410,
    )  # fmt: skip
    return router


def status_routes(service: Service, identified: Identified) -> APIRouter:
    """Return the routes for edges, supervisors and Prometheus."""
    router = APIRouter()
    Client = Annotated[str, Depends(identified)]

    @router.get("/v1/info", responses=documented(401, 429, 503))
    async def info(client: Client) -> Info:
        """Return what an edge must know before it asks."""
        server, certificate = service.server, service.certificate
        codec = None if certificate is None else certificate.setting.codec
        return Info(
            model=server.vlm.info.name,
            revision=server.vlm.info.revision,
            input_size=list(server.fit.input_size),
            fit=server.fit.how,
            cell=server.fit.cell,
            image_formats=[codec] if codec else list(available_formats()),
            gate=_gate(server.gate),
            promise=None if certificate is None else str(certificate),
            deadline=None if server.link is None else server.link.deadline,
            looks=server.looks_at_most,
            max_question=MAX_QUESTION,
            max_bytes=service.limits.body_bytes,
        )

    @router.get("/health")
    async def health() -> Health:
        """Return whether the process answers."""
        return Health(status="ok")

    @router.get("/ready", responses=documented(503))
    async def ready() -> Health:
        """Return whether questions are taken: the model is loaded, and nobody shuts it down."""
        service.leaving.check()
        _ = service.server
        return Health(status="ok")

    @router.get("/metrics", response_class=Response, responses=documented(401, 429))
    async def metrics(client: Client) -> Response:
        """Counters for Prometheus."""
        service.sessions.drop_expired()
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _gate(gate: Gate) -> GateBody:
    threshold, *rounds = (INFINITE.get(eta) or eta for eta in (gate.threshold, *gate.rounds))
    return GateBody(
        metric=gate.metric, threshold=threshold, first_tokens=gate.first_tokens, rounds=rounds
    )
