"""Who looks, and how often, in Chromium: set, changed after an answer, and opened from a run."""

import math
import re
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.bench import load_run
from core.bench.record.runner import Plan, Runner
from core.protocol import Edge, Server, ask
from core.uncertainty import METRICS, Gate
from tests.browser.conftest import served
from tests.support.pixels import PixelVLM, picture

SCENES = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two croppers' runs of the same scenes, of two looks each."""
    folder = tmp_path_factory.mktemp("looks")
    plan = Plan(str(folder / "{cropper}.parquet"), "pixels", "signs-text", limit=SCENES,
                croppers=("relative", "centre"), rounds=2)  # fmt: skip
    runner = Runner(plan, PixelVLM())
    runner.work()
    runner.finish()
    return folder


@pytest.fixture(scope="module")
def page_of_pixels(folder, samples, uploads):
    """A page whose model takes no time, and these runs."""
    vlm = PixelVLM()
    vlm.info = replace(vlm.info, thresholds={name: one.threshold for name, one in METRICS.items()})
    with served(vlm, samples=samples, runs=folder) as url:
        yield url


def _choose(page, field, option):
    page.locator(f"#{field} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def _violations(page, part):
    found = Axe().run(page, part).response["violations"]
    return [v["id"] for v in found if v["impact"] in ("serious", "critical")]


def test_croppers_from_the_address_to_a_recorded_question(open_page, page_of_pixels, folder):
    link = "#tab=walkthrough&cropper=attention&looks=2"
    page = open_page(link=link, at=page_of_pixels)
    page.get_by_role("button", name="Who looks, and how often").click()
    cropper, looks = page.locator("#cropper input"), page.locator("#looks input")
    expect(cropper).to_have_value("Attention")
    expect(looks).to_have_value("2")
    expect(page.locator("#cropper-note")).to_contain_text("The question's attention alone.")
    eta = page.locator("#eta input[type=number]")
    eta.fill("0")
    eta.press("Enter")
    page.locator("#both").click()
    expect(page.locator("#third-answer")).to_be_visible()
    expect(page.locator("#looks-taken article")).to_have_count(2)
    expect(page.locator("#who-looked")).to_contain_text("Attention chose the box")
    assert _violations(page, "#stage-2-part") == []

    # Another cropper, and one look: the first answer stays, and what came after it goes.
    first = page.locator("#first-answer").inner_text()
    _choose(page, "looks", "1")
    expect(page.locator("#looks-taken")).to_have_count(0)
    _choose(page, "cropper", "Saliency")
    expect(page.locator("#who-looked")).to_contain_text("Saliency chose the box")
    expect(page.locator("#third-answer")).to_have_count(0)
    expect(page.locator("#first-answer")).to_have_text(first)
    expect(page.locator("#bytes-total")).to_contain_text("in 4 messages")
    expect(page).to_have_url(re.compile("cropper=saliency&looks=1"))
    page.get_by_role("button", name="Questions of this visit").click()
    rows = page.locator("#visit-table tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("Saliency")
    expect(rows.last).to_contain_text("look 2")

    # Two croppers' boxes for a recorded question; one of them is clicked.
    page.locator("#tabs > .tab-wrapper").get_by_role("tab", name="Benchmarks").click()
    page.locator("#analyses").get_by_role("tab", name="Croppers").click()
    figures = page.locator("#croppers-pictures figure")
    expect(figures).to_have_count(2)
    expect(page.locator("#croppers-table")).to_contain_text("Relative attention")
    number = page.locator("#croppers-question input[type=number]")
    number.fill("3")
    number.press("Enter")
    recorded = load_run(folder / "centre.parquet")
    expect(page.locator("#croppers-pictures")).to_contain_text(recorded.question[2])
    assert _violations(page, "#croppers-pictures") == []
    page.get_by_role("button", name="Open in the walkthrough with Centre").click()
    expect(page.locator("#question textarea")).to_have_value(recorded.prompt[2])
    expect(cropper).to_have_value("Centre")
    expect(page.locator("#cropper-note")).to_contain_text("The middle of the image.")
    page.locator("#both").click()
    expect(page.locator("#who-looked")).to_contain_text("Centre chose the box")

    # Both were recorded with two looks at most, and relative attention has found a second one.
    expect(looks).to_have_value("2")
    page.locator("#tabs > .tab-wrapper").get_by_role("tab", name="Benchmarks").click()
    page.get_by_role("button", name="Open in the walkthrough with Relative attention").click()
    expect(cropper).to_have_value("Relative attention")
    expect(looks).to_have_value("2")
    page.locator("#both").click()
    expect(page.locator("#looks-taken article")).to_have_count(2)

    # A transcript of three looks that somebody kept comes back as a row and a card of them all.
    gate = Gate(threshold=-math.inf, rounds=(-math.inf,) * 2)
    asked = ask(Edge(picture(400, 300)), Server(PixelVLM(), gate), "Where is the spot?")
    kept = folder / "kept.json"
    kept.write_text(asked.to_json())
    with page.expect_file_chooser() as chooser:
        page.locator("#open-transcript").click()
    chooser.value.set_files(kept)
    expect(rows.first).to_contain_text(f"look {len(asked.boxes)}")
    card = page.locator("#visit-compared")
    expect(card.get_by_alt_text("Local image 3")).to_be_visible()
    expect(card).to_contain_text("Where is the spot?")
