"""Pictures inside the page: the very bytes of a message, or an illustration."""

from __future__ import annotations

import base64
import io
from html import escape

from PIL import Image

from core.transcript import EncodedImage


def data_url(data: bytes, format: str) -> str:
    return f"data:image/{format};base64,{base64.b64encode(data).decode('ascii')}"


def source(image: Image.Image, format: str = "JPEG") -> str:
    """An illustration, not evidence: a good JPEG will do; PNG for a few flat colours."""
    file = io.BytesIO()
    image.save(file, format, **({"quality": 88} if format == "JPEG" else {}))
    return data_url(file.getvalue(), format.lower())


def as_picture(image: Image.Image, element_class: str, alt: str) -> str:
    return f"""<img class="{element_class}" src="{source(image)}" alt="{escape(alt)}"
width="{image.width}" height="{image.height}">"""


def as_sent(image: EncodedImage, element_class: str, alt: str) -> str:
    """The very bytes of the message, magnified without smoothing."""
    width, height = image.size
    return f"""<img class="pixelated {element_class}" src="{data_url(image.data, image.format)}"
alt="{escape(alt)}" width="{width}" height="{height}">"""


def comparison(original: Image.Image, sent: EncodedImage) -> str:
    """The original and the global image at one scale, with a bar to slide between them.

    original: at a size for looking at.
    """
    width, height = sent.size
    return f"""<div class="compare" style="--cut:50%">
<div class="over" style="--ratio:{original.width / original.height:.5f}">
{as_picture(original, "original-image", "The original")}
{as_sent(sent, "global-image", "The global image as the server saw it")}
<span class="side left" aria-hidden="true">original</span>
<span class="side right" aria-hidden="true">as sent</span>
<input type="range" min="0" max="100" value="50" data-sets="--cut" data-unit="%"
aria-label="Boundary between the original, on the left, and the global image, on the right">
<span class="divider" aria-hidden="true"></span></div>
<p class="fine">Slide to compare. Sent: {width} × {height} pixels, shown at the same scale.</p>
</div>"""
