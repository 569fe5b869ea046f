"""Pictures inside the page: the very bytes of a message, or an illustration."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from markupsafe import Markup
from PIL import Image

from core.imaging import load_image
from core.transcript import EncodedImage
from dashboard.drawing.templating import render

DRAWN = {"JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP"}  # by every browser, as we read them
Size = tuple[int, int]  # width, height
Edges = tuple[float, float, float, float]  # left, top, right, bottom
COPY = (2048, 2048)  # px, at most, of a picture that no browser draws


def data_url(data: bytes, format: str) -> str:
    """Return these bytes as an address of their own."""
    return f"data:image/{format};base64,{base64.b64encode(data).decode('ascii')}"


def source(image: Image.Image, format: str = "JPEG") -> str:
    """Return an illustration, not evidence, as an address: a good JPEG, or PNG for flat colours."""
    file = io.BytesIO()
    image.save(file, format, **({"quality": 88} if format == "JPEG" else {}))
    return data_url(file.getvalue(), format.lower())


def as_picture(image: Image.Image, css_class: str, alt: str) -> Markup:
    """Return an illustration. alt: what stands for it where it can't be seen."""
    return _picture(source(image), image.size, css_class, alt)


def as_sent(image: EncodedImage, css_class: str, alt: str) -> Markup:
    """Return the very bytes of a message, magnified without smoothing."""
    address = data_url(image.data, image.format)
    return _picture(address, image.size, f"pixelated {css_class}", alt)


def comparison(
    original: Image.Image,
    sent: EncodedImage,
    size: Size,
    region: Edges,
    boxes: Sequence[Edges] = (),
) -> Markup:
    """Return the original and the global image at one scale, with a bar to slide between them.

    original: at a size for looking at; size: its own, in pixels. region: left, top, right, bottom
    of what was sent of it, in its pixels; the rest is shaded. boxes: what was asked for, drawn on
    it, numbered if there are several.
    """
    width, height = size
    left, top, right, bottom = region
    seen = {
        "left": left / width,
        "top": top / height,
        "width": (right - left) / width,
        "height": (bottom - top) / height,
    }
    return render(
        "pictures/compare.html",
        ratio=f"{original.width / original.height:.5f}",
        original=as_picture(original, "original-image", "The original"),
        sent=as_sent(sent, "global-image", "The global image as the server saw it"),
        place="".join(f"--{name}:{100 * share:.4f}%;" for name, share in seen.items()),
        share=f"{seen['width']:.6f}",
        cut=min(seen["width"], seen["height"]) < 1,
        outlines=[place(box, size) for box in boxes],
    )


def place(edges: Edges, size: Size) -> str:
    """Return edges in pixels of the original as CSS, in shares of its sides."""
    left, top, right, bottom = edges
    width, height = size
    return (
        f"left:{100 * left / width:.4f}%;top:{100 * top / height:.4f}%;"
        f"width:{100 * (right - left) / width:.4f}%;height:{100 * (bottom - top) / height:.4f}%"
    )


def for_browsers(path: str, of: gr.components.Component) -> str:
    """Return the path of what a browser can show of an image: itself, or a copy of what is read.

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
    """Return the path of a file that Gradio may serve, and deletes with the uploads."""
    folder = Path(of.GRADIO_CACHE)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".png", delete=False) as file:
        image.save(file, "PNG", compress_level=1)
    of.temp_files.add(file.name)
    return file.name


def _picture(address: str, size: tuple[int, int], css_class: str, alt: str) -> Markup:
    return render(
        "pictures/picture.html",
        source=address,
        width=size[0],
        height=size[1],
        css_class=css_class,
        alt=alt,
    )
