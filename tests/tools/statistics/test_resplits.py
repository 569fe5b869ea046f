from dataclasses import replace

import numpy as np
import pytest

from core.bench.analysis.promises.goal import ASKED, LOST, Goal
from core.bench.analysis.promises.questions import Questions
from tools.doubles.synthetic import synthetic_run
from tools.statistics.resplits import KINDS, by_source, invented, noticed, of_run, resplit, summary

DRAWS = 100
NOISE = 3 * np.sqrt(0.1 * 0.9 / DRAWS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_promise_is_broken_in_at_most_delta_of_the_draws(kind):
    plain, average, confident = resplit(invented(kind), Goal(LOST, 0.05), 200, DRAWS)
    assert confident.broken <= 0.1 + NOISE
    assert plain.broken > 0.3
    assert average.value <= 0.05 + 0.002
    assert plain.asked < average.asked < confident.asked < 0.8


def test_a_budget_is_kept_too():
    plain, average, confident = resplit(invented(KINDS[0]), Goal(ASKED, 0.4), 300, DRAWS)
    assert confident.broken <= 0.1 + NOISE < plain.broken
    assert average.value <= 0.4 + 0.005
    assert confident.asked < average.asked


def test_questions_about_one_image_that_count_as_many_break_the_promise():
    """Why the units are images."""
    several = invented(KINDS[2])

    def draw(rng, size):
        questions = several.draw(rng, size)
        return Questions(
            questions.ranked, np.arange(len(questions)), questions.first_score,
            questions.second_score, questions.costs,
        )  # fmt: skip

    apart = type(several)("apart", draw, several.lost, several.asked)
    confident = resplit(apart, Goal(LOST, 0.05), 200, DRAWS)[2]
    assert confident.broken > 0.1 + NOISE


def test_the_truth_of_a_run_is_the_run():
    questions = Questions.of(synthetic_run(500), "min_entropy")
    source = of_run("some", questions)
    gains = np.maximum(questions.second_score - questions.first_score, 0)
    for eta in questions.candidates[::50]:
        assert source.lost(eta) == pytest.approx((gains * (questions.ranked < eta)).mean())
        assert source.asked(eta) == pytest.approx((questions.ranked >= eta).mean())


def test_what_takes_more_questions_stays_empty_in_the_table():
    goal = Goal(LOST, 0.01)
    rows = resplit(invented(KINDS[0]), goal, 200, 2)
    assert np.isnan(rows[2].broken) and rows[0].broken >= 0
    assert summary(rows).splitlines()[2].endswith("| – | – | – |")


def test_a_shift_is_noticed_and_none_where_there_is_none():
    run = Questions.of(synthetic_run(1_500), "min_entropy")
    shifted = replace(run, ranked=run.ranked + 0.3)
    found, false = noticed(run, shifted, Goal(LOST, 0.2), 500, 5)
    assert (found, false) == (1, 0)
    assert noticed(run, run, Goal(LOST, 0.2), 500, 5)[0] == 0


def test_the_table_of_one_size_has_a_line_for_each_source():
    goal = Goal(LOST, 0.05)
    rows = [row for kind in KINDS[:2] for row in resplit(invented(kind), goal, 200, 3)]
    lines = by_source(rows, goal, 200).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| invented, 0/1 scores", "| invented, soft scores"
    ]  # fmt: skip
