"""The ways of η from one tab into the other: buttons where it is set."""

from __future__ import annotations

import gradio as gr

from core.uncertainty import METRICS, Gate


class WaysOfEta:
    """Buttons below the walkthrough's slider; call it inside a `gr.Blocks`."""

    def __init__(self) -> None:
        with gr.Row(elem_classes="ways-of-eta"):
            self.show = gr.Button("Show this η in Benchmarks", size="sm", elem_id="show-eta")
            self.take = gr.Button(visible=False, size="sm", elem_id="take-eta")

    def offer(self, here: Gate | None, there: Gate | None) -> gr.Button:
        """Return the button that takes the gate of Benchmarks over, where that is another one."""
        if there is None or here == there:
            return gr.Button(visible=False)
        metric = METRICS[there.metric]
        eta = f"{there.threshold:.2f} {metric.unit}".rstrip()
        return gr.Button(f"Use η = {eta} of {metric.noun}, as in Benchmarks", visible=True)
