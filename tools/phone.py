"""`python -m tools.phone`: does a phone get the answers that the Python edge gets?

Asks about rendered scenes of the validation split through `/phone` in Chromium, and through
`core.edge`, of one server, and compares answers, boxes and bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
from typing import Any

from core.edge.client import Client, Result
from core.signs.render import render
from core.signs.scenes import make_scene
from tools.support.own_server import own_server

CELL = 1 / 14  # of a side: pocket's grid, near enough for others


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--samples", type=int, default=100,
                        help="how many questions are asked both ways (default: 100)")  # fmt: skip
    parser.add_argument("--model", default="pocket", help="model of the server (default: pocket)")
    args = parser.parse_args()
    samples, model = args.samples, args.model
    from playwright.sync_api import sync_playwright

    same = near = boxes = asked_again = up_here = up_there = 0
    with own_server("--model", model, "--rate", "0") as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 360, "height": 640})
        page.goto(f"{server.url}/phone")
        with Client(server.url) as client:
            for index in range(samples):
                photo, question, size = _sample(index)
                here = client.ask(photo, question)
                there = _through_the_page(page, photo, question)
                same += here.answer == there["answer"]
                asked_again += here.retransmitted
                boxes += here.retransmitted or there["box"] is not None
                near += _near(here, there["box"], size)
                up_here, up_there = up_here + here.bytes_up, up_there + there["sent"]
                if here.answer != there["answer"]:
                    print(f"  {index}: {here.answer!r} here, {there['answer']!r} on the phone")
        browser.close()
    print(f"{samples} questions, {asked_again} asked again.")
    print(f"Same final answer: {same}. Box within a cell: {near} of {boxes}.")
    print(f"Bytes up: {up_here / samples:,.0f} here, {up_there / samples:,.0f} on the phone.")
    return 0 if same >= 0.98 * samples and near >= 0.95 * boxes else 1


def _sample(index: int) -> tuple[bytes, str, tuple[int, int]]:
    """Return a photo as JPEG, a question about it, and its width and height."""
    scene = make_scene("validation", index)
    image, file = render(scene), io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return file.getvalue(), f"What does the {scene.signs[0].name} say?", image.size


def _through_the_page(page: Any, photo: bytes, question: str) -> dict[str, Any]:
    """Return what the phone's page got; `sent`: bytes that its meter shows."""
    page.locator("#file").set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
    )
    page.locator("#question").fill(question)
    page.locator("#ask:enabled").click()
    page.locator("#status", has_text="Answered in").wait_for(timeout=120_000)
    return json.loads(page.locator("#result").get_attribute("data-result"))


def _near(here: Result, there: list[int] | None, size: tuple[int, int]) -> bool:
    """Return whether both ways found a box, and the same one but for a cell on each side."""
    if here.box is None or there is None:
        return False
    return all(
        abs(mine - theirs) <= CELL * size[i % 2]
        for i, (mine, theirs) in enumerate(zip(here.box.as_tuple(), there, strict=True))
    )


if __name__ == "__main__":
    raise SystemExit(main())
