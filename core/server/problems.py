"""What goes wrong, as the client gets to see it: RFC 9457 problem details with one sentence."""

from __future__ import annotations

from http.client import responses
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from core.messages import MessageError, QuestionError, SessionExpired
from core.server.admission import Busy
from core.server.replies import Abandoned, KeyReused
from core.vlm.base import ModelAway, VLMError

MEDIA_TYPE = "application/problem+json"
AGAIN = "5"  # seconds until an engine that has ended may be there again


class Problem(Exception):
    """A request that can't be answered as hoped."""

    def __init__(self, status: int, code: str, detail: str, **headers: str):
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class ProblemDetails(BaseModel):
    """RFC 9457."""

    title: str = Field(description="The HTTP status in words.")
    status: int
    code: str = Field(description="What happened, for programs, e.g. session_expired.")
    detail: str = Field(description="What happened and what to do, in one sentence, for people.")


def as_problem(error: Exception) -> Problem:
    """The problem that one of the exceptions of app.EXPECTED means to a client."""
    match error:
        case Problem():
            return error
        case SessionExpired():
            return Problem(410, "session_expired", str(error))
        case QuestionError():
            return Problem(422, "bad_question", str(error))
        case MessageError():
            return Problem(400, "bad_message", str(error))
        case ModelAway():
            return Problem(503, "model_away", str(error), Retry_After=AGAIN)
        case VLMError():
            return Problem(422, "refused_by_model", str(error))
        case KeyReused():
            return Problem(422, "key_reused", str(error))
        case Busy():
            return Problem(429, "busy", str(error), Retry_After=str(error.retry_after))
        case Abandoned():
            return Problem(499, "abandoned", "The connection was closed before the answer.")
        case HTTPException():  # of the framework: no such route, not that method
            text = f"{error.detail}: see /docs for what there is."
            headers = {
                name.replace("-", "_"): value for name, value in (error.headers or {}).items()
            }
            return Problem(error.status_code, "no_route", text, **headers)
        case RequestValidationError():
            return Problem(
                422, "bad_field", f"A header or parameter can't be used: {_first(error)}"
            )
    raise AssertionError(f"no problem for {type(error)}")


def _first(error: RequestValidationError) -> str:
    what = error.errors()[0]
    return f"{what['loc'][-1]}: {what['msg']}."


def response(problem: Problem) -> JSONResponse:
    body = ProblemDetails(
        title=responses.get(problem.status, "Client Closed Request"),
        status=problem.status, code=problem.code, detail=problem.detail,
    )  # fmt: skip
    return JSONResponse(
        body.model_dump(), problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses for the OpenAPI description of a route."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {"description": WHAT[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


WHAT = {
    400: "Not a message or an image as agreed.",
    401: "The bearer token is missing or wrong.",
    408: "The body didn't arrive in time.",
    410: "The session has expired or was answered: ask the question again.",
    413: "The body is too large.",
    415: "The body has a type that isn't read here.",
    422: "The question, or a field of the JSON, can't be used.",
    429: "Too many requests, yours or everybody's: come back after Retry-After seconds.",
    503: "The model is still being loaded, or can't be asked for now, or the server is shut down:"
    " come back after Retry-After seconds.",
}
