"""A clumsy visitor: whatever comes, in whatever order, is answered or is one sentence."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from dashboard.samples import load_samples
from dashboard.walkthrough.asking import LARGEST_FILE
from tests.support import heic
from tests.support.browser import in_themes

# Visible texts inside the element whose contrast is below 4.5. Colours are painted, so that
# whatever CSS calls them, and however many lie on each other, what is read is what is seen.
FAINT = """element => {
    const pen = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
        .getContext('2d', {willReadFrequently: true});
    const painted = colors => {
        for (const color of colors) { pen.fillStyle = color; pen.fillRect(0, 0, 1, 1); }
        return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = rgb => rgb.map(value => value / 255)
        .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), faint = [];
    for (let text; (text = texts.nextNode());) {
        const of = text.parentElement;
        if (!text.data.trim() || !of.checkVisibility() || of.closest(':disabled')) continue;
        const behind = [];
        for (let part = of; part; part = part.parentElement)
            behind.unshift(getComputedStyle(part).backgroundColor);
        const below = luminance(painted(['white', ...behind]));
        const above = luminance(painted(['white', ...behind, getComputedStyle(of).color]));
        const ratio = (Math.max(above, below) + 0.05) / (Math.min(above, below) + 0.05);
        if (ratio < 4.5) faint.push([text.data.trim(), ratio.toFixed(2), element.className]);
    }
    return faint;
}"""
DROPPED = """([name, type, text]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], name, {type}));
    return transfer;
}"""


@pytest.fixture(scope="module")
def telephone(samples, tmp_path_factory):
    """A photo as telephones write it."""
    heic.write()
    path = tmp_path_factory.mktemp("telephone") / "IMG_0001.HEIC"
    Image.open(samples / "2.jpg").save(path, "HEIF", quality=70)
    return str(path)


@pytest.fixture(scope="module")
def heavy(samples, tmp_path_factory):
    """An image of a few bytes more than may be sent; and one of more than 10 MB, which may."""
    folder, image = tmp_path_factory.mktemp("heavy"), (samples / "2.jpg").read_bytes()
    for name, size in (("heavy.jpg", LARGEST_FILE + 1), ("photo.jpg", 11_000_000)):
        (folder / name).write_bytes(image + bytes(size - len(image)))
    return folder


def _picture(page):
    return page.locator("#original img").get_attribute("src")


def test_a_clumsy_visit(open_page, samples, bad_files, telephone, heavy):
    page = open_page(1024)
    upload = page.locator("#original input[type=file]")
    said = page.locator("#image-status [role=alert]")
    question = page.locator("#question textarea")
    cards = page.locator("#samples button")
    second = load_samples(samples)[1]

    # A good upload takes neither the sample's question nor its mark along.
    expect(page.locator("#image-limits")).to_contain_text("up to 64 MB")
    expect(cards.first).to_have_attribute("aria-pressed", "true")
    upload.set_input_files(str(heavy / "photo.jpg"))
    expect(question).to_have_value("")
    expect(page.locator("#samples [aria-pressed=true]")).to_have_count(0)
    before = _picture(page)

    # After it, all that can't be read: one sentence each, and the picture stays.
    for file, words in (
        (bad_files["text"], "This is a text file"),
        (bad_files["huge"], "100 megapixels"),
        (str(heavy / "heavy.jpg"), "at most 64 MB"),
        (bad_files["empty"], "The file is empty"),
    ):
        upload.set_input_files(file)
        expect(said).to_contain_text(words)
        expect(said).to_contain_text("The image before it is still there.")
        assert _picture(page) == before
    document = page.evaluate_handle(DROPPED, ["a.pdf", "application/pdf", "%PDF-1.7 of " * 9])
    page.locator("#original img").dispatch_event("drop", {"dataTransfer": document})
    expect(said).to_contain_text("This is a PDF document")
    assert _picture(page) == before

    # Dropped beside the panel, too: the browser would leave the page for the file.
    document = page.evaluate_handle(DROPPED, ["b.txt", "text/plain", "words " * 9])
    for event in ("dragover", "drop"):
        assert page.evaluate(
            """([type, dataTransfer]) => !document.querySelector("h1, header, body").dispatchEvent(
            new DragEvent(type, {dataTransfer, bubbles: true, cancelable: true}))""",
            [event, document],
        )
    expect(said).to_contain_text("This is a text file")
    assert _picture(page) == before
    expect(page.locator(".error, .toast-body")).to_have_count(0)

    # A telephone's photo is shown, and asked about with Enter; η of 999 is the slider's largest.
    upload.set_input_files(telephone)
    expect(said).to_have_count(0)
    expect(page.locator("#original img")).to_have_attribute("src", re.compile(r"\.png$"))
    eta = page.locator("#eta input[type=number]")
    eta.fill("999")
    expect(eta).to_have_value(page.locator("#eta input[type=range]").get_attribute("max"))
    eta.fill("")
    eta.blur()
    expect(eta).not_to_have_value("")
    eta.fill("0")
    question.fill("Is there a star?")
    question.press("Enter")
    expect(page.locator("#second-answer")).to_be_visible()
    expect(page.locator("#asked")).to_contain_text("Is there a star?")
    assert "\n" not in question.input_value()
    eta.fill("999")
    largest = float(eta.input_value())
    gauge = page.locator(".gauge")
    expect(gauge).to_have_attribute("aria-label", re.compile(f"η is {largest:.2f}"))
    eta.fill("0")

    # Corners that are typed stay as they were typed, in any order.
    for edge, value in (("left", 150), ("top", 130), ("right", 260), ("bottom", 240)):
        page.locator(f"[data-edge={edge}]").fill(str(value))
        page.locator(f"[data-edge={edge}]").blur()
    assert page.evaluate("window.secondLook.box()") == [150, 130, 260, 240]
    page.locator("#look-here").click()
    expect(page.locator("#elsewhere-answer")).to_be_in_viewport()

    # All that appears when something is pointed at or focused can be read.
    page.add_style_tag(content="* { transition: none !important; }")
    for theme in in_themes(page):
        for token in page.locator(".token").all():
            token.hover()
            expect(token.locator(".tip")).to_be_visible()
            assert token.evaluate(FAINT) == [], theme
            page.mouse.move(0, 0)
            token.focus()
            assert token.evaluate(FAINT) == [], theme
        for part in page.locator("button:not([tabindex='-1']):visible, summary:visible").all():
            part.hover(force=True)
            assert part.evaluate(FAINT) == [], theme
            part.focus()
            assert part.evaluate(FAINT) == [], theme

    # A sample chosen while another question is being answered is alone on the page.
    page.locator("#both").click()
    cards.nth(1).click()
    expect(question).to_have_value(second.question)
    expect(page.locator("#status")).to_have_text("")
    expect(page.locator("#second-answer")).to_be_hidden()
    expect(page.locator("#first-answer")).to_be_hidden()
    expect(page.get_by_role("button", name=f"{second.title} {second.note}")).to_have_attribute(
        "aria-pressed", "true"
    )
    upload.set_input_files(bad_files["text"])
    expect(said).to_contain_text("The image before it is still there.")
    expect(question).to_have_value(second.question)
    page.get_by_role("button", name="Remove Image").or_(page.get_by_label("Clear")).first.click()
    expect(page.locator("#samples [aria-pressed=true]")).to_have_count(0)
    upload.set_input_files(bad_files["text"])
    expect(said).not_to_contain_text("still there")
    assert page.locator("#original img").count() == 0


def test_the_title_stays_and_a_link_to_an_upload_says_so(open_page):
    page = open_page(link="tab=tradeoff&run=upload-1&metric=mood")
    expect(page.locator("#link-missing [role=alert]")).to_contain_text("somebody uploaded")
    title = page.locator("h1")
    before = title.bounding_box()
    page.get_by_role("button", name="Use another model").click()
    expect(page.locator("#model-name")).to_be_visible()
    assert title.bounding_box() == before


REFUSED = """Object.defineProperty(navigator, 'mediaDevices', {value: {
    async getUserMedia() { throw new DOMException('', window.refusal); }}, configurable: true})"""
INSECURE = (
    "Object.defineProperty(navigator, 'mediaDevices', {value: undefined, configurable: true})"
)


@pytest.mark.parametrize(
    ("before", "refusals"),
    [
        (REFUSED, {"NotAllowedError": "allow it", "NotFoundError": "isn't there"}),
        (INSECURE, {"": "only to https pages"}),
    ],
    ids=["refused", "insecure"],
)
def test_a_camera_that_is_not_lent_is_one_sentence(open_page, before, refusals):
    page = open_page(before=before)
    page.get_by_label("Remove Image").click()
    page.get_by_label("Remove Image").wait_for(state="hidden")
    page.get_by_label("Capture from camera").click()
    for name, words in refusals.items():
        page.evaluate("name => { window.refusal = name; }", name)
        page.get_by_text("Click to Access Webcam").click()
        expect(page.locator("#image-status [role=alert]")).to_contain_text(words)
    assert page.locator("link[rel=icon]").get_attribute("href").startswith("data:image/svg+xml,")
