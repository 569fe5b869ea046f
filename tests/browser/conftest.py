"""The page in Debian's Chromium. Nothing here waits for the network: `expect` retries."""

from concurrent.futures import Future
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
def url(vlm, samples, runs_folder, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    from dashboard.live import LiveModel
    from dashboard.page import build, launch

    model = Future()
    model.set_result(vlm)
    page = build(LiveModel("pocket", model), samples, runs=runs_folder)
    launch(page, server_name="127.0.0.1", quiet=True)
    yield page.local_url
    page.close()
    patch.undo()


@pytest.fixture
def open_page(browser, url):
    """Open the page in a window of a given size. No window may complain or talk to strangers."""
    contexts, complaints, strangers = [], [], []

    def seen(request):
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname not in LOOPBACK:
            strangers.append(request.url)

    def open_page(width=1280, theme="light", link="", before=""):
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        context.add_init_script(before)
        context.on("request", seen)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(f"{url}?__theme={theme}&{link}")
        # The question is there as soon as the page is drawn, the facts once it is connected.
        page.locator("#model-facts", has_text="parameters").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
    assert not strangers
