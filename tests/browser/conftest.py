"""The page in Debian's Chromium. Nothing here waits for the network: `expect` retries."""

from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from tests.support.browser import PATIENCE, windows
from tests.support.programs import needed

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    chromium = needed("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def url(vlm, samples, runs_folder, uploads):
    """The page with an untrained model, which is unsure of everything."""
    with served(vlm, samples=samples, runs=runs_folder) as url:
        yield url


@pytest.fixture(scope="session")
def bundled(uploads):
    """The page as it comes: the bundled model, its samples, and the server for edges."""
    from core.vlm import load_vlm

    with served(load_vlm("pocket", device="cpu")) as url:
        yield url


@contextmanager
def served(vlm, **options):
    """Yield the address of the page of a model, with the routes that the command gives it."""
    from core.server.app import create_app
    from core.server.phone.rooms import Rooms
    from dashboard.hosting.edges import mounted, phone
    from dashboard.hosting.live import LiveModel
    from dashboard.page import build, launch

    model = Future()
    model.set_result(vlm)
    rooms = Rooms()
    page = build(LiveModel("pocket", model), rooms=rooms, **options)
    routes = [mounted(create_app(model, rooms=rooms)), phone()]
    launch(page, server_name="127.0.0.1", quiet=True, app_kwargs={"routes": routes})
    yield page.local_url
    page.close()


@pytest.fixture
def open_page(browser, url):
    with windows(browser, url) as open_page:
        yield open_page
