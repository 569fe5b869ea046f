"""A recorded run that fits what is asked on the page, and where one question lies in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from core.bench import Run, Separability, separability
from core.bench.plots.base import aggregated
from core.bench.plots.tradeoff import curve_of
from core.bench.runs.kept import kept
from core.channel import Link
from core.imaging import Codec
from core.transcript import Transcript
from core.uncertainty import METRICS
from dashboard.drawing import operating
from dashboard.eta import places
from dashboard.eta.means import said

POINTS = 100  # of a line as small as this one


@dataclass(frozen=True, eq=False)
class Recorded:
    """A run of the same weights and the same image format."""

    key: str  # of its file, as links name it
    name: str  # for people
    run: Run
    exact: bool  # recorded at the very quality


Fitting = Callable[[str, Codec], Recorded | None]  # of a revision and a global image's codec


def drawn(recorded: Recorded, transcript: Transcript, link: Link) -> Markup:
    """Return what the transcript's gate does on the run, and where its question lies among others.

    Raises ValueError for a run that doesn't hold the gate's metric.
    """
    gate, run = transcript.gate, recorded.run
    metric, tokens = METRICS[gate.metric], gate.first_tokens
    curve = curve_of(run, gate.metric, tokens)
    at = curve.at(gate.threshold)
    shares = np.linspace(0, 1, POINTS)
    thin = np.unique(np.searchsorted(curve.retransmitted, shares).clip(0, len(curve) - 1))
    scale = places.scale(run, gate.metric, tokens)
    found = _separability(run, gate.metric, tokens)
    return operating.operating(
        name=recorded.name,
        samples=len(run),
        asked=curve.retransmitted[thin],
        right=curve.accuracy[thin],
        here=(float(curve.retransmitted[at]), float(curve.accuracy[at])),
        edges=found.edges,
        shares=(found.right_share, found.wrong_share),
        ends=(scale.minimum, scale.maximum),
        eta=gate.threshold,
        value=transcript.uncertainty,
        metric=metric,
        title=aggregated(metric),
        means=said(run, gate, link),
    )


@kept(8)
def _separability(run: Run, metric: str, first_tokens: int | None) -> Separability:
    return separability(run, metric, first_tokens)
