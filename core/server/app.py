"""The HTTP service: the protocol's server (core.server.machine.Server) behind three routes.

    POST /v1/questions      first stage: an answer, or the request for a local image
    POST /v1/local-images   second stage: the answer from both images
    POST /v1/second-looks   a request for a local image although the gate said no

The same in the words of OpenAI's clients is at /v1/chat/completions and /v1/models (core.server.
chat). Beside them: /v1/info (what an edge must know before it asks), /phone (an edge in a browser),
/health, /ready, /metrics, /docs and /openapi.json. All of it may be mounted in another app: nothing
needs a lifespan.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from core.certificate import Certificate
from core.croppers import DEFAULT
from core.messages import ProtocolError
from core.policies.shared import LinkTerms
from core.server.admission import Busy
from core.server.chat import forms
from core.server.chat.routes import chat_routes, error_response, is_chat
from core.server.clients import identified
from core.server.limits import Limits
from core.server.phone.rooms import Rooms
from core.server.phone.routes import phone_routes
from core.server.phone.voting import room_routes
from core.server.problems import Problem, ProblemDetails, as_problem, response
from core.server.replies import Abandoned, KeyReused
from core.server.routes import message_routes, status_routes
from core.server.service import Service
from core.server.watch.telemetry import Telemetry
from core.uncertainty import Gate
from core.vlm.base import VLM, VLMError

__all__ = ["create_app"]

EXPECTED = (
    Problem, ProtocolError, VLMError, KeyReused, Busy, Abandoned, HTTPException,
    RequestValidationError,
)  # fmt: skip


def create_app(
    model: VLM | Future[VLM],
    gate: Gate | None = None,
    limits: Limits | None = None,
    tokens: Sequence[str] = (),
    certificate: Certificate | None = None,
    link: LinkTerms | None = None,
    cropper: str = DEFAULT,
    rooms: Rooms | None = None,
    keeps: bool = False,
) -> FastAPI:
    """Return the service as an ASGI app.

    model: a loaded model, or the future of one; until then it answers 503. gate: None for the
    model's own threshold. tokens: bearer tokens of which a client must show one; none: anyone may
    ask. A client is a token where there are any, and an address where there are none. certificate:
    in place of a gate; another model, or images in another codec, are refused. link: that the edges
    share, and whose policy decides who may send a local image. cropper: of
    `core.croppers.CROPPERS`, what chooses the box. rooms: of classes, whose phones vote. keeps:
    whether an answer is from all local images so far, or from the newest.
    """
    service = Service(model, gate, limits or Limits(), certificate, link, cropper, keeps)
    app = FastAPIOffline(
        redoc_url=None,
        title="Second Look server",
        version="1",
        description=__doc__.split("\n\n")[0],
    )
    app.state.service = service
    client = identified(tokens, service.rate)
    app.include_router(message_routes(service, client))
    app.include_router(status_routes(service, client))
    app.include_router(chat_routes(service, client))
    app.include_router(phone_routes())
    if rooms is not None:
        app.include_router(room_routes(rooms, service.limits))
    for kind in EXPECTED:
        app.add_exception_handler(kind, _explained)
    app.add_exception_handler(Exception, _unexpected)
    app.add_middleware(Telemetry, metrics=service.metrics)
    app.openapi = lambda: _described(app, bool(tokens))  # type: ignore[method-assign]  # FastAPI's own way
    return app


async def _explained(request: Request, error: Exception) -> Response:
    return _in_form(request, as_problem(error))


async def _unexpected(request: Request, error: Exception) -> Response:
    return _in_form(
        request, Problem(500, "internal", "The server failed at this: try again later.")
    )


def _in_form(request: Request, problem: Problem) -> Response:
    return error_response(problem) if is_chat(request) else response(problem)


def _described(app: FastAPI, guarded: bool) -> dict[str, Any]:
    """The OpenAPI description: with the schema that all errors share, and tokens if there are."""
    if app.openapi_schema is None:
        described = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        described["components"]["schemas"]["ProblemDetails"] = ProblemDetails.model_json_schema()
        described["components"]["schemas"] |= forms.schemas()
        if not guarded:
            del described["components"]["securitySchemes"]
            for path in described["paths"].values():
                for operation in path.values():
                    operation.pop("security", None)
                    operation["responses"].pop("401", None)
        app.openapi_schema = described
    return app.openapi_schema
