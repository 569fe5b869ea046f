"""Croppers: rules for where in the original to look again, each an entry of `CROPPERS`."""

from core.croppers.base import Clues, Cropper, CropperError, Found, Need, Wanted
from core.croppers.registry import CROPPERS, DEFAULT, cropper, label, served

__all__ = [
    "CROPPERS",
    "DEFAULT",
    "Clues",
    "Cropper",
    "CropperError",
    "Found",
    "Need",
    "Wanted",
    "cropper",
    "label",
    "served",
]
