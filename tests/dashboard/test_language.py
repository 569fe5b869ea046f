"""Dictionaries of other languages: whole, true to their keys, and read as each visitor wants."""

import json
import re
from concurrent.futures import Future
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.context import LocalContext

from core.bench.plots.base import AXES, BASELINE_NAMES
from core.bench.reported import SOURCE
from core.channel import PRESETS
from core.croppers import CROPPERS
from core.policies.registry import POLICIES
from core.server.language import dictionary, languages, preferred
from core.uncertainty import METRICS
from dashboard import language, theme
from dashboard.benchmarks.tradeoff.confusion import confusion
from dashboard.hosting.live import LiveModel
from dashboard.language import COOKIE, text
from dashboard.language.relabel import lists, relabel
from dashboard.page import build
from dashboard.samples import load_samples
from tests.support import english
from tests.support.english import VALUE, Covered, of_errors, of_html, of_python, of_script
from tests.support.paths import ROOT
from tests.support.pixels import PixelVLM

OTHERS = [code for code in languages() if code != "en"]
PHONE = ROOT / "core" / "server" / "phone" / "static"
REFUSALS = {  # sentences that a visitor may be refused with: where they are raised, and as what
    "core/imaging": ("ImageError",),
    "core/messages.py": ("QuestionError",),
    "core/sessions.py": ("SessionExpired",),
    "core/transcript": ("TranscriptError",),
    "core/server/phone": ("RoomError", "Busy", "Problem"),
    "core/server/admission.py": ("Busy",),
    "core/bench/runs": ("RunError", "DamagedError", "OriginalMissing"),
    "core/bench/analysis/promises/goal.py": ("ValueError",),
    "core/bench/analysis/promises/guarantee.py": ("ValueError",),
    "core/bench/analysis/promises/questions.py": ("ValueError",),
    "core/bench/analysis/promises/refusals.py": ("PromiseError",),
    "core/vlm/loading/download.py": ("VLMError",),
}
FIGURES = ("core/bench/plots", "core/sharing/plots.py")
NAMES = {  # names, abbreviations, and what a visitor asks the model
    "Is there a star in the image?", "What does the sign say?",
    "What is in the picture?",
    "What is written on the sign?", "What does the blue circle sign say?", "False", "GFLOP",
    "llava-hf/llava-1.5-7b-hf", "force", "eta", SOURCE, *(link.name for link in PRESETS.values()),
}  # fmt: skip
# Said as part of something longer, which is in the dictionary; or to nobody on the page: columns of
# files, names of typefaces, classes of the style sheet, a log.
PARTS = re.compile(
    rf"^, |^{VALUE}, {VALUE} pixels, {VALUE}$|^{VALUE} at {VALUE}$"
    rf"|^{VALUE} {VALUE} %$|^\(95 % interval|^[A-Z_]+$"
    rf"|^{VALUE}[^A-Za-z]*{VALUE}$|^{VALUE} (kB|ms|mJ|answers)$"
    r"|^(box|own box|asked again|or |always ask$|never ask$|pixelated|settings |operating point"
    r"|final answer|looks at most|At η = |Sure enough|Uncertain|On .* a question takes|Mean "
    r"|A second look is taken|At random, the same|The promise costs|none: comp|.*: format$"
    r"|.*: quality$|.*(is a folder: choose|MB can be taken|didn't arrive: try)|.*with a link chosen"
    rf"|\(uncertainty {VALUE}|{VALUE}: {VALUE} questions{VALUE}$"
    r"|DejaVu|Segoe|Roboto|Menlo|SFMono|Location|a stage failed|Bearer|View|Stroke|Band|Figure)"
    rf"|^(distribution|lengths|steps|quality|runs|Mean) {VALUE}|^{VALUE} (min|h) {VALUE}"
    rf"|^{VALUE} image, {VALUE}|^{VALUE} questions a day send|^Threshold η{VALUE}"
    r"|coin toss(es)? of doubt$|^next to no doubt$|^The questions nearest to |of the folder can't"
    r"|closer look$|have come too late$|reported in the paper|recorded|path=/|role=alert"
    r"|^Policies on several runs"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    model = Future()
    model.set_result(PixelVLM())
    return build(LiveModel("p", model), runs=tmp_path_factory.mktemp("no runs"))


def _files(path, ending):
    path = ROOT / path
    return [path] if path.is_file() else sorted(path.rglob(f"*{ending}"))


def _components(page):
    """What Gradio's own components say: labels, hints, choices, and HTML that stays."""
    found = set()
    for block in page.blocks.values():
        if getattr(block, "show_label", True) is not False:
            found.add(getattr(block, "label", None))
        found.add(getattr(block, "info", None))
        found |= {name for name, _ in getattr(block, "choices", None) or ()}
        value = getattr(block, "value", None)
        if isinstance(block, gr.HTML | gr.Button | gr.UploadButton) and isinstance(value, str):
            found |= of_html(value)
    return {one for one in found if isinstance(one, str) and english.says(one)}


def _seen(page):
    """Every English text that a visitor may see, by where it stands."""
    own = {path.name for path in (ROOT / "dashboard").glob("*.py")} & {"__main__.py", "api.py"}
    for path in _files("dashboard/templates", ".html"):
        yield path, english.of_template(path.read_text("utf-8"))
    for path in _files("dashboard", ".py"):
        if path.name not in own:  # the command, and what programs read
            yield path, of_python(path)
    for path in (*_files("dashboard/static", ".js"), *_files(PHONE, ".js")):
        yield path, of_script(path)
    yield "the page for phones", of_html((PHONE / "page.html").read_text("utf-8"))
    for where in FIGURES:
        for path in _files(where, ".py"):
            yield path, of_python(path)
    for cropper in CROPPERS.values():
        yield cropper.name, {cropper.label, cropper.rule}
    for policy in POLICIES.values():
        yield policy.label, {policy.label}
    yield "figures", {part for title, *_ in AXES.values() for part in of_html(title)}
    yield "strategies", set(BASELINE_NAMES.values())
    for where, errors in REFUSALS.items():
        for path in _files(where, ".py"):
            yield path, of_errors(path, errors)
    yield "components", _components(page)
    yield "the confusion", of_html(confusion())
    for metric in METRICS.values():
        yield metric.name, {metric.label, metric.noun, metric.phrase, metric.definition}
    for sample in load_samples():
        yield sample.title, {sample.title, sample.note, sample.source} - {""}


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_that_a_visitor_can_see_has_an_entry(page, code):
    covered = Covered(code)
    seen = list(_seen(page))
    missing = {
        (str(where), text)
        for where, texts in seen
        for text in texts - NAMES
        if not covered(text) and not PARTS.search(text)
    }
    assert missing == set()
    assert sum(len(texts) for _, texts in seen) > 700  # it looked


def test_a_text_without_an_entry_is_found():
    covered = Covered("de")
    new = {
        "{% if a %}Words that nobody wrote before{% endif %}",
        "<p>Nor is there {{ a }} in this one, and some.</p>",
        '<p title="New">{{ a }} is new.</p>',
    }
    for template in new:
        assert not all(map(covered, english.of_template(template)))
    assert covered("Asks for") and covered(f"{VALUE} bytes in {VALUE} messages.")


@pytest.mark.parametrize("code", OTHERS)
def test_translations_are_texts_with_the_same_places_for_values(code):
    file = json.loads((ROOT / f"core/server/language/{code}.json").read_text("utf-8"))
    assert set(file) == {"language", "strings"}
    for key, translated in file["strings"].items():
        assert translated.strip() == translated and "<" not in translated and translated
        assert key == " ".join(key.split()), "with single spaces, as the browser looks it up"
        for places in (r"%\((\w+)\)s", r"%\{[^}]*\}"):
            assert sorted(re.findall(places, key)) == sorted(re.findall(places, translated)), key


def _asks(cookie=None, accepted=None):
    cookies = {} if cookie is None else {COOKIE: cookie}
    headers = {} if accepted is None else {"accept-language": accepted}
    return SimpleNamespace(cookies=cookies, headers=headers)


@pytest.fixture
def reads():
    """Let a visitor with this request be the one who asks."""
    tokens = []
    yield lambda **said: tokens.append(LocalContext.request.set(_asks(**said)))
    for token in reversed(tokens):
        LocalContext.request.reset(token)


def test_the_cookie_goes_before_the_browsers_list(reads):
    assert language.current() == "en"  # nobody asks
    for said, code in (
        ({}, "en"),
        ({"accepted": "de-AT,de;q=0.9,en;q=0.8"}, "de"),
        ({"accepted": "en-US,de;q=0.5"}, "en"),
        ({"cookie": "en", "accepted": "de"}, "en"),
        ({"cookie": "de", "accepted": "en"}, "de"),
        ({"cookie": "../../etc", "accepted": "fr"}, "en"),
    ):
        reads(**said)
        assert language.current() == code
    assert preferred("de;q=x,, ;q=1,fr" + "," * 5000) == "en"


def test_lists_are_said_in_the_visitors_language(page, reads):
    blocks = lists(page.blocks.values())
    assert relabel(blocks) == {}
    reads(cookie="de")
    choices = [choice for update in relabel(blocks).values() for choice in update["choices"]]
    assert ("Wahrscheinlichkeitsabstand", "probability_margin") in choices
    assert ("Alle Token", "All tokens") in choices
    assert text("not in any dictionary") == "not in any dictionary"


def test_the_browser_has_the_dictionaries_and_keeps_the_choice_where_the_server_reads_it():
    script = (ROOT / "dashboard/static/language.js").read_text("utf-8")
    assert f'"{COOKIE}"' in script
    words = re.search(r"window\.secondLookWords = (\{.*\});\n", theme.head())[1]
    assert json.loads(words) == {code: dictionary(code) for code in OTHERS}
    assert "<" not in words  # which might end the script
