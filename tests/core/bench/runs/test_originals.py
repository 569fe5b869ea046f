from dataclasses import replace

import numpy as np
import pytest

from core.bench.datasets import load_dataset
from core.bench.runs.originals import OriginalMissing, check_originals, original
from tools.doubles.synthetic import synthetic_run


def _run(**metadata):
    run = synthetic_run(3)
    return replace(run, metadata=replace(run.metadata, **metadata))


@pytest.mark.parametrize(
    ("name", "fonts"),
    [("signs-text", "training"), ("signs-text", "held-out"), ("signs-search", "held-out")],
)
def test_a_scene_is_drawn_again_with_the_fonts_of_the_run(name, fonts):
    dataset = load_dataset(name, "validation", options={"fonts": fonts})
    run = _run(dataset=name, split="validation", source=dataset.source)
    run = replace(run, image_id=np.array([dataset[i].image_id for i in range(3)], dtype=object))
    assert np.array_equal(np.asarray(original(run, 1)), np.asarray(dataset[1].image))


def test_what_cannot_be_drawn_is_one_sentence():
    with pytest.raises(OriginalMissing, match="can't be drawn again"):
        check_originals(_run(dataset="textvqa"))
    with pytest.raises(OriginalMissing, match="fonts it was recorded with"):
        check_originals(_run(dataset="signs-text", source={"fonts": ["Nobody's Grotesk"]}))


@pytest.mark.parametrize("name", ["", "train-1", "test-", "test-²", "test-" + "1" * 30, "../x-1"])
def test_no_scene_of_a_name_that_a_run_file_may_hold(name):
    source = load_dataset("signs-text", "validation").source
    run = _run(dataset="signs-text", split="validation", source=source)
    run = replace(run, image_id=np.full(3, name, dtype=object))
    with pytest.raises(OriginalMissing, match="No scene is called"):
        original(run, 0)
