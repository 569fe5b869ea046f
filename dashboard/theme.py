"""Colours, fonts and the launch options that make the page look as it does.

The colours are those of Okabe and Ito, which people with any common colour blindness can tell
apart. They are named here by what they mean, and nowhere else: the style sheet reads them as CSS
variables, the overlays as RGB.
"""

from pathlib import Path

import gradio as gr

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#7F7F7F"

MEANING = {
    "edge": BLUE,
    "server": ORANGE,
    "global": SKY,  # the global image and its bytes
    "local": PURPLE,  # the local image and its bytes
    "original": GREY,
    "confident": GREEN,
    "uncertain": VERMILLION,
    "box": YELLOW,  # on pictures, cased in black: visible on any colour
}


def rgb(color: str) -> tuple[int, int, int]:
    """`#RRGGBB` as Pillow wants it."""
    return tuple(bytes.fromhex(color.removeprefix("#")))


# Dark to bright, evenly in lightness, and free of red against green: cividis, nine of its steps.
HEAT = tuple(
    rgb(color)
    for color in "#00224E #123570 #3B496C #575D6D #707173 #8A8678 #A59C74 #C3B369 #FEE838".split()
)

# No web fonts: the page works without internet, and asks nobody for anything.
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "DejaVu Sans Mono", "monospace")


def theme() -> gr.themes.Base:
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
        button_primary_background_fill_hover_dark="#2A8CC4",
        button_primary_text_color="white",
    )


def style() -> str:
    """The style sheet, its colours in front."""
    colors = "".join(f"--{name}: {color};" for name, color in MEANING.items())
    heat = ", ".join("rgb({}, {}, {})".format(*color) for color in HEAT)
    sheet = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    return f":root {{{colors} --heat: linear-gradient(to right, {heat});}}\n{sheet}"


def script() -> str:
    """For the head of the page: what moves in the browser without asking the server."""
    code = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    return f"<script>{code}</script>"
