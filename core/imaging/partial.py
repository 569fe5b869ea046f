"""JPEG files that survive the loss of parts: rows of blocks that stand alone, and early scans.

A restart marker after each row of blocks lets a decoder begin anew there (ITU-T T.81, F.1.1.5.2; as
RTP carries JPEG, RFC 2435). A row that is lost is left empty, and comes out grey but for its first
block; all others are as they were. A progressive file is decoded from however much of its beginning
arrived. What is put together here is a whole file again, so no switch of Pillow's has to let
damaged ones pass.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from .errors import ImageError

__all__ = ["Parts", "encode_in_rows", "put_together", "upto"]

EOI = b"\xff\xd9"
# In a scan, 0xFF is data only with a 0x00 behind it.
RESTART = re.compile(rb"\xff[\xd0-\xd7]")
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # that ends a scan


@dataclass(frozen=True)
class Parts:
    """A JPEG file in parts. head: tables and sizes, without which nothing can be decoded.

    rows: the coded data of each row of blocks, 16 pixels high.
    """

    head: bytes
    rows: tuple[bytes, ...]


def encode_in_rows(image: Image.Image, quality: int = 75) -> Parts:
    """Return an RGB image as `Codec("jpeg", quality)` has it, with a restart after each row."""
    file, bare = io.BytesIO(), image.copy()
    bare.info = {}
    bare.save(
        file, "JPEG", quality=quality, subsampling="4:2:0", optimize=True, restart_marker_rows=1
    )
    data = file.getvalue()
    start = _scan(data, 2)
    assert start is not None  # Pillow wrote it
    return Parts(data[:start], tuple(RESTART.split(data[start : -len(EOI)])))


def put_together(head: bytes, rows: Sequence[bytes | None]) -> bytes:
    """Return a JPEG file of the rows that are there; None stands for one that is lost."""
    parts = [head]
    for index, row in enumerate(rows):
        if index:
            parts.append(bytes((0xFF, 0xD0 + (index - 1) % 8)))
        parts.append(row or b"")
    return b"".join((*parts, EOI))


def upto(data: bytes) -> bytes:
    """Return a JPEG file of the beginning of one; a progressive one is coarser, not cut.

    Raises ImageError for a beginning that ends before any image data.
    """
    start = _scan(data, 2)  # after the marker of the file's start
    if start is None:
        raise ImageError("Of this JPEG file too little has arrived: send it again.")
    while end := MARKER.search(data, start):
        if end[0] == EOI:
            return data[: end.end()]
        following = _scan(data, end.start())
        if following is None:  # tables of a scan that isn't there
            return data[: end.start()] + EOI
        start = following
    return data.rstrip(b"\xff") + EOI


def _scan(data: bytes, position: int) -> int | None:
    """Where the data of the next scan begin, from the marker at a position on; None: not there."""
    while position + 4 <= len(data) and data[position] == 0xFF:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        begins_scan, position = data[position + 1] == 0xDA, position + 2 + length
        if begins_scan and position < len(data):
            return position
    return None
