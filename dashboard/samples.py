"""The sample images: `assets/samples/samples.json` and the pictures beside it."""

import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from core.support.bundled import SAMPLES

THUMBNAIL = (320, 320)


@dataclass(frozen=True)
class BundledSample:
    path: Path
    question: str
    title: str  # a few words, below the thumbnail
    note: str  # what it shows, one sentence
    source: str = ""  # whose picture it is, and its licence; "": drawn for this project

    def thumbnail(self) -> Image.Image:
        """Return the picture, no larger than THUMBNAIL."""
        with Image.open(self.path) as image:
            image.draft("RGB", THUMBNAIL)  # decodes a JPEG at a fraction of its size, much faster
            small = image.convert("RGB")
        small.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
        return small


def load_samples(folder: Path = SAMPLES) -> tuple[BundledSample, ...]:
    """Return the samples of `folder`, in their order; none if it has no samples.json."""
    listing = folder / "samples.json"
    if not listing.is_file():
        return ()
    entries = json.loads(listing.read_text(encoding="utf-8"))
    return tuple(
        BundledSample(
            folder / entry["file"],
            entry["question"],
            entry["title"],
            entry["note"],
            entry.get("source", ""),
        )
        for entry in entries
    )
