"""The same questions under every policy, at every load, with many seeds: what is worth knowing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from core.policies.registry import POLICIES, Terms, known_of
from core.sharing.demand import Arrivals, Questions, Split, bursts, poisson, recorded
from core.sharing.optimum import optimum
from core.sharing.simulation import Outcome, Scenario, simulate

__all__ = [
    "ARRIVALS",
    "OPTIMUM",
    "Figures",
    "Setting",
    "Study",
    "Trial",
    "draw",
    "mean_of",
    "study",
    "trial_of",
]

ARRIVALS = {"poisson": poisson, "bursts": bursts}
OPTIMUM = "optimum"
SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 1.0)
DRAWS = 2  # of questions, on which η is set
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


@dataclass(frozen=True, eq=False)
class Trial:
    """Questions that nothing was set on, and what policies are made from, expectation included."""

    fresh: Questions
    terms: Terms


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
    trials: Sequence[Trial],
    setting: Setting,
    loads: Sequence[float],
    policies: Sequence[str] = tuple(POLICIES),
) -> Study:
    """Return the figures of every policy at every load, a seed for each trial.

    All policies of a trial see the same questions and channel.
    """
    found = {}
    for load in loads:
        rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in (*policies, OPTIMUM)}
        for seed, trial in enumerate(trials):
            known = known_of(trial.terms)
            questions, arrivals = draw(trial.fresh, setting, load, np.random.default_rng(seed))
            for name in policies:
                outcome = simulate(
                    questions, arrivals, setting.scenario, POLICIES[name].make(trial.terms),
                    known, np.random.default_rng(seed),
                )  # fmt: skip
                rows[name].append(_row(outcome, setting))
            best = optimum(questions, arrivals, setting.scenario, known)
            rows[OPTIMUM].append((best, *[np.nan] * 5))
        found[load] = {name: Figures(*np.array(values).T) for name, values in rows.items()}
    return found


def trial_of(split: Split, setting: Setting, load: float) -> Trial:
    """Return a trial of a split's fresh half, with a fixed η that is the best at this load.

    η, and the byte budget that goes with it, are set on the half that is known.
    """
    link, crop = setting.scenario.link, round(split.expectation.crop_bytes)
    rate = crop * link.duty_cycle / float(link.airtime(crop, "up"))  # repetitions included
    terms = Terms(setting.scenario.deadline, rate, split.expectation)

    def accuracy(share: float) -> float:
        trial = Trial(split.known, replace(terms, share=share))
        figures = study([trial] * DRAWS, setting, [load], ["fixed"])
        return float(figures[load]["fixed"].accuracy.mean())

    share = max(SHARES, key=accuracy)
    return Trial(split.fresh, replace(terms, share=share, crop_load=load * share))


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
