"""What light, lens and camera do to a picture: each condition by name, at a strength.

Applied to the original, before the edge reduces and compresses it, so that the global image and
every crop show the same.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter


def _scaled(image: Image.Image, factor: float) -> Image.Image:
    return image.point(lambda v: v * factor)


def _contrast(image: Image.Image, factor: float) -> Image.Image:
    """Less (or more) contrast about the picture's own mean."""
    mean = float(np.asarray(image.convert("L").resize((16, 16)), float).mean())
    return image.point(lambda v: mean + factor * (v - mean))


def _grey(image: Image.Image, strength: float) -> Image.Image:
    return Image.blend(image, image.convert("L").convert("RGB"), strength)


def _blur(image: Image.Image, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))


def _noise(image: Image.Image, deviation: float) -> Image.Image:
    """Gaussian noise, the same for the same picture."""
    pixels = np.asarray(image, np.int16)
    rng = np.random.default_rng(int(pixels[::17, ::13].sum(dtype=np.int64)))
    noise = rng.normal(0, deviation, pixels.shape).astype(np.int16)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


def _coarse(image: Image.Image, factor: float) -> Image.Image:
    """Return a picture as seen by a camera of fewer pixels, and enlarged again."""
    width, height = (max(1, round(side / factor)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BILINEAR)
    return small.resize(image.size, Image.Resampling.BICUBIC)


def _tint(image: Image.Image, strength: float) -> Image.Image:
    """A lamp's or an evening's colour: more red and less blue, or the other way round."""
    red, green, blue = image.split()
    return Image.merge(
        "RGB",
        (red.point(lambda v: v * (1 + strength)), green, blue.point(lambda v: v * (1 - strength))),
    )


EFFECTS: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "dark": _scaled,  # factor below 1
    "bright": _scaled,  # factor over 1
    "contrast": _contrast,  # factor
    "grey": _grey,  # share
    "blur": _blur,  # pixels
    "noise": _noise,  # grey levels
    "coarse": _coarse,  # factor
    "tint": _tint,  # share
}
# Strengths in training: from, to.
RANGES = {
    "dark": (0.25, 0.8),
    "bright": (1.15, 1.8),
    "contrast": (0.25, 0.8),
    "grey": (0.5, 1.0),
    "blur": (0.5, 3.5),
    "noise": (5, 35),
    "coarse": (1.2, 2.5),
    "tint": (-0.3, 0.3),
}
CLEAN = 0.4  # share of the training pictures to which nothing happens


def apply(image: Image.Image, effects: dict[str, float]) -> Image.Image:
    """The picture (RGB) after every effect, in the order given."""
    for name, strength in effects.items():
        image = EFFECTS[name](image, strength)
    return image


def draw(rng: np.random.Generator, size: float = 1.0) -> dict[str, float]:
    """Effects for a training picture: mostly none or one, sometimes two or three.

    size: by what the lengths among the strengths are multiplied, for a picture whose letters are
    drawn that much smaller than in an original.
    """
    count = 0 if rng.random() < CLEAN else int(rng.choice((1, 2, 3), p=(0.6, 0.3, 0.1)))
    chosen = rng.permutation(list(EFFECTS))[:count]
    effects = {str(name): float(rng.uniform(*RANGES[name])) for name in chosen}
    if "blur" in effects:
        effects["blur"] *= size
    if "coarse" in effects:
        effects["coarse"] = 1 + (effects["coarse"] - 1) * size
    return effects
