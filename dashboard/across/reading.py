"""The language that a visitor reads the page in: the choice, and its labels in that language."""

from __future__ import annotations

import gradio as gr

from dashboard.drawing.templating import render
from dashboard.language import current, languages
from dashboard.language.relabel import labelled, relabel
from dashboard.walkthrough.events import PRIVATE

NAMED = "([code]) => { document.documentElement.lang = code; }"  # for screen readers


class Reading:
    """The choice; call it inside the page's `gr.Blocks`, where it is to stand."""

    def __init__(self) -> None:
        self.choice = gr.HTML(self._choice(), padding=False, elem_id="languages")
        self.code = gr.JSON(visible=False)

    def connect(self, page: gr.Blocks) -> None:
        """Label the page at each visit; call it when all of it is there."""
        words = labelled(list(page.blocks.values()))

        def read() -> dict:
            """Return the page's labels in the visitor's language."""
            return relabel(words) | {self.choice: self._choice(), self.code: [current()]}

        quietly = PRIVATE | {"queue": False, "show_progress": "hidden"}
        page.load(read, None, [*words, self.choice, self.code], **quietly).then(
            None, self.code, js=NAMED, **PRIVATE
        )

    def _choice(self) -> str:
        return render("page/languages.html", languages=languages(), current=current())
