import time
from dataclasses import replace

import numpy as np
import pytest
import simpy
from scipy.optimize import linprog

from core.channel import PRESETS, Fixed, Link, Rayleigh
from core.policies.registry import POLICIES, Terms
from core.sharing.demand import Arrivals, Questions, Split, bursts, poisson, recorded
from core.sharing.optimum import optimum
from core.sharing.simulation import Scenario, crossing, simulate
from core.sharing.study import OPTIMUM, Setting, draw, study, trial_of
from tools.doubles.synthetic import synthetic_run

LINK = Link(Fixed(400e3), round_trip=0.05)
FADING = replace(LINK, uplink=Rayleigh(200e3, 10.0), loss=0.05, overhead=40)


@pytest.fixture(scope="module")
def split():
    return Split.of([synthetic_run(400, seed=3)])


def drawn(split, load, count=300, link=LINK, seed=0):
    setting = Setting(Scenario(link, 2.0), edges=8, questions=count)
    return draw(split.fresh, setting, load, np.random.default_rng(seed))


def terms(split, **more):
    return Terms(2.0, 50e3, split.expectation, **more)


def with_simpy(questions, arrivals, scenario, eta):
    """First and second times, by processes and resources: nothing shared with the simulation."""
    env, link = simpy.Environment(), scenario.link
    uplink, server = simpy.Resource(env), simpy.Resource(env)
    rng = np.random.default_rng(7)
    ways = [crossing(link, b, rng) for b in (questions.question_bytes, questions.crop_bytes)]
    count = len(arrivals.seconds)
    first, second = np.zeros(count), np.full(count, np.inf)

    def use(resource, seconds):
        with resource.request() as turn:
            yield turn
            yield env.timeout(seconds)

    def question(i):
        at = arrivals.seconds[i]
        yield env.timeout(at)
        if arrivals.opening is not None and arrivals.opening[i]:
            yield from use(uplink, float(link.airtime(arrivals.opening[i], "up")))
            yield env.timeout(link.round_trip)
        yield from use(uplink, ways[0][0][i])
        yield env.timeout(ways[0][1][i])
        yield from use(server, questions.first_seconds[i] / scenario.speed)
        first[i] = env.now + link.seconds(questions.answer_bytes[i], "down") - at
        if questions.uncertainty[i] >= eta:
            yield env.timeout(link.seconds(questions.request_bytes[i], "down"))
            yield from use(uplink, ways[1][0][i])
            yield env.timeout(ways[1][1][i])
            yield from use(server, questions.second_seconds[i] / scenario.speed)
            second[i] = env.now + link.seconds(questions.refined_bytes[i], "down") - at

    for i in range(count):
        env.process(question(i))
    env.run()
    return first, second


@pytest.mark.parametrize("link", [LINK, FADING], ids=["fixed", "fading"])
@pytest.mark.parametrize(("load", "opened"), [(0.4, False), (0.9, False), (0.9, True)])
def test_every_event_is_where_simpy_has_it(split, link, load, opened):
    questions, arrivals = drawn(split, load, link=link)
    if opened:  # every third question has a connection that is still open
        arrivals = replace(arrivals, opening=np.where(np.arange(300) % 3, 400, 0))
    scenario = Scenario(link, 2.0, speed=2.0)
    policy = POLICIES["fixed"].make(terms(split))
    outcome = simulate(
        questions, arrivals, scenario, policy, split.expectation, np.random.default_rng(7)
    )
    first, second = with_simpy(questions, arrivals, scenario, policy.eta)
    assert 0.2 < np.isfinite(second).mean() < 0.6
    assert np.allclose(outcome.first_at, first) and np.allclose(outcome.second_at, second)
    assert (outcome.asked == np.isfinite(second)).all()


def test_the_answer_that_is_there_at_the_deadline_counts():
    """Three questions on an idle link: both looks in time, only the first, and none."""
    one = np.ones(3)
    questions = Questions(
        *(np.full(3, size, np.int64) for size in (5_000, 50, 80, 5_000, 40)),
        first_seconds=0.1 * one, second_seconds=0.1 * one,
        first_score=np.array([0.25, 0.5, 1.0]), second_score=np.array([0.75, 1.0, 1.0]),
        uncertainty=one,
    )  # fmt: skip
    questions = replace(questions, question_bytes=np.array([5_000, 50_000, 500_000]))
    arrivals = Arrivals(np.array([0.0, 100.0, 200.0]), np.array([0, 0, 1]))
    expectation = Split.of([synthetic_run(100, seed=1)]).expectation
    outcome = simulate(
        questions, arrivals, Scenario(LINK, 1.25),
        POLICIES["always"].make(Terms(1, 1)), expectation, np.random.default_rng(0),
    )  # fmt: skip
    assert outcome.score.tolist() == [0.75, 0.5, 0.0]
    assert outcome.late(1.25).tolist() == [False, False, True]
    # One second of the link for 50,000 bytes, half a round trip each way, the server, the answer.
    assert outcome.first_at[1] == pytest.approx(1 + 0.05 + 0.1 + 50 * 8 / 400e3)
    means = np.array([0.625, 0.0])
    assert outcome.fairness(2) == pytest.approx(means.sum() ** 2 / (2 * (means**2).sum()))


def test_the_energy_is_that_of_the_airtime(split):
    link = PRESETS["wifi"]
    questions, arrivals = drawn(split, 0.1, link=link)
    outcome = simulate(
        questions, arrivals, Scenario(link, 2.0), POLICIES["never"].make(terms(split)),
        split.expectation, np.random.default_rng(0),
    )  # fmt: skip
    joules = link.joules(questions.question_bytes, "up") + link.joules(
        questions.answer_bytes, "down"
    )
    assert np.allclose(outcome.joules, joules)


def test_a_fading_link_is_held_as_long_as_expected():
    sizes = np.full(20_000, 12_000)
    hold, later = crossing(FADING, sizes, np.random.default_rng(0))
    assert hold.mean() == pytest.approx(float(FADING.airtime(12_000, "up")), rel=0.01)
    assert (hold + later).mean() == pytest.approx(float(FADING.seconds(12_000, "up")), rel=0.01)
    assert hold.std() > 0


@pytest.mark.parametrize("come", [poisson, bursts], ids=["poisson", "bursts"])
def test_questions_come_at_the_rate_that_was_asked_for(come):
    arrivals = come(20_000, 5.0, 16, np.random.default_rng(0))
    assert len(arrivals.seconds) == 20_000 and (np.diff(arrivals.seconds) >= 0).all()
    assert 20_000 / arrivals.seconds[-1] == pytest.approx(5.0, rel=0.05)
    alike = np.mean(np.diff(arrivals.seconds) == 0)
    assert alike == 0 if come is poisson else alike == pytest.approx(0.8, abs=0.02)


def test_a_trace_keeps_its_gaps_and_takes_the_rate():
    times = np.array([0.0, 1.0, 1.1, 5.0])
    arrivals = recorded(times, 300, 2.0, 4, np.random.default_rng(0))
    assert len(arrivals.seconds) == 300
    assert 300 / arrivals.seconds[-1] == pytest.approx(2.0, rel=0.02)
    assert len(np.unique(np.diff(arrivals.seconds).round(9))) == 3
    with pytest.raises(ValueError, match="two different times"):
        recorded(np.array([3.0, 3.0]), 5, 1.0, 1, np.random.default_rng(0))


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_the_optimum_is_that_of_the_linear_program(split, load):
    questions, arrivals = drawn(split, load, count=60)
    scenario = Scenario(LINK, 2.0)
    gain = np.array([split.expectation.gain(u) for u in questions.uncertainty])
    took, crops = (LINK.airtime(b, "up") for b in (questions.question_bytes, questions.crop_bytes))
    room = np.ptp(arrivals.seconds) + 2.0 - took.sum()
    best = linprog(-gain, A_ub=[crops], b_ub=[room], bounds=(0, 1), method="highs").x
    added = (best * (questions.second_score - questions.first_score)).sum()
    expected = questions.first_score.mean() + added / 60
    assert optimum(questions, arrivals, scenario, split.expectation) == pytest.approx(expected)


def test_a_price_of_the_backlog_pays_where_a_fixed_eta_chokes():
    """The claim, small: as good on a calm link, far better on a full one, no better than can be."""
    split = Split.of([synthetic_run(1_000, seed=5)])
    setting = Setting(Scenario(LINK, 2.0), edges=16, questions=1_500)
    trial = trial_of(split, setting, 0.4)
    found = study([trial] * 4, setting, [0.2, 0.8])
    calm, full = (
        {name: row.accuracy.mean() for name, row in found[load].items()} for load in (0.2, 0.8)
    )
    assert calm["backlog"] > calm["fixed"] - 0.01
    assert full["backlog"] > full["fixed"] + 0.05
    assert full["backlog"] > full["never"] and full["backlog"] > full["skip_late"] - 0.005
    assert full["backlog"] < full[OPTIMUM] + 0.01
    assert (found[0.8]["backlog"].late < found[0.8]["fixed"].late).all()


def test_silent_edges_cost_something_but_it_still_works(split):
    questions, arrivals = drawn(split, 0.8, count=1_500)
    scores = {}
    for reports in (True, False):
        policy = POLICIES["backlog"].make(terms(split))
        scores[reports] = simulate(
            questions, arrivals, Scenario(LINK, 2.0, reports=reports), policy, split.expectation,
            np.random.default_rng(0),
        ).score.mean()  # fmt: skip
    fixed = simulate(
        questions, arrivals, Scenario(LINK, 2.0), POLICIES["fixed"].make(terms(split)),
        split.expectation, np.random.default_rng(0),
    ).score.mean()  # fmt: skip
    assert fixed + 0.05 < scores[False] <= scores[True]


@pytest.mark.timing
def test_a_hundred_thousand_questions_take_twenty_seconds_at_most_and_less_than_simpy(split):
    begin = time.process_time()
    questions, arrivals = drawn(split, 0.8, count=100_000)
    policy = POLICIES["backlog"].make(terms(split))
    scenario = Scenario(LINK, 2.0)
    simulate(questions, arrivals, scenario, policy, split.expectation, np.random.default_rng(0))
    took = time.process_time() - begin
    assert took < 20
    begin = time.process_time()
    with_simpy(questions, arrivals, scenario, eta=np.inf)
    assert time.process_time() - begin > 3 * took
