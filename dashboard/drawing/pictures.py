"""Pictures inside the page: the very bytes of a message, or an illustration."""

from __future__ import annotations

import base64
import io
import tempfile
from html import escape
from pathlib import Path

import gradio as gr
from PIL import Image

from core.imaging import load_image
from core.transcript import EncodedImage

DRAWN = {"JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP"}  # by every browser, as we read them
COPY = (2048, 2048)  # px, at most, of a picture that no browser draws


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


def for_browsers(path: str, of: gr.components.Component) -> str:
    """The path of what a browser can show of an image: itself, or a copy of what is read of it.

    of: the component that may serve the copy. Browsers draw no HEIC or TIFF, and all frames of an
    animation. Raises ImageError, one sentence, if it can't be read.
    """
    image = load_image(path)
    with Image.open(path) as file:
        still = file.format in DRAWN and getattr(file, "n_frames", 1) == 1
        if still or file.format == "MPO":  # JPEG, with further pictures that browsers leave alone
            return path
    image.thumbnail(COPY, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return as_file(image, of)


def as_file(image: Image.Image, of: gr.components.Component) -> str:
    """The path of a file that Gradio may serve, and deletes with the uploads."""
    folder = Path(of.GRADIO_CACHE)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".png", delete=False) as file:
        image.save(file, "PNG", compress_level=1)
    of.temp_files.add(file.name)
    return file.name
