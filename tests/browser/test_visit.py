"""A visit: its questions in a table, and what Back and a reload leave."""

import csv
import io
import re

from playwright.sync_api import expect

from dashboard.samples import load_samples
from tests.support.browser import serious


def _ask(page, question):
    page.locator("#question textarea").fill(question)
    page.locator("#both").click()
    expect(page.locator("#asked")).to_contain_text(question)
    expect(page.locator("#visit-table")).to_contain_text(question)


def _question(page):
    return page.locator("#question textarea")


def _tab(page, name):
    return page.locator("#tabs > .tab-wrapper").get_by_role("tab", name=name)


def test_back_and_a_reload_lead_where_one_was_and_lose_nothing_typed(open_page, samples):
    page = open_page()
    second = load_samples(samples)[1]
    expect(page).to_have_url(re.compile("#tab=walkthrough&sample=1"))
    _question(page).fill("Half a quest")
    page.locator("#samples button").nth(1).click()
    expect(_question(page)).to_have_value(second.question)
    expect(page).to_have_url(re.compile("sample=2"))
    _question(page).fill("Is there another one?")
    page.locator("#original input[type=file]").set_input_files(str(samples / "2.jpg"))
    expect(_question(page)).to_have_value("Is there another one?")  # the visitor's own words
    expect(page).not_to_have_url(re.compile("sample="))
    _question(page).fill("Of my own")
    page.locator("#stage-1-only").click()
    expect(page.locator("#asked-view")).to_contain_text("Of my own")
    _question(page).fill("Something else")
    _tab(page, "Benchmarks").click()
    expect(page.locator("#readout-sentence")).to_contain_text("η = ")
    expect(page).to_have_url(re.compile("tab=tradeoff&run=invented-q75"))
    page.locator("#analyses").get_by_role("tab", name="Measures").click()
    expect(page).to_have_url(re.compile("tab=measures"))

    page.go_back()
    expect(page.locator("#readout-sentence")).to_be_visible()
    page.go_back()
    expect(_question(page)).to_be_visible()
    expect(_question(page)).to_have_value("Something else")
    expect(page.locator("#first-answer")).to_be_visible()  # of the same picture: it stays
    page.go_back()
    expect(_question(page)).to_have_value("Is there another one?")
    expect(page.locator("#samples [aria-pressed=true]")).to_have_attribute("data-index", "1")
    expect(page.locator("#first-answer")).to_be_hidden()
    page.go_back()
    expect(_question(page)).to_have_value("Half a quest")
    page.go_forward()
    expect(_question(page)).to_have_value("Is there another one?")
    page.go_forward()
    expect(_question(page)).to_have_value("Something else")
    expect(page.locator("#samples [aria-pressed=true]")).to_have_count(0)  # one's own picture

    eta = page.locator("#eta input[type=number]")
    eta.fill("0.7")
    eta.press("Enter")
    expect(page).to_have_url(re.compile("threshold=0.7"))
    page.reload()
    expect(_question(page)).to_have_value("Something else")
    expect(eta).to_have_value("0.7")
    expect(page.locator("#image-status")).to_contain_text("choose it once more")
    page.go_back()
    expect(_question(page)).to_have_value("Is there another one?")
    expect(page.locator("#samples [aria-pressed=true]")).to_have_attribute("data-index", "1")


def test_an_address_leads_to_tab_and_run(open_page):
    page = open_page(link="#tab=tradeoff&run=invented-q20&eta=0.3")
    expect(page.locator("#readout-sentence")).to_contain_text("η = 0.300")
    expect(page.locator("#quality-of-run input")).to_have_value("JPEG 20")


def _open_transcript(page, data):
    with page.expect_file_chooser() as chooser:
        page.locator("#open-transcript").click()
    file = {"name": "t.json", "mimeType": "application/json", "buffer": data}
    chooser.value.set_files(file)


def test_the_questions_of_a_visit_stand_in_a_table(open_page):
    page = open_page()
    field = page.locator("#eta input[type=number]")
    field.fill("0")
    field.press("Enter")
    page.get_by_role("button", name="Questions of this visit").click()
    expect(page.locator("#visit-table")).to_contain_text("comes here by itself")
    _ask(page, "What does it say?")
    _ask(page, "=Is it a sign?")
    rows = page.locator("#visit-table tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("=Is it a sign?")

    page.get_by_label("Is the answer to question 1 right?").select_option("wrong")
    for number in (1, 2):
        page.get_by_label(f"Compare question {number}").check()
    cards = page.locator("#visit-compared article")
    expect(cards).to_have_count(2)
    expect(cards.first.locator("img").first).to_be_visible()
    with page.expect_download() as download:
        page.locator("#save-visit").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(io.StringIO(file.read())))
    assert [row["question"] for row in table] == ["What does it say?", "'=Is it a sign?"]
    assert [row["right?"] for row in table] == ["wrong", ""]

    with page.expect_download() as download:
        page.locator("#save-transcript").click()
    _open_transcript(page, b"{'no': 'json'}")
    expect(page.locator("#visit-status [role=alert]")).to_contain_text("JSON file")
    _open_transcript(page, download.value.path().read_bytes())
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("opened file")
    expect(page.locator("#visit-status [role=alert]")).to_have_count(0)
    expect(page.get_by_label("Is the answer to question 1 right?")).to_have_value("wrong")

    assert serious(page, "#visit-panel", rules=5) == []
