"""The same questions under every policy, at every load, with many seeds: what is worth knowing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from core.policies.expectation import Expectation
from core.policies.registry import POLICIES, Terms
from core.sharing.demand import Arrivals, Questions, bursts, poisson, recorded
from core.sharing.optimum import optimum
from core.sharing.simulation import Outcome, Scenario, simulate

__all__ = [
    "ARRIVALS",
    "OPTIMUM",
    "Figures",
    "Setting",
    "Study",
    "best_share",
    "draw",
    "mean_of",
    "study",
]

ARRIVALS = {"poisson": poisson, "bursts": bursts}
OPTIMUM = "optimum"
SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 1.0)
NORMAL = 1.96  # standard errors to either side that hold 95 % of a normal distribution


@dataclass(frozen=True, eq=False)
class Setting:
    """Everything but load, policy and seed. trace: of arrivals, seconds; in place of `arrivals`."""

    scenario: Scenario
    edges: int = 64
    questions: int = 2_000
    arrivals: str = "poisson"
    trace: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Figures:
    """What a policy comes to at one load; each is (seeds,)."""

    accuracy: np.ndarray  # by the deadline, 0..1
    asked: np.ndarray  # share that sent a local image
    late: np.ndarray  # share without any answer by the deadline
    p95: np.ndarray  # seconds until the last answer that came
    fairness: np.ndarray  # Jain's index over edges
    joules: np.ndarray  # of an edge's radio, for a question

    def interval(self, name: str) -> tuple[float, float, float]:
        """Return mean, low and high of the mean over seeds, 95 %."""
        values = getattr(self, name)
        spread = NORMAL * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
        mean = float(values.mean())
        return mean, mean - float(spread), mean + float(spread)


Study = Mapping[float, Mapping[str, Figures]]  # load -> policy -> figures


def draw(
    pool: Questions, setting: Setting, load: float, rng: np.random.Generator
) -> tuple[Questions, Arrivals]:
    """Return questions at random from those recorded, and when they come.

    load: share of the uplink that the questions alone take, without any local image.
    """
    link, count = setting.scenario.link, setting.questions
    rate = load * link.duty_cycle / float(link.airtime(pool.question_bytes, "up").mean())
    come = ARRIVALS[setting.arrivals]
    if setting.trace is not None:
        come = partial(recorded, setting.trace)
    arrivals = come(count, rate, setting.edges, rng)
    return pool.take(rng.integers(len(pool), size=count)), arrivals


def study(
    pool: Questions,
    expectation: Expectation,
    setting: Setting,
    loads: Sequence[float],
    terms: Terms,
    policies: Sequence[str] = tuple(POLICIES),
    seeds: int = 20,
) -> Study:
    """Return the figures of every policy at every load; all see the same questions and channel."""
    found = {}
    for load in loads:
        rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in (*policies, OPTIMUM)}
        for seed in range(seeds):
            questions, arrivals = draw(pool, setting, load, np.random.default_rng(seed))
            for name in policies:
                outcome = simulate(
                    questions, arrivals, setting.scenario, POLICIES[name].make(terms), expectation,
                    np.random.default_rng(seed),
                )  # fmt: skip
                rows[name].append(_row(outcome, setting))
            best = optimum(questions, arrivals, setting.scenario, expectation)
            rows[OPTIMUM].append((best, *[np.nan] * 5))
        found[load] = {name: Figures(*np.array(values).T) for name, values in rows.items()}
    return found


def best_share(
    pool: Questions, expectation: Expectation, setting: Setting, load: float, terms: Terms
) -> float:
    """Return the share asked again whose fixed η does best at this load, of SHARES."""

    def accuracy(share: float) -> float:
        made = replace(terms, share=share, threshold=None)
        figures = study(pool, expectation, setting, [load], made, ["fixed"], seeds=5)
        return float(figures[load]["fixed"].accuracy.mean())

    return max(SHARES, key=accuracy)


def _row(outcome: Outcome, setting: Setting) -> tuple[float, ...]:
    last = np.where(np.isfinite(outcome.second_at), outcome.second_at, outcome.first_at)
    return (
        float(outcome.score.mean()), float(outcome.asked.mean()),
        float(outcome.late(setting.scenario.deadline).mean()), float(np.quantile(last, 0.95)),
        outcome.fairness(setting.edges), float(outcome.joules.mean()),
    )  # fmt: skip


def mean_of(values: np.ndarray, form: str = ".1f") -> str:
    """Return the mean in words, with its 95 % interval, of independent values."""
    mean, error = values.mean(), NORMAL * values.std(ddof=1) / np.sqrt(len(values))
    return f"{mean:{form}} [{mean - error:{form}}, {mean + error:{form}}]"
