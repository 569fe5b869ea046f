"""A lesson played: a teacher with a projector at 200 %, and two students with telephones."""

import json
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from core.messages import LocalImage, Message, Question
from core.support.bundled import SAMPLES
from tests.browser.test_bundled import ONE_SCREEN, OUTSIDE
from tests.support.browser import in_themes, serious

SAMPLE = next(
    sample
    for sample in json.loads((SAMPLES / "samples.json").read_text())
    if sample["outcome"] == "with the crop"
)
ENDING = (
    ".sample-note", "#answers-view", "#gate-view", "#gauge-view", ".compare .outline",
    ".original-image", "#log-view", "#maps-view", "#operating-view", "#visit-panel",
)  # fmt: skip
REVEALED = {  # by each click, besides what was there before
    "Show the answer": ("#first-answer",),
    "Show the gauge": ("#verdict", ".gauge", "#answers-view .tokens-line"),
    "Show where it looks": (".compare .outline",),
    "Show the second answer": ("#second-answer", ".original-image", "#log-view"),
}


@pytest.fixture
def student(browser):
    """Open the page for phones; `page.sent` is what left it: path and body."""
    contexts = []

    def student(address, dark):
        context = browser.new_context(
            viewport={"width": 360, "height": 640}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.sent = []

        def seen(request):
            if request.method != "GET":
                page.sent.append((urlsplit(request.url).path, request.post_data_buffer))

        page.on("request", seen)
        page.goto(address)
        return page

    yield student
    for context in contexts:
        context.close()


def next_step(page, label):
    button = page.locator("#class-next")
    expect(button).to_have_text(label)
    button.click()


def vote(page, question, answer):
    ballot = page.get_by_role("group", name=question)
    button = ballot.get_by_role("button", name=answer)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


def test_a_lesson_from_the_picture_to_the_second_answer(open_page, student, bundled):
    page = open_page(960, "light", "mode=class", height=540, at=bundled)
    expect(page.locator(".global-image")).to_be_visible()
    for name in ENDING:
        for part in page.locator(name).all():
            expect(part).to_be_hidden()
    expect(page.locator("#original img")).to_be_hidden()
    assert serious(page) == []

    page.get_by_role("button", name="Let the class in").click()
    expect(page.locator("#class-room")).to_contain_text("The room here is")
    room = page.locator("#class-room").inner_text().split("The room here is ")[1].split(".")[0]
    pair = [student(f"{bundled}phone?room={room}", dark) for dark in (False, True)]
    for phone in pair:
        vote(phone, "Can the model read it?", "Yes")
    vote(pair[1], "Can the model read it?", "No")  # may be changed
    expect(page.locator("#vote-read")).to_contain_text("1 yes, 1 no")
    assert [serious(phone) for phone in pair] == [[], []]

    for label, parts in REVEALED.items():
        for name in parts:
            expect(page.locator(name).first).to_be_hidden()
        next_step(page, label)
        for name in parts:
            expect(page.locator(name).first).to_be_visible()
        if label == "Show the answer":
            for phone in pair:
                vote(phone, "Will it ask again?", "Yes")
            expect(page.locator("#vote-again")).to_contain_text("2 yes, 0 no")
            assert "gate" not in page.locator("#vote-again").inner_text()
        if label == "Show the gauge":
            expect(page.locator("#vote-again")).to_contain_text("the gate: yes")
            expect(pair[0].locator("fieldset")).to_have_count(0)
    expect(page.locator("#second-answer")).to_have_text(SAMPLE["answer"])
    expect(page.locator("#class-next")).to_be_disabled()
    expect(page.locator("#class-panel")).to_be_in_viewport()
    for theme in in_themes(page):
        assert page.evaluate(OUTSIDE, [*ONE_SCREEN[960, 540], "#class-next"]) == [], theme
        assert serious(page) == [], theme

    # A photo of a student's own: its numbers are told only after consent, its picture never.
    page.get_by_role("button", name="What the phones asked").click()
    expect(page.locator("#phones-view")).to_contain_text("Nothing yet")
    for number, phone in enumerate(pair):
        phone.sent.clear()
        expect(phone.locator("#share")).not_to_be_checked()
        phone.locator("#share").set_checked(number == 1)
        phone.locator("#file").set_input_files(SAMPLES / SAMPLE["file"])
        phone.locator("#question").fill(SAMPLE["question"])
        phone.locator("#ask").click()
        expect(phone.locator("#status")).to_contain_text("Answered in")
    expect(page.locator("#phones-again")).to_have_text("100 %")
    expect(page.locator("#phones-view")).to_contain_text("1 of 1 questions")
    protocol = ["/edge/v1/questions", "/edge/v1/local-images"]
    assert [path for path, _ in pair[0].sent] == protocol
    assert [path for path, _ in pair[1].sent] == [*protocol, f"/edge/phone/rooms/{room}/asked"]
    question, local, told = (body for _, body in pair[1].sent)
    assert isinstance(Message.from_bytes(question), Question)
    assert isinstance(Message.from_bytes(local), LocalImage)
    told = json.loads(told)
    assert set(told) == {"device", "again", "sent", "whole", "uncertainty", "seconds"}
    assert told["sent"] == len(question) + len(local) and told["again"] is True
    assert told["whole"] == (SAMPLES / SAMPLE["file"]).stat().st_size

    # Another picture, and another question, begin anew; nothing of them is told.
    page.locator("#samples button").nth(1).click()
    expect(page.locator("#class-next")).to_have_text("Show the answer")
    expect(page.locator("#first-answer")).to_have_count(0)
    expect(page.locator(".original-image")).to_be_hidden()
    expect(page.locator("#vote-read")).to_contain_text("0 yes, 0 no")
    next_step(page, "Show the answer")
    expect(page.locator("#first-answer")).to_be_visible()
    page.locator("#question textarea").press("Enter")
    expect(page.locator("#class-next")).to_have_text("Show the answer")
    expect(page.locator("#first-answer")).to_have_count(0)

    # On a teacher's telephone nothing of the votes is cut off, and the answer is beside them.
    page.set_viewport_size({"width": 360, "height": 740})
    next_step(page, "Show the answer")
    expect(page.locator("#first-answer")).to_be_visible()
    page.locator("#class-panel").evaluate("part => part.scrollIntoView()")
    votes = ("#class-next", *(f"#vote-{name}" for name in ("read", "right", "again")))
    assert page.evaluate(OUTSIDE, [*votes, "#stage-1-view .over", "#first-answer"]) == []

    page.locator("#class-switch input").uncheck()
    expect(page.locator("#class-panel")).to_be_hidden()
    expect(page.locator("#both")).to_be_visible()
    expect(pair[0].locator("#class-status")).to_contain_text("no such class")


def test_the_keyboard_alone_reaches_the_second_answer_in_25_keys(open_page, bundled):
    page = open_page(960, at=bundled, height=540)
    keys, focused = 0, "() => document.activeElement?.closest('#both') !== null"
    cards = "() => document.activeElement?.dataset.index"
    while not page.evaluate(focused):
        page.keyboard.press("Tab")
        keys += 1
        assert keys < 25
        if page.evaluate(cards) == "0":  # one stop for all samples: arrows go on
            page.keyboard.press("ArrowLeft")
            assert (
                int(page.evaluate(cards))
                == len(json.loads((SAMPLES / "samples.json").read_text())) - 1
            )
            page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#second-answer")).to_be_visible()
    assert keys + 1 <= 25
