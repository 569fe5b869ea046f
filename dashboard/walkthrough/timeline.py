"""What crossed the link, and when: messages with their bytes, then all to scale in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core.channel import Link
from core.transcript import MessageRecord, Step, Transcript
from dashboard import wording

NAMES = {"edge": "Edge", "server": "Server"}


def messages(records: Sequence[MessageRecord], original_bytes: int | None) -> str:
    """One row a message; original_bytes: of the original's file, where there is one."""
    rows, total = [], 0
    for message in records:
        total += message.byte_count
        image = f", with an image of {message.image_bytes:,} bytes" if message.image_bytes else ""
        rows.append(
            f"""<tr><td class="way {message.sender}">{_way(message)}</td>
<td class="said"><strong>{escape(message.kind)}</strong>{image}<br>
<q>{escape(message.text)}</q></td>
<td class="number">{message.byte_count:,}</td>
<td class="number">{total:,}</td></tr>"""
        )
    part = (
        f" The original file has {original_bytes:,}:"
        f" this is {wording.share(total, original_bytes)} of it."
        if original_bytes
        else ""
    )
    return f"""<div class="wide" tabindex="0" role="group" aria-label="Table of messages">
<table class="log"><caption class="hidden">Messages</caption>
<thead><tr><th scope="col">From → to</th><th scope="col">Message</th>
<th scope="col" class="number">Bytes</th><th scope="col" class="number">Total</th></tr></thead>
<tbody>{"".join(rows)}</tbody></table></div>
<p id="bytes-total">{total:,} bytes in {len(records)} messages.{part}</p>"""


def timeline(transcript: Transcript, link: Link) -> str:
    """Every step and message as a bar, in their order, its length the seconds it takes.

    Steps take what was measured; messages what `link` is expected to need for their bytes.
    """
    events = transcript.events
    lengths = [
        event.seconds if isinstance(event, Step) else link.message_seconds([event])
        for event in events
    ]
    total = sum(lengths)
    rows, start = [], 0.0
    for event, length in zip(events, lengths, strict=True):
        rows.append(_row(event, start, length, total or 1.0))
        start += length
    sending = sum(
        length for event, length in zip(events, lengths, strict=True) if not isinstance(event, Step)
    )
    return f"""<div class="wide" tabindex="0" role="group" aria-label="Timeline">
<table class="log timeline"><caption class="hidden">Steps and messages in their order</caption>
<thead><tr><th scope="col">Where</th><th scope="col">What</th>
<th scope="col" class="bar-cell">0 to {wording.seconds(total)}</th>
<th scope="col" class="number">Time</th><th scope="col" class="number">FLOPs, eq. 17</th>
<th scope="col" class="number">FLOPs executed</th></tr></thead>
<tbody>{"".join(rows)}</tbody>
<tfoot><tr><th scope="row" colspan="2">From question to answer</th><td class="bar-cell"></td>
<td class="number" id="total-seconds">{wording.seconds(total)}</td><td></td><td></td></tr></tfoot>
</table></div>
<p class="explain">{wording.seconds(sending)} of it on the link.{_whole(transcript, link)}</p>"""


def _row(event: Step | MessageRecord, start: float, length: float, total: float) -> str:
    bar = (
        f'<span class="bar at {{}}" style="margin-left:{100 * start / total:.2f}%;'
        f'width:{100 * length / total:.2f}%"></span>'
    )
    if isinstance(event, Step):
        place, kind = event.where, event.where
        where, what = NAMES[event.where], escape(event.name)
        counts = [event.flops, event.exact_flops]
    else:
        place, kind, counts = event.sender, "message", [None, None]
        where = _way(event)
        what = f"<strong>{escape(event.kind)}</strong>, {event.byte_count:,} bytes"
    flops = "".join(
        f'<td class="number">{wording.count(count) if count else ""}</td>' for count in counts
    )
    return f"""<tr class="{kind}-row"><td class="way {place}">{where}</td>
<td class="what">{what}</td><td class="bar-cell">{bar.format(kind)}</td>
<td class="number">{wording.seconds(length)}</td>{flops}</tr>"""


def _whole(transcript: Transcript, link: Link) -> str:
    """What the plain alternative would take."""
    if not transcript.original_bytes:
        return ""
    alone = float(link.seconds(transcript.original_bytes, "up"))
    return f" The whole original file would take {wording.seconds(alone)} to send."


def _way(message: MessageRecord) -> str:
    to = "server" if message.sender == "edge" else "edge"
    return f"{NAMES[message.sender]} → {NAMES[to]}"
