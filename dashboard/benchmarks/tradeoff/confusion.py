"""The eight kinds of questions: was it right, what does the local image change, was it sent?"""

from __future__ import annotations

from markupsafe import Markup

from core.bench.analysis.outcomes import ASKED, NOT_ASKED, WAYS
from dashboard.drawing.templating import render

MEANINGS = {
    "needless": "It was right, and would have stayed right without asking.",
    "harmful": "It was right, and the second look broke it.",
    "useful": "It was wrong, and the second look mended it.",
    "hopeless": "It was wrong, and the second look didn't help.",
    "spared": "It was right, and nothing was sent for it.",
    "averted": "It was right; a second look would have broken it.",
    "missed": "It was wrong; a second look would have mended it.",
    "resigned": "It was wrong; a second look wouldn't have helped.",
}


def confusion() -> Markup:
    """Return the kinds as a table of buttons; the browser fills in the counts."""
    rows = (("Asked for", ASKED, "yes"), ("Not asked for", NOT_ASKED, ""))
    return render("tradeoff/confusion.html", ways=WAYS, rows=rows, meanings=MEANINGS)
