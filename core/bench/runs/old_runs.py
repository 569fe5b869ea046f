"""Run files of old schemas: what they lack is made of what they hold.

Those of schema 1 and 2 hold the bytes of all messages of a stage together, not those of each. What
the server said is rebuilt from its text, as `core.messages` writes it; the rest of the bytes went
up. Those of schema 3 and before hold the token scores of second answers as texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np

from core.box import Box
from core.messages import Answer, CropRequest

COUNTS = ("first_message_bytes", "second_message_bytes")  # columns that were replaced
MEASURES = ("hd_message_bytes",)
SECOND_SCORES = "second_scores"  # a column: JSON, metric -> one value per token; "": not known
SESSION = "-" * 22  # as long as those of core.sessions.Sessions: 16 bytes in base64


def message_sizes(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the bytes of each message, (N,) each, by the names of columns of today.

    columns: those of an old file, `box` (N, 4) among them. No message has less than no bytes,
    whatever a file says, and a sample that failed sent none.
    """
    held, bare = Answer("", SESSION).byte_count, Answer("").byte_count
    answer = held + _text_bytes(columns["first_answer"])
    refined = bare + _text_bytes(columns["second_answer"])
    request = CropRequest(SESSION, Box(0, 0, 1, 1)).byte_count - 4  # without its four digits
    request = request + _digits(columns["box"]).sum(axis=1)
    sizes = {
        "question_message_bytes": columns["first_message_bytes"] - answer,
        "answer_message_bytes": answer,
        "crop_request_message_bytes": request,
        "local_image_message_bytes": columns["second_message_bytes"] + answer - request - refined,
        "refined_message_bytes": refined,
    }
    failed = columns["error"] != ""
    sizes = {name: np.where(failed, 0, np.maximum(size, 0)) for name, size in sizes.items()}
    hd_answer = bare + _text_bytes(columns["hd_answer"])
    hd = columns["hd_message_bytes"]
    return sizes | {
        "hd_question_message_bytes": np.maximum(hd - hd_answer, 0.0),
        "hd_answer_message_bytes": np.where(np.isnan(hd), np.nan, hd_answer),
    }


def second_scores(
    texts: Sequence[str], metrics: Sequence[str]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the values of each metric in these texts, one after the other, and tokens per text.

    Raises ValueError, with the end of a sentence, for a text that isn't one of `SECOND_SCORES`.
    """
    lengths = np.zeros(len(texts), np.int64)
    values: dict[str, list[float]] = {metric: [] for metric in metrics}
    for index, text in enumerate(texts):
        if not text:
            continue
        try:
            found = json.loads(text)
            rows = {metric: [float(value) for value in found[metric]] for metric in metrics}
            (lengths[index],) = {len(row) for row in rows.values()}
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ValueError(
                f"must have as many values of each metric in every row, not {text!r:.80}"
            ) from None
        for metric, row in rows.items():
            values[metric] += row
    return {metric: np.array(row) for metric, row in values.items()}, lengths


def _text_bytes(texts: np.ndarray) -> np.ndarray:
    """Bytes of each text as JSON, without its quotation marks, (N,) int64."""
    sizes = (len(json.dumps(t, ensure_ascii=False).encode("utf-8", "replace")) - 2 for t in texts)
    return np.fromiter(sizes, dtype=np.int64, count=len(texts))


def _digits(numbers: np.ndarray) -> np.ndarray:
    """Decimal digits of each whole number, 0 or more."""
    return np.searchsorted(10 ** np.arange(1, 19), numbers, side="right") + 1
