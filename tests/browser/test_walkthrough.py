import re

import pytest
from playwright.sync_api import expect

from dashboard.samples import load_samples
from tests.support.browser import in_themes, windows


@pytest.fixture(scope="module")
def one_page(browser, url):
    """A page for tests that don't mind what was asked before."""
    with windows(browser, url) as open_page:
        yield open_page()


def _set_eta(page, eta):
    field = page.locator("#eta input[type=number]")
    field.fill(str(eta))
    field.press("Enter")


def _loaded(image):
    """Whether the browser could decode a picture."""
    return image.evaluate("image => image.complete && image.naturalWidth > 0")


def test_a_sample_through_both_stages(open_page, samples):
    page = open_page()
    sample = load_samples(samples)[1]
    page.locator("#samples button", has_text=sample.title).click()
    expect(page.locator("#question textarea")).to_have_value(sample.question)
    _set_eta(page, 0)
    page.get_by_role("button", name="Ask, and look twice if unsure").click()

    expect(page.locator("#second-answer")).to_be_visible()
    expect(page.locator("#first-answer")).not_to_be_empty()
    expect(page.locator("#verdict")).to_contain_text("Uncertain")
    for picture in (".global-image", ".heatmap", ".box", ".local-image"):
        expect(page.locator(picture)).to_be_visible()
        assert _loaded(page.locator(picture))
    share = re.compile(r"^[\d,]+ (bytes|kB), [\d.]+ % of the original$")
    expect(page.locator(".global-bytes").first).to_have_text(share)
    expect(page.locator(".local-bytes").first).to_have_text(share)
    expect(page.locator("#bytes-total")).to_have_text(re.compile(r"^[\d,]+ bytes in 4 messages"))
    expect(page.locator("#log-view tbody").first.locator("tr")).to_have_count(4)
    page.get_by_role("button", name="How to read this").click()
    expect(page.locator("#first-tokens tbody tr").first).to_be_visible()


def test_the_first_sample_takes_one_click(open_page):
    page = open_page()
    page.locator("#both").click()
    expect(page.locator("#first-answer")).to_be_visible()
    expect(page.locator("#verdict")).to_be_in_viewport()  # the page goes where the news is


def test_step_by_step_with_eta_moved_in_between(open_page):
    page = open_page()
    _set_eta(page, 0)
    page.locator("#stage-1-only").click()
    expect(page.locator("#verdict")).to_contain_text("Uncertain")
    expect(page.locator("#stage-2-go")).to_be_enabled()
    expect(page.locator("#stage-2-anyway")).to_be_hidden()
    answer = page.locator("#first-answer").inner_text()

    # A margin is at most 1, and "at or below 0" is met by no answer of this model.
    page.locator("#metric input").click()
    page.get_by_role("option", name="Probability margin").click()
    page.get_by_role("button", name="How to read this").click()
    expect(page.locator("#first-tokens")).to_contain_text("Margin")
    _set_eta(page, 0)
    expect(page.locator("#verdict")).to_contain_text("Confident")
    expect(page.locator("#stage-2-go")).to_be_disabled()
    expect(page.locator("#first-answer")).to_have_text(answer)

    page.locator("#stage-2-anyway").click()
    expect(page.locator("#second-answer")).to_be_visible()
    expect(page.locator("#verdict")).to_contain_text("forced")
    expect(page.locator("#stage-2-anyway")).to_be_hidden()


def test_a_file_that_is_no_image_is_one_sentence(one_page, bad_files, samples):
    page = one_page
    sample = load_samples(samples)[2]
    page.locator("#samples button", has_text=sample.title).click()
    expect(page.locator("#question textarea")).to_have_value(sample.question)
    upload = page.locator("#original input[type=file]")
    upload.set_input_files(bad_files["text"])
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("text file")
    expect(alert).to_contain_text("The image before it is still there.")

    page.locator("#stage-1-only").click()  # and it is: the page goes on
    expect(page.locator("#asked")).to_contain_text(sample.question)
    expect(page.locator("#first-answer")).to_be_visible()
    expect(alert).to_have_count(0)


def test_an_upload_of_ones_own(one_page, samples):
    page = one_page
    page.get_by_role("button", name="Remove Image").or_(page.get_by_label("Clear")).first.click()
    page.locator("#original input[type=file]").set_input_files(str(samples / "2.jpg"))
    page.locator("#question textarea").fill("Is there a star?")
    page.locator("#stage-1-only").click()
    expect(page.locator("#asked")).to_contain_text("Is there a star?")


GIVEN_UP = """async () => {
    const quit = AbortSignal.abort();
    await fetch("gradio_api/upload_progress?upload_id=a", { signal: quit }).catch(() => {});
}"""


def test_an_upload_whose_progress_is_not_told_is_there(one_page, samples):
    """Gradio gives up asking how far an upload is where the upload is faster."""
    page = one_page
    page.locator("#original input[type=file]").set_input_files(str(samples / "1.jpg"))
    page.evaluate(GIVEN_UP)
    page.locator("#original img[src*='1.jpg']").wait_for()
    page.locator("#question textarea").fill("Is there a bus?")
    page.locator("#stage-1-only").click()
    expect(page.locator("#asked")).to_contain_text("Is there a bus?")
    expect(page.locator("#image-status")).to_be_empty()


EVENTS = {"Content-Type": "text/event-stream"}


def test_a_sample_chosen_while_an_upload_is_under_way_is_what_is_asked_about(one_page, samples):
    """The upload would come in its place, and the sample's question be asked about it."""
    page, index = one_page, 2
    sample = load_samples(samples)[index]
    page.route("**/gradio_api/upload?*", lambda route: None)  # never arrives
    done = 'data: {"msg": "done"}\n\n'
    page.route("**/upload_progress?*", lambda route: route.fulfill(body=done, headers=EVENTS))
    with page.expect_request("**/gradio_api/upload?*"):
        page.locator("#original input[type=file]").set_input_files(str(samples / "1.jpg"))
    page.locator("#samples button").nth(index).click()
    page.unroute_all()
    expect(page.locator("#question textarea")).to_have_value(sample.question)
    page.locator("#stage-1-only").click()
    expect(page.locator("#asked")).to_contain_text(sample.question)
    expect(page.locator("#first-answer")).to_be_visible()
    expect(page.locator(f"#original img[src*='{sample.path.name}']")).to_be_visible()
    expect(page.locator("#image-status")).to_be_empty()
    expect(page.locator(".toast-body")).to_have_count(0)


@pytest.mark.parametrize(
    ("question", "words"),
    [("", "question is empty"), ("x" * 10_000, "10,000 characters")],
    ids=["empty", "long"],
)
def test_a_question_that_cant_be_asked_is_one_sentence(one_page, question, words):
    page = one_page
    page.locator("#question textarea").fill(question)
    page.locator("#both").click()
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("#question textarea")).to_have_value(question)  # nothing is lost
    again = f"What does it say instead of {words}?"
    page.locator("#question textarea").fill(again)
    page.locator("#stage-1-only").click()
    expect(page.locator("#asked")).to_contain_text(again)
    expect(page.locator("#first-answer")).to_be_visible()


def test_nothing_sticks_out_in_a_window_of_any_width(open_page):
    page = open_page(360)
    _set_eta(page, 0)
    page.locator("#both").click()
    expect(page.locator("#second-answer")).to_be_visible()
    for width in (360, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in in_themes(page):
            assert page.evaluate("document.documentElement.scrollWidth") <= width, theme
            # What scrolls by itself (wide tables) may be wider than the window; nothing else may.
            wider = page.evaluate(
                """width => [...document.querySelectorAll('main *')].filter(element => {
                    const box = element.getBoundingClientRect();
                    return box.width && box.right > width + 1 && !element.closest('.wide, .hidden');
                }).map(element => element.outerHTML.slice(0, 120))""",
                width,
            )
            assert wider == [], (width, theme)


def test_two_users_at_once(open_page, samples):
    pages = [open_page() for _ in range(2)]
    questions = ["What does the first sign say?", "What does the last sign say?"]
    for index, (page, question) in enumerate(zip(pages, questions, strict=True)):
        page.locator("#samples button").nth(index + 1).click()
        expect(page.locator("#question textarea")).to_have_value(
            load_samples(samples)[index + 1].question
        )
        page.locator("#question textarea").fill(question)
        _set_eta(page, 0)
    for page in pages:
        page.locator("#both").click()
    for page, question in zip(pages, questions, strict=True):
        expect(page.locator("#second-answer")).to_be_visible()
        expect(page.locator("#asked")).to_contain_text(question)
