"""The gate as a gauge: what is measured is the needle, η the mark where the verdict turns."""

from __future__ import annotations

import math
from html import escape

from core.transcript import Transcript
from core.uncertainty import METRICS
from dashboard.drawing import scales, wording

RADIUS, WIDTH, HEIGHT = 100, 380, 184
CENTRE = (WIDTH / 2, 150)


def gauge(transcript: Transcript) -> str:
    """A half-circle as SVG, drawn in the colours of the style sheet."""
    gate, value = transcript.gate, transcript.uncertainty
    metric = METRICS[gate.metric]
    scale = begin, end = scales.ends(metric, value, gate.threshold)
    turn = scales.share(gate.threshold, scale)
    sides = ("confident", "uncertain")
    left, right = sides if metric.higher_is_uncertain else sides[::-1]
    needle = _point(scales.share(value, scale), 0.88)
    inner, outer, label = (_point(turn, share) for share in (0.72, 1.2, 1.27))
    anchor = "start" if turn > 0.55 else "end" if turn < 0.45 else "middle"
    said = (
        f"Gauge from {begin:g} to {end:g} {metric.unit}: {metric.phrase} is"
        f" {wording.measured(value, metric)}, η is {gate.threshold:.2f}."
    )
    return f"""<svg class="gauge" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"
aria-label="{escape(said)}">
<path class="{left}" d="{_arc(0, turn)}"/><path class="{right}" d="{_arc(turn, 1)}"/>
<line class="mark" x1="{inner[0]:.1f}" y1="{inner[1]:.1f}" x2="{outer[0]:.1f}" y2="{outer[1]:.1f}"/>
<text x="{label[0]:.1f}" y="{label[1]:.1f}" text-anchor="{anchor}">η {_short(gate.threshold)}</text>
<line class="needle" x1="{CENTRE[0]}" y1="{CENTRE[1]}" x2="{needle[0]:.1f}" y2="{needle[1]:.1f}"/>
<circle class="hub" cx="{CENTRE[0]}" cy="{CENTRE[1]}" r="6"/>
<text class="end" x="{CENTRE[0] - RADIUS}" y="{CENTRE[1] + 26}"
text-anchor="middle">{begin:g}</text>
<text class="end" x="{CENTRE[0] + RADIUS}" y="{CENTRE[1] + 26}"
text-anchor="middle">{end:g}</text>
<text class="value" x="{CENTRE[0]}" y="{HEIGHT - 4}"
text-anchor="middle">{wording.measured(value, metric)}</text></svg>"""


def _point(share: float, radius: float) -> tuple[float, float]:
    """Where `share` of the scale lies, at `radius` times the gauge's own."""
    angle = math.pi * (1 - min(max(share, 0.0), 1.0))
    return (
        CENTRE[0] + RADIUS * radius * math.cos(angle),
        CENTRE[1] - RADIUS * radius * math.sin(angle),
    )


def _arc(start: float, stop: float) -> str:
    (x0, y0), (x1, y1) = _point(start, 1), _point(stop, 1)
    return f"M{x0:.2f} {y0:.2f}A{RADIUS} {RADIUS} 0 0 1 {x1:.2f} {y1:.2f}"


def _short(eta: float) -> str:
    return "∞" if math.isinf(eta) else f"{eta:.2f}"
