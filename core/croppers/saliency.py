"""A cropper that asks no model: what stands out in the picture itself."""

from __future__ import annotations

import numpy as np
from PIL import Image

from core.croppers.base import Clues, Cropper, Found, Need
from core.croppers.heads import smoothed

BLUR = 2.5  # pixels, sigma of the last smoothing; the paper's has 8 across
SIDE = 64  # pixels, of the copy that the spectrum is taken of, as in the paper
# Amplitude that rounding to whole grey levels leaves in each of its frequencies: what is below, in
# a drawing without any texture, is not a picture's.
ROUNDING = SIDE / 12**0.5


def _saliency(clues: Clues) -> Found:
    shown = spectral_residual(clues.image)
    # Of the grid's cells, those beside the image hold padding, and nothing stands out there.
    rows, cols = clues.geometry.grid
    left, top, right, bottom = clues.geometry.extent
    width, height = clues.original_size
    x = (left + (np.arange(cols) + 0.5) * (right - left) / cols) / width
    y = (top + (np.arange(rows) + 0.5) * (bottom - top) / rows) / height
    inside = np.outer((y >= 0) & (y < 1), (x >= 0) & (x < 1))
    at_x, at_y = (np.clip((at * SIDE).astype(int), 0, SIDE - 1) for at in (x, y))
    return clues.on(np.where(inside, shown[np.ix_(at_y, at_x)], 0.0))


def spectral_residual(image: Image.Image) -> np.ndarray:
    """Return how much each part of an image stands out, (SIDE, SIDE) float64, 0 or more.

    The spectrum without what is usual in it: Hou and Zhang 2007, "Saliency Detection: A Spectral
    Residual Approach", eq. 11-14.
    """
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), np.float64)
    spectrum = np.fft.fft2(grey)
    log_amplitude = np.log(np.abs(spectrum) + ROUNDING)
    residual = log_amplitude - _mean_of_nine(log_amplitude)
    back = np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
    return smoothed(np.abs(back) ** 2, BLUR)


def _mean_of_nine(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, 1, mode="wrap")
    n, m = values.shape
    return np.mean([padded[i : i + n, j : j + m] for i in range(3) for j in range(3)], axis=0)


ENTRIES = (
    Cropper(
        name="saliency",
        label="Saliency",
        rule="What stands out in the picture, whatever is asked.",
        source='Hou and Zhang 2007, "Saliency Detection: A Spectral Residual Approach"',
        find=_saliency,
        needs=frozenset({Need.PIXELS}),
        control=True,
    ),
)
