"""The page for phones, as a server gives it away, and the first answer that it asks for."""

import re
from urllib.parse import quote, unquote

import pytest
from fastapi.testclient import TestClient

from core.edge.device import Edge
from core.messages import CropRequest, LocalImage
from core.server.app import create_app
from core.server.limits import Limits
from core.server.phone.routes import STATIC
from core.support.headers import FIRST_ANSWER
from core.uncertainty import Gate
from tests.support.pixels import SIDE, PixelVLM, picture
from tests.support.serving import COMPACT

NEVER, ALWAYS = (Gate("min_entropy", eta) for eta in (float("inf"), float("-inf")))


def test_the_page_and_all_it_links_to_are_there_without_a_token():
    client = TestClient(create_app(PixelVLM(), tokens=["secret"]))
    page = client.get("/phone")
    linked = re.findall(r'(?:href|src)="((?!data:)[^"]+)"', page.text)
    assert "phone/page.js" in linked and "phone/page.css" in linked
    assert not any(link.startswith(("/", "http")) for link in linked)  # a proxy may add a path
    for path in STATIC.glob("*.js"):
        part = client.get(f"/phone/{path.name}")
        assert part.headers["Content-Type"].startswith("text/javascript")
        linked += [f"phone/{name}" for name in re.findall(r'from "\./([^"]+)"', part.text)]
    assert all(client.get(link).is_success for link in linked)


def test_the_page_may_talk_to_its_server_only():
    page = TestClient(create_app(PixelVLM())).get("/phone")
    policy = dict(
        part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == policy["script-src"] == "'self'"


@pytest.mark.parametrize("name", ["page.html", "nothing.js", "..%2froutes.py", "__init__.py"])
def test_nothing_else_is_given_away(name):
    response = TestClient(create_app(PixelVLM())).get(f"/phone/{name}")
    assert response.status_code == 404 and response.json()["code"] == "no_route"


def ask(client, **headers):
    edge = Edge(picture())
    message = edge.question("What is bright?", edge.resize((SIDE, SIDE)))
    return client.post("/v1/questions", content=message.to_bytes(), headers=COMPACT | headers)


def test_an_edge_that_prefers_it_is_told_the_first_answer_beside_a_crop_request():
    sure = ask(TestClient(create_app(PixelVLM(), NEVER)), Prefer="first-answer")
    assert FIRST_ANSWER not in sure.headers  # the answer itself is the reply
    client = TestClient(create_app(PixelVLM(), ALWAYS, Limits(rate=0)))
    for wish in ("first-answer", "respond-async, First-Answer; x=1"):
        told = ask(client, Prefer=wish)
        assert CropRequest.from_bytes(told.content)
        assert unquote(told.headers[FIRST_ANSWER]) in sure.text
        assert told.headers[FIRST_ANSWER] == quote(unquote(told.headers[FIRST_ANSWER]))
    for other in ({}, {"Prefer": "first-answers"}):
        assert FIRST_ANSWER not in ask(client, **other).headers


def test_in_json_too_and_never_of_the_second_stage():
    client = TestClient(create_app(PixelVLM(), ALWAYS, Limits(rate=0)))
    edge, wish = Edge(picture()), {"Prefer": "first-answer"}
    whole = edge.question("What is bright?", edge.resize((SIDE, SIDE)))
    told = CropRequest.from_bytes(ask(client, **wish).content)
    local = LocalImage(told.session, whole.image, whole.image_format)
    final = client.post("/v1/local-images", content=local.to_bytes(), headers=COMPACT | wish)
    assert final.is_success and FIRST_ANSWER not in final.headers
