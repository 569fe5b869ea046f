"""The language that a visitor reads the page in: the choice, and lists in that language."""

from __future__ import annotations

import gradio as gr

from core.server.language import languages
from dashboard.drawing.templating import render
from dashboard.language import current
from dashboard.language.relabel import lists, relabel
from dashboard.walkthrough.events import PRIVATE


class Reading:
    """The choice; call it inside the page's `gr.Blocks`, where it is to stand."""

    def __init__(self) -> None:
        self.choice = gr.HTML(self._choice(), padding=False, elem_id="languages")

    def connect(self, page: gr.Blocks) -> None:
        """Say the lists of the page at each visit; call it when all of it is there."""
        words = lists(page.blocks.values())

        def read() -> dict:
            """Return the page's lists in the visitor's language."""
            return relabel(words) | {self.choice: self._choice()}

        quietly = PRIVATE | {"queue": False, "show_progress": "hidden"}
        page.load(read, None, [*words, self.choice], **quietly)

    def _choice(self) -> str:
        return render("page/languages.html", languages=languages(), current=current())
