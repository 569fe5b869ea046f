"""`python -m tools.phone`: does a phone get the answers that the Python edge gets?

Asks about rendered scenes of the validation split through `/phone` in Chromium, and through
`core.edge`, of one server, and compares answers, boxes and bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
from dataclasses import dataclass
from typing import Any

from core.edge.client import Client, Result
from core.signs.render import render
from core.signs.scenes import make_scene
from tools.support.own_server import own_server

CELL = 1 / 14  # of a side: pocket's grid, near enough for others


@dataclass
class Tally:
    """What both ways had in common so far."""

    questions: int = 0
    same: int = 0  # final answers
    boxes: int = 0  # that one way or the other asked for
    near: int = 0  # of them, asked for by both, within a cell
    up_here: int = 0  # bytes
    up_there: int = 0

    def add(self, here: Result, there: dict[str, Any], size: tuple[int, int]) -> None:
        self.questions += 1
        self.same += here.answer == there["answer"]
        self.boxes += here.box is not None or there["box"] is not None
        self.near += _near(here, there["box"], size)
        self.up_here += here.bytes_up
        self.up_there += there["sent"]

    @property
    def good(self) -> bool:
        """Return whether it is what a phone has to keep."""
        return self.same >= 0.98 * self.questions and self.near >= 0.95 * self.boxes

    def __str__(self) -> str:
        here, there = (total / max(self.questions, 1) for total in (self.up_here, self.up_there))
        return (
            f"{self.questions} questions, the same final answer: {self.same}; boxes: {self.boxes}, "
            f"within a cell: {self.near}; bytes up: {here:,.0f} here, {there:,.0f} on the phone"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--samples", type=int, default=100,
                        help="how many questions are asked both ways (default: 100)")  # fmt: skip
    parser.add_argument("--model", default="pocket", help="model of the server (default: pocket)")
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright

    tally = Tally()
    with own_server("--model", args.model, "--rate", "0") as server, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 360, "height": 640})
        page.goto(f"{server.url}/phone")
        with Client(server.url) as client:
            for index in range(args.samples):
                photo, question, size = _sample(index)
                here = client.ask(photo, question)
                there = _through_the_page(page, photo, question)
                tally.add(here, there, size)
                if here.answer != there["answer"]:
                    print(f"{index}: {here.answer!r} here, {there['answer']!r} on the phone")
                if (index + 1) % 10 == 0:
                    print(tally, flush=True)
        browser.close()
    print(tally)
    return 0 if tally.good else 1


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
