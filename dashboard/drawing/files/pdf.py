"""A figure as PDF: the browser's drawing, as vectors, with a caption that says what it is of.

Typst sets it, a program that works without internet; it is an extra, `pip install
second-look[pdf]`.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

LARGEST = 3_000_000  # characters of a drawing; a figure has some ten thousand
LONGEST = 2_000  # of its caption
PAGE = """#set page(width: auto, height: auto, margin: 10pt)
#set text(font: ("DejaVu Sans", "Liberation Sans", "Libertinus Serif"), size: 7pt, fallback: true)
#image("figure.svg", width: 16cm)
#block(width: 16cm, sys.inputs.caption)
"""
# What a drawing of Plotly's doesn't hold: other files, programs, and definitions of its own.
_FOREIGN = re.compile(
    r"<[!?]|<(?:image|script|foreignObject|style|use)\b"
    r"|href\s*=\s*[\"']?\s*[^\"'\s#]|url\(\s*(?:&quot;|[\"'])?\s*[^\"'\s#&]|@import",
    re.IGNORECASE,
)


class PDFError(ValueError):
    """There is no PDF of this; the text is one sentence that says why."""


def figure_pdf(svg: str, caption: str) -> bytes:
    """Return a drawing with its caption below it, as PDF.

    svg: of Plotly, as a browser sends it, and so perhaps of anybody. Raises PDFError.
    """
    try:
        import typst
    except ImportError:
        raise PDFError(
            "For PDF, install one package more where this page runs: pip install typst. SVG holds"
            " the same figure, as vectors, too."
        ) from None
    if not svg.lstrip().startswith("<svg") or len(svg) > LARGEST or _FOREIGN.search(svg):
        raise PDFError("This isn't a drawing of this page: draw the figure again.")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.typ")
        page.write_text(PAGE, "utf-8")
        Path(folder, "figure.svg").write_text(svg, "utf-8")
        try:
            return typst.compile(str(page), root=folder, sys_inputs={"caption": caption[:LONGEST]})
        except Exception as error:  # typst's own, of another class in other versions
            raise PDFError("The figure can't be set as PDF: take it as SVG.") from error
