"""What crossed the link, when, and files of all of it to keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from core.channel import PRESETS, Link
from core.transcript import Transcript
from core.uncertainty import METRICS
from core.vlm.loading.revision import revision_named
from dashboard import inputs
from dashboard.case import Case
from dashboard.drawing.files import downloads
from dashboard.drawing.timeline import message_log
from dashboard.hosting.live import LiveModel
from dashboard.inputs import RAW
from dashboard.visits.visit import Visit
from dashboard.walkthrough.events import PRIVATE
from dashboard.walkthrough.explained import explained, present

DEFAULT_LINK = "lte"


class Records:
    """Components and handlers of the part; call it inside a `gr.Blocks`. case: the user's."""

    def __init__(self, case: gr.State, live: LiveModel) -> None:
        self.case, self.live = case, live
        with gr.Column(visible=False, elem_classes="stage", elem_id="records") as self.column:
            self.link = gr.Dropdown(
                [(link.name, name) for name, link in PRESETS.items()],
                value=DEFAULT_LINK,
                label="Link between edge and server",
                info="Nothing is slowed down here: the times below are computed from the bytes.",
                filterable=False,
                elem_id="link",
            )
            self.log_html = gr.HTML(elem_id="log-view")
            with gr.Row(elem_classes="continue"):
                self.save_transcript = gr.Button(
                    "Download the transcript (JSON)", elem_id="save-transcript"
                )
                self.save_pictures = gr.Button(
                    "Download the pictures (ZIP)", elem_id="save-pictures"
                )
            self.parcel = gr.JSON(visible=False)
            self.status_files = gr.HTML(elem_id="status-files")
        self.views = [self.column]
        self.judgements = [self.log_html]
        self.said = [self.status_files]

    def connect(self, visit: gr.State, gate: list) -> None:
        """Let the buttons work. gate: metric and η."""
        for button, pack in (
            (self.save_transcript, self.pack_transcript),
            (self.save_pictures, self.pack_pictures),
        ):
            button.click(
                pack,
                [visit, self.case, *gate],
                [self.parcel, self.status_files],
                **PRIVATE,
                **RAW,
            ).then(None, self.parcel, js="window.secondLook.save", **PRIVATE)

    def pack_transcript(self, visit: Visit, case: Case | None, metric, eta) -> Iterator[dict]:
        """Yield the transcript under the gate as it stands, as a file for the browser to keep."""

        def pack() -> Iterator[dict]:
            judged = present(case).judged(inputs.gate(metric, eta))
            yield self._packed(downloads.transcript_file(self._revised(judged.transcript)))

        yield from explained(pack(), self.status_files, visit, case and case.image)

    def pack_pictures(self, visit: Visit, case: Case | None, *_) -> Iterator[dict]:
        """Yield the pictures as a file for the browser to keep."""

        def pack() -> Iterator[dict]:
            yield self._packed(downloads.picture_file(present(case)))

        yield from explained(pack(), self.status_files, visit, case and case.image)

    def shown(self) -> dict:
        """Return the part, to be filled by `judged`."""
        return {self.column: gr.Column(visible=True)}

    def judged(self, case: Case, link: Any = DEFAULT_LINK) -> dict:
        """Return the messages, and their times on a link: a key of PRESETS, or the default."""
        note = ""
        if (gate := case.contradicted) is not None:
            metric = METRICS[gate.metric].phrase
            note = (
                f"These messages were sent at η = {gate.threshold:.2f} ({metric}), where the"
                " gate decided otherwise."
            )
        return {self.log_html: message_log(case.transcript, link_of(link), note)}

    def hidden(self) -> dict:
        """Return nothing to see."""
        return {self.column: gr.Column(visible=False)}

    def _revised(self, transcript: Transcript) -> Transcript:
        """Return the transcript with the revision of a local model, a digest of its files."""
        info = self.live.current().vlm.info
        if transcript.revision is not None or transcript.model != info.name:
            return transcript
        return replace(transcript, revision=revision_named(info))

    def _packed(self, parcel: downloads.Parcel) -> dict:
        return {self.parcel: parcel, self.status_files: ""}


def link_of(name: Any) -> Link:
    """Return a link by its key of PRESETS, the default by any other."""
    return PRESETS[name if isinstance(name, str) and name in PRESETS else DEFAULT_LINK]
