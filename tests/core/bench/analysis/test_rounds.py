"""Several looks after the fact, beside a plain loop over samples, looks and thresholds."""

from dataclasses import fields, replace

import numpy as np
import pytest

from core.bench.analysis.curves import Point, full, initial, operating_point, tradeoff
from core.bench.analysis.links import over_link
from core.bench.analysis.looking import by_rounds, further, groups, looking
from core.bench.analysis.rounds import every_look, folded
from core.bench.report import sections
from core.channel import Fixed, Link
from core.uncertainty import METRICS, Gate
from tools.doubles.synthetic import looked_again, synthetic_run

N = 60
ALWAYS, NEVER = float("-inf"), float("inf")


@pytest.fixture(scope="module")
def run():
    return looked_again(synthetic_run(N, seed=3), 3)


def asked(gate, eta, value):
    return value >= eta if METRICS[gate.metric].higher_is_uncertain else value <= eta


def walked(run, gate):
    """What a gate with rounds does, question by question: means over all of them."""
    sums = dict.fromkeys(("accuracy", "bytes", "flops", "seconds", "additional_cost"), 0.0)
    for index in range(len(run)):
        row = run.record(index)
        score, answer = row.first_score, row.answer_message_bytes
        spent = [row.question_message_bytes + answer, row.first_flops, row.first_seconds, 0]
        for one, eta in zip((run, *run.later), (gate.threshold, *gate.rounds), strict=False):
            there = np.flatnonzero(one.id == row.id)
            if not there.size:
                break
            value = one.uncertainty(gate.metric, gate.first_tokens)[there[0]]
            if not asked(gate, eta, value):
                break
            look = one.record(int(there[0]))
            spent[0] += look.crop_request_message_bytes + look.local_image_message_bytes
            spent[0] += look.refined_message_bytes - answer
            spent[1] += look.second_flops
            spent[2] += look.second_seconds
            spent[3] += 1
            score, answer = look.second_score, look.refined_message_bytes
        for name, value in zip(sums, (score, *spent), strict=True):
            sums[name] += value / len(run)
    return sums


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
@pytest.mark.parametrize("rounds", [(), (0.3,), (0.8, 0.2), (ALWAYS, 0.5), (NEVER, ALWAYS)])
def test_a_gate_with_rounds_is_a_walk_through_its_looks(run, metric, rounds):
    gate = Gate(metric, 0.4, rounds=rounds)
    point = operating_point(run, gate)
    for name, value in walked(run, gate).items():
        assert getattr(point, name) == pytest.approx(value), name
    assert point.retransmitted == asked(gate, 0.4, run.uncertainty(metric)).mean()


@pytest.mark.parametrize("metric", ["min_entropy", "probability_margin"])
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_every_point_of_a_curve_is_the_gate_with_its_eta_in_each_round(run, metric, rounds):
    curve = tradeoff(run, metric, None, rounds)
    assert len(curve) > N // 2
    for index in range(0, len(curve), 7):
        point = curve.point(index)
        gate = Gate(metric, point.threshold, rounds=(point.threshold,) * (rounds - 1))
        there = operating_point(run, gate)
        for one in fields(Point):
            assert getattr(point, one.name) == pytest.approx(getattr(there, one.name)), one.name
    last = operating_point(run, every_look(metric, rounds))
    assert curve.point(len(curve) - 1).accuracy == pytest.approx(last.accuracy)
    assert curve.additional_cost[-1] == sum(map(len, (run, *run.later)[:rounds])) / N


def test_a_single_look_is_what_it_was_without_further_ones(run):
    alone = replace(run, later=())
    for one in fields(Point):
        assert np.array_equal(
            getattr(tradeoff(run), one.name), getattr(tradeoff(alone), one.name), equal_nan=True
        ), one.name
    for end in (initial, full):
        assert vars(end(run)) == pytest.approx(vars(end(alone)), nan_ok=True)


def test_rounds_that_were_not_recorded_are_one_sentence(run):
    for ask in (
        lambda: tradeoff(run, rounds=4),
        lambda: operating_point(run, Gate(rounds=(1, 1, 1))),
        lambda: looking(synthetic_run(5), 2),
    ):
        with pytest.raises(ValueError, match="record it anew with --rounds"):
            ask()


def test_a_folded_run_says_what_was_seen_and_crossed_the_link(run):
    both = folded(run, every_look("min_entropy", 3))
    third = run.later[1]
    at = [list(run.id).index(id) for id in third.id]
    assert both.local_images[at].tolist() == [3] * len(third) and both.metadata.rounds == 3
    assert (both.second_answer[at] == third.second_answer).all()
    assert (both.box[at] == third.box).all()
    seen = [np.isin(run.id, one.id) for one in run.later]
    only = ~seen[0]
    assert (both.second_answer[only] == run.second_answer[only]).all()
    hits = [run.box_hit[at], run.later[0].box_hit[: len(at)], third.box_hit]
    assert both.box_hit[at].tolist() == np.max(hits, axis=0).tolist()
    assert both.later == () and not both.failed.any()


def test_second_answers_scores_are_those_of_the_last_look():
    run = looked_again(synthetic_run(9, seed=4), 2)
    scored = replace(run, second_scores=run.scores, second_offsets=run.offsets)
    (one,) = run.later
    later = replace(one, second_scores=one.scores, second_offsets=one.offsets)
    both = folded(replace(scored, later=(later,)), every_look("min_entropy", 2))
    assert both.record(0).second_scores == later.record(0).second_scores
    assert both.record(8).second_scores == scored.record(8).second_scores


def test_over_a_link_every_look_takes_its_time(run):
    link = Link(Fixed(1e6), Fixed(2e6), 0.05)
    gate = every_look("min_entropy", 3)
    slow = operating_point(over_link(run, link), gate).seconds
    folded_first = operating_point(over_link(folded(run, gate), link), Gate(threshold=ALWAYS))
    assert slow == pytest.approx(folded_first.seconds, rel=0.02)  # packets of the mean size
    looks = sum(map(len, (run, *run.later))) / N
    assert slow - operating_point(run, gate).seconds > looks * 0.05


def test_a_run_of_several_rounds_stands_in_the_report_once_for_each(run):
    (group,) = groups({"mine": run})
    assert list(by_rounds(group)) == [
        "Relative attention", "Relative attention, 2 rounds", "Relative attention, 3 rounds"
    ]  # fmt: skip
    one, two, three = (looking(run, rounds) for rounds in (1, 2, 3))
    assert one.round_trips == 2 and one.bytes < two.bytes < three.bytes
    assert two.round_trips == 2 + len(run.later[0]) / N
    told = further(group)
    times = two.bytes / one.bytes
    assert len(told) == 2 and f"for {times:.2f} times the bytes, over {N} questions" in told[0].text
    (section,) = (part for part in sections({"mine": run}) if "croppers" in part.title)
    assert "Relative attention, 3 rounds" in "".join(section.blocks)
    lines = next(iter(section.figures.values()))["data"]
    assert len(lines) == 3 and len({line["line"]["color"] for line in lines}) == 1
    assert len({line["line"]["width"] for line in lines}) == 3
