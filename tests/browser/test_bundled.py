"""What a newcomer sees first: the bundled model on the first sample, with one click."""

import json
from concurrent.futures import Future

import pytest
from playwright.sync_api import expect

from core.support.bundled import SAMPLES
from core.vlm import load_vlm
from dashboard.live import LiveModel
from dashboard.page import build, launch


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    model = Future()
    model.set_result(load_vlm("pocket", device="cpu"))
    page = build(LiveModel("pocket", model))
    launch(page, server_name="127.0.0.1", quiet=True)
    yield page.local_url
    page.close()


def test_the_first_click_shows_a_second_look_that_helps(browser, bundled):
    first = json.loads((SAMPLES / "samples.json").read_text())[0]
    assert first["outcome"] == "with the crop"
    page = browser.new_page()
    page.goto(bundled)
    # The model's own threshold has to have reached the slider before the question is asked.
    page.locator("#model-facts", has_text="parameters").wait_for()
    page.locator("#both").click()
    expect(page.locator("#second-answer")).to_have_text(first["answer"])
    expect(page.locator("#first-answer")).not_to_have_text(first["answer"])
    expect(page.locator("#verdict")).to_contain_text("Uncertain")
    page.close()
