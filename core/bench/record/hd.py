"""The high-resolution baseline: all of the image in more detail, for every question, at once.

A model whose checkpoint reads images in tiles, or as large as they are, reads them so (`--fit own`
of the same weights). Others, the counterpart of LLaVA-1.5-HD in Fig. 4 and 5, get the image at
twice the side: the server cuts it into four tiles and asks the model about five images, all of it
at the usual size, and the tiles, left to right and top to bottom, in the places of local images.
The bundled model was not trained for that.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from core.bench.record.together import Asker
from core.imaging import downscale
from core.protocol import Answer, Edge

TIMES = 2  # the side of the global image


def ask_in_high_resolution(vlm: Asker, edge: Edge, question: str) -> tuple[str, dict[str, Any]]:
    """The answer, and what it took: columns of a `core.bench.runs.record.Record`.

    Raises what the model raises, such as VLMError for one that takes no more than two images.
    """
    start, detailed = time.perf_counter(), vlm.in_full_detail()
    asked, waited = detailed or vlm, detailed.waited if detailed else vlm.waited
    info = asked.info
    width, height = info.input_size
    twice = replace(info.fit, input_size=(TIMES * width, TIMES * height))
    message = edge.question(question, edge.resize(info.fit if detailed else twice))
    received = edge.codec.decode(message.image)
    whole, parts = (received, []) if detailed else (downscale(received, info.fit), tiles(received))
    answer = asked.answer(asked.look(whole), question, parts).text
    n_visual = sum(asked.visual_tokens(image.size) for image in (whole, *parts))
    taken = {
        "hd_answer": answer,
        "hd_bytes": float(message.image_bytes),
        "hd_question_message_bytes": float(message.byte_count),
        "hd_answer_message_bytes": float(Answer(answer).byte_count),
        "hd_flops": float(info.prefill_flops(n_visual) or np.nan),
        "hd_seconds": max(0.0, time.perf_counter() - start - (asked.waited - waited)),
    }
    return answer, taken


def tiles(image: Image.Image) -> list[Image.Image]:
    """The image cut in four; one pixel wide or high, it is in two tiles as it is."""
    x, y = max(1, image.width // 2), max(1, image.height // 2)
    left, top = min(x, image.width - 1), min(y, image.height - 1)
    boxes = [(a, b, c, d) for b, d in ((0, y), (top, image.height))
             for a, c in ((0, x), (left, image.width))]  # fmt: skip
    return [image.crop(box) for box in boxes]
