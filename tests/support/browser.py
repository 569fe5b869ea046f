"""Windows of Chromium, and what several tests look for in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe

PATIENCE = 60_000  # ms; a busy machine is slow, not broken
LOOPBACK = {"127.0.0.1", "localhost", "::1"}

# Colours change within a moment: half way they have no contrast.
_SETTLED = """() => Promise.all(document.getAnimations()
    .filter(one => one instanceof CSSTransition).map(one => one.finished.catch(() => null)))"""


def in_themes(page) -> Iterator[str]:
    """Put the page into "light", then "dark", yield each, and leave it in light."""
    for theme in ("light", "dark"):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
        page.evaluate(_SETTLED)
        yield theme
    page.evaluate("document.body.classList.remove('dark')")


def serious(page, part: str | None = None, rules: int = 10) -> list:
    """Return what axe-core finds serious on the page, or in a part of it: rule, and elements.

    rules: more than so many were kept by something; with fewer, axe-core saw an empty page.
    """
    page.evaluate(_SETTLED)
    found = Axe().run(page, part).response
    assert len(found["passes"]) > rules
    bad = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    return [(v["id"], [node["html"] for node in v["nodes"]]) for v in bad]


@contextmanager
def windows(browser, url):
    """Open the page in a window of a given size. No window may complain or talk to strangers."""
    contexts, complaints, strangers = [], [], []

    def seen(request):
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname not in LOOPBACK:
            strangers.append(request.url)

    def open_page(
        width=1280, theme="light", link="", before="", height=900, at=url, locale="en-GB",
        facts="arameter",
    ):  # fmt: skip
        viewport = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, locale=locale)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        context.add_init_script(before)
        context.on("request", seen)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(f"{at}?__theme={theme}&{link}")
        # The question is there as soon as the page is drawn, the facts once it is connected.
        page.locator("#model-facts", has_text=facts).wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
    assert not strangers
