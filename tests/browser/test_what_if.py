"""What moves in the browser: the box, the sliders that only change what is seen, files to keep."""

import json
import zipfile

import pytest
from playwright.sync_api import expect

from core.transcript import Transcript
from tests.support.browser import windows


@pytest.fixture(scope="module")
def asked(browser, url):
    """The page after both stages. What a test moves there, it may find moved."""
    with windows(browser, url) as open_page:
        page = open_page()
        field = page.locator("#eta input[type=number]")
        field.fill("0")
        field.press("Enter")
        page.locator("#both").click()
        expect(page.locator("#second-answer")).to_be_visible()
        expect(page.locator("#status")).to_have_text("")
        yield page


def _box(page):
    return page.evaluate("window.secondLook.box()")


def _drag(page, target, dx, dy):
    target.scroll_into_view_if_needed()
    area = target.bounding_box()
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=3)
    page.mouse.up()


def test_the_box_follows_pointer_keys_and_numbers_and_the_model_answers_there(asked):
    page = asked
    frame = page.locator(".box-editor .frame")
    for edge, value in (("left", 20), ("top", 40), ("right", 200), ("bottom", 220)):
        page.locator(f"[data-edge={edge}]").fill(str(value))
        page.locator(f"[data-edge={edge}]").blur()
    assert _box(page) == [20, 40, 200, 220]

    shown = page.locator(".box-editor .over").bounding_box()
    scale = int(page.locator(".box-editor").get_attribute("data-width")) / shown["width"]
    _drag(page, frame, 30, 20)
    left, top, right, bottom = _box(page)
    assert (left, top) == pytest.approx((20 + 30 * scale, 40 + 20 * scale), abs=2)
    assert (right - left, bottom - top) == (180, 180)
    _drag(page, frame.locator(".handle.se"), 40, 10)
    assert _box(page)[:2] == [left, top]
    assert _box(page)[2] == pytest.approx(right + 40 * scale, abs=2)

    before = _box(page)
    frame.focus()
    page.keyboard.press("ArrowRight")
    assert _box(page)[0] > before[0] and _box(page)[1] == before[1]
    page.keyboard.press("-")
    assert _box(page)[2] - _box(page)[0] < before[2] - before[0]
    _drag(page, frame, -5000, -5000)  # never outside
    assert _box(page)[:2] == [0, 0]

    left, top, right, bottom = _box(page)
    answer = page.locator("#second-answer").inner_text()
    page.locator("#look-here").click()
    result = page.locator("#elsewhere-view")
    expect(result).to_contain_text(f"{right - left} × {bottom - top} pixels from {left}, {top}")
    expect(page.locator("#elsewhere-answer")).to_be_visible()
    expect(page.locator("#second-answer")).to_have_text(answer)  # its own stays beside it


def test_another_layer_link_and_opacity(asked):
    page = asked
    opacity = page.locator("[data-sets='--opacity']")
    opacity.fill("0.2")
    tile = page.locator(".heatmap")
    assert tile.evaluate("tile => getComputedStyle(tile).opacity") == "0.2"
    page.locator("[data-sets='--cut']").fill("10")
    clip = page.locator(".global-image").evaluate("image => getComputedStyle(image).clipPath")
    assert "10%" in clip

    layer = page.locator("#layer input[type=number]")
    own = int(layer.input_value())
    page.locator("#layer input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#maps-view")).to_contain_text(f"the model is used with layer {own}")

    total = page.locator("#total-seconds").inner_text()
    page.locator("#link input").click()
    page.get_by_role("option", name="LoRa").click()
    expect(page.locator("#total-seconds")).not_to_have_text(total)

    token = page.locator("#answers-view .token").first
    expect(token.locator(".tip")).to_be_hidden()
    token.hover()
    expect(token.locator(".tip")).to_be_visible()
    expect(token.locator(".tip")).to_contain_text("bits")


def test_transcript_and_pictures_can_be_kept(asked):
    page = asked
    with page.expect_download() as download:
        page.locator("#save-transcript").click()
    transcript = Transcript.from_dict(json.loads(download.value.path().read_text()))
    assert download.value.suggested_filename == "transcript.json"
    assert transcript.date and transcript.revision.startswith("sha256:")  # of a local model
    shown = page.locator("#second-answer").inner_text()
    assert (transcript.answer or "(an empty answer)") == shown  # the model is untrained
    with page.expect_download() as download:
        page.locator("#save-pictures").click()
    with zipfile.ZipFile(download.value.path()) as pack:
        assert pack.read("global.jpeg") == transcript.global_image.data
