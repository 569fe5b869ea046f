"""The gate as a gauge: what is measured is the needle, η the mark where the verdict turns."""

from __future__ import annotations

import math

from markupsafe import Markup

from core.transcript import Transcript
from core.uncertainty import METRICS
from dashboard.drawing import scales, wording
from dashboard.drawing.templating import render

RADIUS, WIDTH, HEIGHT = 100, 380, 184
CENTRE = (WIDTH / 2, 150)


def gauge(transcript: Transcript) -> Markup:
    """Return a half-circle as SVG, drawn in the colours of the style sheet."""
    gate, value = transcript.gate, transcript.uncertainty
    metric = METRICS[gate.metric]
    scale = begin, end = scales.ends(metric, value, gate.threshold)
    turn = scales.share(gate.threshold, scale)
    sides = ("confident", "uncertain")
    left, right = sides if metric.higher_is_uncertain else sides[::-1]
    shown = wording.measured(value, metric)
    return render(
        "pictures/gauge.html",
        width=WIDTH,
        height=HEIGHT,
        centre=CENTRE,
        said=f"Gauge from {begin:g} to {end:g} {metric.unit}: {metric.phrase} is {shown}, η is"
        f" {gate.threshold:.2f}.",
        arcs=((left, _arc(0, turn)), (right, _arc(turn, 1))),
        needle=_rounded(_point(scales.share(value, scale), 0.88)),
        mark=[_rounded(_point(turn, radius)) for radius in (0.72, 1.2)],
        label=_rounded(_point(turn, 1.27)),
        anchor="start" if turn > 0.55 else "end" if turn < 0.45 else "middle",
        eta=_short(gate.threshold),
        ends=((CENTRE[0] - RADIUS, f"{begin:g}"), (CENTRE[0] + RADIUS, f"{end:g}")),
        value=shown,
    )


def _point(share: float, radius: float) -> tuple[float, float]:
    """Return where `share` of the scale lies, at `radius` times the gauge's own."""
    angle = math.pi * (1 - min(max(share, 0.0), 1.0))
    return (
        CENTRE[0] + RADIUS * radius * math.cos(angle),
        CENTRE[1] - RADIUS * radius * math.sin(angle),
    )


def _rounded(point: tuple[float, float]) -> tuple[str, str]:
    return f"{point[0]:.1f}", f"{point[1]:.1f}"


def _arc(start: float, stop: float) -> str:
    (x0, y0), (x1, y1) = _point(start, 1), _point(stop, 1)
    return f"M{x0:.2f} {y0:.2f}A{RADIUS} {RADIUS} 0 0 1 {x1:.2f} {y1:.2f}"


def _short(eta: float) -> str:
    return "∞" if math.isinf(eta) else f"{eta:.2f}"
