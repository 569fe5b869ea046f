"""What crossed the link, and when: messages with their bytes, then all to scale in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from core.channel import Link
from core.transcript import MessageRecord, Step, Transcript
from dashboard.drawing import wording
from dashboard.drawing.templating import render

NAMES = {"edge": "Edge", "server": "Server"}


def message_log(transcript: Transcript, link: Link, note: str = "") -> Markup:
    """Return who sent what, how many bytes; then when, on a link, beside each side's work."""
    return render(
        "transcript/log.html",
        link=link,
        note=note,
        messages=messages(transcript.messages, transcript.original_bytes),
        sizes=_sizes(transcript),
        timeline=timeline(transcript, link),
    )


def messages(records: Sequence[MessageRecord], original_bytes: int | None) -> Markup:
    """Return one row a message; original_bytes: of the original's file, where there is one."""
    rows, total = [], 0
    for message in records:
        total += message.byte_count
        rows.append((message, _way(message), total))
    share = original_bytes and wording.share(total, original_bytes)
    return render(
        "transcript/messages.html",
        rows=rows,
        total=total,
        original_bytes=original_bytes,
        share=share,
    )


def timeline(transcript: Transcript, link: Link) -> Markup:
    """Return every step and message as a bar, in their order, as long as the seconds it takes.

    Steps take what was measured; messages what `link` is expected to need for their bytes.
    """
    events = transcript.events
    lengths = [
        event.seconds if isinstance(event, Step) else link.message_seconds([event])
        for event in events
    ]
    total = sum(lengths)
    rows, start, sending = [], 0.0, 0.0
    for event, length in zip(events, lengths, strict=True):
        rows.append(_row(event, start, length, total or 1.0))
        start += length
        sending += 0.0 if isinstance(event, Step) else length
    whole = transcript.original_bytes  # the plain alternative would send it
    alone = float(link.seconds(whole, "up")) if whole else None
    return render("transcript/timeline.html", rows=rows, total=total, sending=sending, alone=alone)


def _row(event: Step | MessageRecord, start: float, length: float, total: float) -> dict[str, Any]:
    scale = {"left": f"{100 * start / total:.2f}", "width": f"{100 * length / total:.2f}"}
    if isinstance(event, Step):
        return scale | {
            "kind": event.where,
            "place": event.where,
            "where": NAMES[event.where],
            "what": event.name,
            "bytes": None,
            "seconds": length,
            "flops": [wording.count(n) if n else "" for n in (event.flops, event.exact_flops)],
        }
    return scale | {
        "kind": "message",
        "place": event.sender,
        "where": _way(event),
        "what": event.kind,
        "bytes": event.byte_count,
        "seconds": length,
        "flops": ["", ""],
    }


def _way(message: MessageRecord) -> str:
    to = "server" if message.sender == "edge" else "edge"
    return f"{NAMES[message.sender]} → {NAMES[to]}"


def _sizes(transcript: Transcript) -> list[tuple[str, str, str, str]]:
    """Return the images sent beside the original: name, label, width of the bar in %, size."""
    width, height = transcript.original_size
    rows = []
    if transcript.original_bytes:  # from a file
        size = wording.byte_count(transcript.original_bytes)
        rows.append(
            ("original", f"Original, {width} × {height} pixels", transcript.original_bytes, size)
        )
    sent = [("global", "Global image", transcript.global_image)]
    if transcript.local_image is not None:
        sent.append(("local", "Local image", transcript.local_image))
    for number, one in enumerate(transcript.rounds, start=2):
        sent.append(("local", f"Local image {number}", one.local_image))
    for name, said, image in sent:
        size = "{} × {}".format(*image.size)
        label = f"{said}, {size} pixels, {image.format.upper()}"
        count = len(image.data)
        said = wording.bytes_sent(count, transcript.original_bytes)
        rows.append((name, label, count, said))
    largest = max(count for _, _, count, _ in rows)
    return [(name, label, f"{100 * n / largest:.2f}", size) for name, label, n, size in rows]
