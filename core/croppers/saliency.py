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
    return clues.on(clues.on_grid(spectral_residual(clues.image)))


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
