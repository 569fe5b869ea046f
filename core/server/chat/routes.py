"""The routes that OpenAI's clients ask: /v1/chat/completions, /v1/models and /v1/models/MODEL."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute

from core.croppers import DEFAULT
from core.messages import LocalImage, Question
from core.server import wire
from core.server.chat import answering, forms, replies
from core.server.machine import Server
from core.server.problems import WHAT, Problem
from core.server.routes import Identified
from core.server.service import Service

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"
MODEL = "/v1/models/{model:path}"  # names of the hub have a slash


def chat_routes(service: Service, identified: Identified) -> APIRouter:
    """Return the routes; their errors are in OpenAI's form (`error`)."""
    router = APIRouter()
    Client = Annotated[str, Depends(identified)]
    started = int(time.time())

    @router.post(
        CHAT,
        summary="Ask as OpenAI's clients do, with images as data URLs.",
        response_class=Response,
        openapi_extra=forms.request_body(),
        responses={
            200: _CHAT_REPLY,
            **_documented(*_CHAT_ERRORS),
        },
    )
    async def chat(request: Request, client: Client) -> Response:
        begun = time.monotonic()
        if wire.media_type(request) != wire.JSON:
            raise Problem(415, "wrong_type", f"Send a body of type {wire.JSON}.")
        asked = forms.read(await wire.read_body(request, service.limits))
        server = _server(service)
        if asked.model != server.vlm.info.name:
            raise _no_model(asked.model, server)
        for image_format, _ in asked.images:
            service.check_codec(image_format)
        age = time.monotonic() - begun

        def work(waited: float) -> Any:
            return answering.answer(server, asked, age + waited)

        kind = Question.kind if len(asked.images) == 1 else LocalImage.kind
        reply, _ = await service.turn(request, client, kind, work)
        if asked.stream:
            told = replies.events(asked, reply, server.gate)
            return StreamingResponse(told, media_type="text/event-stream")
        return JSONResponse(replies.completion(asked, reply, server.gate))

    @router.get(MODELS, responses=_documented(401, 429, 503))
    async def models(client: Client) -> dict[str, Any]:
        """List the one model that answers, and how it wants its images."""
        return {"object": "list", "data": [about(service.server)]}

    @router.get(MODEL, responses=_documented(401, 404, 429, 503))
    async def model(model: str, client: Client) -> dict[str, Any]:
        """Tell of the model that answers, by its name."""
        if model != service.server.vlm.info.name:
            raise _no_model(model, service.server)
        return about(service.server)

    def about(server: Server) -> dict[str, Any]:
        info, fit = server.vlm.info, server.fit
        card = {
            "fit": fit.how, "input_size": list(fit.input_size), "cell": fit.cell,
            "revision": info.revision,
        }  # fmt: skip
        said = {"id": info.name, "object": "model", "created": started}
        return said | {"owned_by": "second-look", "second_look": card}

    return router


def _no_model(name: str, server: Server) -> Problem:
    return Problem(
        404, "model_not_found",
        f"There is no model {name!r:.200} here, only {server.vlm.info.name!r}.",
    )  # fmt: skip


def _server(service: Service) -> Server:
    """The service's server, telling more alternatives of each token, and of no shared link: its
    policy is for edges that keep to it. Nor does a chat search: it has no more than two turns."""
    server = service.server
    return Server(
        server.vlm,
        server.gate,
        service.sessions,
        cropper=DEFAULT if server.cropper.parts else server.cropper,
        keeps=server.keeps,
        alternatives=forms.MOST_LIKELIEST + 1,
    )


def error_response(problem: Problem) -> JSONResponse:
    """Return a problem in OpenAI's form."""
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    said = {"message": problem.detail, "type": kind, "param": None, "code": problem.code}
    return JSONResponse({"error": said}, problem.status, headers=problem.headers)


def is_chat(request: Request) -> bool:
    """Return whether a request is for one of these routes, or for another of OpenAI's interface
    that isn't here: what has no route under /v1."""
    scope = request.scope
    if isinstance(route := scope.get("route"), APIRoute):  # not what this app is mounted by
        return route.path in (CHAT, MODELS, MODEL)
    return scope["path"].removeprefix(scope.get("root_path", "")).startswith("/v1/")


_CHAT_ERRORS = (400, 401, 404, 408, 410, 413, 415, 422, 429, 503)
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {
        "type": "object",
        "required": ["message", "type", "code"],
        "properties": {
            "message": {"type": "string"}, "type": {"type": "string"}, "code": {"type": "string"},
        },
    }},
}  # fmt: skip
_CHAT_REPLY = {
    "description": "The answer; with `second_look` where the gate wants a local image: its box in"
    " pixels of the original, the session, and the uncertainty.",
    "content": {
        "application/json": {"schema": {"type": "object", "required": ["choices"]}},
        "text/event-stream": {"schema": {"type": "string"}},
    },
}


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    more = {404: "There is no such model here."}
    return {
        status: {
            "description": (WHAT | more)[status],
            "content": {"application/json": {"schema": _ERROR}},
        }
        for status in statuses
    }
