"""What a newcomer sees first: the bundled model on the first sample, with one click."""

import json

import pytest
from playwright.sync_api import expect

from core.support.bundled import SAMPLES

ONE_SCREEN = {
    (960, 540): ("#asked", "#stage-1-view .over", "#first-answer", "#second-answer", "#verdict",
                 "#gauge-view .gauge", "#eta"),
    (360, 640): ("#asked", "#stage-1-view .over", "#first-answer", "#second-answer", "#verdict"),
}  # fmt: skip
OUTSIDE = """names => names.filter(name => {
    const {left, top, right, bottom} = document.querySelector(name).getBoundingClientRect();
    return !(bottom > top && left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight);
})"""


@pytest.mark.parametrize(
    ("size", "theme"), [((960, 540), "light"), ((360, 640), "dark")], ids=["projector", "phone"]
)
def test_the_first_click_shows_a_second_look_that_helps_on_one_screen(
    open_page, bundled, size, theme
):
    first = json.loads((SAMPLES / "samples.json").read_text())[0]
    assert first["outcome"] == "with the crop"
    width, height = size
    page = open_page(width, theme, height=height, at=bundled)
    expect(page.locator("body.dark")).to_have_count(int(theme == "dark"))  # what a theme is
    masthead = page.locator(".masthead")
    before = masthead.bounding_box()["height"]
    page.locator("#both").click()
    expect(page.locator("#second-answer")).to_have_text(first["answer"])
    expect(page.locator("#first-answer")).not_to_have_text(first["answer"])
    expect(page.locator("#verdict")).to_contain_text("Uncertain")

    expect(page.locator("html.begun")).to_have_count(1)  # the page has gone to the board
    assert page.evaluate(OUTSIDE, ONE_SCREEN[size]) == []
    assert page.evaluate(OUTSIDE, ["#log-view"]) == ["#log-view"]  # it looks
    assert masthead.bounding_box()["height"] < before / 2
    if size == (960, 540):
        page.locator("#eta").evaluate("part => part.scrollIntoView()")
        assert page.evaluate(OUTSIDE, ["#eta input[type=range]", "#operating-curve"]) == []
    page.locator("#about-again").click()
    expect(page.locator("#model-facts")).to_be_visible()
