from dataclasses import replace

import pytest

from core.bench.runs.errors import RunError
from core.bench.runs.run import Run
from tests.support.strategies import METADATA
from tools.doubles.synthetic import synthetic_run

RECORD = synthetic_run(1).record(0)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"first_score": 1.1}, "first_score from 0 to 1"),
        ({"second_score": float("nan")}, "second_score from 0 to 1"),
        ({"global_bytes": 0}, "global_bytes of at least 1"),
        ({"reference_bytes": 1 << 41}, "reference_bytes"),
        ({"local_image_message_bytes": -1}, "local_image_message_bytes of at least 0"),
        ({"first_flops": float("inf")}, "finite first_flops"),
        ({"second_seconds": -1.0}, "finite second_seconds"),
        ({"second_flops_exact": float("inf")}, "finite second_flops_exact"),
        ({"box_hit": 2}, "box_hit that is true, false or not known"),
        ({"box": RECORD.box.__class__(5, 5, 5, 9)}, "a box with"),
        ({"scores": {}}, "token scores of at least one metric"),
        ({"scores": {"min_entropy": ()}}, "at least one token"),
        ({"scores": {"min_entropy": (0.1,) * 10_001}}, "at most 10,000 tokens"),
        ({"scores": {"min_entropy": (0.1, float("nan"))}}, "finite min_entropy"),
        ({"scores": {"min_entropy": (float("inf"),)}}, "finite min_entropy"),
        ({"scores": {"guess": (0.1,)}}, "metric 'guess', which this version doesn't know"),
    ],
)
def test_a_sample_that_cannot_be_is_refused_by_name(change, named):
    with pytest.raises(RunError, match=named):
        Run.from_records([replace(RECORD, **change)], METADATA)


def test_an_id_is_there_once():
    with pytest.raises(RunError, match=r"Sample 1 \('0'\) must have an id that no other"):
        Run.from_records([RECORD, RECORD], METADATA)


def test_columns_must_fit_together():
    run = synthetic_run(3)
    with pytest.raises(RunError, match="Column question"):
        replace(run, question=run.question[:2])
    with pytest.raises(RunError, match="offsets"):
        replace(run, offsets=run.offsets[:-1])
    with pytest.raises(RunError, match="offsets of first answers must start at 0"):
        replace(run, offsets=run.offsets + 1)
    with pytest.raises(RunError, match="one value for each of"):
        replace(run, scores={"min_entropy": run.scores["min_entropy"][1:]})
