from dataclasses import replace

import numpy as np
import pytest

from core.bench.analysis.calibration import halves
from core.bench.analysis.keeping import best_margin, compare, keeping
from core.bench.runs.errors import RunError
from core.bench.runs.files import load_run, save_run
from core.bench.runs.run import Run
from core.uncertainty import METRICS, aggregate
from tests.support.seconds import with_second_scores
from tools.doubles.synthetic import synthetic_run

RUN = with_second_scores(synthetic_run(600))


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_the_uncertainty_of_second_answers_is_that_of_their_tokens(metric, tmp_path):
    save_run(RUN, tmp_path / "run.parquet")
    for run in (RUN, load_run(tmp_path / "run.parquet"), RUN.select(np.arange(600)[::-1])):
        found = run.second_uncertainty(metric)
        for i in (0, 7, 599):
            tokens = run.record(i).second_scores[metric]
            assert found[i] == aggregate(tokens, aggregation=METRICS[metric].aggregation)


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
def test_the_surer_answer_is_kept_sample_by_sample(metric):
    sign = 1 if METRICS[metric].higher_is_uncertain else -1
    for margin in (0.0, 0.3):
        kept = keeping(RUN, margin, metric)
        for i in range(0, 600, 50):
            less = sign * (RUN.second_uncertainty(metric)[i] - RUN.uncertainty(metric)[i])
            wanted = RUN.first_score[i] if less > margin else RUN.second_score[i]
            assert kept.second_score[i] == wanted
    assert keeping(RUN, np.inf, metric) is RUN


def test_no_other_margin_keeps_more_right_answers():
    best = keeping(RUN, best_margin(RUN)).second_score.mean()
    less = RUN.second_uncertainty() - RUN.uncertainty()
    for margin in (0.0, *less[less > 0], np.inf):
        assert keeping(RUN, float(margin)).second_score.mean() <= best + 1e-12


def test_the_margin_is_judged_on_questions_it_has_not_seen():
    second, surer, unless = compare(RUN)
    assert [row.policy for row in (second, surer, unless)] == [
        "second",
        "surer",
        "unless less sure",
    ]
    here, there = halves(RUN)
    assert unless.margins == (best_margin(there), best_margin(here))
    right = [
        keeping(half, margin).second_score.sum()
        for half, margin in zip((here, there), unless.margins, strict=True)
    ]
    assert unless.accuracy == pytest.approx(sum(right) / len(RUN))
    assert second.ahead.estimate == second.ahead.low == second.ahead.high == 0
    for row in (surer, unless):
        assert row.ahead.estimate == pytest.approx(row.accuracy - second.accuracy)
        assert row.ahead.low <= row.ahead.estimate <= row.ahead.high


def test_a_run_without_them_says_so_and_a_sample_without_is_named():
    with pytest.raises(ValueError, match="record it anew"):
        keeping(synthetic_run(5), 0.0)
    rows = [RUN.record(i) for i in range(5)]
    run = Run.from_records([*rows[:3], replace(rows[3], second_scores=None)], RUN.metadata)
    with pytest.raises(RunError, match="Sample 3 .* must have scores of its second answer"):
        run.second_uncertainty()
