from dataclasses import replace

import pytest

from core.bench.runs.metadata import Code
from core.bench.runs.series import codec_name, kind, rank
from tests.support.strategies import METADATA


@pytest.mark.parametrize(
    "change",
    [
        {"quality": 20},
        {"machine": "another"},
        {"date": "2027-01-01"},
        {"command": "python"},
        {"versions": {"numpy": "3"}},
        {"code": (Code("a" * 40, True, None),)},
        {"load": {"device": "cuda:1"}},
    ],
)
def test_runs_of_one_kind_differ_in_quality_and_circumstances(change):
    assert kind(replace(METADATA, **change), 9) == kind(METADATA, 9)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "another"},
        {"revision": "another"},
        {"dataset": "another"},
        {"split": "another"},
        {"seed": 1},
        {"codec": "webp"},
        {"prompt": "{question}?"},
        {"source": {"fonts": ["one"]}},
        {"load": {"resolution": 224}},
    ],
)
def test_runs_of_other_questions_or_of_a_model_used_otherwise_are_of_another_kind(change):
    assert kind(replace(METADATA, **change), 9) != kind(METADATA, 9)
    assert kind(METADATA, 8) != kind(METADATA, 9)


def test_a_run_without_a_quality_stands_above_all():
    lossless = replace(METADATA, codec="png", quality=None)
    assert rank(lossless) > rank(replace(METADATA, quality=100)) > rank(METADATA) == 75
    assert (codec_name(lossless), codec_name(METADATA)) == ("PNG", "JPEG 75")


def test_a_run_from_before_there_was_a_fit_was_brought_the_checkpoints_own_way():
    old, same, other = (
        replace(METADATA, load={"dtype": "float32"} | fit)
        for fit in ({}, {"fit": "own"}, {"fit": "pad"})
    )
    assert kind(old, 9) == kind(same, 9) != kind(other, 9)
