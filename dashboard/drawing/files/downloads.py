"""A case as files to keep: the transcript, and the pictures.

They are made when asked for and handed to the browser whole, so nothing stays on the machine.
"""

from __future__ import annotations

import base64
import io
import zipfile

from PIL import Image

from core.imaging import load_image
from core.transcript import Transcript
from dashboard.case import Case
from dashboard.drawing.overlays import heatmap, outline, spotlight

Parcel = dict[str, str]  # name, type and base64, as page.js takes them


def transcript_file(transcript: Transcript) -> Parcel:
    """Return all of it as JSON: `Transcript.from_json` reads it."""
    return parcel("transcript.json", "application/json", transcript.to_json().encode())


def picture_file(case: Case) -> Parcel:
    """Return a ZIP of the images as they were sent, to the byte, and of the overlays as PNG.

    Raises ImageError if the original is no longer there.
    """
    transcript = case.transcript
    files = {f"global.{transcript.global_image.format}": transcript.global_image.data}
    if transcript.local_image is not None:
        files[f"local.{transcript.local_image.format}"] = transcript.local_image.data
    for number, one in enumerate(transcript.rounds, start=2):
        files[f"local-{number}.{one.local_image.format}"] = one.local_image.data
    if case.elsewhere is not None:
        other = case.elsewhere.local_image
        files[f"local-own-box.{other.format}"] = other.data
    if transcript.box is not None:
        original = load_image(case.image)
        files["box.png"] = _png(spotlight(original, transcript.box))
        if transcript.attention is not None:
            for name in ("searched", "relative", "question", "generic"):
                weights = getattr(transcript.attention, name)
                if weights is None:
                    continue
                heat = heatmap(original, weights, transcript.attention.extent)
                if weights is transcript.attention.shown:
                    heat = outline(heat, transcript.box, transcript.original_size)
                files[f"attention-{name}.png"] = _png(heat)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as pack:  # stored: pictures don't get smaller
        for name, data in files.items():
            pack.writestr(name, data)
    return parcel("pictures.zip", "application/zip", archive.getvalue())


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def parcel(name: str, kind: str, data: bytes) -> Parcel:
    """Return a file as the browser is handed it; kind: its media type."""
    return {"name": name, "type": kind, "base64": base64.b64encode(data).decode("ascii")}
