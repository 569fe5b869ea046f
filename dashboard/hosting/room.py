"""Room in memory for the originals of all who ask at the same time.

Questions are answered together, and each holds its original while it is: sixteen photographs of 48
megapixels would take 2.3 GB. So those that don't fit wait, in the order in which they came.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from core.imaging.decode import readable_formats

PIXELS = 64 * 2**20  # decoded at the same time; one image may have more


class Room:
    """Room for so many pixels, of any number of images; one that is larger has it alone."""

    def __init__(self, pixels: int = PIXELS):
        self.pixels = pixels
        self._taken = 0
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def holding(self, path: str) -> Iterator[None]:
        """Hold room for this image, within. A file that isn't one takes none."""
        pixels = min(_pixels(path), self.pixels)
        turn = object()
        with self._changed:
            self._line.append(turn)
            try:
                self._changed.wait_for(
                    lambda: self._line[0] is turn and self._taken + pixels <= self.pixels
                )
                self._taken += pixels
            finally:
                self._line.remove(turn)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()


def _pixels(path: str) -> int:
    try:
        with Image.open(path, formats=readable_formats()) as image:
            return image.width * image.height
    except Exception:  # whoever reads it whole says what is wrong
        return 0
