"""Where the server looked: three maps side by side, and the box, which people may move.

Everything is placed in shares of the original's sides, so the browser can show it at any size. The
opacity of the maps and the box are moved there, by `page.js`, without asking the server.
"""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from PIL import Image

from core.cropping import Box
from core.transcript import Attention, AttentionMap
from dashboard.drawing.overlays import LONGEST_SIDE, OPACITY, display_copy, heat
from dashboard.drawing.pictures import Size, as_picture, place, source
from dashboard.drawing.templating import render

MAP_SIDE = 480  # px of the picture below the maps, of which three stand side by side
SMALLEST_BOX = 8  # px of the original that a box in the browser may be narrow
TITLES = {  # of an attention map
    "searched": "What the box was found on",
    "relative": "Question ÷ generic",
    "question": "The question",
    "generic": "The generic prompt",
}


def maps(original: Image.Image, attention: Attention, box: Box, layer: int, own: int) -> Markup:
    """Return the maps that there are of one layer, with a slider for opacity; the first one is
    what the box was found on.

    box: what the server would ask for by this layer. own: the layer that the model is used with.
    """
    size = original.size
    shown = [
        {
            "name": name,
            "title": title,
            "element": f"heatmap-{name}",
            "source": source(_cells(weights), "PNG"),
            "peak": f"{max(map(max, weights)):.3g}",
        }
        for name, title in TITLES.items()
        if (weights := getattr(attention, name)) is not None
    ]
    shown[0]["element"] = "heatmap"
    return render(
        "pictures/maps.html",
        maps=shown,
        below=source(display_copy(original, MAP_SIDE)),
        opacity=OPACITY,
        ratio=_ratio(size),
        # Stretched over the extent; what lies outside the original is cut off.
        place=place(attention.extent, size),
        outline=place(box.as_tuple(), size),
        layer=layer,
        own=own,
    )


def box_editor(original: Image.Image, box: Box) -> Markup:
    """Return the original with the box on it, to be moved by pointer, by keys, or by numbers."""
    width, height = original.size
    names, ends = ("left", "top", "right", "bottom"), (width, height, width, height)
    return render(
        "pictures/box_editor.html",
        width=width,
        height=height,
        smallest=min(SMALLEST_BOX, width, height),
        ratio=_ratio(original.size),
        picture=as_picture(display_copy(original, LONGEST_SIDE), "box", "The original, whole"),
        place=place(box.as_tuple(), original.size),
        edges=tuple(zip(names, box.as_tuple(), ends, strict=True)),
    )


def _cells(weights: AttentionMap) -> Image.Image:
    """Return a map as a picture, one pixel a cell."""
    return Image.fromarray(heat(np.asarray(weights, dtype=np.float64)))


def _ratio(size: Size) -> str:
    """Return the proportions of the original, by which a tall one is kept on the screen."""
    return f"{size[0] / size[1]:.5f}"
