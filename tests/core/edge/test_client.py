"""The client against a server that keeps to nothing, and without what a small board lacks."""

import json
import subprocess
import sys
import time

import httpx
import pytest

from core.box import Box
from core.edge.client import MAX_INPUT_PIXELS, Client, EdgeError, Refused, Unreachable
from core.imaging import Codec, ImageError
from core.messages import Answer, CropRequest, LocalImage, Message, Question, QuestionError
from core.server.limits import Limits
from core.uncertainty import Gate
from tests.support.pixels import SIDE, picture
from tests.support.serving import serving

INFO = {"input_size": [SIDE, SIDE]}
ALWAYS, NEVER = Gate("min_entropy", 0.0), Gate("min_entropy", float("inf"))


def scripted(*replies, info=INFO, **options):
    """A client whose server gives these replies: messages, (status, headers, body), exceptions."""
    sent, left = [], list(replies)

    def serve(request):
        if request.url.path.endswith("/info"):
            return httpx.Response(200, content=iter([json.dumps(info).encode()]))
        sent.append(request)
        reply = left.pop(0)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, tuple):
            body = iter([reply[2]]) if isinstance(reply[2], bytes) else reply[2]
            return httpx.Response(reply[0], headers=reply[1], content=body)
        return httpx.Response(200, content=iter([reply.to_bytes()]))

    transport = httpx.MockTransport(serve)
    return Client("http://server.test/edge/", transport=transport, **options), sent


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """No test waits; the pauses that would have been."""
    slept = []
    monkeypatch.setattr("core.edge.client.time.sleep", slept.append)
    return slept


def problem(status, code="code", headers=None):
    return status, headers or {}, json.dumps({"code": code, "detail": "A sentence."}).encode()


def test_one_exchange_if_the_server_is_sure():
    client, sent = scripted(Answer("yes", "s"))
    result = client.ask(picture(), " What? ")
    assert (result.answer, result.first_answer, result.question) == ("yes", "yes", "What?")
    assert (result.box, result.retransmitted, result.restarts) == (None, False, 0)
    assert [str(request.url) for request in sent] == ["http://server.test/edge/v1/questions"]
    question = Question.from_bytes(sent[0].content)
    assert (question.question, question.original_size) == ("What?", (200, 100))
    assert Codec("jpeg").decode(question.image).size == (32, 16)


def test_two_exchanges_if_it_asks():
    client, sent = scripted(
        CropRequest("s", Box(10, 20, 42, 52)), Answer("no"), local_codec=Codec("png")
    )
    result = client.ask(picture(), "What?")
    assert (result.answer, result.first_answer) == ("no", None)
    assert result.box == Box(10, 20, 42, 52)
    local = LocalImage.from_bytes(sent[1].content)
    assert local.session == "s"
    crop = picture().crop((10, 20, 42, 52))
    assert Codec("png").decode(local.image).tobytes() == crop.tobytes()
    assert result.bytes_up == sum(len(request.content) for request in sent)


def test_every_attempt_has_the_key_of_its_message(pauses):
    client, sent = scripted(
        httpx.ConnectError("no route"), httpx.ReadTimeout("slow"), problem(503),
        problem(429, headers={"Retry-After": "7"}), CropRequest("s", Box(0, 0, 9, 9)),
        httpx.ReadError("cut"), Answer("done"),
    )  # fmt: skip
    result = client.ask(picture(), "What?")
    assert [exchange.attempts for exchange in result.exchanges] == [5, 2]
    keys = [request.headers["Idempotency-Key"] for request in sent]
    assert len(set(keys[:5])) == 1 and len(set(keys[5:])) == 1 and keys[0] != keys[5]
    assert len({request.content for request in sent}) == 2
    assert pauses[0] < pauses[1] < pauses[2] and 7 < pauses[3] < 10 and pauses[4] <= 0.25


def test_patience_ends(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    client, sent = scripted(*[httpx.ConnectError("no route")] * 100, patience=60)
    with pytest.raises(Unreachable, match="no route"):
        client.ask(picture(), "What?")
    assert now[0] <= 60 and 8 < len(sent) < 20


@pytest.mark.parametrize("status", [400, 401, 404, 413, 415, 422, 500])
def test_a_refusal_is_not_repeated(status):
    client, sent = scripted(problem(status))
    with pytest.raises(Refused, match="A sentence") as refused:
        client.ask(picture(), "What?")
    assert (refused.value.status, refused.value.code, len(sent)) == (status, "code", 1)


def test_a_forgotten_question_is_asked_again():
    client, sent = scripted(
        CropRequest("old", Box(0, 0, 9, 9)), problem(410, "session_expired"),
        CropRequest("new", Box(1, 1, 9, 9)), Answer("done"),
    )  # fmt: skip
    result = client.ask(picture(), "What?")
    assert (result.answer, result.box, result.restarts) == ("done", Box(1, 1, 9, 9), 1)
    assert LocalImage.from_bytes(sent[3].content).session == "new"
    client, sent = scripted(
        *[CropRequest("s", Box(0, 0, 9, 9)), problem(410, "session_expired")] * 20
    )
    with pytest.raises(EdgeError, match="again and again"):
        client.ask(picture(), "What?")
    assert len(sent) == 12


@pytest.mark.parametrize(
    "reply",
    [
        (200, {}, b""),
        (200, {}, b"<html>A captive portal</html>"),
        (302, {"Location": "http://elsewhere.test/"}, b""),
        LocalImage("s", b"x", "png"),
        CropRequest("s", Box(0, 0, 201, 100)),  # more than there is
        (404, {}, b"\xff\xfe"),
        (500, {}, b"[" * 5000),
    ],
)
def test_a_server_that_does_not_keep_to_the_protocol(reply):
    client, _ = scripted(reply)
    with pytest.raises(EdgeError):
        client.ask(picture(), "What?")


def test_only_one_crop_is_ever_sent():
    box = Box(0, 0, 9, 9)
    client, sent = scripted(CropRequest("s", box), CropRequest("s", Box(9, 9, 18, 18)))
    with pytest.raises(EdgeError, match="protocol"):
        client.ask(picture(), "What?")
    assert len(sent) == 2


def test_the_whole_original_is_never_sent():
    """A server that says its model takes enormous images, or asks for all of the image."""
    client, sent = scripted(info={"input_size": [2_000_000, 2_000_000]})
    with pytest.raises(EdgeError, match=f"{MAX_INPUT_PIXELS:,}"):
        client.ask(picture(), "What?")
    assert not sent
    client, sent = scripted(CropRequest("s", Box(0, 0, 200, 100)), Answer("x"))
    client.ask(picture(), "What?")
    for request in sent:
        image = Codec("jpeg").decode(Message.from_bytes(request.content).image)
        assert max(image.size) <= SIDE


@pytest.mark.parametrize("info", [{}, [], None, {"input_size": None}, {"input_size": [0, 5]}, "x"])
def test_info_from_something_else(info):
    client, _ = scripted(info=info)
    with pytest.raises(EdgeError):
        client.info()


def test_a_reply_without_end_is_cut_off():
    drawn = []

    def endless():
        while True:
            drawn.append(1)
            yield b"x" * 10_000

    client, _ = scripted((200, {}, endless()), Answer("done"))
    result = client.ask(picture(), "What?")
    assert (result.answer, result.exchanges[0].attempts, len(drawn)) == ("done", 2, 7)


def test_what_cannot_be_asked_is_said_before_anything_is_sent():
    client, sent = scripted()
    with pytest.raises(QuestionError):
        client.ask(picture(), "")
    with pytest.raises(ImageError):
        client.ask(b"no image", "What?")
    assert not sent


@pytest.mark.parametrize("url", ["", "server", "ftp://server", "http://"])
def test_no_server(url):
    with pytest.raises(EdgeError, match="can't be a server"):
        Client(url)


@pytest.mark.parametrize("gate", [ALWAYS, NEVER])
def test_a_token_and_force_against_the_real_server(gate):
    with serving(gate, Limits(), ["secret"]) as (url, _):
        with Client(url) as client, pytest.raises(Refused, match="Bearer"):
            client.ask(picture(), "What?")
        lines = []
        with Client(f"{url}/", token="secret", log=lines.append) as client:
            result = client.ask(picture(), "What?", force=True)
        assert result.retransmitted and len(result.exchanges) == (2 if gate is ALWAYS else 3)
        assert (result.first_answer is None) == (gate is ALWAYS)
        assert len(lines) == 2 * len(result.exchanges)
        assert f"{result.exchanges[0].sent:,} B" in lines[0]


def test_what_a_small_board_lacks_is_not_needed():
    """Pillow and httpx are all that is imported from outside the standard library."""
    program = """
import sys
missing = ("numpy", "torch", "transformers", "gradio", "fastapi", "starlette", "uvicorn",
           "prometheus_client", "pandas", "pyarrow", "plotly", "pydantic", "scipy")
for name in missing:
    sys.modules[name] = None  # importing it raises ImportError
import core.edge.__main__, core.edge.batch
from core.edge.client import Client
from PIL import Image
client = Client("http://127.0.0.1:1", patience=0.1)
try:
    client.ask(Image.new("RGB", (100, 80)), "What?")
except Exception as error:
    assert type(error).__name__ == "Unreachable", error
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


PAGE = b"<html><h1>Oops</h1></html>"
HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "SECOND_LOOK_TOKEN"), (403, "forbids this"), (404, "check the URL and its path"),
        (407, "HTTPS_PROXY"), (413, r"--quality \(413\)"), (418, "check the URL"),
        (500, "look into the log"), (525, "TLS"), (526, "TLS"), (304, "check the URL"),
    ],
)  # fmt: skip
def test_what_a_proxy_answers_by_itself_says_what_to_do(status, words):
    client, sent = scripted((status, HTML, PAGE))
    with pytest.raises(Refused, match=words) as refused:
        client.ask(picture(), "What?")
    said = str(refused.value)
    assert str(status) in said and "html" not in said and "\n" not in said and len(sent) == 1
    assert refused.value.code == "unknown" and not refused.value.is_of_question


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504, 520, 521, 522, 523, 524, 527, 530])
def test_what_may_pass_is_tried_again_and_said_in_the_end(status, pauses):
    client, _ = scripted((status, HTML, PAGE), Answer("yes", "s"))
    assert client.ask(picture(), "What?").exchanges[0].attempts == 2
    client, _ = scripted((status, HTML, PAGE), patience=0)
    with pytest.raises(Unreachable, match=rf"\({status}\)") as given_up:
        client.ask(picture(), "What?")
    assert "check the URL:" not in str(given_up.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://server.test/edge/v1/questions", "https://server.test/edge/ "),
        ("/second-look/v1/questions", "http://server.test/second-look/ "),
        ("https://login.test/?next=v1", "https://login.test/?next=v1 "),
        ("https://me:secret@server.test/v1/questions", "https://server.test/ "),
    ],
)
def test_a_redirect_is_not_followed_and_says_where_it_points(status, location, shown):
    client, sent = scripted((status, {"Location": location}, b""))
    with pytest.raises(Refused) as refused:
        client.ask(picture(), "What?")
    assert shown in str(refused.value) and f"({status})" in str(refused.value) and len(sent) == 1
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("location", [None, "http://[", "http://a:b", "", "https:///x"])
def test_a_redirect_to_nowhere(location):
    headers = {} if location is None else {"Location": location}
    client, sent = scripted((302, headers, PAGE))
    with pytest.raises(EdgeError, match="check the URL|redirects aren't followed"):
        client.ask(picture(), "What?")
    assert len(sent) == 1


def test_a_web_page_in_place_of_an_answer():
    client, _ = scripted((200, HTML, PAGE))
    with pytest.raises(EdgeError, match="web page .* log in"):
        client.ask(picture(), "What?")
    page = httpx.MockTransport(lambda _: httpx.Response(200, headers=HTML, content=iter([b""])))
    client = Client("http://server.test", transport=page)
    with pytest.raises(EdgeError, match="web page .*http://server.test/"):
        client.info()


def test_what_a_server_says_cannot_steer_a_terminal():
    body = json.dumps({"code": "x", "detail": "A\n\x1b[2Jsentence." + "x" * 5000}).encode()
    client, _ = scripted((400, {}, body))
    with pytest.raises(Refused) as refused:
        client.ask(picture(), "What?")
    said = str(refused.value)
    assert said.startswith("A [2Jsentence.") and said.isprintable() and len(said) <= 1000
