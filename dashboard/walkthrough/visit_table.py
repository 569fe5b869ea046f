"""The questions of this visit: a table that fills itself, two of them side by side, and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from core.transcript import Transcript, TranscriptError
from dashboard import inputs
from dashboard.case import Case
from dashboard.drawing import asked
from dashboard.drawing.files import downloads
from dashboard.drawing.words.sentences import alert, explain
from dashboard.samples import BundledSample
from dashboard.visits.visit import Visit
from dashboard.walkthrough.events import FAST, PRIVATE

LARGEST_TRANSCRIPT = 10_000_000  # bytes; a transcript has some hundred thousand
LISTEN = """element.addEventListener('change', event => {
    const {judge, compare} = event.target.dataset;
    if (judge) trigger('click', {number: Number(judge), right: event.target.value});
    if (!compare) return;
    const ticked = [...element.querySelectorAll('[data-compare]:checked')];
    if (ticked.length > 2) ticked.find(box => box !== event.target).checked = false;
    trigger('click', {pair: [...element.querySelectorAll('[data-compare]:checked')]
        .map(box => Number(box.dataset.compare))});
})"""


class VisitTable:
    """Components and handlers of the part; call it inside a `gr.Blocks`."""

    def __init__(self, samples: Sequence[BundledSample]) -> None:
        self.titles = {str(sample.path): sample.title for sample in samples}
        with gr.Accordion("Questions of this visit", open=False, elem_id="visit-panel"):
            self.table = gr.HTML(asked.table(()), js_on_load=LISTEN, elem_id="visit-table")
            self.compared = gr.HTML(elem_id="visit-compared")
            self.status = gr.HTML(elem_id="visit-status")
            with gr.Row(elem_classes="continue"):
                self.save = gr.Button("Download the table (CSV)", elem_id="save-visit")
                self.upload = gr.UploadButton(
                    "Open a transcript (JSON)", file_types=[".json"], elem_id="open-transcript"
                )
            self.parcel = gr.JSON(visible=False)
        self.views, self.judgements, self.said = [self.table], [], [self.status]

    def connect(self, visit: gr.State) -> None:
        """Let the part work."""
        self.table.click(self.changed, visit, [self.compared, self.status], **FAST)
        self.save.click(self.pack, visit, [self.parcel, self.status], **FAST).then(
            None, self.parcel, js="window.secondLook.save", **PRIVATE
        )
        self.upload.upload(
            self.open, [visit, self.upload], [self.table, self.compared, self.status], **FAST
        )

    def noted(self, visit: Visit, case: Case | None) -> dict:
        """Return the table with a case in it: its question, and that with a box of the user's."""
        if case is None:
            return {}
        source = self.titles.get(case.image) or f"own: {Path(case.image).name[:40]}"
        codecs = _codecs(case)
        visit.asked_in_visit.note(source, codecs, case.transcript)
        if case.elsewhere is not None:
            visit.asked_in_visit.note(source, codecs, case.elsewhere, own_box=True)
        return {self.table: asked.table(visit.asked_in_visit.rows)}

    def changed(self, event: gr.EventData, visit: Visit) -> dict:
        """Keep what was said of an answer, or show the questions that are ticked."""
        told = event._data if isinstance(event._data, dict) else {}
        if "right" in told:
            visit.asked_in_visit.judge(told.get("number"), told["right"])
            return {self.status: ""}
        pair = told.get("pair")
        rows = list(visit.asked_in_visit.chosen(pair[:2] if isinstance(pair, list) else []))
        if len(rows) == 1:
            return {self.compared: explain("Tick another one to see both side by side.")}
        return {self.compared: asked.side_by_side(rows) if rows else ""}

    def pack(self, visit: Visit) -> dict:
        """Return the table as a file for the browser to keep."""
        data = asked.table_csv(visit.asked_in_visit.rows).encode("utf-8-sig")  # for spreadsheets
        return {self.parcel: downloads.parcel("questions.csv", "text/csv", data), self.status: ""}

    def open(self, visit: Visit, upload: Any) -> dict:
        """Return a transcript that was kept, as a row of the table and on a card."""
        path = inputs.path_of(upload[0] if isinstance(upload, list) and upload else upload)
        try:
            transcript = read(path)
        except TranscriptError as error:
            return {self.status: alert(f"The file can't be opened: {error}")}
        visit.asked_in_visit.note("opened file", _formats(transcript), transcript)
        row = next(
            r for r in visit.asked_in_visit.rows if r.transcript.session == transcript.session
        )
        return {
            self.table: asked.table(visit.asked_in_visit.rows),
            self.compared: asked.side_by_side([row]),
            self.status: "",
        }

    def hidden(self) -> dict:
        """Return nothing: the table stays when a picture goes."""
        return {}


def read(path: str | None) -> Transcript:
    """Return the transcript in a file. Raises TranscriptError, one sentence, for anything else."""
    try:
        file = Path(path or "")
        if file.stat().st_size > LARGEST_TRANSCRIPT:
            raise TranscriptError(
                f"a transcript has at most {LARGEST_TRANSCRIPT // 10**6} MB, and this file more."
            )
        return Transcript.from_json(file.read_bytes())
    except OSError:
        raise TranscriptError("it didn't arrive; try again.") from None


def _codecs(case: Case) -> str:
    both = (case.codec, case.local_codec)[: 2 if case.transcript.retransmitted else 1]
    named = [c.format.upper() + (f" {c.quality}" if c.format != "png" else "") for c in both]
    return " and ".join(dict.fromkeys(named))


def _formats(transcript: Transcript) -> str:
    sent = [transcript.global_image, transcript.local_image]
    return " and ".join(dict.fromkeys(image.format.upper() for image in sent if image))
