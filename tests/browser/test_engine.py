"""The page where an engine answers that may be gone."""

import pytest
from playwright.sync_api import expect

from core.vlm import load_vlm
from tests.browser.conftest import served
from tests.support.browser import windows
from tests.support.engine import engine

GONE = (502, "text/html", b"<html><body>Bad Gateway</body></html>")


@pytest.fixture
def page_and_engine(browser, samples, uploads):
    with engine() as (address, fake):
        vlm = load_vlm(f"openai:{address}#fake", look="tiles")
        with served(vlm, samples=samples) as url, windows(browser, url) as open_page:
            yield open_page(facts="An engine answers"), fake


def test_an_engine_that_is_gone_is_one_sentence_and_nothing_is_lost(page_and_engine):
    page, fake = page_and_engine
    question = page.locator("#question textarea")
    question.fill("Is there a dog?")
    page.locator("#stage-1-only").click()
    expect(page.locator("#asked")).to_contain_text("Is there a dog?")
    first = page.locator("#first-answer").inner_text()

    fake.reply = GONE  # between the two stages
    page.locator("#stage-2-go, #stage-2-anyway").locator("visible=true").first.click()
    alert = page.get_by_role("alert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("try again later")
    expect(page.locator("#first-answer")).to_have_text(first)

    question.fill("Is there a cat?")  # and at a new question
    page.locator("#both").click()
    expect(alert).to_contain_text("try again later")
    expect(question).to_have_value("Is there a cat?")

    fake.reply = None  # it is back: the same click goes on
    page.locator("#both").click()
    expect(page.locator("#asked")).to_contain_text("Is there a cat?")
    expect(page.locator("#first-answer")).to_be_visible()
    expect(alert).to_have_count(0)
