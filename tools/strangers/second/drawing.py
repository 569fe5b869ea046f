"""Surfaces, a road, uneven letters and perspective, beside what `tools.strangers.drawing` has."""

from __future__ import annotations

import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tools.strangers.drawing import Box, Part, fade, lay, layer, polygon, shape, together
from tools.strangers.letters import typeface
from tools.strangers.shapes import Point

SPREAD = 74  # standard deviation of bytes drawn at random


def _at_random(width: int, height: int) -> Image.Image:
    """Return a grey picture of noise, the same each time."""
    return Image.frombytes("L", (width, height), random.Random(2).randbytes(width * height))


def _lighten(picture: Image.Image, light: Image.Image, times: float) -> None:
    """Make each pixel lighter or darker, as `light` is above or below its middle, 128."""
    light = light.point(lambda value: 128 + (value - 128) * times).convert("RGB")
    picture.paste(ImageChops.add(picture.convert("RGB"), light, offset=-128))


def noise(amount: float) -> Part:
    """Add noise of that standard deviation, as a small sensor does; `grain` also greys."""
    return lambda picture: _lighten(picture, _at_random(*picture.size), amount / SPREAD)


def rough(colour: str, amount: float, blur: float = 3) -> Part:
    """Fill the picture with a colour in lighter and darker blotches: plaster, card, paper."""

    def part(picture: Image.Image) -> None:
        picture.paste(colour, (0, 0, *picture.size))
        width, height = picture.size
        blotches = _at_random(width // 4 + 1, height // 4 + 1)
        blotches = blotches.filter(ImageFilter.GaussianBlur(blur)).resize(picture.size)
        _lighten(picture, blotches, 4 * amount / SPREAD)

    return part


def wood(colour: str) -> Part:
    """Fill the picture with boards whose grain runs across."""

    def part(picture: Image.Image) -> None:
        picture.paste(colour, (0, 0, *picture.size))
        dice, light, lights = random.Random(3), 0.0, []
        for _ in range(picture.height):
            light = 0.99 * light + dice.gauss(0, 2.2)
            lights.append(128 + max(-30, min(30, light)))
        fibres = Image.frombytes("L", (1, picture.height), bytes(map(int, lights)))
        _lighten(picture, fibres.resize(picture.size), 1)
        noise(3)(picture)

    return part


def bricks(colour: str, high: int = 40) -> Part:
    """Fill the picture with a wall of bricks, each twice as long as high."""

    def part(picture: Image.Image) -> None:
        rough(colour, 14)(picture)
        pen, joint, mortar = ImageDraw.Draw(picture), max(2, high // 12), "#beb4aa"
        for row, y in enumerate(range(0, picture.height, high)):
            pen.line((0, y, picture.width, y), mortar, joint)
            for x in range(row % 2 * high, picture.width, 2 * high):
                pen.line((x, y, x, y + high), mortar, joint)

    return part


def road(horizon: float) -> Part:
    """Fill the picture with a straight road between trees, the horizon at a part of the height."""

    def part(picture: Image.Image) -> None:
        width, height = picture.size
        y, middle = int(height * horizon), width / 2
        dice = random.Random(346)  # with which no tree stands behind a sign on the right
        together(
            fade("#96bee6", "#e1ebf5"),
            shape("rectangle", (0, y, width, height), "#5f8246"),
            polygon(((0.45 * width, y), (0.55 * width, y), (0.95 * width, height),
                     (0.05 * width, height)), "#5a5a5f"),
        )(picture)  # fmt: skip
        for dash in range(6):
            far = (dash / 6) ** 2
            near = far + 0.05 * (dash + 1) / 3
            top, bottom = (y + share * (height - y) for share in (far, near))
            polygon(((middle - 4 - 12 * far, top), (middle + 4 + 12 * far, top),
                     (middle + 4 + 14 * near, bottom), (middle - 4 - 14 * near, bottom)),
                    "#ebebeb")(picture)  # fmt: skip
        for tree in range(8):
            x = width * (dice.uniform(0, 0.36) + (0.64 if tree % 2 else 0))
            size = width * dice.uniform(0.03, 0.08)
            trunk = (x - 6, y - 0.3 * size, x + 6, y + 0.4 * size)
            shape("rectangle", trunk, "#503c28")(picture)
            crown = (x - size, y - 1.7 * size, x + size, y)
            shape("circle", crown, ("#346932", "#467a32")[tree // 2 % 2])(picture)

    return part


def grey() -> Part:
    """Take the picture's colours away."""
    return lambda picture: picture.paste(picture.convert("L").convert("RGB"))


def glowing(*parts: Part, blur: float = 25) -> Part:
    """Add the light of parts to the picture, with a halo around them."""

    def part(picture: Image.Image) -> None:
        light = Image.new("RGBA", picture.size, "black")
        together(*parts)(light)
        for one in (light.filter(ImageFilter.GaussianBlur(blur)), light):
            picture.paste(ImageChops.add(picture, one))

    return part


def outline(kind: str, box: Box, colour: str, width: int) -> Part:
    """Draw the edge of a "rectangle" or an "ellipse", with what was there inside it."""
    return lambda picture: getattr(ImageDraw.Draw(picture), kind)(box, None, colour, width)


def scrawl(text: str, at: Point, size: int, colour: str, face: str = "lexend",
           weight: int = 250) -> Part:  # fmt: skip
    """Write a line whose letters stand unevenly, as by hand. It begins at `at`, its left middle."""

    def part(picture: Image.Image) -> None:
        dice, x = random.Random(text), at[0]
        for letter in text:
            uneven = typeface(face, round(size * dice.uniform(0.93, 1.08)), weight)
            stencil = Image.new("L", (2 * size, 2 * size))
            ImageDraw.Draw(stencil).text((size, size), letter, 255, uneven, "mm")
            stencil = stencil.rotate(dice.uniform(-6, 6), Image.Resampling.BICUBIC)
            wide = typeface(face, size, weight).getlength(letter)
            y = at[1] + size * dice.uniform(-0.05, 0.05)
            lay(picture, colour, stencil, round(x + wide / 2) - size, round(y) - size)
            x += 1.03 * wide

    return part


def _bent(picture: Image.Image, parts: tuple[Part, ...]) -> tuple[Image.Image, int, int]:
    """Return what parts draw, cut out, and where its left top is."""
    drawn = layer(picture, parts)
    box = drawn.getbbox()
    return drawn.crop(box), box[0], box[1]


def leaning(*parts: Part) -> Part:
    """Draw parts slanted, as italics are."""

    def part(picture: Image.Image) -> None:
        upright, left, top = _bent(picture, parts)
        by = round(0.2 * upright.height)
        size, numbers = (upright.width + by, upright.height), (1, 0.2, -by, 0, 1, 0)
        italic = upright.transform(size, Image.Transform.AFFINE, numbers, Image.Resampling.BICUBIC)
        picture.alpha_composite(italic, (left - by // 2, top))

    return part


def receding(left: float, right: float, *parts: Part) -> Part:
    """Draw parts as seen from a side: their left and right edges get these parts of their height.

    One of the two is 1.
    """

    def part(picture: Image.Image) -> None:
        flat, x, y = _bent(picture, parts)
        width, height = flat.size
        slope = (right - left) / width
        rows = (right, 0, 0, slope * height / 2, 1, (left - 1) * height / 2, slope, 0)
        numbers = [number / left for number in rows]
        way, smooth = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
        picture.alpha_composite(flat.transform(flat.size, way, numbers, smooth), (x, y))

    return part
