import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from core.policies.expectation import Expectation, ExpectationError, isotonic
from core.policies.registry import POLICIES, Moment, Terms
from core.policies.uplink import Uplink

EXPECTED = Expectation(
    metric="min_entropy", first_tokens=None, steps=(0.0, 1.0, 2.0), gains=(-0.1, 0.2, 0.8),
    quantiles=(0.0, 1.0, 2.0), crop_bytes=1_000.0, crop_request_bytes=80.0, answer_bytes=40.0,
    work_seconds=0.0, fitted_on=("synthetic",), model="none", questions=3,
)  # fmt: skip
TERMS = Terms(deadline=3.0, rate=1_000.0, expectation=EXPECTED, share=0.5)


def moment(**known):
    usual = {"now": 0.0, "uncertainty": 2.0, "gain": 0.8, "link_seconds": 1.0, "work_seconds": 0.0,
             "link_wait": 0.0, "server_wait": 0.0, "slack": 1.0, "chance": 0.3}  # fmt: skip
    return Moment(**usual | known)


@pytest.mark.parametrize(
    ("policy", "known", "verdict"),
    [
        ("never", {"uncertainty": 1e9}, "sure"),
        ("always", {"uncertainty": -1e9, "slack": -5.0}, "ask"),
        ("random", {"chance": 0.49}, "ask"),
        ("random", {"chance": 0.51}, "sure"),
        ("fixed", {"uncertainty": 1.0}, "ask"),  # η is the median, and is reached
        ("fixed", {"uncertainty": 0.99}, "sure"),
        ("fixed", {"slack": -5.0, "link_wait": 99.0}, "ask"),  # whoever waits
        ("skip_late", {"slack": -0.01}, "late"),
        ("skip_late", {"slack": 0.0}, "ask"),
        ("skip_late", {"uncertainty": 0.5, "slack": -1.0}, "sure"),
        # V ĝ > Q² b with V ĝ_max = (D / 3)² b: 0.2 is worth half a bound, 0.8 all of it.
        ("backlog", {"gain": 0.2, "link_wait": 0.49}, "ask"),
        ("backlog", {"gain": 0.2, "link_wait": 0.51}, "dear"),
        ("backlog", {"link_wait": 0.99}, "ask"),
        ("backlog", {"link_wait": 1.01}, "dear"),
        ("backlog", {"link_wait": 0.5, "link_seconds": 4.1}, "dear"),  # a heavy crop
        ("backlog", {"slack": -0.01}, "late"),
        ("backlog", {"gain": 0.0}, "sure"),
        ("backlog", {"server_wait": 1.5, "work_seconds": 1.0}, "dear"),  # the other queue
    ],
)
def test_each_decides_as_its_equation_says(policy, known, verdict):
    assert POLICIES[policy].make(TERMS).decide(moment(**known)) == verdict


def test_the_price_of_a_byte_budget_keeps_to_the_budget():
    """Whatever the questions gain, and however often they come: a share of the link, in the end."""
    rng = np.random.default_rng(0)
    for rate in (0.5, 5.0):
        policy, now, asked = POLICIES["byte_budget"].make(TERMS), 0.0, 0
        while now < 4_000:
            now += rng.exponential(1 / rate)
            known = moment(now=now, gain=rng.uniform(0, 0.8))
            asked += policy.decide(known) == "ask"
        assert asked / now == pytest.approx(TERMS.crop_load, rel=0.05)


def test_the_price_rises_with_what_waits():
    policy = POLICIES["backlog"].make(TERMS)
    assert policy.price(0.0) == 0 and policy.price(0.5) < policy.price(1.0)
    assert policy.price(1.0) == pytest.approx(EXPECTED.most)  # of a second: no gain is worth it
    assert POLICIES["fixed"].make(TERMS).price(9.0) == 0


def test_the_isotonic_fit_is_the_known_one():
    rng = np.random.default_rng(1)
    x = rng.integers(40, size=300) / 7  # with ties
    y = np.sin(x) + rng.normal(0, 0.5, 300)
    steps, heights = isotonic(x, y)
    ours = heights[np.searchsorted(steps, x, side="right") - 1]
    assert np.allclose(ours, IsotonicRegression().fit(x, y).predict(x), atol=1e-9)


def test_a_gain_holds_from_its_step_on():
    assert [EXPECTED.gain(u) for u in (-1.0, 0.0, 0.9, 1.0, 5.0)] == [-0.1, -0.1, -0.1, 0.2, 0.8]
    assert (EXPECTED.threshold(0), EXPECTED.threshold(1)) == (np.inf, -np.inf)
    with pytest.raises(ValueError, match="between 0 and 1"):
        EXPECTED.threshold(1.2)


def test_its_file_comes_back_and_others_are_refused(tmp_path):
    path = tmp_path / "expectation.json"
    path.write_text(EXPECTED.to_json())
    assert Expectation.read(path) == EXPECTED
    for bad, why in (
        (EXPECTED.to_json().replace("0.2", "0.9"), "must not fall"),
        (EXPECTED.to_json().replace("min_entropy", "mood"), "'mood'"),
        (EXPECTED.to_json().replace("0.8", "1e308"), "less than or equal to 1"),
        (EXPECTED.to_json().replace("1000.0", "1e300"), "crop_bytes"),
        ("[]", "not an expectation"),
    ):
        path.write_text(bad)
        with pytest.raises(ExpectationError, match=why):
            Expectation.read(path)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_the_uplink_is_known_by_the_crops_that_cross_it():
    clock = Clock()
    uplink = Uplink(1.0, clock=clock)
    assert uplink.wait() == 0
    uplink.ask("a")
    uplink.ask("b")
    assert (uplink.wait(), uplink.waiting()) == (2.0, 2)  # what was asked for, at least
    clock.now = 6.0
    assert uplink.wait() == 5.0  # the first has waited for so long
    uplink.arrived("a")
    uplink.arrived("b")
    uplink.arrived("c")  # never asked for
    assert (uplink.wait(), uplink.waiting()) == (5.0, 0)
    clock.now = 9.0
    assert uplink.wait() == 2.0  # drained since, at most
    clock.now = 90.0
    assert uplink.wait() == 0


def test_an_edge_may_say_how_long_it_waited_and_a_lost_crop_is_forgotten():
    clock = Clock()
    uplink = Uplink(1.0, patience=10.0, clock=clock)
    uplink.report(3.0)
    uplink.report(1.0)  # somebody else saw less of the queue
    assert uplink.wait() == 3.0
    uplink.ask("never comes")
    clock.now = 10.5
    assert (uplink.wait(), uplink.waiting()) == (0.0, 0)
