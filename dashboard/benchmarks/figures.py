"""Figures on their way to the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from gradio.components.plot import PlotData

from core.bench import Run
from core.bench.analysis.looking import label
from core.bench.plots.base import Figure
from core.croppers import DEFAULT


def plot(figure: Figure | None) -> PlotData | None:
    """Return a figure as `gr.Plot` sends it."""
    if figure is None:
        return None
    return PlotData(type="plotly", plot=json.dumps(figure, allow_nan=False, ensure_ascii=False))


def source_of(run: Run) -> str:
    """Return what a figure of a run shows, for whoever finds it alone: run, code, and when."""
    of = run.metadata
    codec = of.codec.upper() if of.quality is None else f"{of.codec.upper()} {of.quality}"
    looked = f", {label(of.cropper)}" if of.cropper != DEFAULT else ""
    return (
        f"{of.model}, {of.dataset} {of.split}, {codec}{looked}, {len(run):,} questions; "
        f"{of.made_with}; "
        f"recorded {of.date[:10]}"
    )


def stamped(figure: Figure, runs: Iterable[Run]) -> Figure:
    """Return the figure with its sources: lines in its meta, which pictures show, and its name."""
    runs = list(runs)
    meta = figure["layout"]["meta"]
    meta["sources"] = [source_of(run) for run in runs]
    parts = [meta["filename"]]
    if len(runs) == 1:
        of = runs[0].metadata
        parts += [of.dataset, of.split, f"{of.codec}{of.quality or ''}", of.date[:10]]
    name = re.sub(r"[^\w.+-]+", "-", "-".join(parts))[:120]
    meta["filename"] = figure["config"]["toImageButtonOptions"]["filename"] = name
    return figure
