"""A visit: its questions in a table, and what Back and a reload leave."""

import csv
import io

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect


def _ask(page, question):
    page.locator("#question textarea").fill(question)
    page.locator("#both").click()
    expect(page.locator("#asked")).to_contain_text(question)
    expect(page.locator("#visit-table")).to_contain_text(question)


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

    found = Axe().run(page, "#visit-panel").response
    assert [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")] == []
