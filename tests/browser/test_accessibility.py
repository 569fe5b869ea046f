"""axe-core, on the page with everything on it that a question brings."""

from playwright.sync_api import expect

from tests.support.browser import in_themes, serious


def test_no_serious_violation(open_page):
    page = open_page()
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
    for theme in in_themes(page):
        assert serious(page, rules=30) == [], theme
