"""η is one thing: verdict, curve and distribution move together, and both tabs have it."""

from concurrent.futures import Future
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from core.bench import operating_point, save_run
from core.uncertainty import Gate
from core.vlm.loading.revision import revision
from tests.support.browser import windows
from tools.doubles.synthetic import synthetic_run


@pytest.fixture(scope="module")
def run():
    return synthetic_run(400)


@pytest.fixture(scope="module")
def url(vlm, run, samples, uploads, tmp_path_factory):
    """The page with a recorded run of the very weights that answer."""
    folder = tmp_path_factory.mktemp("recorded")
    of = replace(run.metadata, revision=revision(vlm), codec="jpeg", quality=75)
    save_run(replace(run, metadata=of), folder / "own-q75.parquet")
    from dashboard.hosting.live import LiveModel
    from dashboard.page import build, launch

    model = Future()
    model.set_result(vlm)
    page = build(LiveModel("pocket", model), samples, runs=folder)
    launch(page, server_name="127.0.0.1", quiet=True)
    yield page.local_url
    page.close()


@pytest.fixture(scope="module")
def one_page(browser, url):
    with windows(browser, url) as open_page:
        yield open_page()


def _set(page, field, eta):
    field = page.locator(f"#{field} input[type=number]")
    field.fill(str(eta))
    field.press("Enter")


def _places(page):
    """Where η lies in the distribution, and the gate on the curve, in the pictures' own units."""
    line = page.locator("#operating-distribution line.at").get_attribute("x1")
    point = page.locator("#operating-curve circle").get_attribute("cx")
    return float(line), float(point)


def test_dragging_eta_moves_verdict_curve_and_distribution(one_page, run):
    page = one_page
    _set(page, "eta", 0)
    page.locator("#stage-1-only").click()
    expect(page.locator("#verdict")).to_contain_text("Uncertain")
    expect(page.locator("#operating-curve")).to_be_visible()
    before = _places(page)

    slider = page.locator("#eta input[type=range]")
    slider.scroll_into_view_if_needed()
    area = slider.bounding_box()
    middle = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + 8, middle)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] - 2, middle, steps=8)
    # The button is still down: all three have moved meanwhile.
    expect(page.locator("#verdict")).to_contain_text(f"η = {slider.get_attribute('max')}")
    eta = float(slider.input_value())
    after = _places(page)
    page.mouse.up()
    assert after[0] > before[0] and after[1] < before[1]
    point = operating_point(run, Gate("min_entropy", eta))
    caption = page.locator("#operating-view figcaption").first
    expect(caption).to_contain_text(f"Asks for {100 * point.retransmitted:.0f} % of the local")
    expect(page.locator("#operating-view")).to_contain_text("this question")


def test_an_eta_set_in_one_tab_is_taken_over_in_the_other(one_page):
    page = one_page
    _set(page, "eta", 0.3)
    page.locator("#show-eta").click()
    expect(page.locator("#readout-sentence")).to_contain_text("η = 0.300")
    expect(page.locator("#run input")).to_have_value("synthetic · synthetic · test")
    page.get_by_label("Link, for seconds").first.click()
    page.get_by_role("option", name="4G LTE").click()
    expect(page.locator("#readout-means")).to_contain_text("On 4G LTE (median of 2012) a question")

    _set(page, "run-eta", 0.45)
    expect(page.locator("#readout-sentence")).to_contain_text("η = 0.450")
    page.locator("#use-run-eta").click()
    eta = page.locator("#eta input[type=number]")
    expect(eta).to_be_visible()
    expect(eta).to_have_value("0.45")
    expect(page.locator("#take-eta")).to_be_hidden()

    _set(page, "eta", 0.6)
    page.get_by_role("tab", name="Benchmarks").click()
    page.get_by_role("tab", name="Walkthrough").click()
    offer = page.locator("#take-eta")
    expect(offer).to_have_text("Use η = 0.45 bits of min-entropy, as in Benchmarks")
    offer.click()
    expect(eta).to_have_value("0.45")
    expect(offer).to_be_hidden()
