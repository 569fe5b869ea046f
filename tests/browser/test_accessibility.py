"""axe-core, on the page with everything on it that a question brings."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_violation(open_page, theme):
    page = open_page(1280, theme)
    field = page.locator("#eta input[type=number]")
    field.fill("0")
    field.press("Enter")
    page.locator("#both").click()
    expect(page.locator("#second-answer")).to_be_visible()
    page.locator("#about-again").click()
    for folded in ("Use another model", "How to read this", "Format and quality of the images"):
        page.get_by_role("button", name=folded).click()
    expect(page.locator("#model-name")).to_be_visible()
    expect(page.locator("#first-tokens")).to_be_visible()
    expect(page.locator("#global-quality")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")

    found = Axe().run(page).response
    assert len(found["passes"]) > 30  # it looked
    serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in serious] == []
