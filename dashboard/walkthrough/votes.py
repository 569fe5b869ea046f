"""What the class votes, and what its phones asked, for the teacher alone."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from core.server.phone.rooms import Asked
from dashboard.case import Case
from dashboard.drawing import wording
from dashboard.drawing.templating import render
from dashboard.visits.lesson import QUESTIONS, Lesson, Step

PLOT = (240, 80)  # px


def tally(lesson: Lesson, case: Case | None) -> Markup:
    """Return the votes on this picture, and beside those on the gate what the gate says."""
    gate = None
    if case is not None and lesson.step >= Step.GAUGE:
        gate = "yes" if case.transcript.uncertain else "no"
    rows = []
    for name, (asked, when) in QUESTIONS.items():
        if lesson.step >= when:
            yes, no = lesson.room.tally(name)
            share = f"{100 * yes / (yes + no):.0f}" if yes + no else None
            rows.append((name, asked, yes, no, share, gate if name == "again" else None))
    return render("page/tally.html", rows=rows)


def phones(asked: Sequence[Asked]) -> Markup:
    """Return the live tradeoff of the class: share asked again, and bytes sent against photos."""
    again = sum(one.again for one in asked)
    sent, whole = sum(one.sent for one in asked), sum(one.whole for one in asked)
    width, height = PLOT
    points, so_far = [], 0
    for number, one in enumerate(asked, 1):
        so_far += one.again
        points.append(f"{width * number / len(asked):.1f},{height * (1 - so_far / number):.1f}")
    return render(
        "page/phones.html",
        count=len(asked),
        again=again,
        share=wording.share(again, len(asked)) if asked else "",
        points=" ".join([f"0,{points[0].split(',')[1]}", *points]) if points else "",
        width=width,
        height=height,
        sent=wording.byte_count(sent),
        whole=wording.byte_count(whole),
        part=wording.share(sent, whole) if whole else "",
        bar=f"{min(100, 100 * sent / whole):.2f}" if whole else "0",
        seconds=wording.seconds(sum(one.seconds for one in asked) / len(asked)) if asked else "",
    )
