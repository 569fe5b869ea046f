"""Who looks, and how often, in Chromium: set, changed after an answer, and opened from a run."""

import re
from dataclasses import replace

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.bench import save_run
from core.bench.datasets import load_dataset
from core.uncertainty import METRICS
from tests.browser.conftest import served
from tests.support.pixels import PixelVLM
from tools.doubles.synthetic import synthetic_run

SCENES = 4
BOXES = {"relative": (10, 20, 150, 160), "centre": (200, 120, 340, 260)}


@pytest.fixture(scope="module")
def page_of_pixels(tmp_path_factory, samples, uploads):
    """A page whose model takes no time, and two croppers' runs of the same scenes."""
    folder = tmp_path_factory.mktemp("looks")
    scenes = load_dataset("signs-text", "validation")[:SCENES]
    run = synthetic_run(SCENES, seed=2)
    of = replace(run.metadata, dataset="signs-text", split="validation", source=scenes.source)
    image_id = np.array([sample.image_id for sample in scenes], dtype=object)
    for name, box in BOXES.items():
        boxes, metadata = np.tile(box, (len(scenes), 1)), replace(of, cropper=name)
        looked = replace(run, metadata=metadata, image_id=image_id, box=boxes)
        save_run(looked, folder / f"{name}.parquet")
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


def test_croppers_from_the_address_to_a_recorded_question(open_page, page_of_pixels):
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
    recorded = synthetic_run(SCENES, seed=2)
    expect(page.locator("#croppers-pictures")).to_contain_text(recorded.question[2])
    assert _violations(page, "#croppers-pictures") == []
    page.get_by_role("button", name="Open in the walkthrough with Centre").click()
    expect(page.locator("#question textarea")).to_have_value(recorded.prompt[2])
    expect(cropper).to_have_value("Centre")
    expect(page.locator("#cropper-note")).to_contain_text("The middle of the image.")
    page.locator("#both").click()
    expect(page.locator("#who-looked")).to_contain_text("Centre chose the box")
