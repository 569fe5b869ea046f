"""The policies: whether a question may send a local image over a link that others wait for.

Each decides when the first answer is there, from what is known then (`Moment`), and says why not.
An entry of `POLICIES` is all that a new one takes: simulation, server, figures and the page read it
from there. Symbols: u uncertainty of the first answer, η threshold, ĝ expected gain of a second
look, b bytes of the local image, Q bytes that wait for the link, R its rate, D the deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from core.policies.expectation import Expectation

__all__ = ["POLICIES", "Entry", "Moment", "Policy", "Terms", "Verdict", "known_of"]

Verdict = Literal["ask", "sure", "late", "dear"]
"""Ask for the local image; or not: sure of the answer, it would be too late, or cost too much."""


class Moment(NamedTuple):
    """What is known of a question, and of the link, when its first answer is there."""

    now: float  # seconds
    uncertainty: float  # u, ranked: more is more uncertain
    gain: float  # ĝ, in score
    link_seconds: float  # b / R: what the local image takes of the link
    work_seconds: float  # what the second stage takes of the server
    link_wait: float  # Q / R: seconds of work that wait for the link
    server_wait: float  # seconds of work that wait for the server
    slack: float  # seconds that the second answer would be early; negative: late
    chance: float  # a number drawn from 0..1


class Policy(Protocol):
    """Decides one question after the other, in the order of their first answers."""

    def decide(self, moment: Moment) -> Verdict: ...

    def price(self, link_wait: float) -> float:
        """Return what a second of the link costs now, in score; 0 where the policy has no price."""


@dataclass(frozen=True)
class Terms:
    """What policies are made from; without an expectation, what needs one raises ValueError.

    threshold: η, ranked. share: of the questions, for an η that asks so many, and by chance.
    crop_load: share of the link that local images may take, over time. deadline: D, seconds.
    rate: R, bytes per second.
    """

    deadline: float
    rate: float
    expectation: Expectation | None = None
    share: float = 0.4
    threshold: float | None = None
    crop_load: float = 0.16

    @property
    def eta(self) -> float:
        """η: the one that was given, or the one that asks the share."""
        if self.threshold is not None:
            return self.threshold
        return known_of(self).threshold(self.share)


@dataclass
class Threshold:
    """Ask if u ≥ η (eq. 9): the paper's gate, whoever waits."""

    eta: float

    def decide(self, moment: Moment) -> Verdict:
        return "ask" if moment.uncertainty >= self.eta else "sure"

    def price(self, link_wait: float) -> float:
        return 0.0


@dataclass
class SkipIfLate(Threshold):
    """Ask if u ≥ η, and the second answer is expected before D: admission by laxity (Dertouzos
    and Mok, IEEE Trans. Software Eng. 15(12), 1989: what can't be in time isn't begun)."""

    def decide(self, moment: Moment) -> Verdict:
        if moment.uncertainty < self.eta:
            return "sure"
        return "ask" if moment.slack >= 0 else "late"


@dataclass
class Random:
    """Ask with a probability p, whatever the answer: what a policy has to beat."""

    share: float

    def decide(self, moment: Moment) -> Verdict:
        return "ask" if moment.chance < self.share else "sure"

    def price(self, link_wait: float) -> float:
        return 0.0


@dataclass
class BacklogPrice:
    """Ask if V ĝ > Q² b, in time: drift plus penalty (Neely, Stochastic Network Optimization, 2010,
    ch. 4: minimise the drift of a function of the queue minus V times the gain, question by
    question). The function is Q³, not the textbook's Q²: a short queue costs nearly nothing.

    The link and the server are a queue each, Q in seconds of work. V sets how long they get: no
    gain is worth a local image once a third of D is full of work (a question with a local image
    waits three times: for the link, the server, the link again), V ĝ_max = (D / 3)² b. A late gain
    is none.
    """

    bound: float  # D / 3
    most: float  # ĝ_max
    typical: float  # seconds that a second look takes of link and server

    def decide(self, moment: Moment) -> Verdict:
        if moment.gain <= 0:
            return "sure"
        if moment.slack < 0:
            return "late"
        cost = self.price(moment.link_wait) * moment.link_seconds
        cost += self.price(moment.server_wait) * moment.work_seconds
        return "ask" if moment.gain > cost else "dear"

    def price(self, link_wait: float) -> float:
        return (link_wait / self.bound) ** 2 * max(self.most, 0.0) / self.typical


@dataclass
class BudgetPrice:
    """Ask if V ĝ > Z b, where Z rises by what is asked for and falls by the budget β:
    Z ← max(Z + b - β Δt, 0) (Neely 2010, section 4.4: a virtual queue for an average constraint).

    β: share of the link that local images may have. It follows the bytes, not who waits.
    """

    budget: float  # β, seconds of the link per second
    deadline: float
    most: float
    typical: float
    spent: float = 0.0  # Z, seconds of the link
    before: float = 0.0  # when Z was as it is

    def decide(self, moment: Moment) -> Verdict:
        self.spent = max(self.spent - self.budget * (moment.now - self.before), 0.0)
        self.before = moment.now
        if moment.gain <= 0:
            return "sure"
        if moment.gain <= self.price(0.0) * moment.link_seconds:
            return "dear"
        self.spent += moment.link_seconds
        return "ask"

    def price(self, link_wait: float) -> float:
        return self.spent * self.most / (self.deadline * self.typical)


@dataclass(frozen=True)
class Entry:
    """A policy, for people and for those who make it."""

    name: str  # its key in POLICIES
    label: str  # for people, as at the start of a sentence
    formula: str  # plain text
    make: Callable[[Terms], Policy]
    needs_expectation: bool = False  # in the server: a file of what a second look adds


def known_of(terms: Terms) -> Expectation:
    """Return the expectation of the terms. Raises ValueError for terms without one."""
    if terms.expectation is None:
        raise ValueError("This policy needs a file of `python -m core.sharing fit`.")
    return terms.expectation


def _backlog(terms: Terms) -> Policy:
    known = known_of(terms)
    typical = known.crop_bytes / terms.rate + known.work_seconds
    return BacklogPrice(terms.deadline / 3, known.most, typical)


def _byte_budget(terms: Terms) -> Policy:
    known = known_of(terms)
    return BudgetPrice(terms.crop_load, terms.deadline, known.most, known.crop_bytes / terms.rate)


POLICIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("never", "First answers only", "never", lambda terms: Threshold(float("inf"))),
        Entry("always", "Always ask", "always", lambda terms: Threshold(float("-inf"))),
        Entry("random", "At random", "with probability p", lambda terms: Random(terms.share)),
        Entry("fixed", "Fixed η", "u ≥ η", lambda terms: Threshold(terms.eta)),
        Entry("skip_late", "Fixed η, skip if late", "u ≥ η and in time",
              lambda terms: SkipIfLate(terms.eta)),
        Entry("byte_budget", "Price of a byte budget", "V ĝ > Z b", _byte_budget, True),
        Entry("backlog", "Price of the backlog", "V ĝ > Q² b and in time", _backlog, True),
    )
}  # fmt: skip
