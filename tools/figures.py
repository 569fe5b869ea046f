"""`python -m tools.figures PAGE`: each figure of a page that a command made, as a picture.

Needs the extra `test` and Chromium.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from core.support.whole import folder_to_write
from tools.screenshots import IMAGES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("page", type=Path, help="page with the figures (HTML)")
    parser.add_argument(
        "--out",
        type=folder_to_write,
        default=str(IMAGES),
        help="folder to write the pictures to (default: %(default)s)",
    )
    args = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("There is no chromium: install it.")
    args.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 900, "height": 700})
        page.goto(args.page.resolve().as_uri())
        page.wait_for_selector(".js-plotly-plot .main-svg")
        for figure in page.query_selector_all("figure > .js-plotly-plot"):
            name = figure.evaluate("element => element.layout.meta.filename")
            picture = Image.open(io.BytesIO(figure.screenshot()))
            picture.save(args.out / f"{name}.webp", quality=80, method=6)
            print(args.out / f"{name}.webp")
        browser.close()


if __name__ == "__main__":
    main()
