"""Parts of pictures: each function returns what draws one thing onto a picture."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from PIL import Image, ImageColor, ImageDraw, ImageFilter

from tools.strangers.letters import typeface
from tools.strangers.shapes import Point, mask

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels
Part = Callable[[Image.Image], None]  # draws onto an RGBA picture

RED, ORANGE, YELLOW, GREEN = "#c9202f", "#f07d1a", "#f6cf22", "#1d8645"
BLUE, PURPLE, WHITE, BLACK = "#1e54b7", "#7b35a3", "#fbfbfb", "#151515"


def draw(size: tuple[int, int], parts: Sequence[Part]) -> Image.Image:
    """Return a picture of these parts, drawn in their order."""
    picture = Image.new("RGBA", size, "white")
    for part in parts:
        part(picture)
    return picture.convert("RGB")


def lay(picture: Image.Image, ink: str, stencil: Image.Image, left: int, top: int) -> None:
    """Put a colour onto a picture through a mask, which may reach over the margin."""
    *colour, opacity = ImageColor.getcolor(ink, "RGBA")
    patch = Image.new("RGBA", stencil.size, (*colour, 0))
    patch.putalpha(stencil.point(lambda value: value * opacity // 255))
    patch = patch.crop((max(0, -left), max(0, -top), *patch.size))
    picture.alpha_composite(patch, (max(0, left), max(0, top)))


def fade(top: str, bottom: str, box: Box | None = None) -> Part:
    """Fill a box, or the picture, from one colour above to another below."""

    def part(picture: Image.Image) -> None:
        left, upper, right, lower = map(int, box or (0, 0, *picture.size))
        ramp = Image.linear_gradient("L").resize((right - left, lower - upper))
        first, last = (Image.new("RGBA", ramp.size, ink) for ink in (top, bottom))
        picture.paste(Image.composite(last, first, ramp), (left, upper))

    return part


def shape(kind: str, box: Box, fill: str, edge: str = "", width: float = 0) -> Part:
    """Draw a shape of OUTLINES, with an edge of that width inside the box."""

    def part(picture: Image.Image) -> None:
        left, top, right, bottom = map(round, box)
        lay(picture, edge or fill, mask(kind, (right - left, bottom - top)), left, top)
        if edge:
            wide, high, low = {"triangle": (1.9, 2.2, 1), "diamond": (1.4,) * 3}.get(kind, (1,) * 3)
            inner = (left + wide * width, top + high * width,
                     right - wide * width, bottom - low * width)  # fmt: skip
            shape(kind, inner, fill)(picture)

    return part


def polygon(points: Sequence[Point], fill: str) -> Part:
    return lambda picture: ImageDraw.Draw(picture).polygon(points, fill=fill)


def line(points: Sequence[Point], colour: str, width: int) -> Part:
    return lambda picture: ImageDraw.Draw(picture).line(points, fill=colour, width=width)


def write(text: str, at: Point, size: int, colour: str = BLACK, face: str = "dm-sans",
          weight: int = 400, anchor: str = "mm", gap: float = 0.3) -> Part:  # fmt: skip
    """Write one or more lines; `anchor` is l, m or r and says which point of each is at `at`.

    Several lines are centred on it from top to bottom. `gap` is between lines, as a part of size.
    """

    def part(picture: Image.Image) -> None:
        font = typeface(face, size, weight)
        rows = text.split("\n")
        step = size * (1 + gap)
        for row, content in enumerate(rows):
            left, top, right, bottom = map(int, font.getbbox(content, anchor=anchor[0] + "m"))
            stencil = Image.new("L", (right - left + 2, bottom - top + 2))
            ImageDraw.Draw(stencil).text(
                (1 - left, 1 - top), content, fill=255, font=font, anchor=anchor[0] + "m"
            )
            y = at[1] + (row - (len(rows) - 1) / 2) * step
            lay(picture, colour, stencil, round(at[0]) + left - 1, round(y) + top - 1)

    return part


def sign(kind: str, box: Box, fill: str, text: str, size: int, colour: str = BLACK,
         face: str = "dm-sans", weight: int = 600, edge: str = "", width: float = 0,
         low: float = 0.0, gap: float = 0.3) -> Part:  # fmt: skip
    """Draw a shape with text in its middle, or lower by a part of its height."""
    left, top, right, bottom = box
    middle = ((left + right) / 2, (top + bottom) / 2 + low * (bottom - top))
    return together(
        shape(kind, box, fill, edge, width),
        write(text, middle, size, colour, face, weight, gap=gap),
    )


def column(texts: Sequence[str], at: Point, step: float, size: int, colour: str = BLACK,
           face: str = "dm-sans", weight: int = 400, anchor: str = "lm") -> Part:  # fmt: skip
    """Write texts under each other, each `step` below the one before."""
    return together(*(
        write(text, (at[0], at[1] + row * step), size, colour, face, weight, anchor)
        for row, text in enumerate(texts)
    ))  # fmt: skip


def grid(box: Box, columns: int, rows: int, fill: str, gap: float, shifted: bool = False,
         edge: str = "") -> Part:  # fmt: skip
    """Fill a box with rectangles: windows, tiles, lockers, or, `shifted`, bricks."""

    def part(picture: Image.Image) -> None:
        pen = ImageDraw.Draw(picture)
        left, top, right, bottom = box
        wide, high = (right - left) / columns, (bottom - top) / rows
        for row in range(rows):
            start = left - (wide / 2 if shifted and row % 2 else 0)
            for place in range(columns + (shifted and row % 2)):
                x, y = start + place * wide, top + row * high
                cell = (max(left, x + gap / 2), y + gap / 2,
                        min(right, x + wide - gap / 2), y + high - gap / 2)  # fmt: skip
                pen.rectangle(cell, fill=fill, outline=edge or None)

    return part


def together(*parts: Part) -> Part:
    def all_of_them(picture: Image.Image) -> None:
        for part in parts:
            part(picture)

    return all_of_them


def layer(picture: Image.Image, parts: Sequence[Part]) -> Image.Image:
    """Return parts on a transparent picture of the same size."""
    blank = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    together(*parts)(blank)
    return blank


def turned(degrees: float, *parts: Part) -> Part:
    """Draw parts turned counterclockwise about their common middle."""

    def part(picture: Image.Image) -> None:
        drawn = layer(picture, parts)
        left, top, right, bottom = drawn.getbbox()
        middle = ((left + right) / 2, (top + bottom) / 2)
        drawn = drawn.rotate(degrees, Image.Resampling.BICUBIC, center=middle)
        picture.alpha_composite(drawn)

    return part


def shadowed(*parts: Part, by: tuple[int, int] = (8, 10), blur: float = 6) -> Part:
    """Draw parts over their own shadow, which falls that far to the right and down."""

    def part(picture: Image.Image) -> None:
        drawn = layer(picture, parts)
        left, top, right, bottom = drawn.getbbox()
        reach = int(3 * blur)
        around = (left - reach, top - reach, right + reach, bottom + reach)
        cast = drawn.getchannel("A").crop(around).filter(ImageFilter.GaussianBlur(blur))
        lay(picture, "#0000007a", cast, around[0] + by[0], around[1] + by[1])
        picture.alpha_composite(drawn)

    return part


def grain(amount: float) -> Part:
    """Mix a part of noise into the picture, the same each time."""

    def part(picture: Image.Image) -> None:
        width, height = picture.size
        noise = Image.frombytes("L", picture.size, random.Random(1).randbytes(width * height))
        picture.paste(Image.blend(picture, noise.convert("RGBA"), amount))

    return part


def soft(radius: float) -> Part:
    """Blur the picture, as a lens that isn't quite in focus."""
    return lambda picture: picture.paste(picture.filter(ImageFilter.GaussianBlur(radius)))


def tint(colour: str) -> Part:
    """Lay a colour with opacity over the picture: evening, fog."""
    return lambda picture: picture.alpha_composite(Image.new("RGBA", picture.size, colour))
