"""What the edge sends, what of it the model sees, and whether the local image is the box."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from core.box import Box
from core.edge.device import Edge
from core.imaging import Codec, Geometry
from core.protocol import ask
from core.server.machine import Server
from core.server.stages.maps import geometry_on
from core.transcript import EncodedImage, Transcript
from core.uncertainty import Gate
from core.verify.case import Case, coordinates
from core.verify.report import Finding

_ALWAYS = Gate("min_entropy", 0.0)  # every question is asked again
_KEPT = 0.95  # of the detail that the model could read, to be sent
_FINER = 1.05  # a local image that is no finer than this shows nothing new


def check(case: Case) -> Iterator[Finding]:
    """Yield what is sent and seen of the photo, and where the local image of a second look lies."""
    yield _sent_whole(case)
    case.step("a picture of coordinates, asked about twice")
    yield _crop(case)
    case.step("the photo, asked about twice")
    transcript = ask(Edge(case.photo.image), Server(case.vlm, _ALWAYS), case.photo.question, True)
    yield from _seen(case, transcript)


def _seen(case: Case, transcript: Transcript) -> Iterator[Finding]:
    photo, sent = case.photo.image, transcript.global_image
    view = sent.open()
    fit, geometry = case.vlm.info.fit, case.vlm.geometry(view.size)
    rows, cols = geometry.grid
    share = covered(geometry_on(case.vlm, view.size, photo.size))
    kept = detail_kept(photo.crop(_whole(fit.region(photo.size))), view, geometry)
    facts = {
        "photo": list(photo.size), "sent": list(view.size), "bytes": len(sent.data),
        "input": list(geometry.input_size), "grid": [rows, cols], "fit": fit.how, "covered": share,
        "detail_kept": kept, "visual_tokens": case.vlm.visual_tokens(view.size),
    }  # fmt: skip
    yield Finding(
        "note",
        f"A photo of {_size(photo.size)} pixels is sent as {_size(view.size)} ({fit.how}, "
        f"{len(sent.data):,} bytes as {sent.format}) and read as {_size(geometry.input_size)}: "
        f"{facts['visual_tokens']} visual tokens (n_v), {rows} × {cols} cells.",
        facts,
    )
    if share < 0.995:
        yield Finding(
            "note",
            f"Of this photo {1 - share:.0%} is never seen, and no box can lie there: the model's "
            "own preparation cuts it off.",
            {"covered": share},
        )
    yield Finding(
        "note",
        f"Of the detail that the model could read of it, {min(kept, 1):.0%} is sent"
        + ("." if kept >= _KEPT else ": the first stage sees less than it could."),
        {"detail_kept": kept},
    )
    local, box = transcript.local_image, transcript.box
    assert local is not None and box is not None
    finer = _scale(case, local, box.size) / _scale(case, sent, photo.size)
    yield Finding(
        "note",
        f"The local image shows {_size(box.size)} pixels of it in {_size(local.size)}, read "
        f"{finer:.1f} times as fine as the global image"
        + ("." if finer > _FINER else ": a second look shows nothing that the first didn't."),
        {
            "finer": finer,
            "box": list(box.as_tuple()),
            "local": list(local.size),
            "bytes": len(local.data),
        },
    )


def covered(geometry: Geometry) -> float:
    """Return the share of an image's area that the grid covers."""
    left, top, right, bottom = geometry.extent
    width, height = geometry.source_size
    across = max(min(right, width) - max(left, 0), 0) / width
    return across * max(min(bottom, height) - max(top, 0), 0) / height


def detail_kept(original: Image.Image, view: Image.Image, geometry: Geometry) -> float:
    """Return how much of the gradient energy that a model could read of an original is in the view.

    geometry: of the view. Both images are brought to the resolution in which the model reads the
    view, and compared there.
    """
    scale = geometry.scale
    seen = max(round(scale[0] * view.width), 2), max(round(scale[1] * view.height), 2)
    best, given = (_energy(image.resize(seen, Image.Resampling.BICUBIC)) for image in
                   (original, view))  # fmt: skip
    return float(given / best) if best else 1.0


def _energy(image: Image.Image) -> float:
    pixels = np.asarray(image.convert("L"), dtype=np.float64)
    return float(
        np.square(np.diff(pixels, axis=0)).sum() + np.square(np.diff(pixels, axis=1)).sum()
    )


def _scale(case: Case, sent: EncodedImage, of: tuple[int, int]) -> float:
    """Pixels of the model's input for one of the original, the mean of both axes."""
    return sum(geometry_on(case.vlm, sent.size, of).scale) / 2


def _sent_whole(case: Case) -> Finding:
    """Whether the global image is all of the original."""
    edge = Edge(coordinates(case.size), Codec("png"))
    view = edge.resize(case.vlm.info.fit)
    part = Box(*_whole(case.vlm.info.fit.region(case.size)))
    name = "the whole photo" if part.size == case.size else "the middle of the photo"
    return _judged(region(view, case.size), part, case.size, "global image", name)


def _crop(case: Case) -> Finding:
    """Whether the local image is what the box says, told from its colours."""
    edge = Edge(coordinates(case.size), Codec("png"))
    transcript = ask(edge, Server(case.vlm, _ALWAYS), case.photo.question, force=True)
    local, box = transcript.local_image, transcript.box
    assert local is not None and box is not None
    left, top, right, bottom = _whole(case.vlm.info.fit.region(box.size))
    part = Box(box.left + left, box.top + top, box.left + right, box.top + bottom)
    return _judged(region(local.open(), case.size), part, case.size, "local image", "the box")


def region(part: Image.Image, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of the part of a picture of `coordinates`."""
    pixels = np.asarray(part, dtype=np.float64)
    red, green = pixels[..., 0].mean(axis=0), pixels[..., 1].mean(axis=1)
    edges = []
    for line, length in ((red, size[0]), (green, size[1])):
        # From the inner half: at the very edges, resizing has nothing to average with.
        places = np.arange(len(line)) + 0.5
        inner = slice(len(line) // 4, max(len(line) - len(line) // 4, len(line) // 4 + 2))
        if len(line) < 2:
            edges.append((0.0, float(length)))
            continue
        slope, start = np.polyfit(places[inner], line[inner], 1)
        edges.append((start * length / 255, (start + slope * len(line)) * length / 255))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom


def _judged(
    found: tuple[float, float, float, float],
    meant: Box,
    size: tuple[int, int],
    what: str,
    name: str,
) -> Finding:
    # A level of the colour is size / 255 pixels.
    slack = [max(2 * n / 255, 0.05 * side) for n, side in zip(size, meant.size, strict=True)]
    off = [abs(a - b) for a, b in zip(found, meant.as_tuple(), strict=True)]
    facts = {"found": [round(x, 1) for x in found], "meant": list(meant.as_tuple())}
    if all(a <= b for a, b in zip(off, slack * 2, strict=True)):
        return Finding("passed", f"The {what} shows {name}.", facts)
    shown = " ".join(f"{x:.0f}" for x in found)
    return Finding(
        "failed",
        f"The {what} doesn't show {name}: it shows the pixels {shown} (left, top, right, bottom) "
        f"of the photo in place of {' '.join(map(str, meant.as_tuple()))}.",
        facts,
    )


def _whole(part: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """A region in whole pixels."""
    left, top, right, bottom = part
    return round(left), round(top), round(right), round(bottom)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"
