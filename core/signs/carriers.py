"""What text stands on besides plain signs: plates, posters, notes, shop fronts, and nothing at all.

Each carrier has a size that holds its text, a height at which the text stands, and a drawing.
"""

import numpy as np
from PIL import Image, ImageDraw

CARRIERS = ("plate", "poster", "note", "shop front", "text")  # "text" stands on the bare wall
TEXT_AT = {"triangle": 0.68, "poster": 0.3, "shop front": 0.27}  # of the height; else the middle


def carrier_size(carrier: str, w: float, h: float) -> tuple[int, int]:
    """Width and height of a carrier of a text that is w wide and h high, margins included."""
    if carrier == "plate":
        return round(w + 1.1 * h), round(1.6 * h)
    if carrier == "poster":
        return round(w + 0.8 * h), round(max(2.6 * h, min(0.9 * w, 5 * h)))
    if carrier == "note":
        return round(w + 1.0 * h), round(2.4 * h)
    if carrier == "shop front":
        return round(w + 2.0 * h), round(3.0 * h)
    return round(w + 0.3 * h), round(1.2 * h)


def draw_carrier(image: Image.Image, carrier: str, ink, seed: int) -> None:
    """Draw what is on the carrier besides its text. seed: of what is left to chance."""
    rng = np.random.default_rng(seed)
    w, h = image.size
    draw = ImageDraw.Draw(image)
    ground = np.array(image.getpixel((0, 0)))
    faint = tuple(int(v) for v in 0.75 * ground + 0.25 * np.array(ink))
    if carrier == "plate":
        draw.rectangle((0, 0, w - 1, h - 1), outline=ink, width=max(1, round(0.05 * h)))
        if rng.random() < 0.5:
            draw.rectangle((0, 0, 0.22 * h, h), fill=(20, 50, 160))
    elif carrier == "poster":
        if rng.random() < 0.5:  # a picture
            fill = tuple(int(v) for v in rng.integers(40, 220, size=3))
            draw.ellipse((0.2 * w, 0.6 * h, 0.8 * w, 0.95 * h), fill=fill)
        else:  # small print
            for y in np.arange(0.62, 0.95, 0.09):
                draw.line((0.1 * w, y * h, rng.uniform(0.5, 0.9) * w, y * h), fill=faint,
                          width=max(1, round(0.02 * h)))  # fmt: skip
    elif carrier == "note":
        for y in np.arange(0.15, 1.0, rng.uniform(0.12, 0.3)):
            draw.line((0, y * h, w, y * h), fill=faint, width=1)
    elif carrier == "shop front":
        draw.rectangle((0, 0.55 * h, w, h), fill=faint)
        for x in np.arange(0.05, 0.9, rng.uniform(0.2, 0.45)):  # windows
            fill = tuple(int(v) for v in rng.integers(60, 230) + rng.integers(-15, 15, size=3))
            draw.rectangle((x * w, 0.62 * h, (x + 0.15) * w, h), fill=fill)


def sag(bend: float, letter: float, u: np.ndarray, width: float) -> np.ndarray:
    """Return by how many pixels a bent line of text hangs at points u of its carrier's width."""
    return bend * letter * (0.5 - (2 * u / width - 1) ** 2)


def bent(mask: Image.Image, bend: float, letter: float) -> Image.Image:
    """The mask with its columns moved down as `sag` says."""
    pixels = np.asarray(mask)
    height, width = pixels.shape
    columns = np.arange(width)
    moved = np.round(sag(bend, letter, columns + 0.5, width)).astype(int)
    rows = np.arange(height)[:, None] - moved[None, :]
    inside = (rows >= 0) & (rows < height)
    return Image.fromarray(np.where(inside, pixels[rows.clip(0, height - 1), columns], 0))
