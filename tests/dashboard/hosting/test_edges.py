"""The server for edges beside the page, below a path or not."""

from urllib.parse import urljoin

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from core.server.app import create_app
from dashboard.hosting.edges import mounted, phone
from tests.support.pixels import PixelVLM


@pytest.mark.parametrize("root_path", ["", "/second-look", "/a/b/", "https://lab.test/second-look"])
def test_routes_and_links_are_below_the_root_path(root_path):
    app = FastAPI(routes=[mounted(create_app(PixelVLM()), root_path)])
    app.root_path = root_path  # as gradio sets it
    before = root_path.removeprefix("https://lab.test").rstrip("/")
    client = TestClient(app)
    assert client.get("/edge/v1/info").is_success
    assert f'"{before}/edge/static-offline-docs/' in client.get("/edge/docs").text
    servers = client.get("/edge/openapi.json").json()["servers"]
    assert servers == [{"url": f"{before}/edge"}]
    assert client.get("/edge/nowhere").json()["code"] == "no_route"


@pytest.mark.parametrize("before", ["", "/second-look"])
def test_the_pages_phone_is_the_services(before):
    client = TestClient(FastAPI(routes=[mounted(create_app(PixelVLM())), phone()]))
    sent_on = client.get("/phone", follow_redirects=False)
    # As a browser resolves it, also where a proxy has taken a path away.
    target = urljoin(f"https://lab.test{before}/phone", sent_on.headers["Location"])
    assert target == f"https://lab.test{before}/edge/phone"
    assert "This phone is the edge" in client.get("/phone").text
