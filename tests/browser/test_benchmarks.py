"""The benchmark tabs in Chromium: what moves without the server, and what one sees and clicks."""

import csv
import io
import re
from importlib.util import find_spec
from math import floor

import pytest
from playwright.sync_api import expect

from core.bench import confusion, load_run, operating_point, tradeoff
from core.certificate import Certificate
from core.uncertainty import METRICS, Gate
from tests.support.browser import serious, windows

TABS = ("Tradeoff", "Compression", "Measures", "Compare", "Shared link")
DRAWN = ".js-plotly-plot .main-svg"


def _open(open_page, tab="tradeoff", **options):
    link = options.pop("link", "run=invented-q75")
    page = open_page(link=f"tab={tab}&{link}", **options)
    expect(page.locator(f"#analyses {DRAWN}").first).to_be_visible()
    if tab == "tradeoff":
        expect(page.locator("#readout-sentence")).to_contain_text("η = ")
    return page


def _readout(page):
    """η, and the numbers of the sentence in their order."""
    text = page.locator("#readout-sentence").inner_text()
    return [float(number) for number in re.findall(r"\d[\d.]*", text)]


def _drag(page, key="ArrowRight", times=1):
    page.locator("#run-eta input[type=range]").focus()
    for _ in range(times):
        page.keyboard.press(key)


@pytest.fixture(scope="module")
def run(runs_folder):
    return load_run(runs_folder / "invented-q75.parquet")


@pytest.fixture(scope="module")
def tradeoff_page(browser, url):
    """A page for tests that leave its run as it is, and don't mind another η."""
    with windows(browser, url) as open_page:
        yield _open(open_page)


def test_eta_moves_in_the_browser_and_says_what_core_says(open_page, run):
    page = _open(open_page, link="run=invented-q75&eta=0.3")
    before = _readout(page)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    _drag(page, times=25)
    expect(page.locator("#readout-sentence")).to_contain_text("η = 0.350")
    eta, asked, right, level, low, high, additional, size = _readout(page)
    assert level == 95 and low <= right <= high < low + 30
    assert requests == [] and eta == pytest.approx(0.35) and before[0] == 0.3
    assert float(page.locator("#run-eta input[type=number]").input_value()) == eta

    point = operating_point(run, Gate("min_entropy", eta))
    assert asked == pytest.approx(100 * point.retransmitted, abs=0.51)
    assert right == pytest.approx(100 * point.accuracy, abs=0.051)
    assert additional == pytest.approx(point.additional_bytes, abs=0.0051)
    assert size == pytest.approx(point.bytes / 1000, abs=0.051)

    curve = tradeoff(run)
    kinds = confusion(run, curve).asked[curve.at(eta)]
    counts = page.locator("#confusion [data-asked=yes] .count").all_inner_texts()
    assert [int(count.replace(",", "")) for count in counts] == kinds.tolist()

    # The point on the curve is where core says, and the line in the distribution is at η.
    shapes = "id => document.querySelector(`#${id} .js-plotly-plot`).layout.shapes"
    drawn = page.evaluate(shapes, "tradeoff-plot")
    circles = [shape for shape in drawn if shape["type"] == "circle"]
    assert circles[-1]["xanchor"] == pytest.approx(point.additional_cost)
    assert circles[-1]["yanchor"] == pytest.approx(100 * point.accuracy, abs=1e-3)
    assert len(circles) == len(METRICS) + 2  # and random, oracle
    assert page.evaluate(shapes, "uncertainty-plot")[1]["x0"] == pytest.approx(eta)

    # `window.Plotly` comes with Gradio, undocumented. Without it the words still follow η.
    assert page.evaluate("typeof window.Plotly.relayout") == "function"
    page.evaluate("delete window.Plotly")
    before = page.locator("#readout-sentence").inner_text()
    _drag(page, "ArrowLeft", 3)
    expect(page.locator("#readout-sentence")).not_to_have_text(before)


def test_a_cell_and_a_curve_show_the_questions_there(open_page):
    page = _open(open_page, link="run=scenes&eta=0.2")
    cell = page.locator("#confusion button:enabled").first
    cell.focus()
    page.keyboard.press("Enter")
    kind = cell.locator("strong").inner_text().capitalize()
    expect(page.locator("#cards .outcome")).to_contain_text(f"{kind} at η = 0.2")
    image = page.locator("#cards .card-whole").first
    expect(image).to_be_visible()
    assert image.evaluate("image => image.complete && image.naturalWidth > 100")

    # A click on the curve itself.
    place = page.evaluate(
        """() => {
            const chart = document.querySelector('#tradeoff-plot .js-plotly-plot');
            chart.scrollIntoView({block: 'center'});
            const index = chart.data.findIndex(trace => trace.meta === 'min_entropy');
            const {x, y, customdata} = chart.data[index], middle = x.length >> 1;
            const box = chart.getBoundingClientRect(), {xaxis, yaxis} = chart._fullLayout;
            return {
                left: box.left + xaxis._offset + xaxis.d2p(x[middle]),
                top: box.top + yaxis._offset + yaxis.d2p(y[middle]), eta: customdata[middle][0],
            };
        }"""
    )
    page.mouse.move(place["left"], place["top"])
    page.mouse.click(place["left"], place["top"])
    heading = page.locator("#cards .outcome")
    expect(heading).to_contain_text("The questions nearest to η")
    shown = float(re.search(r"η = ([\d.]+)", heading.inner_text())[1])
    assert shown == pytest.approx(place["eta"], abs=0.3)

    page.locator("#next-questions").click()
    expect(heading).to_contain_text("7 to 12")
    asked = page.locator("#cards .asked").first.inner_text().strip("“”\n ")
    page.locator("#cards .open").first.click()
    expect(page.locator("#question textarea")).to_have_value(re.compile(re.escape(asked)))
    expect(page.locator("#question textarea")).to_be_visible()
    expect(page.locator("#eta input[type=number]")).to_have_value(
        f"{floor(100 * place['eta']) / 100:g}"
    )


def test_another_metric_keeps_the_share_and_a_link_restores_the_view(open_page):
    page = _open(open_page, link="run=invented-q75&eta=0.3")
    share = _readout(page)[1]
    page.get_by_label("Measure of uncertainty").last.click()
    page.get_by_role("option", name="Shannon entropy").click()
    expect(page.locator("#readout-sentence")).to_contain_text("shannon entropy", ignore_case=True)
    assert _readout(page)[1] == pytest.approx(share, abs=1)
    page.get_by_label("FLOPs").first.check()
    expect(page.locator("#readout-sentence")).to_contain_text("GFLOP a question")
    sentence = page.locator("#readout-sentence").inner_text()

    page.locator("#copy-link").click()
    expect(page.locator("#link-status")).to_contain_text("axis=flops")
    link = page.locator("#link-status code").inner_text()
    again = open_page(link=link.lstrip("?"))
    expect(again.locator("#readout-sentence")).to_have_text(sentence)


def test_eta_for_a_budget_moves_the_slider(tradeoff_page):
    page = tradeoff_page
    page.get_by_text("What η do I set?").click()
    page.locator("#find-eta").click()
    expect(page.locator("#found-eta .outcome")).to_contain_text("bits of min-entropy")
    expect(page.locator("#found-eta tbody tr")).to_have_count(2)
    found = float(re.search(r"η = ([\d.]+)", page.locator("#found-eta").inner_text())[1])
    expect(page.locator("#readout-sentence")).to_contain_text("30 %")  # the budget
    assert _readout(page)[0] == pytest.approx(found, abs=0.005)

    # With a promise, and its certificate as a file.
    page.get_by_label("In 9 of 10 cases").check()
    expect(page.locator("#sure-explained")).to_contain_text("nine of ten validation runs")
    page.locator("#find-eta").click()
    expect(page.locator("#found-eta")).to_contain_text("With confidence 0.9, at most 30 %")
    with page.expect_download() as download:
        page.locator("#save-certificate").click()
    assert Certificate.read(download.value.path()).confidence == 0.9


def test_figures_and_their_data_can_be_had(tradeoff_page, run):
    page = tradeoff_page
    for kind, begin in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Download the tradeoff curves as {kind}").click()
        name = download.value.suggested_filename
        assert re.fullmatch(r"tradeoff-.+-synthetic-test-jpeg75-2026-01-01-eta-[\d.]+\.\w+", name)
        with open(download.value.path(), "rb") as file:
            content = file.read()
        assert content.startswith(begin)
        if kind == "SVG":
            for said in ("synthetic test, JPEG 75", "code that is not known", "2026-01-01", "η = "):
                assert said in content.decode()
    pdf = page.get_by_role("button", name="Download the tradeoff curves as PDF")
    if find_spec("typst"):
        with page.expect_download() as download:
            pdf.click()
        assert download.value.suggested_filename.endswith(".pdf")
        with open(download.value.path(), "rb") as file:
            assert file.read(5) == b"%PDF-"
    else:
        pdf.click()
        expect(page.get_by_role("alert")).to_contain_text("pip install typst")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the tradeoff curves as CSV").click()
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(io.StringIO(file.read())))
    mine = [row for row in rows if row["strategy"] == "min_entropy"]
    assert [float(row["accuracy"]) for row in mine] == tradeoff(run).accuracy.tolist()


def test_a_run_of_ones_own_and_a_file_that_is_none(open_page, runs_folder):
    page = _open(open_page)
    page.get_by_text("Bring a run of your own").click()
    upload = page.locator("#upload-run input[type=file]")
    upload.set_input_files(str(runs_folder / "torn.parquet"))
    refusal = page.locator("#upload-refusal [role=alert]")
    expect(refusal).to_be_visible()
    page.wait_for_timeout(1000)  # what is drawn meanwhile leaves it where it is
    expect(refusal).to_be_visible()
    upload.set_input_files(str(runs_folder / "scenes.parquet"))
    expect(page.locator("#about-run")).to_contain_text("12 questions")
    expect(refusal).to_have_count(0)
    expect(page.locator("#run input")).to_have_value(re.compile(r"\(yours\)"))


# Words of the charts on the page that stick out of their chart; titles and legends on each other.
CUT_OR_COVERED = """() =>
[...document.querySelectorAll('#analyses .js-plotly-plot')].flatMap(chart => {
    const around = chart.getBoundingClientRect();
    const found = what => [...chart.querySelectorAll(what)]
        .map(part => [part.textContent, part.getBoundingClientRect()])
        .filter(([, box]) => box.width);
    const parts = found('.xtitle, .ytitle, .legend .traces');
    const cut = found('.main-svg text').filter(([, box]) => box.left < around.left - 1
        || box.top < around.top - 1 || box.right > around.right + 1
        || box.bottom > around.bottom + 1);
    const covered = parts.filter(([, one], i) => parts.slice(0, i).some(([, other]) =>
        one.left < other.right - 1 && other.left < one.right - 1
        && one.top < other.bottom - 1 && other.top < one.bottom - 1));
    return [...cut, ...covered].map(([text]) => text);
})"""


@pytest.mark.parametrize(("width", "theme"), [(320, "light"), (1920, "dark")])
def test_every_tab_fits_and_is_accessible(open_page, width, theme):
    page = _open(open_page, width=width, theme=theme)
    for tab in TABS:
        page.locator("#analyses").get_by_role("tab", name=tab).click()
        charts = page.locator(f"#analyses .chart:visible {DRAWN}")
        expect(charts.first).to_be_visible()
        if tab == "Shared link":
            expect(page.locator("#shared-plot .xtick text").last).to_have_text("100 %")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
        wider = page.evaluate(
            """width => [...document.querySelectorAll('#analyses *')].filter(element => {
                const box = element.getBoundingClientRect();
                return box.width && box.right > width + 1
                    && !element.closest('.wide, .hidden, svg, .visually-hidden, .hoverlayer');
            }).map(element => element.outerHTML.slice(0, 120))""",
            width,
        )
        assert wider == [], tab
        assert page.evaluate(CUT_OR_COVERED) == [], tab
        assert serious(page) == [], tab
    named = page.locator("#analyses .js-plotly-plot[role=figure]")
    labels = [named.nth(i).get_attribute("aria-label") for i in range(named.count())]
    assert len(labels) == 10 and all(len(label) > 10 for label in labels)
