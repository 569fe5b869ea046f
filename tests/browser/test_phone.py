"""The phone as the edge, in Chromium, against the bundled model and the Python edge."""

import io
import json
import re
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import expect

from core.edge.client import Client
from core.messages import LocalImage, Message, Question
from core.support.bundled import SAMPLES
from core.vlm import load_vlm
from tests.support.browser import serious
from tests.support.serving import serving

# No camera, no storage, no other format than JPEG and PNG, nothing that came after 2015.
BARE = """
Object.defineProperty(navigator, "mediaDevices", { value: undefined });
delete window.createImageBitmap;
for (const name of ["localStorage", "sessionStorage", "indexedDB"])
  Object.defineProperty(window, name, { get() { throw new Error("no storage"); } });
const { toBlob } = HTMLCanvasElement.prototype;
HTMLCanvasElement.prototype.toBlob = function (done, type, quality) {
  return toBlob.call(this, done, type === "image/jpeg" ? type : "image/png", quality);
};
"""
LISTED = json.loads((SAMPLES / "samples.json").read_text())


@pytest.fixture(scope="module")
def server():
    with serving(vlm=load_vlm("pocket", device="cpu")) as (url, _):
        yield url


@pytest.fixture
def phone(browser, server):
    """Open the page as a phone does; `page.sent` are the bodies that left it, by path."""
    contexts, complaints, addresses = [], [], []

    def open_phone(before="", locale="en-GB", runs="The server runs"):
        context = browser.new_context(
            viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True, locale=locale
        )
        contexts.append(context)
        context.add_init_script(before)
        page = context.new_page()
        page.sent = []

        def seen(request):
            if urlsplit(request.url).scheme not in ("data", "blob"):
                addresses.append(request.url)
            if request.method != "GET":
                page.sent.append((urlsplit(request.url).path, request.post_data_buffer))

        page.on("request", seen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(f"{server}/phone")
        expect(page.locator("#server")).to_contain_text(runs)
        return page

    yield open_phone
    for context in contexts:
        context.close()
    assert not complaints
    assert all(address.startswith(server) for address in addresses)


def asked(page, photo, question, answered="Answered in"):
    """Choose a photo, ask, and return what came of it. photo: a path, or a file's bytes."""
    if isinstance(photo, bytes):
        photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
    page.locator("#file").set_input_files(photo)
    page.locator("#question").fill(question)
    expect(page.locator("#ask")).to_be_enabled()
    page.locator("#ask").click()
    expect(page.locator("#status")).to_contain_text(answered)
    return json.loads(page.locator("#result").get_attribute("data-result"))


def turned(image):
    """A large photo as a phone stores one held upright: lying, with a note in EXIF."""
    large = image.resize((2048, 2048 * image.height // image.width))
    grain = Image.effect_noise(large.size, 40).convert("RGB")
    lying = Image.blend(large, grain, 0.15).transpose(Image.Transpose.ROTATE_90)
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    lying.save(file, "JPEG", quality=96, exif=exif)
    return file.getvalue()


def test_the_samples_are_answered_as_by_the_python_edge(phone, server):
    page = phone()
    with Client(server) as client:
        for sample in LISTED:
            path = SAMPLES / sample["file"]
            here = client.ask(path, sample["question"])
            there = asked(page, path, sample["question"])
            box = here.box and list(here.box.as_tuple())
            assert (there["answer"], there["box"]) == (here.answer, box), sample["file"]
            assert there["uncertainty"] == pytest.approx(here.uncertainty, abs=0.1)
            assert there["firstAnswer"]


@pytest.mark.parametrize("before", ["", BARE], ids=["any browser", "bare"])
def test_a_large_photo_leaves_as_two_small_messages(phone, server, before):
    sample = next(one for one in LISTED if one["outcome"] == "with the crop")
    photo = turned(Image.open(SAMPLES / sample["file"]).filter(ImageFilter.SHARPEN))
    assert len(photo) > 1.5e6
    with Client(server) as client:
        here = client.ask(photo, sample["question"])
    assert here.box
    page = phone(before)
    there = asked(page, photo, sample["question"])
    assert there["answer"] == here.answer
    assert there["box"] == pytest.approx(here.box.as_tuple(), abs=2048 / 14)

    # What crossed is two messages, and the meter says how much they were.
    paths, bodies = zip(*page.sent, strict=True)
    assert paths == ("/v1/questions", "/v1/local-images")
    global_image, local_image = map(Message.from_bytes, bodies)
    assert isinstance(global_image, Question) and isinstance(local_image, LocalImage)
    assert global_image.original_size == (2048, Image.open(io.BytesIO(photo)).width)  # upright
    total = sum(map(len, bodies))
    assert total < 40_000
    assert there["sent"] == total
    said = re.fullmatch(r"(\d+(?:\.\d)?) kB of \d\.\d MB left this phone",
                        page.locator("#meter").text_content())  # fmt: skip
    assert float(said[1]) * 1000 == pytest.approx(total, abs=500)
    # Neither file holds what a camera notes of place and time.
    for message in (global_image, local_image):
        assert not Image.open(io.BytesIO(message.image)).getexif()

    # Photo, box, verdict and both answers are on one screen of a telephone.
    for part in ("#photo", "#box", "#verdict", "#first", "#second", "#meter"):
        expect(page.locator(part)).to_be_in_viewport(ratio=0.99)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("#live")).to_be_visible(visible=not before)


# A camera that shows a sign, for browsers that have none.
CAMERA = """
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [1600, 1200];
  const context = canvas.getContext("2d");
  setInterval(() => { context.fillStyle = "teal"; context.fillRect(0, 0, 1600, 1200); }, 50);
  return canvas.captureStream(10);
};
"""


def test_the_camera_in_the_page_takes_a_photo_and_is_let_go(phone):
    page = phone(CAMERA)
    page.locator("#live").click()
    expect(page.locator("#video")).to_be_visible()
    expect(page.locator("#video")).to_have_js_property("videoWidth", 1600)  # evaluates no string
    page.locator("#shutter").click()
    expect(page.locator("#video")).to_be_hidden()
    assert page.evaluate("document.getElementById('video').srcObject") is None
    expect(page.locator("#ask")).to_be_enabled()
    page.locator("#ask").click()
    expect(page.locator("#status")).to_contain_text("Answered in")
    assert Message.from_bytes(page.sent[0][1]).original_size == (1600, 1200)


def test_no_serious_violation(phone):
    page = phone()
    for step in ("before", "after"):
        if step == "after":
            asked(page, SAMPLES / LISTED[0]["file"], LISTED[0]["question"])
            page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert serious(page) == [], (step, scheme)


def test_a_german_phone_asks_in_german(phone):
    page = phone(locale="de-DE", runs="Auf dem Server läuft pocket")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("h1")).to_have_text("Dieses Telefon ist das Gerät vor Ort")
    there = asked(page, SAMPLES / LISTED[0]["file"], LISTED[0]["question"], "Beantwortet in")
    assert there["answer"] == LISTED[0]["answer"]
    expect(page.locator("#meter")).to_contain_text("verließen dieses Telefon")


def test_what_isnt_a_photo_is_said_and_loses_nothing(phone):
    page = phone()
    sample = LISTED[0]
    asked(page, SAMPLES / sample["file"], sample["question"])
    page.locator("#file").set_input_files(
        {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"no photo at all"}
    )
    expect(page.locator("#problem")).to_contain_text("choose a JPEG or PNG file")
    expect(page.locator("#photo")).to_be_visible()  # of before
    page.locator("#question").fill("   ")
    page.locator("#ask").click()
    expect(page.locator("#problem")).to_have_text("The question is empty: type one.")
    page.locator("#question").fill(sample["question"])
    page.locator("#question").press("Enter")
    expect(page.locator("#status")).to_contain_text("Answered in")
    expect(page.locator("#problem")).to_be_hidden()
