"""Dictionaries of other languages: whole, true to their keys, and read as each visitor wants."""

import ast
import json
import re
from concurrent.futures import Future
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.context import LocalContext

from core.croppers import CROPPERS
from core.uncertainty import METRICS
from dashboard import language
from dashboard.drawing.words.glossary import TRANSLATED, WORDS
from dashboard.drawing.words.lay import doubt
from dashboard.hosting.live import LiveModel
from dashboard.language import COOKIE, dictionary, languages, placeholders, preferred, text
from dashboard.language.relabel import labelled, relabel, segments, strings
from dashboard.page import build
from tests.support.paths import ROOT
from tests.support.pixels import PixelVLM

OTHERS = [code for code in languages() if code != "en"]
ENGLISH_ONLY = {  # names, numbers, and what a visitor asks the model
    "Collaborative Edge-to-Server Inference for Vision-Language Models", "arXiv 2512.16349",
    "What does the blue circle sign say?", "llava-hf/llava-1.5-7b-hf", "English",
}  # fmt: skip
# Set for each visitor anew, or an explanation with numbers in it: not translated so far.
DYNAMIC = {"about", "eta", "take-eta", "phone"}


@pytest.fixture(scope="module")
def page():
    model = Future()
    model.set_result(PixelVLM())
    return build(LiveModel("p", model))


def _called():
    """The strings that the code puts through `text`, and templates through `_`."""
    found = set()
    for path in (ROOT / "dashboard").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "text":
                choices = [node.args[0]]
                if isinstance(choices[0], ast.IfExp):
                    choices = [choices[0].body, choices[0].orelse]
                found |= {c.value for c in choices if isinstance(c, ast.Constant)}
    for path in (ROOT / "dashboard" / "templates").rglob("*.html"):
        found |= set(re.findall(r'_\("([^"]+)"[,)]', path.read_text("utf-8")))
    return found


def _said(blocks):
    """What components say, as dictionaries hold it."""
    found = set()
    for block in blocks:
        for value in strings(block).values():
            found |= set(segments(value)) if isinstance(block, gr.HTML) else {value}
    return found


def _walkthrough(page):
    """The components of the page but for those of Benchmarks, and of programs."""
    tabs = [block for block in page.blocks.values() if isinstance(block, gr.Tab)]
    benchmarks = next(tab for tab in tabs if tab.label == "Benchmarks")

    def inside(block):
        while block is not None:
            if block is benchmarks:
                return True
            block = getattr(block, "parent", None)
        return False

    blocks = labelled(page.blocks.values())
    return [
        block for block in blocks
        if not inside(block) and getattr(block, "visible", True) is True
        and getattr(block, "elem_id", None) not in DYNAMIC
    ]  # fmt: skip


@pytest.mark.parametrize("code", OTHERS)
def test_every_string_of_a_dictionary_is_on_the_page(page, code):
    croppers = {said for one in CROPPERS.values() for said in (one.label, one.rule)}
    known = _called() | _said(page.blocks.values()) | croppers
    assert set(dictionary(code)) - known == set()


@pytest.mark.parametrize("code", OTHERS)
def test_no_string_of_the_walkthrough_bypasses_the_dictionary(page, code):
    missing = (_said(_walkthrough(page)) | _called()) - set(dictionary(code)) - ENGLISH_ONLY
    unsaid = {
        one for one in missing if not re.search(r"megapixels|computed here|Song and Kim", one)
    }
    assert unsaid - set(languages().values()) == set()
    assert {TRANSLATED, *(word for pair in WORDS for word in pair)} <= set(dictionary(code))


@pytest.mark.parametrize("code", OTHERS)
def test_translations_are_texts_with_the_same_places_for_values(code):
    file = json.loads((ROOT / f"dashboard/language/{code}.json").read_text("utf-8"))
    assert set(file) == {"language", "strings"}
    for english, translated in file["strings"].items():
        assert translated.strip() == translated and "<" not in translated and translated
        assert placeholders(english) == placeholders(translated)


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


def test_labels_headings_and_doubt_are_said_in_the_visitors_language(page, reads):
    blocks = labelled(page.blocks.values())
    assert relabel(blocks) == {}
    reads(cookie="de")
    said = [update.get("value") or update.get("label") for update in relabel(blocks).values()]
    assert dictionary("de")["Ask, and look twice if unsure"] in said and "Messungen" in said
    assert "Das Verfahren stammt aus <cite>" in str(said)
    assert any("<h2>und frage</h2>" in one for one in said) and "Zehn Wörter" in str(said)
    assert doubt(1.5, METRICS["min_entropy"], []) == "1.5 Münzwürfe Zweifel je Token"
    assert text("not in any dictionary") == "not in any dictionary"


def test_the_browser_keeps_the_choice_where_the_server_reads_it():
    script = (ROOT / "dashboard/static/language.js").read_text("utf-8")
    assert f"`{COOKIE}=" in script
