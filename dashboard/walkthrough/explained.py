"""What goes wrong on the way to an answer, as one sentence where the user is."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import gradio as gr

from core.protocol import ProtocolError
from dashboard.case import Case
from dashboard.drawing.words.sentences import alert
from dashboard.hosting.live import EXPECTED
from dashboard.visits.visit import Visit

FAILED = "This didn't work, and it isn't your fault: try again, or with another image."
NO_CASE = "There is no first answer yet: ask first."

log = logging.getLogger(__name__)


def explained(
    updates: Iterator[dict], where: gr.HTML, visit: Visit, image: str | None
) -> Iterator[dict]:
    """Yield the updates; if they fail, one sentence `where`, and all that was on the page stays.

    image: what they are about. Once the visit has left it, nothing of them is shown.
    """
    updates = _or_a_sentence(updates, where)
    while not visit.has_left(image) and (update := next(updates, None)) is not None:
        if not visit.has_left(image):
            yield update
    if visit.has_left(image):
        yield {where: ""}


def present(case: Case | None) -> Case:
    """Return the case. Raises ProtocolError if there is none."""
    if case is None:
        raise ProtocolError(NO_CASE)
    return case


def _or_a_sentence(updates: Iterator[dict], where: gr.HTML) -> Iterator[dict]:
    try:
        yield from updates
    except EXPECTED as error:
        yield {where: alert(str(error))}
    except Exception:
        log.exception("a stage failed")
        yield {where: alert(FAILED)}
