"""What goes for every template."""

import ast
import re

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from dashboard.drawing.templating import render
from tests.support.paths import ROOT

TEMPLATES = sorted((ROOT / "dashboard" / "templates").rglob("*.html"))
ATTACK = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"


def test_text_is_escaped_and_is_no_template():
    shown = render("benchmarks/compare.html", heads=[ATTACK], rows={ATTACK: [ATTACK]})
    assert "<script" not in shown and "49" not in shown
    assert shown.count(str(Markup.escape(ATTACK))) == 3


def test_a_value_that_is_missing_is_an_error_and_not_a_gap():
    with pytest.raises(UndefinedError):
        render("benchmarks/compare.html", heads=[])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_turns_escaping_off(path):
    text = path.read_text(encoding="utf-8")
    assert "safe" not in text and "autoescape" not in text


def written_by_hand(source):
    """Return the lines on which a value is put into HTML without a template's escaping."""
    formatted = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr))
    return [node.lineno for node in formatted if re.search(r"</?[a-z]+[ >]", ast.unparse(node))]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "dashboard").rglob("*.py")), ids=lambda path: path.stem
)
def test_no_module_writes_html_around_values(path):
    source = path.read_text(encoding="utf-8").replace("<br>", "")  # a line break in a plot's title
    assert written_by_hand(source) == [] and "from html import escape" not in source


def test_html_written_by_hand_is_found():
    assert written_by_hand("x = 1\ny = f\"<p class='a'>{x}</p>\"") == [2]
    assert written_by_hand('x = "<p>fixed</p>"') == []
