"""The way of a figure to the page."""

from __future__ import annotations

import json

from gradio.components.plot import PlotData

from core.bench.plots.base import Figure


def plot(figure: Figure | None) -> PlotData | None:
    """A figure as `gr.Plot` sends it."""
    if figure is None:
        return None
    return PlotData(type="plotly", plot=json.dumps(figure, allow_nan=False, ensure_ascii=False))
