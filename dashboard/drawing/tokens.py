"""The tokens of an answer: coloured by uncertainty, and as a table with values and runners-up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from core.transcript import Stage, Token
from core.uncertainty import METRICS, Gate, Metric
from dashboard.drawing import scales, wording
from dashboard.drawing.templating import render

RUNNERS_UP = 4  # shown for each token; a transcript holds as many


def coloured(stage: Stage, gate: Gate) -> Markup:
    """Return the answer token by token; each one's value and rivals appear on hover and focus."""
    metric = METRICS[gate.metric]
    spans = []
    scale = _colours(metric, stage.scores[metric.name])
    for token, score in zip(stage.tokens, stage.scores[metric.name], strict=True):
        level = scales.share(score, scale)
        level = level if metric.higher_is_uncertain else 1 - level
        spans.append(
            {
                "level": f"{100 * level:.0f}",
                "spoken": _spoken(token, score, metric),
                "text": visible(token.text),
                "value": wording.measured(score, metric),
                "rivals": _visibly(token.alternatives[: RUNNERS_UP + 1]),
            }
        )
    return render("transcript/tokens_line.html", tokens=spans)


def legend(stage: Stage, gate: Gate) -> Markup:
    """Return what the colours of `coloured` mean."""
    metric = METRICS[gate.metric]
    begin, end = _colours(metric, stage.scores[metric.name])
    low, high = ("certain", "unsure") if metric.higher_is_uncertain else ("unsure", "certain")
    top = f"{end:g}{'+' if math.isinf(metric.bounds[1]) else ''}"
    return render(
        "transcript/tokens_legend.html",
        low=f"{low} {begin:g}",
        high=f"{top} {metric.unit} {high}",
        reverse=not metric.higher_is_uncertain,
    )


def table(stage: Stage, gate: Gate, element: str) -> Markup:
    """Return one row a token: its value as number and bar, η as a line across, the runners-up."""
    metric, eta = METRICS[gate.metric], gate.threshold
    scores = stage.scores[metric.name]
    scale = scales.ends(metric, *scores, gate.uncertainty(scores), eta)
    rows = [
        _bar([score], scale, gate)
        | {
            "text": visible(token.text),
            "own": token.alternatives[0][1] if token.alternatives else None,
            "others": _visibly(token.alternatives[1 : RUNNERS_UP + 1]),
        }
        for token, score in zip(stage.tokens, scores, strict=True)
    ]
    return render(
        "transcript/tokens_table.html",
        rows=rows,
        foot=_bar(scores, scale, gate),
        foot_name=metric.aggregation.word,
        element=element,
        unit=wording.unit(metric),
        eta=f"{eta:.2f}",
        mark=f"{100 * scales.share(eta, scale):.2f}",
    )


def visible(text: str) -> str:
    """Return a token with its spaces visible, since they are part of it."""
    return text.replace(" ", "␣").replace("\n", "⏎") or "∅"


def _visibly(alternatives: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(visible(text), p) for text, p in alternatives]


def _colours(metric: Metric, scores: Sequence[float]) -> tuple[float, float]:
    """Return the scores between which the colour goes from none to full."""
    low, high = metric.bounds
    if math.isinf(low):
        return min(scores), max(*scores, min(scores) + 1)
    return low, low + 2 if math.isinf(high) else high  # 2 bits are a choice among four equals


def _spoken(token: Token, score: float, metric: Metric) -> str:
    others = ", ".join(
        f"{text.strip() or 'blank'} {100 * p:.1f} %"
        for text, p in token.alternatives[1 : RUNNERS_UP + 1]
    )
    value = wording.measured(score, metric)
    return f"{token.text.strip() or 'blank'}: {value}. It also considered {others}."


def _bar(scores: Sequence[float], scale: tuple[float, float], gate: Gate) -> dict[str, Any]:
    """Return what `scores` come to, and how long its bar is."""
    value = gate.uncertainty(scores)
    return {
        "value": f"{value:.2f}",
        "state": "uncertain" if gate.retransmit(scores) else "confident",
        "width": f"{100 * scales.share(value, scale):.1f}",
    }
