"""A record: what is recorded of one sample of a run, and the columns that many of them make.

A cost of the second stage is always what retransmitting *adds* to the first one's (eq. 20).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from core.bench.runs.errors import RunError
from core.cropping import Box

NO_BOX = (-1, -1, -1, -1)
BOX = ("box_left", "box_top", "box_right", "box_bottom")  # columns of tables and files
# Of the columns with a metric's token scores, of first and of second answers.
PREFIX, SECOND_PREFIX = "tokens_", "second_tokens_"


@dataclass(frozen=True)
class Record:
    """One sample of a run. One that failed has an `error`, and defaults everywhere else."""

    id: str  # unique in its run, but for one row a round
    image_id: str
    question: str  # as published
    prompt: str  # as put to the model
    answers: str  # JSON: what the answers are scored against
    group: str = ""  # the data set's own class of question
    # Which local image `second_…` is of. A row of a later one has the look before it for its first
    # stage: `first_…`, `scores` and `answer_message_bytes` are of the answer it was asked after.
    round: int = 1
    first_answer: str = ""
    second_answer: str = ""
    first_score: float = np.nan  # 0..1
    second_score: float = np.nan
    global_bytes: int = 0  # the encoded global image
    local_bytes: int = 0  # the encoded local image, and the parts that a search was sent
    reference_bytes: int = 0  # the global image as JPEG of quality 100 (section VII-F)
    # Each message on the wire, headers included. If the first answer stands, question and answer
    # cross the link; if not, the crop request comes in place of the answer, and two more follow.
    question_message_bytes: int = 0
    answer_message_bytes: int = 0
    crop_request_message_bytes: int = 0
    local_image_message_bytes: int = 0
    refined_message_bytes: int = 0  # the answer from both images
    first_flops: float = np.nan  # as the paper counts them (eq. 18); 0: not known
    second_flops: float = np.nan  # (eq. 19)
    first_flops_exact: float = np.nan  # counted on the loaded model; NaN where they weren't
    second_flops_exact: float = np.nan
    first_visual_tokens: float = np.nan  # that the language model reads
    second_visual_tokens: float = np.nan  # of both images: not what the second one adds
    first_prompt_tokens: float = np.nan  # all that it reads, the text included; NaN: not counted
    second_prompt_tokens: float = np.nan
    first_seconds: float = np.nan  # wall clock of the computation; the link is not in it
    second_seconds: float = np.nan
    box: Box | None = None  # pixels of the original image
    box_fallback: str = ""  # why the cropper's rule gave no box, and `box` is another; "": it did
    box_contrast: float = np.nan  # of what the box was found on, see `core.hits.contrast`
    # What crossed the link while the cropper searched, up and down, and how often: it looked at
    # parts of the original before it chose. NaN: not recorded, and none before there was a search.
    search_up_bytes: float = np.nan
    search_down_bytes: float = np.nan
    search_round_trips: float = np.nan
    finer: float = np.nan  # times as fine as the global image the local one is; 1: not at all
    truth_boxes: str = "[]"  # JSON: [[left, top, right, bottom], ...], where they are known
    box_hit: bool | None = None  # does the box hold a true one? None: not known
    random_hit: float = np.nan  # how often a box of that size, laid at random, would
    letter_height: float = np.nan  # of a capital that has to be read, pixels of the global image
    guided_answer: str = ""  # with the local image of the true box; "" where that isn't measured
    guided_score: float = np.nan
    # The high-resolution baseline (core.bench.record.hd), always. NaN: not measured.
    hd_answer: str = ""
    hd_score: float = np.nan
    hd_bytes: float = np.nan  # the encoded image
    hd_question_message_bytes: float = np.nan  # the messages on the wire
    hd_answer_message_bytes: float = np.nan
    hd_flops: float = np.nan  # as the paper counts them (eq. 17)
    hd_seconds: float = np.nan
    error: str = ""
    # Metric -> one value per token of the first answer, and of the second, both of the same
    # metrics; None: of the second they weren't recorded.
    scores: dict[str, tuple[float, ...]] | None = None
    second_scores: dict[str, tuple[float, ...]] | None = None


TEXTS = tuple(f.name for f in fields(Record) if f.type == "str")
COUNTS = tuple(f.name for f in fields(Record) if f.type == "int")
MEASURES = (*(f.name for f in fields(Record) if f.type == "float"), "box_hit")
MESSAGES = tuple(name for name in COUNTS if name.endswith("_message_bytes"))
# NaN where they aren't known, or not measured.
SHARES = ("random_hit", "guided_score", "hd_score")
OPTIONAL_COSTS = ("first_flops_exact", "second_flops_exact", "letter_height", "finer", "hd_bytes",
                  "hd_question_message_bytes", "hd_answer_message_bytes", "hd_flops", "hd_seconds",
                  "first_visual_tokens", "second_visual_tokens", "first_prompt_tokens",
                  "second_prompt_tokens", "box_contrast", "search_up_bytes",
                  "search_down_bytes", "search_round_trips")  # fmt: skip
OPTIONAL = ("box_hit", *SHARES, *OPTIONAL_COSTS)


def columns_of(records: Iterable[Record]) -> dict[str, Any]:
    """Return the columns of these samples, in their order, as `Run.from_rows` takes them.

    Raises RunError for a text that isn't one, and for token scores that don't fit together.
    """
    rows = list(records)
    for row in rows:  # here, because an array would turn 7 into a text and "7" into a number
        for name in TEXTS:
            if not isinstance(getattr(row, name), str):
                raise RunError(f"{name} of sample {row.id!r:.80} must be a text.")
    columns: dict[str, Any] = {}
    for name in TEXTS:
        columns[name] = np.array([getattr(row, name) for row in rows], dtype=object)
    for name in COUNTS:
        columns[name] = np.array([getattr(row, name) for row in rows])
    for name in MEASURES:
        values = (getattr(row, name) for row in rows)
        columns[name] = np.array([np.nan if value is None else value for value in values])
    boxes = [NO_BOX if row.box is None else row.box.as_tuple() for row in rows]
    columns["box"] = np.array(boxes, dtype=np.int64).reshape(-1, 4)
    metrics = next((list(row.scores) for row in rows if row.scores), [])
    first = [row.scores or {} for row in rows]
    columns["scores"], columns["offsets"] = _ragged(rows, first, metrics)
    second = [row.second_scores or {} for row in rows]
    columns["second_scores"], columns["second_offsets"] = _ragged(
        rows, second, metrics if any(second) else []
    )
    return columns


def _ragged(
    rows: list[Record], per_row: list[dict[str, tuple[float, ...]]], metrics: list[str]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return one array a metric of the values of all rows, and the offsets of each row in it."""
    lengths = [len(next(iter(scores.values()), ())) for scores in per_row]
    for row, scores, length in zip(rows, per_row, lengths, strict=True):
        if (scores and scores.keys() != set(metrics)) or any(
            len(values) != length for values in scores.values()
        ):
            raise RunError(
                f"Sample {row.id!r:.80} must have the metrics of the others, "
                "and as many values of each as it has tokens."
            )
    values = {
        metric: np.array([v for scores in per_row for v in scores.get(metric, ())])
        for metric in metrics
    }
    return values, np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
