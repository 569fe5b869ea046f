"""All pictures, and their questions as the data set `folder` takes them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from tools.strangers.asks import Picture
from tools.strangers.distant import DISTANT
from tools.strangers.drawing import draw
from tools.strangers.indoors import INDOORS
from tools.strangers.papers import PAPERS
from tools.strangers.second import PICTURES
from tools.strangers.shops import SHOPS
from tools.strangers.streets import STREETS
from tools.strangers.things import THINGS

SERIES = {
    "first": PAPERS + STREETS + INDOORS + SHOPS + DISTANT + THINGS,
    "second": PICTURES,
}


def encoded(picture: Picture) -> bytes:
    """Return the picture's file: PNG, or JPEG as a telephone would store it."""
    file = io.BytesIO()
    if picture.name.endswith(".png"):
        draw(picture.size, picture.parts).save(file, "PNG")
    else:
        draw(picture.size, picture.parts).save(file, "JPEG", quality=90)
    return file.getvalue()


def questions(pictures: Iterable[Picture], folder: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of the questions' file, for pictures in that folder beside it."""
    for picture in pictures:
        for place, ask in enumerate(picture.asks, start=1):
            yield {
                "id": f"{PurePosixPath(picture.name).stem}-{place}",
                "image": f"{folder}/{picture.name}",
                "question": ask.question,
                "answers": list(ask.answers),
                "kind": ask.kind,
            }
