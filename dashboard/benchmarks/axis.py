"""What lies on the cost axis of the tradeoff's figures, and over which link seconds are counted."""

from __future__ import annotations

import gradio as gr

from core.bench.plots.base import AXES
from core.channel import PRESETS

AXIS_CHOICES = {
    "additional_cost": "Additional images",
    "additional_bytes": "Additional bytes",
    "bytes": "Bytes",
    "flops": "FLOPs",
    "seconds": "Seconds",
}
COLUMNS = ("threshold", "retransmitted", "accuracy", "bytes", "additional_bytes", "relative_cost",
           "flops", "seconds")  # fmt: skip


def axis_and_link(prefix: str = "") -> tuple[gr.Radio, gr.Dropdown]:
    """Return what sets a figure's cost axis, and the link for seconds. prefix: of elements' ids."""
    axis = gr.Radio(
        [(label, name) for name, label in AXIS_CHOICES.items()],
        value="additional_cost",
        label="Cost axis",
        elem_id=f"{prefix}axis",
        scale=3,
        min_width=280,
    )
    links = ((link.name, key) for key, link in PRESETS.items())
    link = gr.Dropdown(
        [("None: computing only", ""), *links],
        value="",
        label="Link, for seconds",
        elem_id=f"{prefix}link",
        scale=2,
        min_width=240,
    )
    return axis, link


def title_of(axis: str, link: str) -> str:
    """Return what stands at the cost axis."""
    if axis == "seconds" and link in PRESETS:
        return f"Time of a question (s) over<br>{PRESETS[link].name}"
    return AXES[axis][0]
