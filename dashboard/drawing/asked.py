"""The questions of a visit: as a table, as a file for spreadsheets, and side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from core.transcript import Step, Transcript
from core.uncertainty import METRICS
from dashboard.drawing import pictures, wording
from dashboard.drawing.files.spreadsheet import to_csv
from dashboard.drawing.looks import who_looked
from dashboard.drawing.stages import NTH
from dashboard.drawing.templating import render
from dashboard.visits.asked import JUDGEMENTS, MOST, Asked

COLUMNS = (
    "number", "date", "model", "revision", "picture", "codecs", "question", "first answer",
    "second answer", "measure", "uncertainty", "eta", "asked again", "box left", "box top",
    "box right", "box bottom", "own box", "bytes", "seconds", "right?", "cropper", "looks",
    "looks at most", "final answer",
)  # fmt: skip
LONGEST = 200  # characters of a text within a table


def table(rows: Sequence[Asked]) -> Markup:
    """Return the table, the newest question first; empty before the first one."""
    shown = [_row(row) for row in reversed(rows)]
    return render("transcript/asked.html", rows=shown, judgements=JUDGEMENTS, most=MOST)


def table_csv(rows: Sequence[Asked]) -> str:
    """Return all of the table in full precision."""
    return to_csv(COLUMNS, (_cells(row) for row in rows))


def side_by_side(rows: Sequence[Asked]) -> Markup:
    """Return questions beside each other, each on a card."""
    return render("transcript/side_by_side.html", cards=[_card(row) for row in rows])


def _row(row: Asked) -> dict[str, Any]:
    transcript = row.transcript
    metric = METRICS[transcript.gate.metric]
    return {
        "number": row.number,
        "source": row.source,
        "codecs": row.codecs,
        "question": _short(transcript.question),
        "first": _short(transcript.first.answer) or "(empty)",
        "second": transcript.second and (_short(transcript.answer) or "(empty)"),
        "looks": len(transcript.boxes),
        "cropper": who_looked(transcript)["label"],
        "value": wording.measured(transcript.uncertainty, metric),
        "eta": f"{transcript.gate.threshold:.2f}".replace("inf", "∞"),
        "measure": metric.label,
        "uncertain": transcript.uncertain,
        "box": transcript.boxes[-1] if transcript.boxes else None,
        "own_box": row.own_box,
        "bytes": _bytes(transcript),
        "seconds": wording.seconds(_seconds(transcript)),
        "right": row.right,
    }


def _card(row: Asked) -> dict[str, Any]:
    transcript = row.transcript
    sent = [(transcript.global_image, "Global image")]
    if transcript.local_image is not None:
        sent.append((transcript.local_image, "Local image"))
    for number, one in enumerate(transcript.rounds, start=2):
        sent.append((one.local_image, f"Local image {number}"))
    return _row(row) | {
        "further": [
            (f"{nth.capitalize()} answer", _short(stage.answer) or "(empty)")
            for nth, stage in zip(NTH, transcript.stages[1:], strict=False)
        ],
        "pictures": [
            (pictures.as_sent(image, "card-sent", alt), alt, image.size, len(image.data))
            for image, alt in sent
        ],
        "model": _short(transcript.model),
        "revision": transcript.revision and _short(transcript.revision),
        "date": transcript.date,
        "verdict": transcript.summary(),
        "original": transcript.original_size,
    }


def _cells(row: Asked) -> tuple[Any, ...]:
    t = row.transcript
    box = t.boxes[0].as_tuple() if t.boxes else ("",) * 4
    who = ("own box" if row.own_box else t.cropper) if t.boxes else ""
    second = t.second.answer if t.second else ""
    return (
        row.number, t.date, t.model, t.revision, row.source, row.codecs, t.question, t.first.answer,
        second, t.gate.metric, t.uncertainty, t.gate.threshold, "yes" if t.retransmitted else "no",
        *box, "yes" if row.own_box else "no", _bytes(t), _seconds(t), row.right, who, len(t.boxes),
        1 + len(t.gate.rounds), t.answer,
    )  # fmt: skip


def _bytes(transcript: Transcript) -> int:
    return sum(message.byte_count for message in transcript.messages)


def _seconds(transcript: Transcript) -> float:
    """Return the work at both ends, as it was measured; a link's time isn't in it."""
    return sum(event.seconds for event in transcript.events if isinstance(event, Step))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
