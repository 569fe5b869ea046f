"""The page in Debian's Chromium. Nothing here waits for the network: `expect` retries."""

from concurrent.futures import Future
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.support.programs import needed

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
PATIENCE = 60_000  # ms; a busy machine is slow, not broken
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


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
    """Open the page in a window of a given size. No window may complain or talk to strangers."""
    contexts, complaints, strangers = [], [], []

    def seen(request):
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname not in LOOPBACK:
            strangers.append(request.url)

    def open_page(width=1280, theme="light", link="", before="", height=900, at=url):
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        context.add_init_script(before)
        context.on("request", seen)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(f"{at}?__theme={theme}&{link}")
        # The question is there as soon as the page is drawn, the facts once it is connected.
        page.locator("#model-facts", has_text="parameters").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
    assert not strangers
