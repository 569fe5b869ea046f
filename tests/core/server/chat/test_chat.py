"""The server in OpenAI's words: what any of its clients sends, and what comes back."""

import base64
import json

import numpy as np
import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount

from core.imaging import Codec
from core.protocol import Edge, Server, ask, first_stage
from core.server.app import create_app
from core.server.chat import forms
from core.server.limits import Limits
from core.uncertainty import Gate
from tests.support.pixels import SIDE, PixelVLM, picture

ALWAYS, NEVER = Gate("min_entropy", 0.0), Gate("min_entropy", float("inf"))
PATH = "/v1/chat/completions"


@pytest.fixture(scope="module")
def edge():
    return Edge(picture(), Codec("png"))


@pytest.fixture
def client():
    with TestClient(create_app(PixelVLM(), ALWAYS, Limits(rate=0))) as client:
        yield client


def url(image, kind="png"):
    return f"data:image/{kind};base64,{base64.b64encode(Codec('png').encode(image)).decode()}"


def body(*images, text="What is bright?", **more):
    parts = [{"type": "image_url", "image_url": {"url": one}} for one in images]
    content = [*parts, {"type": "text", "text": text}]
    said = {"model": "pixels", "messages": [{"role": "user", "content": content}]}
    return said | {"logprobs": True, "top_logprobs": 20} | more


def test_a_question_is_answered_as_the_protocol_answers_it(client, edge):
    expected = first_stage(edge, Server(PixelVLM(), ALWAYS), "What is bright?")
    size = list(edge.image.size)
    small = edge.resize((SIDE, SIDE))
    asked = body(url(small), second_look={"original_size": size})
    said = client.post(PATH, json=asked).raise_for_status().json()
    choice = said["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": expected.first.answer}
    told = choice["logprobs"]["content"]
    assert [one["token"] for one in told] == [token.text for token in expected.tokens]
    found = [-one["logprob"] / np.log(2) for one in told]
    np.testing.assert_allclose(found, expected.scores["min_entropy"], atol=1e-9)
    assert all(len(one["top_logprobs"]) == 20 for one in told)
    assert bytes(told[0]["bytes"]).decode() == told[0]["token"]
    assert said["second_look"]["box"] == list(expected.box.as_tuple())
    assert said["second_look"]["uncertainty"] == pytest.approx(expected.uncertainty)
    assert said["usage"]["completion_tokens"] == len(told)


def test_both_images_are_answered_with_a_session_and_without(client, edge):
    expected = ask(edge, Server(PixelVLM(), ALWAYS), "What is bright?")
    small, box = edge.resize((SIDE, SIDE)), expected.box
    local = edge.crop(box, PixelVLM().info.fit)
    sizes = {"original_size": list(edge.image.size)}
    first = client.post(PATH, json=body(url(small), second_look=sizes)).json()
    session = first["second_look"]["session"]
    both = body(url(small), url(local))
    plain = client.post(PATH, json=both).raise_for_status().json()
    held = client.post(PATH, json=both | {"second_look": {"session": session}}).json()
    for said in (plain, held):
        assert said["choices"][0]["message"]["content"] == expected.second.answer
        assert "second_look" not in said
    assert plain["choices"][0]["logprobs"] == held["choices"][0]["logprobs"]
    gone = client.post(PATH, json=both | {"second_look": {"session": session}})
    assert gone.status_code == 410 and gone.json()["error"]["code"] == "session_expired"


def test_a_session_of_another_question_is_refused(client, edge):
    small = edge.resize((SIDE, SIDE))
    first = client.post(PATH, json=body(url(small))).json()
    wish = {"session": first["second_look"]["session"]}
    other = body(url(small), url(small), text="Another?", second_look=wish)
    response = client.post(PATH, json=other)
    assert response.status_code == 400 and "another question" in response.json()["error"]["message"]


def test_an_image_of_any_size_is_brought_to_the_model(client, edge):
    """A client that knows nothing of fits: its box is in pixels of the image that it sent."""
    expected = first_stage(edge, Server(PixelVLM(), ALWAYS), "What is bright?")
    said = client.post(PATH, json=body(url(edge.image))).json()
    assert said["choices"][0]["message"]["content"] == expected.first.answer
    assert said["second_look"]["box"] == list(expected.box.as_tuple())


def test_a_confident_answer_brings_no_wish(edge):
    with TestClient(create_app(PixelVLM(), NEVER)) as client:
        said = client.post(PATH, json=body(url(edge.image))).json()
    assert "second_look" not in said


def test_a_stream_says_the_same_in_pieces(client, edge):
    asked = body(url(edge.image), stream=True, stream_options={"include_usage": True})
    whole = client.post(PATH, json=body(url(edge.image))).json()
    response = client.post(PATH, json=asked)
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    choices = [one["choices"][0] for one in chunks if one["choices"]]
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    text = "".join(one["delta"].get("content", "") for one in choices)
    assert text == whole["choices"][0]["message"]["content"]
    told = [one for c in choices if c["logprobs"] for one in c["logprobs"]["content"]]
    assert told == whole["choices"][0]["logprobs"]["content"]
    assert choices[-1]["finish_reason"] == "stop"
    assert chunks[-1]["usage"] == whole["usage"]
    assert chunks[-2]["second_look"]["box"] == whole["second_look"]["box"]


def test_fewer_tokens_are_the_first_ones(client, edge):
    whole = client.post(PATH, json=body(url(edge.image))).json()["choices"][0]
    short = client.post(PATH, json=body(url(edge.image), max_tokens=2)).json()["choices"][0]
    assert short["finish_reason"] == "length" and whole["finish_reason"] == "stop"
    assert short["logprobs"]["content"] == whole["logprobs"]["content"][:2]
    assert whole["message"]["content"].startswith(short["message"]["content"])
    plain = client.post(PATH, json=body(url(edge.image), logprobs=None)).json()["choices"][0]
    assert plain["logprobs"] is None and plain["message"] == whole["message"]


def test_the_model_and_how_it_wants_its_images_are_listed(client):
    (found,) = client.get("/v1/models").json()["data"]
    assert found["id"] == "pixels"
    card = {"fit": "pad", "input_size": [SIDE, SIDE], "cell": 1, "revision": "r1"}
    assert found["second_look"] == card
    assert client.get("/v1/models/pixels").json() == found


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/models/pocket", 404, "model_not_found"),
        ("GET", "/v1/models/HuggingFaceTB/SmolVLM-256M-Instruct", 404, "model_not_found"),
        ("DELETE", "/v1/models/pixels", 405, "no_route"),
        ("GET", PATH, 405, "no_route"),
        ("POST", "/v1/embeddings", 404, "no_route"),
        ("POST", "/v1/responses", 404, "no_route"),
        ("POST", "/v1/questions/%2e%2e/info", 404, "no_route"),
    ],
)
def test_what_isnt_here_is_said_in_openais_form(client, method, path, status, code):
    for root in ("", "/edge"):  # alone, or mounted in the page's app
        mounted = TestClient(Starlette(routes=[Mount(root, client.app)])) if root else client
        response = mounted.request(method, root + path)
        assert response.status_code == status
        said = response.json()["error"]
        assert (said["code"], said["type"]) == (code, "invalid_request_error") and said["message"]


@pytest.mark.parametrize("path", ["/v1/questions", "/v2/models", "/nowhere"])
def test_what_an_edge_or_a_person_asks_is_refused_in_the_other_form(client, path):
    assert client.get(path).headers["content-type"] == "application/problem+json"


BAD = [
    ({"model": "other"}, 404, "There is no model 'other' here"),
    ({"messages": []}, 400, "messages"),
    ({"messages": [{"role": "system", "content": "Be brief."}]}, 400, "one message of the role"),
    ({"messages": [{"role": "user", "content": "No image?"}]}, 400, "Send one image"),
    ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, 400, "tag 'video'"),
    ({"messages": [{"role": "user", "content": None}]}, 400, "messages.0.content"),
    ({"messages": 3}, 400, "messages"),
    ({"n": 2}, 400, "n:"),
    ({"top_logprobs": 21}, 400, "top_logprobs"),
    ({"max_tokens": 0}, 400, "max_tokens"),
    ({"second_look": {"original_size": [0, 5]}}, 400, "original_size"),
    ({"stop": ["."]}, 400, "stop: the answer is the model's own"),
    ({"stop": "."}, 400, "stop: "),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, 400, "tools: "),
    ({"response_format": {"type": "json_object"}}, 400, "response_format: "),
    ({"logit_bias": {"5": -100}}, 400, "logit_bias: "),
    ({"stop": [], "tools": [], "logit_bias": {}, "response_format": {"type": "text"}}, 200, None),
    ({"stop": None, "tools": None, "response_format": None}, 200, None),
    ({"second_look": {"session": "gone"}}, 200, None),  # of one image: there is nothing to hold
]


@pytest.mark.parametrize(("fields", "status", "told"), BAD)
def test_what_cant_be_done_is_said_in_openais_form(client, edge, fields, status, told):
    response = client.post(PATH, json=body(url(edge.image)) | fields)
    assert response.status_code == status
    if told:
        assert told in response.json()["error"]["message"]
        assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("http://169.254.169.254/latest", "nothing is fetched"),
        ("file:///etc/passwd", "nothing is fetched"),
        ("data:image/svg+xml;base64,AAAA", "nothing is fetched"),
        ("data:image/gif;base64,AAAA", "not gif"),
        ("data:image/png;base64,%%%", "isn't base64"),
        ("data:image/png;base64,AAAA", "can't be used"),
    ],
)
def test_only_images_in_the_request_are_read(client, image, told):
    response = client.post(PATH, json=body(image))
    assert response.status_code == 400 and told in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "kind", ["PNG", "Image/Png", "image/png;charset=utf-8", "image/png;a=b;c=d"]
)
def test_the_type_of_an_image_is_read_as_it_may_be_written(client, edge, kind):
    kind = kind if "/" in kind else f"image/{kind}"
    image = url(edge.resize((SIDE, SIDE)))
    plain = client.post(PATH, json=body(image)).raise_for_status().json()["choices"]
    written = body(image.replace("image/png", kind))
    assert client.post(PATH, json=written).raise_for_status().json()["choices"] == plain


def test_three_images_are_one_too_many(client, edge):
    response = client.post(PATH, json=body(*[url(edge.resize((SIDE, SIDE)))] * 3))
    assert response.status_code == 400 and "there are 3" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[" * 200_000, b'{"messages":' * 50_000, b"\xff\xfe", b"null", b'{"model": "pixels"}'],
)
def test_hostile_bodies_are_refused(client, content):
    response = client.post(PATH, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 400 and response.json()["error"]["code"] == "bad_field"


def test_a_body_too_large_or_of_another_type_is_refused(edge):
    with TestClient(create_app(PixelVLM(), NEVER, Limits(body_bytes=5_000))) as client:
        response = client.post(PATH, json=body(url(edge.image)))
        assert response.status_code == 413 and response.json()["error"]["code"] == "too_large"
        response = client.post(PATH, content=b"x", headers={"Content-Type": "text/plain"})
        assert response.status_code == 415


def test_an_overlong_question_is_refused(client, edge):
    response = client.post(PATH, json=body(url(edge.image), text="?" * 100_000))
    assert response.status_code in (400, 422)
    response = client.post(PATH, json=body(url(edge.image), text="  "))
    assert response.status_code == 422 and response.json()["error"]["code"] == "bad_question"


def test_tokens_and_rates_hold_here_too(edge):
    with TestClient(create_app(PixelVLM(), NEVER, Limits(rate=0.01, burst=1), ["secret"])) as one:
        refused = one.post(PATH, json=body(url(edge.image)))
        assert refused.status_code == 401 and "token" in refused.json()["error"]["message"]
        headers = {"Authorization": "Bearer secret"}
        assert one.post(PATH, json=body(url(edge.image)), headers=headers).status_code == 200
        again = one.get("/v1/models", headers=headers)
        assert again.status_code == 429 and again.headers["Retry-After"]
        assert again.json()["error"]["code"] == "busy"


def test_a_model_that_is_being_loaded_says_so():
    from concurrent.futures import Future

    with TestClient(create_app(Future(), NEVER)) as client:
        response = client.get("/v1/models")
        assert response.status_code == 503 and response.json()["error"]["type"] == "server_error"


def test_what_is_answered_is_counted(client, edge):
    client.post(PATH, json=body(url(edge.image)))
    text = client.get("/metrics").text
    assert 'second_look_questions_total{asked="yes"} 1.0' in text
    assert f'route="{PATH}",status="200"' in text


def test_the_clients_image_is_in_no_answer_about_a_field():
    with pytest.raises(Exception, match="model") as refused:
        forms.read(json.dumps(body("data:secret") | {"model": 3}).encode())
    assert "secret" not in str(refused.value)
