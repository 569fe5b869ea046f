"""A figure on the page, with what it can be downloaded as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from dashboard.drawing.files.downloads import parcel
from dashboard.drawing.files.pdf import PDFError, figure_pdf
from dashboard.drawing.files.spreadsheet import to_csv
from dashboard.drawing.templating import render
from dashboard.drawing.words.sentences import alert
from dashboard.inputs import RAW

PRIVATE = {"api_visibility": "private"}
READING = PRIVATE | RAW  # events that read controls
# Buttons in the HTML, by what their data attributes say; `csv` goes to the server.
ON_LOAD = """element.addEventListener('click', event => {
    const format = event.target.closest('button')?.dataset.format;
    if (format === 'csv') trigger('click');
    else if (format === 'pdf')
        window.secondLook.drawing('PLOT').then(drawing => drawing && trigger('submit', drawing));
    else if (format) window.secondLook.savePicture('PLOT', format);
})"""


class Chart:
    """The plot and a row of buttons below it. `name` must be the page's only one."""

    def __init__(self, name: str, label: str):
        self.name = name
        self.plot = gr.Plot(
            show_label=False, container=False, elem_id=f"{name}-plot", elem_classes="chart"
        )
        self.buttons = gr.HTML(
            render("benchmarks/downloads.html", label=label),
            js_on_load=ON_LOAD.replace("PLOT", f"{name}-plot"),
        )
        self._text = gr.Textbox(visible=False)
        self._said, self._parcel = gr.HTML(), gr.JSON(visible=False)
        self.buttons.submit(
            self.as_pdf, None, [self._parcel, self._said], **PRIVATE, show_progress="hidden",
            concurrency_id="pdf", concurrency_limit=1,
        ).then(None, self._parcel, None, js="window.secondLook.save", **PRIVATE)  # fmt: skip

    def as_pdf(self, event: gr.EventData) -> dict:
        """Return a figure as PDF, for the browser to keep, from its own drawing of it."""
        told = event._data if isinstance(event._data, Mapping) else {}
        svg, caption, name = (str(told.get(part, "")) for part in ("svg", "caption", "name"))
        try:
            data = figure_pdf(svg, caption)
        except PDFError as error:
            return {self._said: alert(str(error)), self._parcel: None}
        name = f"{name[:150] or self.name}.pdf"
        return {self._said: "", self._parcel: parcel(name, "application/pdf", data)}

    def offer_data(self, rows: Callable[..., str], inputs: Sequence[Any]) -> None:
        """Let the CSV button work. rows: gives what is shown, from the values of `inputs`."""
        self.buttons.click(
            rows, list(inputs), self._text, **READING, queue=False, show_progress="hidden"
        ).then(
            None,
            self._text,
            None,
            js=f"text => window.secondLook.saveData('{self.name}-plot', text)",
            **PRIVATE,
        )


def drawn_csv(figure: Mapping[str, Any] | None) -> str:
    """Return the lines, points and bars of a figure as they are drawn."""
    if figure is None:
        return ""
    source = " | ".join(figure["layout"]["meta"].get("sources", ()))
    rows = (
        (trace["name"], x, y, source)
        for trace in figure["data"]
        for x, y in zip(trace["x"], trace["y"], strict=True)
    )
    titles = (
        figure["layout"][name]["title"]["text"].replace("<br>", " ") for name in ("xaxis", "yaxis")
    )
    return to_csv(("name", *titles, "source"), rows)
