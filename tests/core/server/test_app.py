"""The HTTP service, on a socket of its own, with a model whose answers are known."""

import base64
import json
import logging
import re
import socket
import threading
import time
from concurrent.futures import Future

import httpx
import pytest
from fastapi.testclient import TestClient

from core.imaging import Codec
from core.messages import Answer, CropRequest, LocalImage, Message, Question, SecondLook
from core.protocol import Edge, Server, ask
from core.server.app import create_app
from core.server.limits import Limits
from core.server.watch.telemetry import JsonLines
from core.uncertainty import Gate
from core.vlm.base import ModelAway
from tests.support.pixels import SIDE, PixelVLM, picture
from tests.support.serving import COMPACT, GatedVLM, serving

ALWAYS, NEVER = Gate("min_entropy", 0.0), Gate("min_entropy", float("inf"))


@pytest.fixture(scope="module")
def edge():
    return Edge(picture())


@pytest.fixture(scope="module")
def question(edge):
    return edge.question("What is bright?", edge.resize((SIDE, SIDE)))


@pytest.fixture
def client():
    with TestClient(create_app(PixelVLM(), ALWAYS, Limits(rate=0))) as client:
        yield client


def post(client, path, message, **headers):
    content = message if isinstance(message, bytes) else message.to_bytes()
    return client.post(f"/v1/{path}", content=content, headers=COMPACT | headers)


def metric(client, name):
    line = re.search(rf"^second_look_{re.escape(name)} (\S+)$", client.get("/metrics").text, re.M)
    return float(line[1])


@pytest.mark.parametrize("gate", [ALWAYS, NEVER])
def test_both_stages_in_the_compact_form(edge, question, gate):
    expected = ask(edge, Server(PixelVLM(), gate), "What is bright?", force=True)
    client = TestClient(create_app(PixelVLM(), gate))
    response = post(client, "questions", question)
    uncertainty = float(response.headers["Second-Look-Uncertainty"])
    assert uncertainty == pytest.approx(expected.uncertainty, abs=1e-4)
    reply = Message.from_bytes(response.content)
    if gate is NEVER:
        assert reply.text == expected.first_answer
        reply = CropRequest.from_bytes(
            post(client, "second-looks", SecondLook(reply.session)).content
        )
    assert reply.box == expected.box
    local = edge.local_image(reply.session, edge.crop(reply.box, (SIDE, SIDE)))
    final = post(client, "local-images", local)
    assert Answer.from_bytes(final.content) == Answer(expected.answer)
    assert final.headers["Content-Type"] == COMPACT["Content-Type"]


def test_both_stages_in_json(client, edge, question):
    expected = ask(edge, Server(PixelVLM(), ALWAYS), "What is bright?")
    body = {
        "question": "What is bright?",
        "original_size": [200, 100],
        "image": base64.b64encode(question.image).decode(),
        "image_format": "jpeg",
    }
    reply = client.post("/v1/questions", json=body).json()
    assert reply["kind"] == "crop request" and tuple(reply["box"]) == expected.box.as_tuple()
    assert reply["uncertainty"] == pytest.approx(expected.uncertainty)
    local = Codec().encode(edge.crop(expected.box, (SIDE, SIDE)))
    body = {
        "session": reply["session"],
        "image": base64.b64encode(local).decode(),
        "image_format": "jpeg",
    }
    reply = client.post("/v1/local-images", json=body).json()
    assert reply == {
        "kind": "answer", "text": expected.answer, "session": None, "uncertainty": None
    }  # fmt: skip


def test_the_models_own_threshold_is_the_default():
    vlm = PixelVLM()
    vlm.info.thresholds["min_entropy"] = 1.25
    info = TestClient(create_app(vlm)).get("/v1/info").json()
    assert info["gate"] == {
        "metric": "min_entropy",
        "threshold": 1.25,
        "first_tokens": None,
        "rounds": [],
    }
    assert info["input_size"] == [SIDE, SIDE] and info["looks"] == 1
    info = TestClient(create_app(vlm, NEVER)).get("/v1/info").json()
    assert info["gate"]["threshold"] == "Infinity"


def test_no_model_yet(question):
    model = Future()
    client = TestClient(create_app(model))
    assert client.get("/health").status_code == 200
    for response in (
        client.get("/ready"), client.get("/v1/info"), post(client, "questions", question)
    ):  # fmt: skip
        assert response.status_code == 503 and response.json()["code"] == "loading"
        assert int(response.headers["Retry-After"]) >= 1
    model.set_result(PixelVLM())
    assert client.get("/ready").status_code == 200
    assert post(client, "questions", question).status_code == 200


class Leaving(PixelVLM):
    """An engine that can be gone."""

    gone = False

    def answer(self, look, question, local=None, max_new_tokens=20, draft=()):
        if self.gone:
            raise ModelAway("http://there can't be reached.")
        return super().answer(look, question, local, max_new_tokens)


def test_while_an_engine_is_gone_a_local_image_can_be_sent_again(edge, question):
    vlm = Leaving()
    client = TestClient(create_app(vlm, ALWAYS, Limits(rate=0)))
    request = Message.from_bytes(post(client, "questions", question).content)
    local = edge.local_image(request.session, edge.crop(request.box, (SIDE, SIDE)))
    vlm.gone = True
    for path, message in (("questions", question), ("local-images", local)):
        refused = post(client, path, message)
        assert (refused.status_code, refused.json()["code"]) == (503, "model_away")
        assert int(refused.headers["Retry-After"]) >= 1
    vlm.gone = False
    answer = Message.from_bytes(post(client, "local-images", local).content)
    expected = ask(edge, Server(PixelVLM(), ALWAYS), "What is bright?")
    assert answer.text == expected.answer
    assert post(client, "local-images", local).status_code == 410  # answered once


GOOD_JSON = {"question": "What?", "original_size": [200, 100], "image_format": "png"}


@pytest.mark.parametrize(
    ("path", "request_", "status", "code"),
    [
        ("questions", {"content": b"junk", "headers": COMPACT}, 400, "bad_message"),
        ("questions", {"content": b"", "headers": COMPACT}, 400, "bad_message"),
        ("questions", {"content": SecondLook("x").to_bytes(), "headers": COMPACT}, 400, None),
        ("questions", {"json": GOOD_JSON | {"image": "AAAA"}}, 400, "bad_message"),
        ("questions", {"json": GOOD_JSON | {"image": "%%%"}}, 400, "bad_message"),
        ("questions", {"json": GOOD_JSON}, 422, "bad_field"),
        ("questions", {"json": GOOD_JSON | {"image": "AAAA", "more": 1}}, 422, "bad_field"),
        ("questions", {"json": GOOD_JSON | {"image": "AAAA", "question": " "}}, 422, None),
        ("questions", {"json": GOOD_JSON | {"image": "A", "original_size": [1, 0]}}, 422, None),
        ("questions", {"content": b"[" * 1_900, "headers": {"Content-Type": "application/json"}},
         422, "bad_field"),
        ("questions", {"content": b"x", "headers": {"Content-Type": "image/jpeg"}}, 415, None),
        ("questions", {"content": b"x"}, 415, "wrong_type"),
        ("questions", {"content": b"x" * 2001, "headers": COMPACT}, 413, "too_large"),
        ("questions", {"content": iter([b"x" * 1500] * 2), "headers": COMPACT}, 413, None),
        ("questions", {"content": b"x", "headers": COMPACT | {"Idempotency-Key": "k" * 129}},
         422, "bad_field"),
        ("second-looks", {"json": {"session": "nobody's"}}, 410, "session_expired"),
        ("second-looks", {"json": {"session": "../../etc/passwd"}}, 410, None),
        ("second-looks", {"json": {"session": "x" * 65}}, 422, None),
        ("../../etc/passwd", {"content": b""}, 404, "no_route"),
        ("../nowhere", {"content": b""}, 404, "no_route"),
    ],
)  # fmt: skip
def test_what_is_refused(path, request_, status, code):
    """With the status that says why, one sentence, and no trace of the inside."""
    client = TestClient(create_app(PixelVLM(), ALWAYS, Limits(body_bytes=2000)))
    response = client.post(f"/v1/{path}", **request_)
    problem = response.json()
    assert response.status_code == problem["status"] == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["detail"].endswith(".") and "Traceback" not in problem["detail"]
    assert code in (None, problem["code"])


def test_an_image_of_more_pixels_than_the_model_takes(client, edge):
    big = edge.question("What?", edge.image)
    assert post(client, "questions", big).status_code == 400


def test_a_second_stage_is_answered_once(client, edge, question):
    request = CropRequest.from_bytes(post(client, "questions", question).content)
    local = edge.local_image(request.session, edge.crop(request.box, (SIDE, SIDE)))
    damaged = LocalImage(request.session, local.image[:-50], "jpeg")
    assert post(client, "local-images", damaged).status_code == 400  # and costs nothing
    assert post(client, "local-images", local).status_code == 200
    assert post(client, "local-images", local).status_code == 410


def test_a_repeated_message_gets_the_same_reply(client, edge, question):
    first = [post(client, "questions", question, **{"Idempotency-Key": "one"}) for _ in range(2)]
    assert first[0].content == first[1].content
    request = CropRequest.from_bytes(first[0].content)
    local = edge.local_image(request.session, edge.crop(request.box, (SIDE, SIDE)))
    second = [post(client, "local-images", local, **{"Idempotency-Key": "two"}) for _ in range(2)]
    assert [response.status_code for response in second] == [200, 200]
    assert second[0].content == second[1].content
    other = edge.question("What else?", edge.resize((SIDE, SIDE)))
    reused = post(client, "questions", other, **{"Idempotency-Key": "one"})
    assert (reused.status_code, reused.json()["code"]) == (422, "key_reused")


def test_sessions_run_out(question):
    app = create_app(PixelVLM(), ALWAYS, Limits(sessions=2, session_seconds=0.2))
    client = TestClient(app)
    sessions = [
        CropRequest.from_bytes(post(client, "questions", question).content).session
        for _ in range(3)
    ]
    status = [post(client, "second-looks", SecondLook(s)).status_code for s in sessions]
    assert status == [410, 200, 200]
    assert metric(client, "sessions") == 2 and metric(client, "session_bytes") > 0
    time.sleep(0.25)
    assert post(client, "second-looks", SecondLook(sessions[2])).status_code == 410
    assert metric(client, "sessions") == metric(client, "session_bytes") == 0


def test_sessions_are_freed_even_if_nobody_comes_any_more(question):
    with serving(ALWAYS, Limits(session_seconds=0.2)) as (url, app):
        httpx.post(f"{url}/v1/questions", content=question.to_bytes(), headers=COMPACT)
        sessions = app.state.service.sessions
        assert len(sessions) == 1
        deadline = time.monotonic() + 10
        while len(sessions) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(sessions) == sessions.nbytes == 0


def test_tokens(edge, question):
    limits = Limits(rate=0.001, burst=2)
    client = TestClient(create_app(PixelVLM(), ALWAYS, limits, tokens=["first", "sécond"]))
    for shown in ({}, {"Authorization": "Bearer no"}, {"Authorization": "Basic first"}):
        for response in (
            post(client, "questions", question, **shown),
            client.get("/metrics", headers=shown),
            client.get("/v1/info", headers=shown),
        ):
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/health").status_code == 200
    for _ in range(2):
        ok = post(client, "questions", question, Authorization="Bearer first")
        assert ok.status_code == 200
    limited = post(client, "questions", question, Authorization="Bearer first")
    assert limited.status_code == 429 and int(limited.headers["Retry-After"]) > 60
    other = {"Authorization": "Bearer sécond".encode()}  # a client of its own, with its own rate
    assert post(client, "questions", question, **other).status_code == 200


def test_above_capacity_come_429s_and_nobody_waits_too_long(question):
    vlm = GatedVLM()
    limits = Limits(rate=0, workers=1, waiting=3, waiting_per_client=2, max_wait=0.3)
    with serving(ALWAYS, limits, vlm=vlm) as (url, app), httpx.Client(base_url=url) as client:
        vlm.open.clear()
        results = []

        def ask_once():
            begin = time.monotonic()
            response = httpx.post(f"{url}/v1/questions", content=question.to_bytes(),
                                  headers=COMPACT, timeout=10)  # fmt: skip
            results.append((response, time.monotonic() - begin))

        threads = [threading.Thread(target=ask_once) for _ in range(6)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 5
        while len(results) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        refused = [r for r, _ in results]
        assert [r.status_code for r in refused] == [429] * 5  # the sixth is at the model
        assert all(int(r.headers["Retry-After"]) >= 1 for r in refused)
        assert max(seconds for _, seconds in results) < 3
        assert client.get("/health").status_code == 200  # what needs no model goes on
        vlm.open.set()
        for thread in threads:
            thread.join()
        assert results[-1][0].status_code == 200
        assert (len(app.state.service.queue), app.state.service.queue.working) == (0, 0)


def test_a_client_that_left_is_not_worked_for(question):
    vlm = GatedVLM()
    with serving(ALWAYS, Limits(rate=0, workers=1), vlm=vlm) as (url, app):
        vlm.open.clear()
        first = threading.Thread(
            target=httpx.post, args=(f"{url}/v1/questions",),
            kwargs={"content": question.to_bytes(), "headers": COMPACT, "timeout": 10},
        )  # fmt: skip
        first.start()
        assert vlm.begun.acquire(timeout=5)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/v1/questions", content=question.to_bytes(), headers=COMPACT,
                       timeout=httpx.Timeout(5, read=0.2))  # fmt: skip
        vlm.open.set()
        first.join()
        deadline = time.monotonic() + 5
        while app.state.service.queue.working and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not vlm.begun.acquire(blocking=False)
        text = httpx.get(f"{url}/metrics").text
        assert 'second_look_requests_total{route="/v1/questions",status="499"} 1.0' in text


NO_ROUTE = b"POST /v1/info HTTP/1.1\r\nHost: a\r\n"
HEAD = b"POST /v1/questions HTTP/1.1\r\nHost: a\r\nContent-Type: application/vnd.second-look\r\n"


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((), b""),  # nothing is ever said
        ((b"POST /v1/qu",), b""),  # a head that doesn't end
        ((b"GET /health HTTP/1.1\r\nA", b": b\r\nC", b": d\r\nE", b": f\r\n") * 9, b""),  # or drips
        ((HEAD + b"Content-Length: 1000\r\n\r\nhalf a body",), b"HTTP/1.1 408"),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",), b"HTTP/1.1 408"),
        # The app has refused it before uvicorn finds that the body is no body.
        ((NO_ROUTE + b"Transfer-Encoding: chunked\r\n\r\nno chunk\r\n",), b"HTTP/1.1 400"),
        ((b"nonsense\r\n\r\n",), b"HTTP/1.1 400"),
        ((HEAD + b"Content-Length: -5\r\n\r\n",), b"HTTP/1.1 400"),
        ((b"GET /" + b"a" * 100_000,), b"HTTP/1.1 400"),
    ],
)
def test_slow_and_broken_requests_end_soon(server, parts, status, caplog):
    url, _ = server
    host, port = httpx.URL(url).host, httpx.URL(url).port
    begin = time.monotonic()
    with socket.create_connection((host, port), timeout=10) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(0.04 if len(parts) > 1 else 0)
            said = b""
            while data := connection.recv(1000):
                said += data
        except (BrokenPipeError, ConnectionResetError):
            said = b""  # closed while we were still sending
    assert said.startswith(status) if status else said == b""
    assert time.monotonic() - begin < 5
    assert httpx.get(f"{url}/health").status_code == 200
    assert not [record for record in caplog.records if record.exc_info]  # no traceback, either


@pytest.fixture(scope="module")
def server():
    limits = Limits(rate=0, stall_seconds=0.4, connections_per_client=20)
    with serving(ALWAYS, limits) as both:
        yield both


def test_connections_are_bounded(server):
    url, _ = server
    address = (httpx.URL(url).host, httpx.URL(url).port)
    held = [socket.create_connection(address) for _ in range(20)]
    with socket.create_connection(address, timeout=5) as late:
        assert late.recv(1000).startswith(b"HTTP/1.1 429")
    for connection in held:
        connection.close()
    time.sleep(0.1)
    assert httpx.get(f"{url}/health").status_code == 200


def test_a_proxy_has_as_many_connections_as_its_clients():
    """One address then, but 300 phones behind it: only those of all together are bounded."""
    limits = Limits(rate=0, connections=12, connections_per_client=3)
    with serving(ALWAYS, limits, proxy="127.0.0.1") as (url, _):
        address = (httpx.URL(url).host, httpx.URL(url).port)
        held = [socket.create_connection(address) for _ in range(11)]
        assert httpx.get(f"{url}/health").status_code == 200
        held += [socket.create_connection(address) for _ in range(2)]
        with socket.create_connection(address, timeout=5) as late:
            assert late.recv(1000).startswith(b"HTTP/1.1 429")
        for connection in held:
            connection.close()


def test_the_log_tells_what_happened_and_nothing_of_what_was_said(client, edge, caplog):
    secret = "What does the letter from my doctor say?"
    with caplog.at_level(logging.INFO, logger="core.server"):
        first = post(client, "questions", edge.question(secret, edge.resize((SIDE, SIDE))))
        request = CropRequest.from_bytes(first.content)
        local = edge.local_image(request.session, edge.crop(request.box, (SIDE, SIDE)))
        final = Answer.from_bytes(post(client, "local-images", local).content)
        client.get(f"/{secret}")
    lines = [
        JsonLines().format(record) for record in caplog.records if record.name == "core.server"
    ]
    text = "\n".join(lines)
    for word in (secret, "doctor", request.session, final.text):
        assert word not in text
    first, second, third = map(json.loads, lines)
    assert (first["kind"], first["reply"]) == ("question", "crop request")
    assert first["bytes_out"] == request.byte_count and first["status"] == 200
    assert (second["kind"], second["reply"]) == ("local image", "answer")
    assert (third["route"], third["status"]) == ("other", 404)
    assert "doctor" not in client.get("/metrics").text


@pytest.mark.parametrize("form", ["compact", "json"])
def test_a_request_is_read_once_and_its_reply_not_at_all(client, question, form, monkeypatch):
    read, real = [], Message.from_bytes.__func__
    monkeypatch.setattr(
        Message, "from_bytes", classmethod(lambda cls, data: read.append(cls) or real(cls, data))
    )
    if form == "compact":
        response = post(client, "questions", question, **{"Idempotency-Key": "once"})
    else:
        body = {
            "question": question.question,
            "original_size": list(question.original_size),
            "image": base64.b64encode(question.image).decode(),
            "image_format": question.image_format,
        }
        response = client.post("/v1/questions", json=body, headers={"Idempotency-Key": "once"})
    assert response.status_code == 200
    assert read == ([Question] if form == "compact" else [])


def test_an_unforeseen_failure_is_a_500_without_its_text(question, monkeypatch):
    def fail(*_):
        raise RuntimeError("secret path /home/x")

    app = create_app(PixelVLM(), ALWAYS)
    monkeypatch.setattr(app.state.service.server, "handle", fail)
    client = TestClient(app, raise_server_exceptions=False)
    response = post(client, "questions", question, **{"Idempotency-Key": "k"})
    assert response.status_code == 500 and "secret" not in response.text
    monkeypatch.undo()
    assert post(client, "questions", question, **{"Idempotency-Key": "k"}).status_code == 200
    assert app.state.service.queue.working == 0


def test_described_and_documented_without_the_internet(client):
    described = client.get("/openapi.json").json()
    assert {"/v1/questions", "/v1/local-images", "/v1/second-looks", "/v1/info", "/health",
            "/ready", "/metrics", "/v1/chat/completions", "/v1/models", "/v1/models/{model}",
            } == described["paths"].keys()  # fmt: skip
    body = described["paths"]["/v1/questions"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/json", COMPACT["Content-Type"]}
    page = client.get("/docs").text
    for source in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert source.startswith("/") and client.get(source).status_code == 200
