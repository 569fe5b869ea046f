"""The ten words that the page can't do without."""

from __future__ import annotations

from markupsafe import Markup

from dashboard.drawing.templating import render

WORDS = (
    ("Edge", "the device that holds the picture: a camera, a telephone. It has no model."),
    ("Server", "the machine with the model. It sees only what the edge sends."),
    ("Global image", "the whole picture, made small: what is always sent."),
    ("Local image", "a part of the picture in full detail: sent only when the server asks for it."),
    ("Token", "a letter, a word, or a piece of one: the model answers one token at a time."),
    (
        "Uncertainty",
        "how unsure the model was while it answered, in bits. One bit is the toss of a coin; zero"
        " is no doubt. It is the model's own feeling: a model can be sure and wrong.",
    ),
    ("η (eta)", "the threshold: from this much uncertainty on, the server asks for a local image."),
    ("Gate", "the rule that compares uncertainty with η, and so decides whether to ask."),
    (
        "Attention",
        "how much the model looks at each place of the picture while it reads the question. The box"
        " of the local image is where it stands out most.",
    ),
    ("Run", "many questions asked once and recorded, so that any η can be tried on them at once."),
)
ENGLISH = "The model knows English only: questions and answers stay in English."


def glossary() -> Markup:
    """Return the words and what they mean, folded."""
    return render("page/glossary.html", words=WORDS, note=ENGLISH)
