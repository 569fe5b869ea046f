"""The choices of Gradio's lists, which are the same for all, in a visitor's language."""

from __future__ import annotations

from collections.abc import Iterable

import gradio as gr

from dashboard.language import text


def lists(blocks: Iterable[gr.blocks.Block]) -> list[gr.Dropdown]:
    """Return the components whose choices the browser can't say otherwise."""
    return [block for block in blocks if isinstance(block, gr.Dropdown)]


def relabel(blocks: Iterable[gr.Dropdown]) -> dict:
    """Return updates of those that have choices which are said otherwise in that language."""
    updates = {}
    for block in blocks:
        said = [(text(str(name)), value) for name, value in block.choices]
        if said != [(str(name), value) for name, value in block.choices]:
            updates[block] = gr.update(choices=said)
    return updates
