"""Draws a scene: background with structure and distractors, then objects, then signs."""

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from core.signs import conditions, fonts
from core.signs.carriers import CARRIERS, TEXT_AT, bent, draw_carrier
from core.signs.photographs import background
from core.signs.scenes import Scene, Sign, Thing


def render(scene: Scene) -> Image.Image:
    """The original image of a scene: RGB, `scene.width` x `scene.height`."""
    rng = np.random.default_rng(scene.background_seed)
    size = scene.width, scene.height
    if scene.wall is not None:
        image = Image.new("RGB", size, scene.wall)
    elif scene.photograph:
        image = background(rng, scene.photograph, size)
    else:
        image = draw_background(rng, *size)
    draw_objects(rng, image, scene)
    return conditions.apply(image, dict(scene.effects))


def draw_objects(rng: np.random.Generator, image: Image.Image, scene: Scene) -> None:
    """Draw what stands before the background: posts, then small objects, then signs."""
    for sign in scene.signs:
        draw_post(rng, image, sign)
    for thing in scene.things:
        draw_thing(image, thing)
    for sign in scene.signs:
        draw_sign(image, sign)


# --- backgrounds ---------------------------------------------------------------------------


def draw_background(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    image = _gradient(rng, width, height)
    draw = ImageDraw.Draw(image)
    style = rng.random()
    if style < 0.45:
        _skyline(rng, draw, width, height)
    elif style < 0.7:
        _clutter(rng, draw, width, height, int(rng.integers(5, 40)))
    if rng.random() < 0.5:
        _clutter(rng, draw, width, height, int(rng.integers(2, 10)))
    if rng.random() < 0.4:
        _posters(rng, draw, width, height)
    return _texture(rng, image)


def _muted(rng, low=30, high=225) -> tuple[int, int, int]:
    """A greyish colour: the plain colours belong to the signs and objects asked about."""
    grey = rng.uniform(low, high)
    red, green, blue = (int(np.clip(grey + rng.normal(0, 14), 0, 255)) for _ in range(3))
    return red, green, blue


def _gradient(rng, width, height) -> Image.Image:
    top, bottom = np.array(_muted(rng)), np.array(_muted(rng))
    ramp = np.linspace(0, 1, 16)[:, None, None]
    strip = (top * (1 - ramp) + bottom * ramp).astype(np.uint8)
    narrow = Image.fromarray(np.repeat(strip, 2, axis=1))
    return narrow.resize((width, height), Image.Resampling.BILINEAR)


def _skyline(rng, draw, width, height) -> None:
    x = 0
    ground = height * rng.uniform(0.6, 0.95)
    while x < width:
        w = width * rng.uniform(0.06, 0.22)
        top = ground * rng.uniform(0.15, 0.8)
        wall = _muted(rng, 50, 200)
        draw.rectangle((x, top, x + w, ground), fill=wall)
        pane = _muted(rng, 30, 220)
        step = w / rng.integers(3, 7)
        for wy in np.arange(top + step / 2, ground - step, step * 1.3):
            for wx in np.arange(x + step / 3, x + w - step / 2, step):
                draw.rectangle((wx, wy, wx + step * 0.5, wy + step * 0.7), fill=pane)
        x += w * rng.uniform(0.9, 1.3)
    draw.rectangle((0, ground, width, height), fill=_muted(rng, 60, 160))


def _clutter(rng, draw, width, height, count) -> None:
    for _ in range(count):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        r = np.exp(rng.uniform(np.log(6), np.log(max(width, height) / 6)))
        fill, kind = _muted(rng), rng.integers(3)
        if kind == 0:
            points = [(x + r * rng.uniform(-1, 1), y + r * rng.uniform(-1, 1)) for _ in range(5)]
            draw.polygon(points, fill=fill)
        elif kind == 1:
            draw.ellipse((x, y, x + r, y + r * rng.uniform(0.3, 0.6)), fill=fill)
        else:
            end = (x + 4 * r * rng.uniform(-1, 1), y + 4 * r * rng.uniform(-1, 1))
            draw.line((x, y, *end), fill=fill, width=int(rng.integers(1, 12)))


def _posters(rng, draw, width, height) -> None:
    """Striped panels with scribble: they look like signs from afar and say nothing."""
    for _ in range(int(rng.integers(1, 4))):
        w, h = rng.uniform(0.04, 0.14, size=2) * max(width, height)
        x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
        draw.rectangle((x, y, x + w, y + h), fill=_muted(rng, 120, 235))
        ink = _muted(rng, 20, 110)
        for row in np.arange(y + h * 0.15, y + h * 0.9, h / rng.integers(4, 9)):
            draw.line((x + w * 0.1, row, x + w * rng.uniform(0.4, 0.9), row), fill=ink, width=2)


def _texture(rng, image) -> Image.Image:
    """Grain at a coarse and a fine scale, as of plaster, asphalt and a camera's sensor."""
    width, height = image.size
    total = np.asarray(image, np.int16)
    for cell, strength in ((48, rng.uniform(0, 12)), (3, rng.uniform(0, 7))):
        noise = rng.normal(0, strength, size=(height // cell + 2, width // cell + 2))
        plane = Image.fromarray((noise + 128).clip(0, 255).astype(np.uint8))
        plane = plane.resize((width, height), Image.Resampling.BILINEAR)
        total = total + (np.asarray(plane, np.int16) - 128)[..., None]
    return Image.fromarray(total.clip(0, 255).astype(np.uint8))


# --- signs ---------------------------------------------------------------------------------


def draw_post(rng, image: Image.Image, sign: Sign) -> None:
    if rng.random() < 0.5:
        left, top, right, bottom = sign.box
        x, w = (left + right) / 2, max(2, (right - left) * 0.03)
        end = min(image.height, bottom + (bottom - top) * rng.uniform(0.5, 2))
        ImageDraw.Draw(image).rectangle((x - w, (top + bottom) / 2, x + w, end), fill=_muted(rng))


def draw_sign(image: Image.Image, sign: Sign) -> None:
    layer = sign_layer(sign)
    left, top, right, bottom = sign.box
    corners = [(x - left, y - top) for x, y in sign.corners]
    size = (right - left, bottom - top)
    turned = perspective(corners, layer.size)
    warped = layer.transform(size, Image.Transform.PERSPECTIVE, turned, Image.Resampling.BICUBIC)
    image.paste(warped, (left, top), warped)


def sign_layer(sign: Sign) -> Image.Image:
    """The sign seen from the front, RGBA, with the text in it."""
    w, h = sign.size
    outline = shape_outline(sign.shape, w, h)
    mask = Image.new("L", (w, h))
    _draw_outline(ImageDraw.Draw(mask), sign.shape, outline, fill=255)
    layer = Image.new("RGB", (w, h), sign.rgb)
    draw = ImageDraw.Draw(layer)
    if sign.border is not None:
        line = max(1, round(0.03 * min(w, h)))
        _draw_outline(draw, sign.shape, outline, outline=sign.border, width=line)
    face = fonts.font(sign.family, sign.weight, sign.letter_height)
    if sign.shape not in CARRIERS and not sign.bend and sign.edge is None:
        _write(draw, text_origin(sign, face), sign.written, sign.ink, face)
        layer.putalpha(mask)
        return layer
    draw_carrier(layer, sign.shape, sign.ink, seed=w * h + sign.letter_height)
    text = _letters(sign, face)
    if sign.shape == "text":
        layer, mask = Image.new("RGB", (w, h), sign.ink), text
    if sign.edge is not None:
        under = _letters(sign, face, sign.edge.width, sign.edge.shift)
        layer.paste(sign.edge.rgb, (0, 0), under)
        mask = ImageChops.lighter(mask, under) if sign.shape == "text" else mask
    layer.paste(sign.ink, (0, 0), text)
    layer.putalpha(mask)
    return layer


def _letters(sign: Sign, face, width: int = 0, shift: tuple[int, int] = (0, 0)) -> Image.Image:
    """The text's mask, its strokes thicker by a width, moved by so many pixels, and bent."""
    mask = Image.new("L", sign.size)
    x, y = text_origin(sign, face)
    at = x + shift[0], y + shift[1]
    _write(ImageDraw.Draw(mask), at, sign.written, 255, face, width)
    return bent(mask, sign.bend, sign.letter_height) if sign.bend else mask


def _write(draw, at: tuple[float, float], written, fill, face, width: int = 0) -> None:
    for line, own, x, y in fonts.lines(face, written):
        draw.text((at[0] + x, at[1] + y), line, fill, own, stroke_width=width)


def text_origin(sign: Sign, face) -> tuple[float, float]:
    """Return where in the layer the text is drawn: in the middle, low in a triangle."""
    w, h = sign.size
    low = TEXT_AT.get(sign.shape, 0.5)
    left, top, right, bottom = fonts.extent(face, sign.written)
    return w / 2 - (left + right) / 2, h * low - (top + bottom) / 2


def shape_outline(shape: str, w: int, h: int) -> list[tuple[float, float]]:
    if shape == "triangle":
        return [(w / 2, 0), (w - 1, h - 1), (0, h - 1)]
    if shape == "diamond":
        return [(w / 2, 0), (w - 1, h / 2), (w / 2, h - 1), (0, h / 2)]
    if shape == "hexagon":
        q = min(w, h) / 4
        return [(q, 0), (w - q, 0), (w - 1, h / 2), (w - q, h - 1), (q, h - 1), (0, h / 2)]
    return [(0, 0), (w - 1, h - 1)]  # a bounding box: rectangle and circle


def _draw_outline(draw, shape, points, **style) -> None:
    if shape == "rectangle" or shape in CARRIERS:
        radius = points[1][1] * (0.12 if shape == "rectangle" else 0.03)
        draw.rounded_rectangle([*points[0], *points[1]], radius=radius, **style)
    elif shape == "circle":
        draw.ellipse([*points[0], *points[1]], **style)
    else:
        draw.polygon(points, **style)


def perspective(corners, size) -> list[float]:
    """Coefficients for PIL's PERSPECTIVE, which maps output pixels back to the layer."""
    w, h = size
    source = [(0, 0), (w, 0), (w, h), (0, h)]
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows, float), np.array(values, float)).tolist()


# --- small objects -------------------------------------------------------------------------


LARGEST_DRAWING = 1600  # side of an object's drawing in pixels: a larger object is enlarged


def draw_thing(image: Image.Image, thing: Thing) -> None:
    """Drawn at four times its size and reduced, so that a few pixels still show its outline."""
    left, top, right, _ = thing.box
    side = right - left
    big = min(4 * side, LARGEST_DRAWING)
    mask = Image.new("L", (big, big))
    DRAWINGS[thing.kind](ImageDraw.Draw(mask), big)
    mask = mask.resize((side, side), Image.Resampling.LANCZOS)
    if side > 24:  # a thin dark edge parts a light object from a light wall
        edge = mask.filter(ImageFilter.MaxFilter(3))
        image.paste((40, 40, 44), (left, top), edge)
    image.paste(thing.rgb, (left, top), mask)


def _star(d, s):
    turn = np.deg2rad(np.arange(10) * 36 - 90)
    radius = np.where(np.arange(10) % 2 == 0, 0.5, 0.2) * s
    d.polygon(
        [(s / 2 + r * np.cos(t), s / 2 + r * np.sin(t)) for r, t in zip(radius, turn, strict=True)],
        255,
    )


def _heart(d, s):
    d.ellipse((0, 0.05 * s, 0.54 * s, 0.58 * s), 255)
    d.ellipse((0.46 * s, 0.05 * s, s, 0.58 * s), 255)
    d.polygon([(0.05 * s, 0.45 * s), (0.95 * s, 0.45 * s), (0.5 * s, s)], 255)


def _tree(d, s):
    d.rectangle((0.42 * s, 0.6 * s, 0.58 * s, s), 255)
    d.polygon([(0.5 * s, 0), (0.95 * s, 0.72 * s), (0.05 * s, 0.72 * s)], 255)


def _house(d, s):
    d.polygon([(0.5 * s, 0), (s, 0.45 * s), (0, 0.45 * s)], 255)
    d.rectangle((0.12 * s, 0.45 * s, 0.88 * s, s), 255)
    d.rectangle((0.4 * s, 0.62 * s, 0.6 * s, s), 0)


def _car(d, s):
    d.rounded_rectangle((0, 0.45 * s, s, 0.78 * s), 0.1 * s, 255)
    d.polygon(
        [(0.2 * s, 0.47 * s), (0.32 * s, 0.2 * s), (0.7 * s, 0.2 * s), (0.82 * s, 0.47 * s)], 255
    )
    for x in (0.12, 0.62):
        d.ellipse((x * s, 0.65 * s, (x + 0.26) * s, 0.91 * s), 255)


def _lamp(d, s):
    d.rectangle((0.45 * s, 0.3 * s, 0.55 * s, s), 255)
    d.rectangle((0.25 * s, 0.92 * s, 0.75 * s, s), 255)
    d.polygon([(0.35 * s, 0), (0.65 * s, 0), (0.9 * s, 0.4 * s), (0.1 * s, 0.4 * s)], 255)


def _flag(d, s):
    d.rectangle((0.08 * s, 0, 0.18 * s, s), 255)
    d.polygon([(0.18 * s, 0.02 * s), (0.98 * s, 0.28 * s), (0.18 * s, 0.55 * s)], 255)


def _cup(d, s):
    d.ellipse((0.55 * s, 0.25 * s, s, 0.7 * s), 255)
    d.ellipse((0.65 * s, 0.35 * s, 0.9 * s, 0.6 * s), 0)
    d.rounded_rectangle((0.05 * s, 0.15 * s, 0.72 * s, 0.9 * s), 0.12 * s, 255)


def _fish(d, s):
    d.ellipse((0, 0.25 * s, 0.75 * s, 0.75 * s), 255)
    d.polygon([(0.62 * s, 0.5 * s), (s, 0.2 * s), (s, 0.8 * s)], 255)
    d.ellipse((0.15 * s, 0.4 * s, 0.23 * s, 0.48 * s), 0)


def _key(d, s):
    d.ellipse((0, 0.3 * s, 0.42 * s, 0.72 * s), 255)
    d.ellipse((0.12 * s, 0.42 * s, 0.3 * s, 0.6 * s), 0)
    d.rectangle((0.4 * s, 0.45 * s, s, 0.57 * s), 255)
    for x in (0.72, 0.88):
        d.rectangle((x * s, 0.5 * s, (x + 0.08) * s, 0.74 * s), 255)


DRAWINGS = {
    "star": _star, "heart": _heart, "tree": _tree, "house": _house, "car": _car,
    "lamp": _lamp, "flag": _flag, "cup": _cup, "fish": _fish, "key": _key,
}  # fmt: skip
