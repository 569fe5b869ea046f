"""How things look in every picture: colours, lines, fonts.

The colours are those of Okabe and Ito, which people with any common colour blindness can tell
apart. They are named here by what they mean, and nowhere else: the dashboard's style sheet reads
them as CSS variables, its overlays as RGB.
"""

from dataclasses import dataclass

from core.uncertainty import METRICS

__all__ = ["BLUE", "HEAT", "MEANING", "RUN_STROKES", "SANS", "Stroke", "rgb", "stroke"]

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
    "right": "#3A7CA5",  # answers, by their score
    "wrong": "#C77700",
    "box": YELLOW,  # on pictures, cased in black: visible on any colour
}


@dataclass(frozen=True)
class Stroke:
    """How a line is drawn. Colour, dash and symbol say the same, for whoever can't see one."""

    color: str
    dash: str = "solid"  # of Plotly
    symbol: str = "circle"


# 3 : 1 and more against white and against the dark page, which the paler ones above don't have.
METRIC_STROKES = (
    Stroke(BLUE), Stroke(VERMILLION, "dash"), Stroke(GREEN, "dot"), Stroke("#8A6BC1", "dashdot"),
    Stroke("#A97B00", "longdash"), Stroke("#C4578B", "longdashdot"), Stroke("#2F8FAE", "2px,6px"),
    Stroke("#9A6A4A", "8px,3px,2px,3px,2px,3px"),
)  # fmt: skip
BASELINES = {
    "random": Stroke(GREY, "dash"),
    "oracle": Stroke("#7A8B00", "dot"),
    "initial": Stroke(GREY, "dot", "square"),
    "full": Stroke(GREY, "longdash", "square"),
    "high_resolution": Stroke(PURPLE, symbol="diamond"),
}
# Several runs beside each other: no colour of a strategy, so that neither is taken for the other.
# Neighbours differ in colour and in dash; only after 36 does a pair come again.
_RUN_COLORS = ("#4477AA", "#AA3377", "#228833", "#BB5500", "#66609A", "#887711")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
RUN_STROKES = tuple(
    Stroke(color, _DASHES[(index + shift) % len(_DASHES)])
    for shift in range(len(_DASHES))
    for index, color in enumerate(_RUN_COLORS)
)


def stroke(strategy: str) -> Stroke:
    """The one look of a strategy: a metric, or one of `BASELINES`."""
    if strategy in BASELINES:
        return BASELINES[strategy]
    return METRIC_STROKES[list(METRICS).index(strategy) % len(METRIC_STROKES)]


def rgb(color: str) -> tuple[int, int, int]:
    """`#RRGGBB` as Pillow wants it."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


# Dark to bright, evenly in lightness, and free of red against green: cividis, nine of its steps.
HEAT = tuple(
    rgb(color)
    for color in "#00224E #123570 #3B496C #575D6D #707173 #8A8678 #A59C74 #C3B369 #FEE838".split()
)

# No web fonts: a page works without internet, and asks nobody for anything.
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
