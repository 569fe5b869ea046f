"""The page in German, read as a visitor does who goes through all of it."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.server.language import dictionary
from tests.support.english import Covered

# Of everything on the page, what stands there to be read; not what is marked as nobody's to say.
READ = """() => {
    const found = new Set();
    const walker = document.createTreeWalker(document.body, 5);
    for (let node = walker.currentNode; node; node = walker.nextNode()) {
        const element = node.nodeType === 3 ? node.parentElement : node;
        if (element.closest('[translate=no], script, style, code, textarea, .modebar')) continue;
        const said = node.nodeType === 3 ? [node.data]
            : ['aria-label', 'placeholder', 'title', 'alt'].map(name => node.getAttribute(name));
        if (node.matches?.('input[role=listbox]')) said.push(node.value);
        for (const one of said) {
            if (one && /\\p{L}{2}/u.test(one)) found.add(one.trim().replace(/\\s+/g, ' '));
        }
    }
    return [...found];
}"""
# Names: of formats, files and measures, of runs, of links, and of what the browser itself says.
NAMES = re.compile(
    r"^([A-Z]{2,5}( \d+)?|D_B|.* · .*|tiny.*|.*LoRa.*|[a-z_]+|Hochladen|Löschen|Entfernen \d+)$"
    r"|arXiv|LLaVA|^A note\.$|^common\.\w+$|^Laden Sie ein Bild hier ab"
)


def unsaid(page):
    """Return what is read there that isn't German, as the dictionary has it.

    Gradio's own word for what is still loading is in its own German, and gone soon.
    """
    loading = page.get_by_label("Laden", exact=True).or_(page.get_by_text("Laden", exact=True))
    expect(loading).to_have_count(0)
    german = Covered("de", of=dictionary("de").values())
    return {one for one in page.evaluate(READ) if not german(one) and not NAMES.search(one)}


@pytest.fixture
def german(open_page):
    return open_page(1280, locale="de-DE", link="mode=class")


def test_all_that_is_read_is_german_and_accessible(german):
    page = german
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#class-panel")).to_be_visible()
    for step in ("Die Antwort", "Die Anzeige", "Zeigen, wohin es sieht", "Die zweite Antwort"):
        expect(page.locator("#class-next")).to_contain_text(step)
        page.locator("#class-next").click()
    expect(page.locator("#class-next")).to_have_text("Alles ist gezeigt")
    expect(page.locator("#second-answer")).to_be_visible()
    assert unsaid(page) == set()
    page.set_viewport_size({"width": 414, "height": 800})  # long words are divided, not cut off
    titles = page.locator("#samples .sample-title").evaluate_all(
        "all => all.map(one => one.parentElement.scrollWidth - one.parentElement.clientWidth)"
    )
    assert titles and max(titles) <= 0
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("#class-switch input").click()
    page.locator("#both").click()
    expect(page.locator("#second-answer")).to_be_visible()
    page.locator("#look-here").click()
    expect(page.locator("#elsewhere-answer")).to_be_visible()
    page.locator("#about-again").click()
    for folded in ("#notes", "#codecs", "#visit-panel", "#model-switch"):
        page.locator(f"{folded} button.label-wrap").click()
    page.locator("#visit-table [data-compare]").first.check()
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    expect(page.locator("#visit-compared")).to_contain_text("Haken Sie")
    assert unsaid(page) == set()
    assert re.search(r"\d,\d\d Bit", page.locator("#verdict").inner_text())
    assert page.locator("#first-answer [lang=en]").count() == 1  # the model's words aren't German
    serious = [v["id"] for v in Axe().run(page).response["violations"]
               if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert serious == []


def test_benchmarks_and_their_figures_are_german(german):
    page = german
    page.get_by_role("tab", name="Messungen").click()
    title = page.locator("#tradeoff-plot .xtitle")
    expect(title).to_contain_text("Übertragungskosten")
    for tab in ("compression", "measures", "compare", "croppers", "shared", "tradeoff"):
        page.locator(f"#analyses [role=tab][data-tab-id={tab}]").click()
        expect(page.locator("#analyses [role=tab][aria-selected=true]")).to_have_attribute(
            "data-tab-id", tab
        )
    page.locator("#calibrate button.label-wrap").click()
    page.locator("#find-eta").click()
    expect(page.locator("#found-eta table")).to_be_visible()
    page.locator("#near").click()
    expect(page.locator("#cards article").first).to_be_visible()
    assert unsaid(page) == set()
    expect(page.locator("#readout-sentence")).to_contain_text(re.compile(r"fordert das Tor.*\d,\d"))


def test_an_address_says_the_language_until_another_is_chosen(open_page):
    page = open_page(link="lang=de")
    connected = page.locator("#model-facts", has_text="arameter")  # left earlier, a page complains
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#both")).to_contain_text("Fragen")
    page.get_by_role("button", name="English").click()
    expect(page.locator("#both")).to_contain_text("Ask, and look twice")
    expect(page).not_to_have_url(re.compile("lang="))
    expect(connected).to_be_visible()
    page.goto(page.url.replace("?", "?lang=xx&"))  # none that is known
    expect(page.locator("#both")).to_contain_text("Ask, and look twice")
    expect(connected).to_be_visible()
