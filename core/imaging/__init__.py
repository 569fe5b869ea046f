"""Images: untrusted files in, encoded messages out, and where their pixels fall in a model.

Needs Pillow only, because the edge client runs it on small boards: no numpy, no torch.
"""

from .codec import Codec, available_formats
from .decode import our_limit_alone
from .errors import ImageError
from .fit import FINER, Fit
from .geometry import Geometry
from .load import MAX_PIXELS, load_image, rgb_of
from .pixels import to_rgb
from .resize import crop_local, downscale

__all__ = [
    "FINER",
    "MAX_PIXELS",
    "Codec",
    "Fit",
    "Geometry",
    "ImageError",
    "available_formats",
    "crop_local",
    "downscale",
    "load_image",
    "our_limit_alone",
    "rgb_of",
    "to_rgb",
]
