"""Take the pictures of the documentation from the running page: `python tools/screenshots.py`.

Needs the extra `test` and Chromium, and the bundled model and samples as they are. The page runs in
this process, on a free port of this machine.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.support.bundled import RUNS
from core.support.whole import folder_to_write
from tools.support.own_page import own_page

IMAGES = Path(__file__).parents[1] / "docs" / "images"
TABS = ("tradeoff", "compression", "measures", "compare")
PATIENCE = 120_000  # ms
MARGIN = 12  # px around what is shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--out",
        type=folder_to_write,
        default=str(IMAGES),
        help="folder to write to (default: docs/images)",
    )
    out: Path = parser.parse_args().out
    chromium = shutil.which("chromium") or sys.exit("There is no chromium: install it.")
    out.mkdir(parents=True, exist_ok=True)
    with own_page() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        expect.set_options(timeout=PATIENCE)
        walkthrough(browser, url, out)
        telephone(browser, url, out)
        if any(RUNS.glob("*.parquet")):
            benchmarks(browser, url, out)
        browser.close()


def walkthrough(browser: Browser, url: str, out: Path) -> None:
    page = opened(browser, url, 1280, 860)
    keep(page.screenshot(), out / "start.webp")
    asked(page)
    keep(around(page, "#board"), out / "stage-1.webp")
    keep(around(page, "#stage-2-view", "#maps-view"), out / "stage-2.webp")
    keep(around(page, "#log-view"), out / "timeline.webp")
    page.locator(".box-editor .frame").focus()
    for key in ("ArrowRight", "ArrowDown") * 6:
        page.keyboard.press(key)
    page.locator("#look-here").click()
    expect(page.locator("#elsewhere-answer")).to_be_visible()
    keep(around(page, "#box-view", "#look-here", "#elsewhere-view"), out / "what-if.webp")
    page.context.close()


def telephone(browser: Browser, url: str, out: Path) -> None:
    page = opened(browser, url, 360, 760, theme="dark")
    asked(page)
    keep(page.screenshot(), out / "telephone.webp")
    page.context.close()


def benchmarks(browser: Browser, url: str, out: Path) -> None:
    for tab in TABS:
        page = opened(browser, f"{url}?tab={tab}&", 1280, 1700)
        expect(page.locator("#run")).to_be_visible()
        page.wait_for_timeout(3000)  # charts fade in
        keep(page.screenshot(), out / f"{tab}.webp")
        page.context.close()


def opened(browser: Browser, url: str, width: int, height: int, theme: str = "light") -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=1.5
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{url}{'' if '?' in url else '?'}__theme={theme}")
    page.locator("#model-facts", has_text="parameters").wait_for()
    page.wait_for_timeout(500)  # thumbnails
    return page


def asked(page: Page) -> None:
    """Both stages of the first sample, whatever the gate says of it."""
    page.locator("#both").click()
    expect(page.locator("#first-answer")).to_be_visible()
    expect(page.locator("#status")).to_have_text("")
    if page.locator("#stage-2-anyway").is_visible():
        page.locator("#stage-2-anyway").click()
    expect(page.locator("#second-answer")).to_be_visible()
    page.wait_for_timeout(1500)  # the page scrolls to the answer by itself


def around(page: Page, *elements: str) -> bytes:
    """The part of the page that holds all of these."""
    boxes = page.evaluate(
        """names => names.map(name => {
            const box = document.querySelector(name).getBoundingClientRect();
            return [box.left + scrollX, box.top + scrollY, box.right + scrollX,
                    box.bottom + scrollY];
        })""",
        list(elements),
    )
    left, top = (min(box[i] for box in boxes) - MARGIN for i in (0, 1))
    right, bottom = (max(box[i] for box in boxes) + MARGIN for i in (2, 3))
    clip = {"x": max(left, 0), "y": max(top, 0), "width": right - left, "height": bottom - top}
    return page.screenshot(full_page=True, clip=clip)


def keep(picture: bytes, path: Path) -> None:
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.save(path, "WEBP", quality=82, method=6)
    print(f"{path.name}: {image.width} × {image.height}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
