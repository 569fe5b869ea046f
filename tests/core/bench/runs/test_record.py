from dataclasses import replace

import pytest

from core.bench.runs.errors import RunError
from core.bench.runs.record import columns_of
from tools.doubles.synthetic import synthetic_run

RECORD = synthetic_run(1).record(0)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": 7}, "id of sample 7 must be a text"),
        ({"answers": ["a"]}, "answers of sample '0' must be a text"),
    ],
)
def test_what_is_not_a_text_is_refused_where_one_belongs(change, named):
    with pytest.raises(RunError, match=named):
        columns_of([replace(RECORD, **change)])


def test_samples_must_agree_on_metrics_and_tokens():
    with pytest.raises(RunError, match="Sample '0' must have the metrics of the others"):
        columns_of([replace(RECORD, scores={"min_entropy": (0.1,), "shannon_entropy": (0.1, 0.2)})])
    with pytest.raises(RunError, match="Sample 'b' must have the metrics of the others"):
        other = replace(RECORD, id="b", scores={"min_entropy": (0.1,)})
        columns_of([RECORD, other])
