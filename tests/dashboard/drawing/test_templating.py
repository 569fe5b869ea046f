"""What goes for every template."""

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
