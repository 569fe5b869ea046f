from dataclasses import replace

import numpy as np
import pytest

from core.bench.analysis.promises.goal import ASKED, LOST, WRONG, Goal
from core.bench.analysis.promises.guarantee import promise
from core.bench.analysis.promises.refusals import PromiseError
from tests.support.promises import binary
from tools.doubles.synthetic import synthetic_run


def test_what_cannot_be_kept_together_says_what_could_be():
    run = binary(synthetic_run(1_000))
    with pytest.raises(PromiseError, match="No η keeps at most 2 % lost and at most 20 % asked"):
        promise(run, [Goal(LOST, 0.02), Goal(ASKED, 0.2)])
    with pytest.raises(PromiseError, match=r"at most 20 % asked again, about at most [\d.]+ % los"):
        promise(run, [Goal(LOST, 0.02), Goal(ASKED, 0.2)])
    with pytest.raises(PromiseError, match=r"at most 2 % lost, about at most [\d.]+ % asked"):
        promise(run, [Goal(LOST, 0.02), Goal(ASKED, 0.2)])
    with pytest.raises(PromiseError, match=r"The first stage alone costs \d+.* \(bytes\)"):
        promise(run, [Goal("bytes", 100)])


def test_too_few_questions_are_said_before_anything_is_promised():
    run = binary(synthetic_run(113))
    enough = r"takes questions about at least 114 different images; here are 113\."
    with pytest.raises(PromiseError, match=enough):
        promise(run, [Goal(LOST, 0.02)])
    with pytest.raises(PromiseError, match="at least 49 different images; here are 48"):
        promise(run.select(np.arange(48)), [Goal(LOST, 0.02)], None)
    with pytest.raises(PromiseError, match="at least 57"):  # a fifth only lays out the sequence
        promise(run.select(np.arange(50)), [Goal(WRONG, 0.05)])
    one_image = replace(run, image_id=np.full(113, "the same", object))
    with pytest.raises(PromiseError, match="here are 1"):
        promise(one_image, [Goal(LOST, 0.5)])
