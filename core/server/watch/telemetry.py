"""What the server says about its work: metrics for Prometheus, and a log of JSON lines.

Neither holds anything of an image, a question, an answer, a session or a token. Bytes are counted
as they cross the wire: body and head (request or status line, and headers) apart.
"""

from __future__ import annotations

import http.client
import json
import logging
import time
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.messages import Answer, CropRequest
from core.support.headers import head_bytes

log = logging.getLogger("core.server")

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # memory, processor time, open files
        PlatformCollector(registry=registry)
        self.requests = Counter(
            "second_look_requests", "Requests, by route and status.", ("route", "status"),
            registry=registry,
        )  # fmt: skip
        self.bytes = Counter(
            "second_look_bytes",
            "Bytes of requests (in) and responses (out), heads apart from bodies.",
            ("route", "direction", "part"), registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "second_look_request_seconds", "From the head of a request to the end of its response.",
            ("route",), buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.waited = Histogram(
            "second_look_queue_seconds", "Waiting for a turn.", buckets=SECONDS, registry=registry
        )
        self.worked = Histogram(
            "second_look_work_seconds", "Decoding and model, by kind of message.",
            ("kind",), buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.replies = Counter(
            "second_look_replies", "What messages were answered with.", ("kind",),
            registry=registry,
        )  # fmt: skip

        self.skipped = Counter(
            "second_look_local_images_skipped",
            "Local images that the policy of a shared link went without, and why.",
            ("why",), registry=registry,
        )  # fmt: skip
        self.questions = Counter(
            "second_look_questions", "Questions, and whether they were asked again.", ("asked",),
            registry=registry,
        )  # fmt: skip
        for asked in ("yes", "no"):  # a count that begins with 0 has a rate from the first on
            self.questions.labels(asked)
        for kind in (Answer.kind, CropRequest.kind):
            self.replies.labels(kind)

    def gauge(self, name: str, text: str, value: Any) -> None:
        """A number that is read whenever somebody asks."""
        Gauge(f"second_look_{name}", text, registry=self.registry).set_function(value)


class Telemetry:
    """ASGI middleware: counts, times and logs each request, whatever came of it."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, seen = time.perf_counter(), {"in": 0, "out": 0, "head": 0, "status": 499}

        async def counted_receive() -> Message:
            message = await receive()
            seen["in"] += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                line = f"HTTP/1.1 {message['status']} {_reason(message['status'])}"
                seen["head"] = head_bytes(line, message["headers"])
            seen["out"] += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, counted_receive, counted_send)
        except BaseException:
            seen["status"] = 500
            raise
        finally:
            self._note(scope, seen, time.perf_counter() - start)

    def _note(self, scope: Scope, seen: dict[str, int], seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")  # as declared: no path of a stranger
        target = scope.get("raw_path") or scope["path"].encode()
        target += b"?" + scope["query_string"] if scope["query_string"] else b""
        line = f"{scope['method']} {target.decode('latin-1')} HTTP/1.1"
        head = head_bytes(line, scope["headers"])
        for direction, part, count in (
            ("in", "body", seen["in"]), ("in", "head", head),
            ("out", "body", seen["out"]), ("out", "head", seen["head"]),
        ):  # fmt: skip
            self.metrics.bytes.labels(route, direction, part).inc(count)
        self.metrics.requests.labels(route, seen["status"]).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        note = {
            "event": "request",
            "client": scope["client"][0] if scope.get("client") else None,
            "method": scope["method"] if scope["method"].isalpha() else "other",
            "route": route,
            "status": seen["status"],
            "seconds": round(seconds, 4),
            "bytes_in": seen["in"],
            "bytes_out": seen["out"],
            "head_bytes_in": head,
            "head_bytes_out": seen["head"],
        }
        log.info("request", extra={"note": note | scope.get("note", {})})


class JsonLines(logging.Formatter):
    """One JSON object a line; a record's `note` gives the fields."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
        }
        fields |= getattr(record, "note", None) or {"event": record.getMessage()}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def _reason(status: int) -> str:
    """The words after a status, as uvicorn sends them."""
    return http.client.responses.get(status, "")
