"""Photos as telephones write them. The product only reads HEIC; tests write it, too."""

from functools import cache

import pi_heif
import pillow_heif


@cache
def write() -> None:
    """Let Pillow write HEIC by pillow-heif, and go on reading it as the product does."""
    pillow_heif.register_heif_opener()
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
