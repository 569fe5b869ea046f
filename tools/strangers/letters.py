"""Typefaces, with Pillow's own where one isn't installed."""

from __future__ import annotations

from functools import cache

from PIL import ImageFont

FACES = (
    "dm-sans",
    "lexend",
    "overpass",
    "spectral",
    "zilla-slab",
    "kalam",  # handwriting
    "archivo-narrow",
    "libre-baskerville",
    "viga",
    "source-code-pro",
    "titan-one",
)


@cache
def typeface(name: str, size: int, weight: int = 400) -> ImageFont.FreeTypeFont:
    """Return a typeface of FACES, or Pillow's own, at a size in pixels."""
    try:
        from fontpkg.pil import truetype

        return truetype(
            name, size, weight=weight, nearest=True, layout_engine=ImageFont.Layout.BASIC
        )
    except (ImportError, LookupError):  # fontpkg, or its package of this family, isn't installed
        return ImageFont.load_default(size)


def installed() -> list[str]:
    """Return those of FACES that are here."""
    own = ImageFont.load_default(20).getname()
    return [name for name in FACES if typeface(name, 20).getname() != own]
