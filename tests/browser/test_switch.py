import re

from playwright.sync_api import expect


def test_another_model_from_the_page(open_page, checkpoint, tmp_path):
    other = tmp_path / "other"
    other.symlink_to(checkpoint)
    page = open_page()
    page.get_by_role("button", name="Use another model").click()
    page.locator("#model-name textarea, #model-name input").fill("/nowhere/at all")
    page.locator("#model-load").click()
    expect(page.get_by_role("alert")).to_contain_text("goes on answering.")
    page.locator("#both").click()  # and so it does
    expect(page.locator("#first-answer")).to_be_visible()

    expect(page.locator("html")).to_have_class(re.compile("begun"))  # the head is small then
    page.locator("#about-again").click()
    page.locator("#model-name textarea, #model-name input").fill(str(other))
    page.locator("#model-load").click()
    expect(page.locator("#model-status")).to_contain_text("answers from now on")
    expect(page.locator("#about")).to_contain_text(str(other))
    page.locator("#both").click()
    expect(page.locator("#stage-1-view")).to_contain_text(f"Sent to {other}")
