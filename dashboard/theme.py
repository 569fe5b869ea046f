"""Fonts, style sheets and the launch options that make the page look as it does.

Colours and lines are those of `core.bench.plots.style`, which figures outside the page share.
"""

import json
import re
from pathlib import Path
from urllib.parse import quote

import gradio as gr
from markupsafe import Markup

from core.bench.plots.style import BLUE, HEAT, MEANING, SANS
from core.server.language import ENGLISH, TRANSLATE, dictionary, languages
from dashboard.drawing.templating import render

# The modules of the page's script, each after those it imports.
MODULES = (
    "box.js", "numbers.js", "operating.js", "save.js", "view.js", "address.js",  # compute
    # listen and draw
    TRANSLATE.name, "language.js", "editor.js", "sliders.js", "files.js", "ask.js", "camera.js",
    "board.js", "travel.js", "charts.js", "page.js",
)  # fmt: skip

MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "DejaVu Sans Mono", "monospace")


def theme() -> gr.themes.Base:
    """Return fonts and colours for Gradio's own components."""
    return gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=SANS,
        font_mono=MONO,
        radius_size="sm",
        text_size="lg",
    ).set(
        body_background_fill="*neutral_50",
        block_info_text_color="*neutral_600",  # readable on a projector: 4.5 : 1 and more
        block_info_text_color_dark="*neutral_300",
        button_primary_background_fill=BLUE,
        button_primary_background_fill_hover="#005A8E",
        button_primary_background_fill_dark=BLUE,
        button_primary_background_fill_hover_dark="#005A8E",
        button_primary_text_color="white",
    )


def style() -> str:
    """Return the style sheets, their colours in front."""
    colors = "".join(f"--{name}: {color};" for name, color in MEANING.items())
    heat = ", ".join("rgb({}, {}, {})".format(*color) for color in HEAT)
    sheets = _static("style.css", "charts.css", "eta.css", "visit.css")
    return f":root {{{colors} --heat: linear-gradient(to right, {heat});}}\n{sheets}"


def head() -> Markup:
    """Return what the head of the page needs: its picture in the browser's tabs, and the script.

    The picture comes with the page, since below a proxy's path there is no /favicon.ico to ask for.
    """
    icon = quote(_static("icon.svg").strip())
    words = {code: dictionary(code) for code in languages() if code != ENGLISH}
    inside = json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")  # no tag ends there
    return render("page/head.html", icon=icon, words=Markup(inside), script=Markup(script()))


def script() -> str:
    """Return what moves in the browser without asking the server.

    All modules in one script, because modules inside a page can't import each other. They share
    one scope, where a name that two of them declare is an error.
    """
    imports_and_exports = r"^import [^;]*;\n|^export (?=(?:async )?(?:const|function) )"
    return re.sub(imports_and_exports, "", _static(*MODULES), flags=re.MULTILINE)


def _static(*names: str) -> str:
    """Return files of `static`, one after the other."""
    static = Path(__file__).with_name("static")
    files = (TRANSLATE if name == TRANSLATE.name else static / name for name in names)
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
