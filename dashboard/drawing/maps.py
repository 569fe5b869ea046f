"""Where the server looked: three maps side by side, and the box, which people may move.

Everything is placed in shares of the original's sides, so the browser can show it at any size. The
opacity of the maps and the box are moved there, by `page.js`, without asking the server.
"""

from __future__ import annotations

from html import escape

import numpy as np
from PIL import Image

from core.cropping import Box
from core.transcript import Attention, AttentionMap
from dashboard.drawing.overlays import LONGEST_SIDE, OPACITY, display_copy, heat
from dashboard.drawing.pictures import as_picture, source

MAP_SIDE = 480  # px of the picture below the maps, of which three stand side by side
SMALLEST_BOX = 8  # px of the original that a box in the browser may be narrow

Size = tuple[int, int]  # width, height


def maps(original: Image.Image, attention: Attention, box: Box, layer: int, own: int) -> str:
    """Question, generic and relative attention of one layer, with a slider for their opacity.

    box: what the server would ask for by this layer. own: the layer that the model is used with.
    """
    shown = display_copy(original, MAP_SIDE)
    peak = max(max(row) for row in attention.relative)
    chosen = (
        "the layer this model is used with"
        if layer == own
        else f"the model is used with layer {own}; the box is what this layer would have asked for"
    )
    entries = (
        ("relative", "Question ÷ generic", "What this question in particular makes it look at:"
         f" <em>relative attention</em> (eq. 22), up to {peak:.3g}."),
        ("question", "The question", "Attention while it reads your question."),
        ("generic", "The generic prompt", "Attention while it reads a prompt for a general"
         " description: where it looks anyway."),
    )  # fmt: skip
    figures = []
    for name, title, said in entries:
        grid = getattr(attention, name)
        frame = _outline(box, original.size) if name == "relative" else ""
        element = "heatmap" if name == "relative" else f"heatmap-{name}"
        figures.append(
            f"""<figure class="map"><div class="over" {_shape(original.size)}>
<div class="below"></div>{_tile(grid, attention.extent, original.size, element, title)}{frame}</div>
<figcaption><strong>{title}.</strong> {said}</figcaption></figure>"""
        )
    return f"""<div class="maps" style="--below:url({source(shown)});--opacity:{OPACITY}">
<div class="figures three">{"".join(figures)}</div>
<div class="controls"><label>Opacity of the maps
<input type="range" min="0" max="1" step="0.05" value="{OPACITY}" data-sets="--opacity"></label>
<span class="scale"><span>0</span><span class="ramp"></span><span>each map's largest</span></span>
<span class="explain">Layer {layer}: {chosen}. One patch is one visual token.</span></div></div>"""


def box_editor(original: Image.Image, box: Box) -> str:
    """The original with the box on it, to be moved by pointer, by keys, or by its numbers."""
    width, height = original.size
    fields = "".join(
        f"""<label>{name.capitalize()} <input type="number" data-edge="{name}" value="{value}"
min="0" max="{width if name in ("left", "right") else height}" step="1"></label>"""
        for name, value in zip(("left", "top", "right", "bottom"), box.as_tuple(), strict=True)
    )
    handles = "".join(f'<span class="handle {c}" data-corner="{c}"></span>' for c in _CORNERS)
    picture = as_picture(display_copy(original, LONGEST_SIDE), "box", "The original, whole")
    return f"""<div class="box-editor" data-width="{width}" data-height="{height}"
data-smallest="{min(SMALLEST_BOX, width, height)}">
<div class="over" {_shape(original.size)}>{picture}
<div class="frame" tabindex="0" role="group" style="{_place(box.as_tuple(), original.size)}"
aria-label="The box: arrow keys move it, plus and minus change its size">{handles}</div></div>
<div class="controls fields" role="group" aria-label="The box in pixels of the original">{fields}
</div></div>"""


_CORNERS = ("nw", "ne", "sw", "se")


def _tile(
    weights: AttentionMap,
    extent: tuple[float, float, float, float],
    size: Size,
    element: str,
    title: str,
) -> str:
    """One pixel a cell, stretched over the extent; what lies outside the original is cut off."""
    image = Image.fromarray(heat(np.asarray(weights, dtype=np.float64)))
    return f"""<img class="tile {element}" src="{source(image, "PNG")}"
alt="Heatmap: {escape(title.lower())}" style="{_place(extent, size)}">"""


def _outline(box: Box, size: Size) -> str:
    return f'<div class="outline" style="{_place(box.as_tuple(), size)}"></div>'


def _place(edges: tuple[float, float, float, float], size: Size) -> str:
    """CSS: left, top, right, bottom in pixels of the original, as shares of it."""
    left, top, right, bottom = edges
    width, height = size
    return (
        f"left:{100 * left / width:.4f}%;top:{100 * top / height:.4f}%;"
        f"width:{100 * (right - left) / width:.4f}%;height:{100 * (bottom - top) / height:.4f}%"
    )


def _shape(size: Size) -> str:
    """The proportions of the original, and a width that keeps a tall one on the screen."""
    return f'style="--ratio:{size[0] / size[1]:.5f}"'
