"""Small invented runs with what makes analysis hard: ties, failures, images asked about twice."""

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from core.bench.runs.metadata import Metadata
from core.bench.runs.record import Record
from core.bench.runs.run import Run
from core.cropping import Box
from core.uncertainty import METRICS

METADATA = Metadata(
    model="synthetic", revision="abc", parameters=7, dataset="invented", split="test", seed=0,
    codec="jpeg", quality=75, prompt="{question}", versions={"numpy": "2"}, machine="none",
    date="2026-01-01", command="",
)  # fmt: skip

# A run takes a millisecond to make; on a machine that is busy with something else, a hundred.
patient = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

# Few values, so that samples tie; tenths, so that rounding would untie them in another order.
TOKEN_VALUES = np.array([0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0])
SCORES = np.array([0.0, 0.3, 0.6, 1.0])


def record(rng: np.random.Generator, index: int, images: int, tied: bool) -> Record:
    """An answered sample. tied: tokens take few values, so that whole answers often tie."""
    tokens = int(rng.integers(1, 4 if tied else 20))
    palette = TOKEN_VALUES if tied else rng.random(20)
    left, top, width, height, *sizes = (int(n) for n in rng.integers(1, 50, 9))
    return Record(
        id=f"q{index}",
        image_id=f"image {rng.integers(images)}",
        question="Größe?",
        prompt="asked",
        answers='["a"]',
        first_answer="first",
        second_answer="second",
        first_score=float(rng.choice(SCORES)),
        second_score=float(rng.choice(SCORES)),
        global_bytes=sizes[0],
        local_bytes=sizes[1],
        reference_bytes=sizes[2],
        question_message_bytes=sizes[3] - 1,
        answer_message_bytes=1,
        crop_request_message_bytes=1,
        local_image_message_bytes=sizes[4] - 1,
        first_flops=float(rng.integers(1, 4)),
        second_flops=float(rng.integers(0, 4)),
        first_seconds=float(rng.random()),
        second_seconds=float(rng.random()),
        box=Box(left, top, left + width, top + height),
        box_hit=[True, False, None][rng.integers(3)],
        scores={metric: tuple(rng.choice(palette, tokens).tolist()) for metric in METRICS},
        second_scores={metric: tuple(rng.choice(palette, again).tolist()) for metric in METRICS}
        if (again := rng.integers(0, 4))
        else None,
    )


def failure(index: int) -> Record:
    return Record(f"q{index}", "image 0", "?", "asked", "[]", error="It failed.")


@st.composite
def runs(draw, max_size: int = 8) -> Run:
    """Runs in which at least one sample was answered."""
    failed = draw(st.lists(st.integers(0, 5).map(lambda n: n == 5), max_size=max_size - 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tied, images = draw(st.booleans()), draw(st.integers(1, 4))
    return Run.from_records(
        [
            failure(i) if fails else record(rng, i, images, tied)
            for i, fails in enumerate([False, *failed])
        ],
        METADATA,
    )
