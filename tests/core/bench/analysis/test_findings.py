"""Sentences must say what the run says: here of runs whose answer is known beforehand."""

import re
from dataclasses import replace

import numpy as np
import pytest

from core.bench.analysis import findings
from core.bench.analysis.curves import full, high_resolution, initial, operating_point, tradeoff
from core.uncertainty import METRICS, Gate
from tools.doubles.synthetic import synthetic_run

N = 600
RUN = synthetic_run(N)


def ranked_run(order, first, second):
    """One token an answer, whose every metric gives the same order of uncertainty."""
    plain = synthetic_run(N, max_tokens=1)
    scores = {m: order if METRICS[m].higher_is_uncertain else -order for m in plain.scores}
    scores["probability_margin"] = 1 - order
    return replace(plain, scores=scores, first_score=first, second_score=second)


@pytest.fixture
def oracle():
    """The least certain third is wrong at first, and mended."""
    order = np.linspace(0, 1, N)
    return ranked_run(order, (order < 2 / 3).astype(float), np.ones(N))


@pytest.fixture
def blind():
    """Certainty has nothing to do with being right."""
    rng = np.random.default_rng(0)
    return ranked_run(rng.random(N), (np.arange(N) % 3 > 0).astype(float), np.ones(N))


def test_a_gate_that_knows_is_above_random_and_one_that_does_not_is_not(oracle, blind):
    knows, guesses = findings.against_random(oracle), findings.against_random(blind)
    assert knows.agrees and "above 0 at each of them" in knows.text
    assert not guesses.agrees and re.search(r"above 0 at \d+ of the 13", guesses.text)


def test_gains_are_counted():
    found = findings.gain(RUN)
    first, last = 100 * initial(RUN).accuracy, 100 * full(RUN).accuracy
    assert f"from {first:.1f} to {last:.1f} %" in found.text and found.agrees
    assert f"({(RUN.gain > 0).sum():,} answers)" in found.text


def test_nothing_broken_is_no_less_than_nothing():
    run = replace(RUN, first_score=np.zeros(N), second_score=np.zeros(N))
    assert "mends 0.0 points (0 answers) and breaks 0.0 (0)" in findings.gain(run).text
    assert (findings.points(-0.0004), findings.points(-0.0004, True)) == ("0.0", "+0.0")


def test_the_cost_of_full_accuracy_is_where_the_curve_first_gets_there(oracle, blind):
    found = findings.cost_of_full(oracle)
    cost = float(re.search(r"cost of ([\d.]+) on", found.text)[1])
    assert cost == pytest.approx(1 / 3 - 0.005, abs=0.006) and found.agrees
    assert not findings.cost_of_full(blind).agrees


def test_a_better_metric_is_named():
    """Shannon entropy is made to know what min-entropy doesn't."""
    order = np.linspace(0, 1, N)
    nothing = np.random.default_rng(0).random(N)
    run = ranked_run(nothing, (order < 2 / 3).astype(float), np.ones(N))
    run = replace(run, scores=run.scores | {"shannon_entropy": order})
    found = findings.best_metric(run)
    assert "better than min-entropy beyond doubt: Shannon entropy." in found.text
    assert found.agrees is False
    separated = findings.separation(run)
    assert "Shannon entropy has the smallest overlap" in separated.text and not separated.agrees


def test_equal_metrics_leave_the_paper_its_choice(oracle):
    found = findings.best_metric(oracle)
    assert found.agrees and "no other metric is better" in found.text


def test_steps_and_lengths(oracle):
    assert findings.steps(RUN).agrees
    single, short = findings.lengths(oracle)  # one token: the same, so not better
    assert single.agrees is False
    assert short.agrees and "at most 0.0 points" in short.text
    assert "0.0 % of the answers are longer" in short.text


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_where_all_are_wrong_or_all_right_nothing_is_told_apart(score):
    run = ranked_run(np.linspace(0, 1, N), np.full(N, score), np.ones(N))
    said = [findings.separation(run), *findings.lengths(run)]
    assert {one.text for one in said} == {findings.ONE_SIDED}
    assert {one.agrees for one in said} == {None}


def test_high_resolution_is_compared_where_it_was_measured(oracle):
    assert findings.beats_high_resolution(oracle, "POPE") is None
    scored = {
        "hd_score": np.where(np.arange(N) < 0.8 * N, 1.0, 0.0),
        "hd_bytes": 3.0 * oracle.global_bytes,
        "hd_question_message_bytes": 3.0 * oracle.global_bytes,
        "hd_answer_message_bytes": np.zeros(N),
        "hd_flops": 6 * oracle.first_flops, "hd_seconds": oracle.first_seconds,
    }  # fmt: skip
    run = replace(oracle, **scored)
    found = findings.beats_high_resolution(run, "POPE")
    curve = tradeoff(run)
    at = np.flatnonzero(curve.accuracy >= high_resolution(run).accuracy)[0]
    assert f"(additional cost {curve.retransmitted[at]:.2f})" in found.text and found.agrees
    assert "2.00 times the bytes" in found.text and "0.10 on POPE, against 0.78" in found.text
    never = replace(run, hd_score=np.ones(N), second_score=np.full(N, 0.9))
    assert findings.beats_high_resolution(never, "POPE").agrees is False


def test_computation_and_budget():
    assert "takes 4.00 times" in findings.computation(RUN).text and findings.computation(RUN).agrees
    found = findings.budget(RUN)
    assert found.agrees is None
    spent = float(re.search(r"retransmits ([\d.]+) %", found.text)[1])
    assert 30 < spent < 50


def test_compression_saves_what_the_frontier_says(oracle):
    """A second quality: half the bytes, and nobody answers better."""
    half = replace(oracle, global_bytes=oracle.global_bytes // 2 + 1,
                   local_bytes=oracle.local_bytes // 2 + 1)  # fmt: skip
    found = findings.compression([half, oracle])
    cheapest = tradeoff(half)
    cost = cheapest.relative_cost[np.flatnonzero(cheapest.accuracy >= 1)[0]]
    assert f"and {cost:.3f} with the gate" in found.text and found.agrees


def test_the_sentence_about_a_budget_is_what_the_gate_does():
    here, there = findings.halves(RUN)
    gate = findings.threshold_for_budget(here, 0.4).gate
    assert isinstance(gate, Gate)
    spent = 100 * operating_point(there, gate).retransmitted
    assert f"retransmits {spent:.1f} %" in findings.budget(RUN).text
