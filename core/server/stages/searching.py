"""Croppers that search: parts of the original, and what they don't go with."""

from __future__ import annotations

from math import ceil

from PIL import Image

from core.box import Box
from core.croppers.base import Cropper, CropperError, Need, Wanted
from core.imaging import FINER, Fit
from core.server.stages.received import decoded
from core.sessions import FirstStage
from core.uncertainty import Gate

__all__ = ["check_looks", "part"]

ONE_LOOK = "set the looks to 1 (a gate without rounds, a command without --rounds)"


def part(held: FirstStage, box: Box, fit: Fit) -> Image.Image:
    """Return a part of the original: of the global image, if that shows as much of it, else as the
    edge sent it. Raises Wanted for one that it hasn't sent.
    """
    size, (width, height) = held.message.original_size, held.view_size
    left, top, right, bottom = fit.region(size)
    inside = left <= box.left and top <= box.top and box.right <= right and box.bottom <= bottom
    if inside and fit.finer(size, box.size) < FINER:
        x, y = width / (right - left), height / (bottom - top)
        begin = int((box.left - left) * x), int((box.top - top) * y)
        end = ceil((box.right - left) * x), ceil((box.bottom - top) * y)
        return decoded(held.message, fit).crop((*begin, *end))
    if held.search is None or box not in held.search.sent:
        raise Wanted(box)
    return decoded(held.search.sent[box], fit)


def check_looks(cropper: Cropper, gate: Gate, shared: bool) -> None:
    """Raise ValueError for looks that don't go together, CropperError where it is the cropper's.

    shared: whether edges share a link.
    """
    if shared and gate.rounds:
        raise ValueError(f"The policy of a shared link prices one look: {ONE_LOOK}.")
    if Need.PARTS not in cropper.needs:
        return
    if shared:
        raise CropperError(
            f"The policy of a shared link prices one look, and the cropper {cropper.name!r} takes "
            "many: choose another."
        )
    if gate.rounds:
        raise CropperError(
            f"The cropper {cropper.name!r} sees as many parts as it needs in one look, and takes "
            f"no further ones: {ONE_LOOK}, or choose another cropper."
        )
