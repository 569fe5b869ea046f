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

BUNDLED_QUESTIONS = ("What does the sign say?", "Is there a star in the image?")
QUESTIONS = ("What is written on the sign?", "What is in the picture?")


def header() -> Markup:
    """Return the head of the page: what is shown, and from which paper."""
    return render("page/header.html", paper=PAPER)


def about_model(name: str, info: ModelInfo | None = None) -> Markup:
    """Return what the model can and can't do; with `info`, once it is loaded, its facts."""
    return render("page/about_model.html", name=name, info=info, large_model=LARGE_MODEL, fits=FITS)


def is_bundled(name: str) -> bool:
    """Return whether this is the model that comes with the page, which knows no photographs."""
    return name == "pocket"


def reads(name: str) -> Markup:
    """Return what a model can read in a picture of one's own, and two questions it understands."""
    bundled = is_bundled(name)
    questions = BUNDLED_QUESTIONS if bundled else QUESTIONS
    return render("page/reads.html", name=name, bundled=bundled, questions=questions)
