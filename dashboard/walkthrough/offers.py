"""The images that may be asked about: samples, what a user may bring, and why a file isn't here."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from core.imaging import MAX_PIXELS
from core.imaging.decode import FORMATS, readable_formats
from dashboard.drawing import pictures
from dashboard.drawing.templating import render
from dashboard.samples import BundledSample


def sample_cards(samples: Sequence[BundledSample]) -> Markup:
    """Return one button a sample, named by what it says. The browser sets which one is pressed."""
    cards = [(sample, pictures.source(sample.thumbnail())) for sample in samples]
    return render("page/sample_cards.html", samples=cards)


def image_limits(largest_file: int) -> Markup:
    """Return what may be brought. The browser reads the limit here before it sends a file."""
    *names, last = (FORMATS[name] for name in readable_formats())
    return render(
        "page/image_limits.html",
        names=names,
        last=last,
        largest_file=largest_file,
        max_pixels=MAX_PIXELS,
    )


CAMERA = {  # why the browser lent none -> what to do
    "insecure": "Browsers lend the camera only to https pages, and to pages of the machine itself:"
    " choose a file; on a telephone, that offers the camera, too.",
    "forbidden": "The camera isn't allowed for this page: allow it in the browser's settings and"
    " try again, or choose a file.",
    "absent": "No camera can be used: it isn't there, or another program has it. Choose a file.",
}


def not_sent(name: str, why: str, size: float, largest_file: int) -> str:
    """Return why a file isn't here: the browser kept it, or it was lost on the way."""
    what = f"“{str(name)[:60]}”"
    if why in CAMERA:
        return CAMERA[why]
    if why == "folder":
        return f"{what} is a folder: choose an image file in it."
    if why == "size":
        return (
            f"{what} has {size / 1e6:,.0f} MB, and at most {largest_file // 10**6} MB can be taken:"
            " save it as JPEG, or smaller."
        )
    return f"{what} didn't arrive: try again, or a smaller file."
