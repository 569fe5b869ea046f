"""Figures as PDF: what is set, and what isn't taken for a drawing of the page."""

import sys

import pytest

from dashboard.drawing.files.pdf import LARGEST, PDFError, figure_pdf

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="90" height="50"><defs><clipPath id="c">
<rect width="9" height="9"/></clipPath></defs><g clip-path="url(#c)"><path d="M0 0L9 9"/></g>
<g clip-path="url('#c')"/><text x="1" y="9" style="font-family: 'DejaVu Sans'">η</text></svg>"""


def test_a_drawing_is_a_page_with_its_caption():
    pytest.importorskip("typst")
    data = figure_pdf(SVG, 'a run; commit 1234; #image("/etc/hostname") $x')
    assert data.startswith(b"%PDF-")
    assert len(figure_pdf(SVG, "")) < len(data)  # without the caption


@pytest.mark.parametrize(
    "svg",
    [
        "",
        "<html>",
        "<svg>" + " " * LARGEST,
        SVG.replace("<defs>", '<image href="/etc/hostname"/><defs>'),
        SVG.replace("<defs>", "<script>1</script><defs>"),
        SVG.replace("<defs>", '<a xlink:href="file:///etc/hostname"/><defs>'),
        SVG.replace("url(#c)", "url(file:///etc/hostname#c)"),
        SVG.replace("url('#c')", 'url( "http://192.0.2.1/#c")'),
        "<svg><!DOCTYPE a [<!ENTITY b 'c'>]></svg>",
    ],
)
def test_what_reaches_for_anything_else_is_refused(svg, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", object())  # isn't asked
    with pytest.raises(PDFError, match="isn't a drawing"):
        figure_pdf(svg, "")


def test_without_typst_it_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(PDFError, match="pip install typst"):
        figure_pdf(SVG, "")
