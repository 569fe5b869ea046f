"""What sliders and programs send, read as what a first stage needs, or one sentence why not."""

from __future__ import annotations

import math
from typing import Any

from core.croppers import DEFAULT, served
from core.cropping import Box
from core.imaging import Codec, ImageError
from core.protocol import ProtocolError
from core.uncertainty import METRICS, Gate
from dashboard.case import Case, ask_first, with_looks
from dashboard.hosting.live import LiveModel

NOT_CALIBRATED = "Not calibrated for this model: this is where every model begins."

MOST_LOOKS = 5  # that a visitor may allow; an edge sends no more, either

# Sliders and images come as they were sent, whatever range or format a component would insist on:
# the complaint would be the framework's own, and on every panel at once. They are read here.
RAW = {"preprocess": False}


def path_of(upload: Any) -> str | None:
    """Return the path of an image as the browser or a program sends it; None if there is none."""
    return upload.get("path") if isinstance(upload, dict) else upload


def gate(metric: str, eta: float) -> Gate:
    """Return a gate. Raises ProtocolError."""
    try:
        return Gate(metric, float(eta))
    except (TypeError, ValueError):
        names = ", ".join(METRICS)
        raise ProtocolError(f"The gate needs a number for η, and one of {names}.") from None


def looking(cropper: str, looks: float) -> tuple[str, int]:
    """Return who looks, and how many times at most. Raises ProtocolError."""
    if not isinstance(cropper, str) or cropper not in served():
        raise ProtocolError(f"The cropper must be one of {', '.join(served())}.")
    try:
        whole = int(looks)
    except (TypeError, ValueError, OverflowError):
        whole = 0
    if not 1 <= whole <= MOST_LOOKS:
        raise ProtocolError(f"The looks must be a whole number from 1 to {MOST_LOOKS}.")
    return cropper, whole


def codec(format: str, quality: float) -> Codec:
    """Return a codec. Raises ImageError."""
    try:
        quality = int(quality)
    except (TypeError, ValueError, OverflowError):
        raise ImageError("The quality must be a whole number from 1 to 100.") from None
    try:
        return Codec(format, quality)
    except ValueError as error:
        raise ImageError(str(error)) from None


def begin(
    live: LiveModel,
    image: Any,
    question: str,
    metric: str,
    eta: float,
    format: str,
    quality: float,
    local_format: str,
    local_quality: float,
    cropper: str = DEFAULT,
    looks: float = 1,
) -> Case:
    """Return the first stage. image: a path, or what `path_of` reads.

    Raises ImageError, ProtocolError or VLMError.
    """
    cropper, looks = looking(cropper, looks)
    return live.run(
        ask_first,
        path_of(image),
        str(question or ""),
        with_looks(gate(metric, eta), looks),
        codec(format, quality),
        codec(local_format, local_quality),
        cropper,
    )


def as_box(edges: Any) -> Box:
    """Return a box from left, top, right, bottom. Raises ImageError; the edge knows if it fits."""
    try:
        left, top, right, bottom = (int(edge) for edge in edges)
    except (TypeError, ValueError, OverflowError):
        raise ImageError(
            "The box must be four whole numbers: left, top, right, bottom, in pixels of the"
            " original."
        ) from None
    return Box(left, top, right, bottom)


def eta_slider(metric: str, eta: float, calibrated: bool = True) -> dict[str, Any]:
    """Return label, range and value of the slider for one metric.

    calibrated: η was set for this model, or by this user.
    """
    entry = METRICS[metric]
    unit = f" ({entry.unit})" if entry.unit else ""
    side = "or more" if entry.higher_is_uncertain else "or less"
    # Means over an answer of several bits are rare; a larger default makes room for itself.
    reach = max(4.0, math.ceil(2 * abs(eta)))
    low, high = entry.bounds
    low = math.floor(eta - reach) if math.isinf(low) else low
    high = max(low + reach, math.ceil(eta + reach / 2)) if math.isinf(high) else high
    return {
        "label": f"Threshold η{unit}",
        "info": f"A second look is taken where the {entry.phrase} is η {side}."
        + ("" if calibrated else f" {NOT_CALIBRATED}"),
        "minimum": low,
        "maximum": high,
        "step": 0.01,
        "value": eta,
    }
