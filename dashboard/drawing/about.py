"""What the page and its model are."""

from __future__ import annotations

from markupsafe import Markup

from core.vlm import ModelInfo
from dashboard.drawing.templating import render

PAPER = "https://arxiv.org/abs/2512.16349"
FITS = {  # how an image is brought to a model
    "stretch": "(stretched to that)",
    "cover": "(cut to that)",
    "pad": "(padded to that)",
    "area": "or as many in other proportions",
}
LARGE_MODEL = "llava-hf/llava-1.5-7b-hf"


def header() -> Markup:
    """Return the head of the page: what is shown, and from which paper."""
    return render("page/header.html", paper=PAPER)


def about_model(name: str, info: ModelInfo | None = None) -> Markup:
    """Return what the model can and can't do; with `info`, once it is loaded, its facts."""
    return render("page/about_model.html", name=name, info=info, large_model=LARGE_MODEL, fits=FITS)
