"""The original image of a sample of a run, where this machine can make it again.

A run file holds no images. Rendered scenes are made again from their index, if the fonts they were
drawn with are installed; images of published data sets lie wherever the user keeps them, so they
are not looked for.
"""

from __future__ import annotations

from PIL import Image

from core.bench.runs.metadata import Metadata
from core.bench.runs.run import Run

__all__ = ["OriginalMissing", "check_originals", "original"]

SPLITS = ("test", "validation")
MAX_DIGITS = 9  # of the number of a scene


class OriginalMissing(ValueError):
    """The image can't be had here; the text is one sentence that says why."""


def check_originals(run: Run) -> None:
    """Raises OriginalMissing if the images of this run can't be had on this machine."""
    _held_out_fonts(run.metadata)


def original(run: Run, index: int) -> Image.Image:
    """The image that sample `index` of the run asked about. Raises OriginalMissing."""
    held_out = _held_out_fonts(run.metadata)
    from core.bench.datasets.rendered.search import search_image
    from core.bench.datasets.rendered.signs import scene_image

    drawn = search_image if run.metadata.dataset == "signs-search" else scene_image
    split, _, number = run.image_id[index].rpartition("-")
    digits = number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS
    if split not in SPLITS or not digits:
        raise OriginalMissing(f"No scene is called {run.image_id[index]!r:.80}.")
    return drawn(split, int(number), held_out)


def _held_out_fonts(metadata: Metadata) -> bool:
    """Return whether the scenes were drawn with the fonts that are held out from training."""
    dataset = metadata.dataset
    if not dataset.startswith("signs-"):
        raise OriginalMissing(
            f"Run files hold no images, and those of {dataset!r:.80} can't be drawn again."
        )
    from core.signs.fonts import families

    recorded = metadata.source.get("fonts")
    for held_out in (True, False):
        if recorded == list(families(held_out) or ("Pillow's own",)):
            return held_out
    raise OriginalMissing(
        "The scenes of this run can only be drawn with the fonts it was recorded with: "
        'pip install -e ".[train]".'
    )
