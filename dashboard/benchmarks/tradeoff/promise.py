"""What η do I set, with a promise: for questions nobody has seen, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from core.bench import Goal, PromiseError, Run, certify, operating_point, promise
from core.bench.analysis.promises.bounds import Plainly
from core.bench.analysis.promises.goal import LOST, SPENT
from core.bench.analysis.promises.questions import Questions
from core.bench.analysis.promises.ratio import measured
from core.bench.analysis.promises.thresholds import keeps
from core.uncertainty import METRICS, Gate
from dashboard.drawing.files.downloads import Parcel, parcel
from dashboard.drawing.templating import render

HERE, AVERAGE, SURE = "On these questions", "On average", "In 9 of 10 cases"
CONFIDENCE = {AVERAGE: None, SURE: 0.9}  # of those that are promises
EXPLAINED = {
    HERE: "η is set on one half of the images, at random, and checked on the other half, which it "
    "has never seen. On fresh questions it misses its goal about every second time.",
    AVERAGE: "η is set on all of the images so that the goal is kept for fresh questions in the "
    "mean over validation runs like this one.",
    SURE: "η is set on all of the images so that the goal is kept for fresh questions, with "
    "confidence 0.9: nine of ten validation runs like this one give such an η.",
}


@dataclass(frozen=True)
class Promised:
    """An η with a promise, as the page shows it."""

    gate: Gate
    html: Markup
    file: Parcel  # the certificate


def best_here(run: Run, goal: Goal, metric: str, first_tokens: int | None) -> Gate:
    """Return the best gate for a goal on these very questions, which promises nothing.

    Raises ValueError if none meets it there.
    """
    questions = Questions.of(run, metric, first_tokens)
    kept = np.flatnonzero(keeps(questions, goal, Plainly()))
    threshold = float(questions.candidates[kept[0 if goal.what in SPENT else -1]])
    return Gate(metric, threshold if METRICS[metric].higher_is_uncertain else -threshold,
                first_tokens)  # fmt: skip


def lost(run: Run, gate: Gate) -> float:
    """Return what a gate misses of the accuracy of asking everything, 0..1."""
    questions = Questions.of(run, gate.metric, gate.first_tokens)
    sign = 1.0 if METRICS[gate.metric].higher_is_uncertain else -1.0
    return measured(questions, Goal(LOST, 0.5), sign * gate.threshold)


def promised(run: Run, goal: Goal, sure: str, metric: str, first_tokens: int | None) -> Promised:
    """Return an η that keeps a goal, surely or on average, beside the best one of this run.

    sure: one of `CONFIDENCE`. Raises ValueError, one sentence, for a goal that can't be promised.
    """
    found = promise(run, [goal], CONFIDENCE[sure], [metric], first_tokens)
    certificate = certify(run, found)
    rows = [(f"With the promise, set on {len(run):,} questions", found.gate)]
    price = ""
    try:
        plain = best_here(run, goal, metric, first_tokens)
    except PromiseError:  # not even here
        plain = None
    if plain is not None:
        rows.append(("The best η of these questions, without one", plain))
        more, less = (operating_point(run, gate).retransmitted for _, gate in rows)
        points, side = 100 * abs(more - less), "more" if more > less else "fewer"
        price = (
            f"The promise costs {points:.1f} points: so many {side} of the local images are asked"
            " for."
        )
    html = render(
        "tradeoff/promise.html",
        certificate=str(certificate),
        heads=("Local images asked for", "Right answers", "Lost", "kB a question"),
        rows=[(name, _cells(run, gate)) for name, gate in rows],
        price=price,
    )
    file = parcel("certificate.json", "application/json", certificate.to_json().encode())
    return Promised(found.gate, html, file)


def _cells(run: Run, gate: Gate) -> tuple[str, ...]:
    point = operating_point(run, gate)
    return (
        f"{100 * point.retransmitted:.1f} %",
        f"{100 * point.accuracy:.1f} %",
        f"{100 * lost(run, gate):.2f} %",
        f"{point.bytes / 1e3:,.4g}",
    )
