"""What is sent to an engine: a user's message with images as data URLs, and how to answer it."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any

from PIL import Image

from core.imaging import Codec
from core.vlm.engine.address import Address

__all__ = ["body", "data_url", "defused"]

# Engines write the question into a template, and read special tokens wherever they are spelled.
_SPELLED = re.compile(r"<(?=\|[^<>]{0,40}\|>|/?[a-z_][\w-]{0,40}>)|\[(?=/?[A-Z_]{2,40}\])")


def data_url(image: Image.Image) -> str:
    """Return an image as a data URL, without loss: the engine sees what crossed the link."""
    encoded = base64.b64encode(Codec("png").encode(image)).decode("ascii")
    return f"data:image/png;base64,{encoded}"


def defused(text: str) -> str:
    """Return a question in which nothing is spelled like a special token: "<image>" becomes
    "< image>"."""
    return _SPELLED.sub(lambda found: f"{found[0]} ", text)


def body(
    address: Address, urls: Sequence[str], text: str, max_tokens: int, likeliest: int
) -> dict[str, Any]:
    """Return the JSON of a request.

    urls: of the images, the global one first in every request about it, so that an engine finds
    what it has read of it. likeliest: alternatives of each token to be told.
    """
    images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {
        "model": address.model,
        "messages": [{"role": "user", "content": [*images, {"type": "text", "text": text}]}],
        "max_tokens": max_tokens + address.thinking,
        "temperature": 0,
        "logprobs": True,
        "top_logprobs": likeliest,
        "stream": False,
    } | address.fields
